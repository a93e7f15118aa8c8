//! One dispatch of one step to a provider.

use jiff::{SignedDuration, Timestamp};

use super::{CallResult, Evidence, Key, Outcome, PbxTime, RefusalReason, Timing};

/// One call, or one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Counts from 0 within its verification.
    pub index: u8,
    /// The step of the plan that it carries out.
    pub step: u8,
    /// When the intent to dispatch it was stored; the attempt is in flight from then on.
    pub intent_at: Timestamp,
    /// What the person is asked for.
    pub asks: Asks,
    /// What became of the dispatch.
    pub dispatch: Dispatch,
    /// When the phone was first reported to ring.
    pub ringing_at: Option<Timestamp>,
    /// When the call was first reported to be answered.
    pub answered_at: Option<Timestamp>,
    /// An end of the call that was reported without a key.
    pub call_end: Option<CallEnd>,
    /// An end of some other call with the number, used only when nothing better comes.
    pub hint: Option<CallResult>,
    /// The first report that says which key was pressed, or that none was.
    pub key_report: Option<KeyReport>,
    /// The latest `call_start` accepted for an earlier attempt that held one of this one's claims.
    pub earlier_call_start: Option<PbxTime>,
    /// By what the provider knows the code that it made and checks.
    pub request: Option<Box<str>>,
}

/// What a person is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks {
    /// To press this key.
    Key(Key),
    /// To enter the code of this generation.
    Code(u8),
}

impl Asks {
    /// Whether it is for a code.
    #[must_use]
    pub const fn is_code(self) -> bool {
        matches!(self, Self::Code(_))
    }
}

/// What is known of a dispatch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dispatch {
    /// The intent is stored; the provider has not answered.
    Intended,
    /// The provider accepted it.
    Accepted,
    /// The provider did not place it, and surely did not.
    Refused {
        /// When that was known.
        at: Timestamp,
        /// Why.
        reason: RefusalReason,
    },
    /// It may have reached the provider. Never repeated.
    Unknown,
}

/// An end of the call, reported without a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallEnd {
    /// When the report was received.
    pub at: Timestamp,
    /// How the call ended.
    pub result: CallResult,
    /// The call's start on the PBX's clock, as signed.
    pub call_start: PbxTime,
}

/// A report that says which key was pressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyReport {
    /// When the report was received.
    pub at: Timestamp,
    /// How the call ended.
    pub result: CallResult,
    /// The keys as reported; empty when none was pressed.
    pub pressed: Box<str>,
    /// The call's start on the PBX's clock, as signed; that of its latest leg.
    pub call_start: PbxTime,
    /// What was checked of the notification.
    pub evidence: Evidence,
}

impl KeyReport {
    /// What it comes to when `asked` was to be pressed, or `refuse` never to be called again.
    #[must_use]
    pub fn outcome(&self, asked: Key, refuse: Option<Key>) -> Outcome {
        match self.result {
            CallResult::Answered if asked.is_exactly(&self.pressed) => Outcome::Confirmed,
            CallResult::Answered
                if refuse.is_some_and(|refuse| refuse.is_exactly(&self.pressed)) =>
            {
                Outcome::NotMe
            }
            CallResult::Answered if self.pressed.is_empty() => Outcome::NoKey,
            CallResult::Answered => Outcome::WrongKey,
            CallResult::Busy
            | CallResult::NoAnswer
            | CallResult::Rejected
            | CallResult::Unreachable
            | CallResult::ProviderRefused
            | CallResult::Other => self.result.outcome_without_key(),
        }
    }
}

impl Attempt {
    /// A new attempt whose intent is about to be stored.
    #[must_use]
    pub const fn intended(index: u8, step: u8, asks: Asks, intent_at: Timestamp) -> Self {
        Self {
            index,
            step,
            intent_at,
            asks,
            dispatch: Dispatch::Intended,
            ringing_at: None,
            answered_at: None,
            call_end: None,
            hint: None,
            key_report: None,
            earlier_call_start: None,
            request: None,
        }
    }

    /// Until when its claims hold. A claim outlives its verification, since
    /// ending that does not hang up the phone: twice `clock_tolerance` after the
    /// call's result, or once after `call_lost_after` when no result comes, so
    /// that no `call_start` of this attempt's window can lie in a later one's.
    #[must_use]
    pub fn claims_held_until(&self, timing: &Timing) -> Timestamp {
        if self.asks.is_code() {
            // Nothing but its own code can prove it, so it claims nothing.
            return self.intent_at;
        }
        if let Dispatch::Refused { at, .. } = self.dispatch {
            return at;
        }
        let result_at = match (&self.key_report, &self.call_end) {
            (Some(report), _) => report.at,
            (None, Some(end)) => end.at,
            (None, None) => {
                let lost = later(self.intent_at, timing.call_lost_after);
                return later(lost, timing.clock_tolerance);
            }
        };
        later(later(result_at, timing.clock_tolerance), timing.clock_tolerance)
    }

    /// The latest `call_start` that was accepted for this attempt or for an
    /// earlier one with its claims.
    #[must_use]
    pub fn last_call_start(&self) -> Option<PbxTime> {
        let report = self.key_report.as_ref().map(|report| report.call_start);
        let end = self.call_end.map(|end| end.call_start);
        report.max(end).max(self.earlier_call_start)
    }

    /// Whether it sends a code, and not surely to nobody: the provider took or may have
    /// taken it, and no call that was to say it ended unanswered.
    #[must_use]
    pub fn may_have_told_code(&self) -> bool {
        let refused = matches!(self.dispatch, Dispatch::Refused { .. });
        let unheard = self.call_end.is_some_and(|end| end.result.is_unanswered());
        self.asks.is_code() && !refused && !unheard
    }

    /// Whether it is a call of which nothing says yet that it is over.
    #[must_use]
    pub const fn is_unreported(&self) -> bool {
        !matches!(self.dispatch, Dispatch::Refused { .. })
            && self.call_end.is_none()
            && self.key_report.is_none()
    }

    /// When waiting for a result ends: `result_grace` after an end without key,
    /// otherwise `result_window` after the intent.
    #[must_use]
    pub fn gives_up_at(&self, timing: &Timing) -> Timestamp {
        let window = later(self.intent_at, timing.result_window);
        match self.call_end {
            Some(end) => later(end.at, timing.result_grace).min(window),
            None => window,
        }
    }
}

/// Adds a span of the configuration, which is bounded to days, to an instant of this era.
pub(super) fn later(at: Timestamp, span: SignedDuration) -> Timestamp {
    at.checked_add(span).unwrap_or(Timestamp::MAX)
}
