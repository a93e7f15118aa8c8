//! Small numbers for the domain's closed sets. A number, once given, is never
//! given again.

use super::Unreadable;
use crate::domain::{CallResult, Channel, Outcome, RefusalReason, Status};

pub(in crate::store) const fn status_code(status: Status) -> u8 {
    match status {
        Status::Pending => 0,
        Status::Verified => 1,
        Status::Failed => 2,
        Status::Expired => 3,
        Status::Canceled => 4,
    }
}

pub(in crate::store) const fn outcome_code(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Confirmed => 0,
        Outcome::WrongKey => 1,
        Outcome::NoKey => 2,
        Outcome::NoAnswer => 3,
        Outcome::Busy => 4,
        Outcome::Rejected => 5,
        Outcome::Unreachable => 6,
        Outcome::ProviderRefused => 7,
        Outcome::ProviderLost => 8,
        Outcome::Expired => 9,
        Outcome::Canceled => 10,
        Outcome::CodeCorrect => 11,
        Outcome::TooManyChecks => 12,
        Outcome::NotMe => 13,
    }
}

pub(super) fn outcome(code: u8) -> Result<Outcome, Unreadable> {
    decode(&Outcome::ALL, outcome_code, code).ok_or(Unreadable("its outcome is unknown"))
}

pub(super) const fn result_code(result: CallResult) -> u8 {
    match result {
        CallResult::Answered => 0,
        CallResult::Busy => 1,
        CallResult::NoAnswer => 2,
        CallResult::Rejected => 3,
        CallResult::Unreachable => 4,
        CallResult::ProviderRefused => 5,
        CallResult::Other => 6,
    }
}

pub(super) fn result(code: u8) -> Result<CallResult, Unreadable> {
    decode(&CallResult::ALL, result_code, code).ok_or(Unreadable("a call's result is unknown"))
}

pub(super) const fn reason_code(reason: RefusalReason) -> u8 {
    match reason {
        RefusalReason::Refused => 0,
        RefusalReason::RateLimited => 1,
        RefusalReason::Unauthorized => 2,
        RefusalReason::Unreachable => 3,
        RefusalReason::Withdrawn => 4,
    }
}

pub(super) fn reason(code: u8) -> Result<RefusalReason, Unreadable> {
    decode(&RefusalReason::ALL, reason_code, code).ok_or(Unreadable("a refusal is unknown"))
}

pub(super) const fn channel_code(channel: Channel) -> u8 {
    match channel {
        Channel::CallButton => 0,
        Channel::CallCode => 1,
        Channel::Sms => 2,
        Channel::Email => 3,
    }
}

/// A channel's place in a set of them.
pub(in crate::store) const fn channel_bit(channel: Channel) -> u8 {
    1 << channel_code(channel)
}

pub(super) fn channel(code: u8) -> Result<Channel, Unreadable> {
    decode(&Channel::ALL, channel_code, code).ok_or(Unreadable("a channel is unknown"))
}

fn decode<T: Copy>(all: &[T], encode: fn(T) -> u8, code: u8) -> Option<T> {
    all.iter().copied().find(|value| encode(*value) == code)
}
