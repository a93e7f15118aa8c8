//! Admission: a verification, its claims and its idempotency key, or none of them.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::change::{insert, remind};
use super::columns::{Failure, column, first, id, nanoseconds, verification};
use super::writer::Work;
use super::{deliveries, guard};
use crate::domain::{Attempt, Refusal, Status, Timing, Verification};
use crate::store::change::JournalRow;
use crate::store::guard::Decision;
use crate::store::kept;
use crate::store::look_ups::KeyedClaim;
use crate::store::record::{channel_bit, outcome_code, pack, status_code};
use crate::store::{IdempotencyKey, Start, Started};

/// A start on its way through the writer.
pub(super) struct Starting {
    /// Without its claims, which are below.
    pub(super) start: Start,
    pub(super) to: i64,
    pub(super) claims: Vec<KeyedClaim>,
    pub(super) now: Timestamp,
    pub(super) timing: Timing,
}

/// What a start came to.
pub(super) enum Admitted {
    Stored(Box<[u8]>, Vec<Refusal>),
    Not(Box<Started>),
}

impl Work for Starting {
    type Done = Admitted;
    type Answer = Started;

    /// Every check comes before the first write, but for the count of what is refused.
    fn run(&mut self, on: &Connection) -> Result<Admitted, Failure> {
        if let Some(answer) = self.replayed(on)? {
            return Ok(Admitted::Not(Box::new(answer)));
        }
        if let Some(running) = self.running(on)? {
            return Ok(Admitted::Not(Box::new(running)));
        }
        let (written, noted) = match guard::judge(on, &self.start.admission, self.now)? {
            Decision::Admitted { written, noted } => (written, noted),
            Decision::Refused { refusal, noted, blocked, written } => {
                guard::refuse(on, &noted, &blocked, &written)?;
                return Ok(Admitted::Not(Box::new(Started::Refused { refusal, noted, blocked })));
            }
        };
        let held = held(on, &self.claims, &self.timing)?;
        if let Some(until) = held.until.filter(|until| *until > self.now) {
            return Ok(Admitted::Not(Box::new(Started::ClaimHeld { until })));
        }
        guard::write(on, &written)?;
        guard::note(on, &noted)?;
        let verification = &mut self.start.verification;
        if let Some(attempt) = verification.attempts.last_mut() {
            attempt.earlier_call_start = attempt.earlier_call_start.max(held.last_call_start);
        }
        let packed = pack(verification);
        let journaled = JournalRow::of(verification.id, &self.start.entries, None)
            .map(|row| insert(on, &row, None))
            .transpose()?
            .flatten();
        insert_verification(on, verification, self.to, &packed, journaled, &self.timing)?;
        insert_claims(on, verification, &self.claims)?;
        if self.start.alone {
            let sql = "INSERT OR REPLACE INTO alone (to_number, verification_id) VALUES (?1, ?2)";
            on.prepare_cached(sql)?.execute(params![self.to, verification.id.as_bytes()])?;
        }
        if let Some(key) = &self.start.idempotency {
            remember(on, verification, key, self.now)?;
        }
        deliveries::insert(on, &self.start.deliveries)?;
        Ok(Admitted::Stored(packed, noted))
    }

    fn answer(self, admitted: Admitted) -> Started {
        match admitted {
            Admitted::Stored(packed, noted) => {
                Started::Stored { verification: self.start.verification, packed, noted }
            }
            Admitted::Not(answer) => *answer,
        }
    }
}

impl Starting {
    /// The verification that has the number to itself, if this one wants that too.
    fn running(&self, on: &Connection) -> Result<Option<Started>, Failure> {
        if !self.start.alone {
            return Ok(None);
        }
        let sql = "SELECT record FROM alone \
                   JOIN verifications ON verifications.id = alone.verification_id \
                   WHERE alone.to_number = ?1";
        let other = first(on, sql, params![self.to], verification)?;
        // Its time may be over though no worker has said so yet.
        let runs =
            |other: &Verification| other.status() == Status::Pending && other.expires_at > self.now;
        Ok(other.filter(runs).map(|other| Started::Running { id: other.id, app: other.app }))
    }

