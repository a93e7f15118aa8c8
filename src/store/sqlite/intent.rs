//! A later step: the claims, what it counts and the new version, or none of them.

use jiff::Timestamp;
use rusqlite::Connection;

use super::columns::Failure;
use super::start::{held, insert_claims};
use super::writer::Work;
use super::{deliveries, guard};
use crate::domain::{Refusal, Timing};
use crate::store::guard::Decision;
use crate::store::look_ups::KeyedClaim;
use crate::store::{Change, Committed, Intended, Intent};

/// An intent on its way through the writer.
pub(super) struct Intending {
    /// Without its claims, which are below.
    pub(super) intent: Intent,
    pub(super) claims: Vec<KeyedClaim>,
    pub(super) now: Timestamp,
    pub(super) timing: Timing,
}

/// What an intent came to.
pub(super) enum Admitted {
    Stored(Change, Vec<Refusal>),
    Not(Intended),
}

impl Work for Intending {
    type Done = Admitted;
    type Answer = Intended;

    fn run(&mut self, on: &Connection) -> Result<Admitted, Failure> {
        let (written, noted) = match guard::judge(on, &self.intent.admission, self.now)? {
            Decision::Admitted { written, noted } => (written, noted),
            Decision::Refused { refusal, noted, blocked, written } => {
                guard::refuse(on, &noted, &blocked, &written)?;
                return Ok(Admitted::Not(Intended::Refused { refusal, noted, blocked }));
            }
        };
        let held = held(on, &self.claims, &self.timing)?;
        if let Some(until) = held.until.filter(|until| *until > self.now) {
            return Ok(Admitted::Not(Intended::ClaimHeld { until }));
        }
        if let Some(attempt) = self.intent.verification.attempts.last_mut() {
            attempt.earlier_call_start = attempt.earlier_call_start.max(held.last_call_start);
        }
        let Intent { verification, entries, deliveries, .. } = &self.intent;
        let mut change = Change::new(verification, &self.timing, entries, None);
        if !change.run(on)? {
            return Ok(Admitted::Not(Intended::Conflict));
        }
        guard::write(on, &written)?;
        guard::note(on, &noted)?;
        insert_claims(on, verification, &self.claims)?;
        deliveries::insert(on, deliveries)?;
        Ok(Admitted::Stored(change, noted))
    }

    fn answer(self, admitted: Admitted) -> Intended {
        match admitted {
            Admitted::Not(answer) => answer,
            Admitted::Stored(change, noted) => match change.answer(true) {
                Committed::Stored { packed } => {
                    Intended::Stored { verification: self.intent.verification, packed, noted }
                }
                Committed::Conflict => Intended::Conflict,
            },
        }
    }
}
