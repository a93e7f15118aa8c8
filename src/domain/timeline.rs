//! The entries of one verification's history.

use jiff::Timestamp;

use super::{CallResult, Channel, Evidence, Outcome, RefusalReason};

/// One entry. Never changed, never removed before retention.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Counts from 1 within its verification.
    pub number: u32,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub kind: EntryKind,
}

/// What happened. `attempt` counts from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// The app asked.
    Requested,
    /// The intent to call was stored; the provider is asked next.
    CallRequested {
        /// The attempt.
        attempt: u8,
    },
    /// The provider accepted the call.
    CallAccepted {
        /// The attempt.
        attempt: u8,
    },
    /// The provider did not place the call.
    CallRefused {
        /// The attempt.
        attempt: u8,
        /// Why.
        reason: RefusalReason,
    },
    /// The call may have been placed; it is not repeated.
    CallUnknown {
        /// The attempt.
        attempt: u8,
    },
    /// The phone rang.
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
        /// How.
        result: CallResult,
    },
    /// Another call with this number ended.
    OtherCallEnded {
        /// The attempt.
        attempt: u8,
        /// How.
        result: CallResult,
    },
    /// The call ended, and the keys were reported.
    KeyReported {
        /// The attempt.
        attempt: u8,
        /// How the call ended.
        result: CallResult,
        /// The keys; empty when none was pressed.
        pressed: Box<str>,
        /// What was checked of the notification.
        evidence: Evidence,
    },
    /// A report contradicted the one that decided.
    Disputed {
        /// The attempt.
        attempt: u8,
        /// The keys of the contradicting report.
        pressed: Box<str>,
    },
    /// The verification ended.
    Concluded {
        /// How.
        outcome: Outcome,
    },
    /// The app redeemed it.
    Redeemed,
    /// The intent to send a code was stored; the provider is asked next.
    CodeRequested {
        /// The attempt.
        attempt: u8,
        /// How it travels.
        channel: Channel,
    },
    /// The provider took the code.
    CodeAccepted {
        /// The attempt.
        attempt: u8,
    },
    /// The provider did not send the code.
    CodeRefused {
        /// The attempt.
        attempt: u8,
        /// Why.
        reason: RefusalReason,
    },
    /// The code may have been sent; that is not repeated.
    CodeUnknown {
        /// The attempt.
        attempt: u8,
    },
    /// A code was checked.
    CodeChecked {
        /// Whether it was right.
        correct: bool,
    },
    /// The app asked for the next step.
    NextAsked,
}

impl EntryKind {
    /// The word used in the API and for server-sent events.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::CallRequested { .. } => "call_requested",
            Self::CallAccepted { .. } => "call_accepted",
            Self::CallRefused { .. } => "call_refused",
            Self::CallUnknown { .. } => "call_unknown",
            Self::Ringing { .. } => "ringing",
            Self::Answered { .. } => "answered",
            Self::CallEnded { .. } => "call_ended",
            Self::OtherCallEnded { .. } => "other_call_ended",
            Self::KeyReported { .. } => "key_reported",
            Self::Disputed { .. } => "disputed",
            Self::Concluded { .. } => "concluded",
            Self::Redeemed => "redeemed",
            Self::CodeRequested { .. } => "code_requested",
            Self::CodeAccepted { .. } => "code_accepted",
            Self::CodeRefused { .. } => "code_refused",
            Self::CodeUnknown { .. } => "code_unknown",
            Self::CodeChecked { .. } => "code_checked",
            Self::NextAsked => "next_asked",
        }
    }
}