    /// The answer, if the idempotency key is known.
    fn replayed(&self, on: &Connection) -> Result<Option<Started>, Failure> {
        let Some(key) = &self.start.idempotency else { return Ok(None) };
        let sql = "SELECT fingerprint, verification_id FROM idempotency \
                   WHERE app = ?1 AND key = ?2 AND created_at > ?3";
        let kept_since = kept::before(self.now, kept::IDEMPOTENCY);
        let parameters = params![self.start.verification.app.as_str(), &*key.key, kept_since];
        first(on, sql, parameters, |row| {
            let fingerprint: [u8; 32] = column(row, "idempotency", "fingerprint")?;
            let known = id(row, "idempotency", "verification_id")?;
            let same = fingerprint == key.fingerprint;
            Ok(if same { Started::Replayed(known) } else { Started::KeyReused })
        })
    }
}

/// What the attempts that hold, or held, some claims say together.
#[derive(Default)]
pub(super) struct Held {
    pub(super) until: Option<Timestamp>,
    pub(super) last_call_start: Option<crate::domain::PbxTime>,
}

pub(super) fn held(
    on: &Connection,
    claims: &[KeyedClaim],
    timing: &Timing,
) -> Result<Held, Failure> {
    let sql = "SELECT attempt, record FROM claims \
               JOIN verifications ON verifications.id = claims.verification_id \
               WHERE account = ?1 AND form = ?2";
    let mut held = Held::default();
    for claim in claims {
        let attempt = first(on, sql, params![claim.account.as_str(), claim.form], |row| {
            let index: u8 = column(row, "claims", "attempt")?;
            let mut attempts = verification(row)?.attempts;
            let attempt = attempts.drain(..).nth(usize::from(index));
            Ok(attempt)
        })?;
        if let Some(attempt) = attempt.flatten() {
            held.until = held.until.max(Some(attempt.claims_held_until(timing)));
            held.last_call_start = held.last_call_start.max(attempt.last_call_start());
        }
    }
    Ok(held)
}

fn insert_verification(
    on: &Connection,
    verification: &Verification,
    to: i64,
    packed: &[u8],
    journaled: Option<i64>,
    timing: &Timing,
) -> Result<(), Failure> {
    let due_at = verification.due_at(timing);
    let sql = "INSERT INTO verifications (id, version, app, to_number, reference, status, outcome, \
               created_at, due_at, journaled, record, channels) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
    on.prepare_cached(sql)?.execute(params![
        verification.id.as_bytes(),
        verification.version,
        verification.app.as_str(),
        to,
        verification.reference.as_deref(),
        status_code(verification.status()),
        verification.conclusion().map(|end| outcome_code(end.outcome)),
        nanoseconds(verification.created_at),
        due_at.map(nanoseconds),
        journaled,
        packed,
        verification.plan.iter().fold(0, |bits, step| bits | channel_bit(step.channel())),
    ])?;
    remind(on, verification.id, due_at)
}

/// Overwrites claims that are dead, as the caller has seen.
pub(super) fn insert_claims(
    on: &Connection,
    verification: &Verification,
    claims: &[KeyedClaim],
) -> Result<(), Failure> {
    let attempt = verification.attempts.last().map_or(0, |attempt: &Attempt| attempt.index);
    let sql = "INSERT OR REPLACE INTO claims (account, form, verification_id, attempt) \
               VALUES (?1, ?2, ?3, ?4)";
    let mut statement = on.prepare_cached(sql)?;
    for claim in claims {
        let parameters =
            params![claim.account.as_str(), claim.form, verification.id.as_bytes(), attempt];
        statement.execute(parameters)?;
    }
    Ok(())
}

fn remember(
    on: &Connection,
    verification: &Verification,
    key: &IdempotencyKey,
    now: Timestamp,
) -> Result<(), Failure> {
    let sql = "INSERT OR REPLACE INTO idempotency (app, key, fingerprint, verification_id, \
               created_at) VALUES (?1, ?2, ?3, ?4, ?5)";
    on.prepare_cached(sql)?.execute(params![
        verification.app.as_str(),
        &*key.key,
        key.fingerprint,
        verification.id.as_bytes(),
        nanoseconds(now),
    ])?;
    Ok(())
}

/// Stores verifications and claims unchecked.
pub(super) fn seed(
    on: &Connection,
    verifications: &[(Verification, i64, Vec<KeyedClaim>)],
    timing: &Timing,
) -> Result<(), Failure> {
    for (verification, to, claims) in verifications {
        insert_verification(on, verification, *to, &pack(verification), None, timing)?;
        insert_claims(on, verification, claims)?;
    }
    Ok(())
}
