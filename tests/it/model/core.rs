//! The product's own core, made small enough to be counted: each version of a
//! verification gets a number, and each transition is asked for once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use ringproof::domain::{
    Applied, Button, By, CallResult, CodeBy, CodeRules, CodeSource, CodeStep, Codes, Dispatch,
    Effect, Event, Evidence, Key, KeyReport, Name, Outcome, PbxTime, PhoneNumber, RefusalReason,
    Sounds, State, Status, Step, Timing, Verification, VerificationId,
};
use ringproof::store::record;

use super::replicas::{Attempted, Pressed};

/// The instants at which anything happens, in seconds: the start; a dispatch lease
/// has ended; the wait for a result is over, and a result's claims are free; a silent
/// call's claims are free; all is over for a call begun then.
pub const INSTANTS: [i64; 5] = [0, 20, 185, 700, 1010];

/// How long a dispatch lease holds, in seconds.
const LEASE: i64 = 15;

/// One version of a verification.
pub type Version = u16;

/// What the product says that an event comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    pub next: Version,
    pub concluded: Option<Outcome>,
}

/// Numbers for versions, and what has been asked of the product already.
#[derive(Default)]
pub struct Core {
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    numbers: HashMap<Box<[u8]>, Version>,
    versions: Vec<Arc<Verification>>,
    moves: HashMap<(Version, Attempted, u8), Option<Moved>>,
}

impl Core {
    /// A verification as its start stores it; the second step of the first one's plan
    /// is a code, so that a refused call does not end it.
    pub fn begin(&self, which: usize, now: u8, earlier: Option<PbxTime>) -> Version {
        let (mut begun, _) = asked(which, now).begin(at(now));
        begun.attempts[0].earlier_call_start = earlier;
        self.known.lock().unwrap().number(begun)
    }

    pub fn version(&self, version: Version) -> Arc<Verification> {
        Arc::clone(&self.known.lock().unwrap().versions[usize::from(version)])
    }

    /// `Verification::apply`; `None` if it ignores the event.
    pub fn apply(&self, version: Version, event: Attempted, now: u8) -> Option<Moved> {
        let mut known = self.known.lock().unwrap();
        if let Some(moved) = known.moves.get(&(version, event, now)) {
            return *moved;
        }
        let applied = known.versions[usize::from(version)].apply(
            event_of(event, now),
            at(now),
            &Timing::default(),
        );
        let moved = match applied {
            Applied::Ignored(_) => None,
            Applied::Moved { next, effects, .. } => {
                let concluded = effects.iter().find_map(|effect| match effect {
                    Effect::Conclude(outcome) => Some(*outcome),
                    Effect::Dispatch { .. }
                    | Effect::AlarmDisputed
                    | Effect::AlarmProviderRefused => None,
                });
                Some(Moved { next: known.number(*next), concluded })
            }
        };
        known.moves.insert((version, event, now), moved);
        moved
    }

    /// How many different versions the product made.
    pub fn count(&self) -> usize {
        self.known.lock().unwrap().versions.len()
    }
}

impl Known {
    fn number(&mut self, verification: Verification) -> Version {
        let next = u16::try_from(self.versions.len()).unwrap();
        let number = *self.numbers.entry(record::pack(&verification)).or_insert(next);
        if number == next {
            self.versions.push(Arc::new(verification));
        }
        number
    }
}

/// Until when its claims hold, as a place in time that may lie between two instants.
pub fn claims_until(verification: &Verification) -> Timestamp {
    verification.attempts[0].claims_held_until(&Timing::default())
}

/// Whether its dispatch lease still holds, and it is still to be dialled.
pub fn may_dial(verification: &Verification, now: u8) -> bool {
    let waits = verification.attempts[0].dispatch == Dispatch::Intended;
    waits && verification.status() == Status::Pending && !lease_has_ended(verification, now)
}

pub fn lease_has_ended(verification: &Verification, now: u8) -> bool {
    let ends = verification.attempts[0].intent_at + SignedDuration::from_secs(LEASE);
    at(now) >= ends
}

/// Whether the rules of the intake let a result of a call that began at `call_start`
/// count for it: within its window, and later than any accepted before.
pub fn accepts(verification: &Verification, call_start: u8, received: u8) -> bool {
    let (attempt, timing) = (&verification.attempts[0], Timing::default());
    let began = at(call_start);
    let ended = attempt.key_report.as_ref().map_or(at(received), |report| report.at);
    let until = (attempt.intent_at + timing.call_lost_after)
        .min(ended.min(at(received)) + timing.clock_tolerance);
    let in_window = (attempt.intent_at - timing.clock_tolerance..=until).contains(&began);
    in_window && attempt.earlier_call_start.is_none_or(|earlier| pbx(call_start) > earlier)
}

pub fn at(instant: u8) -> Timestamp {
    Timestamp::constant(1_795_348_800 + INSTANTS[usize::from(instant)], 0)
}

fn pbx(instant: u8) -> PbxTime {
    PbxTime(at(instant).as_second())
}

fn event_of(event: Attempted, now: u8) -> Event {
    let attempt = 0;
    match event {
        Attempted::Accepted => Event::Accepted { attempt },
        Attempted::Refused => Event::Refused { attempt, reason: RefusalReason::Withdrawn },
        Attempted::Unknown => Event::Unknown { attempt },
        Attempted::Expire => Event::TimePassed,
        Attempted::Cancel => Event::CancelAsked,
        Attempted::Key { pressed, call_start } => {
            let keys = match pressed {
                Pressed::One => "1",
                Pressed::Nothing => "",
            };
            let report = KeyReport {
                at: at(now),
                result: CallResult::Answered,
                pressed: keys.into(),
                call_start: pbx(call_start),
                evidence: Evidence::default(),
            };
            Event::KeyReported { attempt, report }
        }
    }
}

fn asked(which: usize, now: u8) -> Verification {
    let account = Name::parse("main").unwrap();
    let sounds =
        Sounds::Given { greeting: "1".into(), confirmed: "2".into(), fallback: "3".into() };
    let button = Button { from: None, press: Key::ONE, random_key: false, refuse: None, sounds };
    let step = |by| Step { account: account.clone(), wait: None, skipped: false, by };
    let code = CodeStep {
        source: CodeSource::Own,
        new_code: false,
        language: None,
        by: CodeBy::Sms { template: None, sender: None },
    };
    let ladder = vec![step(By::Button(button)), step(By::Code(Box::new(code)))];
    let steps = if which == 0 { 2 } else { 1 };
    Verification {
        id: VerificationId::from_bytes([u8::try_from(which).unwrap() + 1; 16]),
        app: Name::parse("shop").unwrap(),
        to: PhoneNumber::parse("+380991234567").unwrap().into(),
        known_valid: true,
        reference: None,
        metadata: None,
        callback_url: None,
        created_at: at(now),
        expires_at: at(now) + SignedDuration::from_secs(300),
        plan: ladder.into_iter().take(steps).collect(),
        attempts: Vec::new(),
        state: State::Pending,
        version: 1,
        entries: 0,
        codes: (which == 0).then(|| Box::new(codes())),
        not_before: None,
        test: false,
        demanded: None,
    }
}

fn codes() -> Codes {
    Codes {
        seed: [0; 16],
        length: 6,
        sealed: None,
        generation: 0,
        checks_used: 0,
        checks_open: 0,
        checks_limit: 5,
        sends_limit: 3,
        rules: CodeRules::default(),
        newest_used: 0,
        typed: Vec::new(),
    }
}
