//! The one function that decides.
//!
//! Total and pure: an event that does not apply is an answer, not an error,
//! since providers repeat, delay and reorder.

use jiff::Timestamp;

use super::draft::Draft;
use super::{CallEnd, CallResult, Entry, KeyReport, Outcome, RefusalReason, Timing, Verification};

/// What happened to a verification, or was asked of it. `attempt` counts from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The provider accepted an attempt.
    Accepted {
        /// The attempt.
        attempt: u8,
    },
    /// The provider did not place an attempt, and surely did not.
    Refused {
        /// The attempt.
        attempt: u8,
        /// Why.
        reason: RefusalReason,
    },
    /// An attempt may have reached the provider.
    Unknown {
        /// The attempt.
        attempt: u8,
    },
    /// The phone rings.
    Ringing {
        /// The attempt.
        attempt: u8,
    },
    /// The call was answered.
    Answered {
        /// The attempt.
        attempt: u8,
    },
    /// The call ended, without a word about keys.
    CallEnded {
        /// The attempt.
        attempt: u8,
        /// How and when.
        end: CallEnd,
    },
    /// Another call with the number ended.
    OtherCallEnded {
        /// The attempt.
        attempt: u8,
        /// How.
        result: CallResult,
    },
    /// The call ended, and the keys were reported by a notification that passed every required check.
    KeyReported {
        /// The attempt.
        attempt: u8,
        /// The report.
        report: KeyReport,
    },
    /// The provider took a code that it makes and checks itself.
    AcceptedAs {
        /// The attempt.
        attempt: u8,
        /// By what the provider knows it.
        request: Box<str>,
    },
    /// The step that is due may begin: a place in the provider's limit is reserved for it.
    StepDue,
    /// There is no room for the step that is due, or for the one asked for.
    NoRoom {
        /// When it is looked for again.
        until: Timestamp,
    },
    /// The app asks for the next step, for which a place is reserved.
    NextAsked,
    /// A code was compared with the one that counts.
    CodeChecked {
        /// Whether it was the same.
        correct: bool,
        /// What was typed, sealed; kept only where the rules say so.
        typed: Option<Box<[u8]>>,
    },
    /// A test number's script says how it ends.
    Scripted(Outcome),
    /// The provider is about to be asked whether a code is right.
    CheckBegun,
    /// What came of asking it.
    CheckAnswered(ProviderCheck),
    /// The app takes the verification back.
    CancelAsked,
    /// Nothing but time.
    TimePassed,
}

/// What came of asking the provider whether a code is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderCheck {
    /// It is.
    Right,
    /// It is not.
    Wrong,
    /// It was surely not asked, or knows the code no more: the check is given back.
    NotAsked,
    /// Nobody knows: the check is used up, since it may have been compared.
    Unknown,
}

/// What one event did to a verification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It has a new version.
    Moved {
        /// The new version.
        next: Box<Verification>,
        /// What is to be done once the version is stored.
        effects: Vec<Effect>,
        /// What the timeline gains.
        entries: Vec<Entry>,
    },
    /// It stays as it is.
    Ignored(Why),
}

/// What is to be done once a new version is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Count the outcome; whoever waits is answered.
    Conclude(Outcome),
    /// Carry out the attempt that was added, once and never again.
    Dispatch {
        /// The attempt.
        attempt: u8,
    },
    /// Raise the alarm that a report contradicts an earlier one.
    AlarmDisputed,
    /// Raise the alarm that money or a limit at the provider stopped a call.
    AlarmProviderRefused,
}

/// Why an event changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The verification has ended.
    Final,
    /// The same was known.
    Repeated,
    /// Nothing is due yet.
    NotDue,
    /// There is no such attempt.
    NoSuchAttempt,
    /// No code of it can be checked, or no check is left.
    NoCheck,
    /// It is no test.
    NoTest,
}

impl Verification {
    /// Lets an event happen at `now`. What time alone had to change by then
    /// happens first, so that a late worker decides nothing.
    #[must_use]
    pub fn apply(&self, event: Event, now: Timestamp, timing: &Timing) -> Applied {
        let mut draft = Draft::of(self, now, timing);
        draft.pass_time();
        let ignored = draft.happen(event).err();
        match ignored {
            Some(why) if !draft.changed => Applied::Ignored(why),
            _ => draft.finish(),
        }
    }
}
