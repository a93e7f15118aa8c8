//! The rules that protect a result, each a pure function that says why a
//! notification must not be believed, or nothing.
//!
//! There is no switch for any of them: it would itself be a hole. The test
//! beside leaves out one at a time and shows whom that lets in.

use jiff::Timestamp;

use crate::domain::{Attempt, PbxTime, Timing};
use crate::service::{Facts, Found};
use crate::zadarma::notification::{CallEvent, CallNotification, parse_call_start};

use super::{Policy, Verdict};

/// One authentic call notification and what it is held against.
pub(super) struct Case<'a> {
    pub(super) call: &'a CallNotification<'a>,
    /// Whether its signed field holds a number at all.
    pub(super) has_number: bool,
    /// What claims that number.
    pub(super) found: Found,
    pub(super) policy: &'a Policy,
    pub(super) facts: &'a Facts,
    pub(super) received_at: Timestamp,
    pub(super) timing: &'a Timing,
}

/// A rule on the notification alone.
pub(super) type FormRule = fn(&Case<'_>) -> Option<Verdict>;
/// A rule on the notification and the attempt whose number it names.
pub(super) type AttemptRule = fn(&Case<'_>, &Attempt) -> Option<Verdict>;

/// What every notification is held to, in this order.
pub(super) const FORM_RULES: [FormRule; 4] = [unshifted, outgoing, not_to_us, whole_number];
/// What a notification that names an attempt's number is held to, in this
/// order. Carrying a result comes last, so that progress has passed all others.
pub(super) const ATTEMPT_RULES: [AttemptRule; 3] = [in_window, later_than_earlier, carries_result];

pub(super) fn judge_form(case: &Case<'_>) -> Option<Verdict> {
    FORM_RULES.iter().find_map(|rule| rule(case))
}

pub(super) fn judge_attempt(case: &Case<'_>, attempt: &Attempt) -> Option<Verdict> {
    ATTEMPT_RULES.iter().find_map(|rule| rule(case, attempt))
}

/// Signed fields are joined without a separator, so none may have given digits
/// to its neighbour: a signed `internal` is empty or a listed extension, and
/// `call_start` has its one shape. (`caller_id` and `called_did` are kept apart
/// by [`not_to_us`].)
pub(super) fn unshifted(case: &Case<'_>) -> Option<Verdict> {
    let shaped = parse_call_start(case.call.call_start).is_some();
    let internal = match case.call.event {
        CallEvent::OutStart | CallEvent::OutEnd => case.call.internal.unwrap_or_default(),
        CallEvent::Start
        | CallEvent::Internal
        | CallEvent::Answer
        | CallEvent::End
        | CallEvent::Ivr
        | CallEvent::InternalEnd => "",
    };
    // The full login of an extension ends in it: 499499-100.
    let extension = internal.rsplit_once('-').map_or(internal, |(_, extension)| extension);
    let listed =
        internal.is_empty() || case.facts.extensions.iter().any(|known| known == extension);
    if shaped && listed { None } else { Some(Verdict::Ambiguous) }
}

/// Only calls that the PBX placed count.
pub(super) fn outgoing(case: &Case<'_>) -> Option<Verdict> {
    if case.call.pbx_call_id.starts_with("out_") { None } else { Some(Verdict::NotOutgoing) }
}

/// Where the signed fields name the called side, it is not one of our numbers:
/// that would be somebody phoning us under the person's caller ID.
pub(super) fn not_to_us(case: &Case<'_>) -> Option<Verdict> {
    let ours = match case.call.event {
        CallEvent::Start
        | CallEvent::Internal
        | CallEvent::End
        | CallEvent::Ivr
        | CallEvent::InternalEnd => {
            let called_did = case.call.called_did.unwrap_or_default();
            case.policy.result_called_did.iter().any(|filler| filler == called_did)
        }
        CallEvent::Answer | CallEvent::OutStart | CallEvent::OutEnd => true,
    };
    if ours { None } else { Some(Verdict::ForeignDid) }
}

/// A number matches as a whole, in one of its written forms. A shared ending is
/// no match: +12125550123 and +13125550123 share nine digits.
pub(super) fn whole_number(case: &Case<'_>) -> Option<Verdict> {
    match case.found {
        Found::Exact(_) => None,
        Found::NearMiss(_) => Some(Verdict::NearMiss),
        Found::Nothing if case.has_number => Some(Verdict::NoMatch),
        Found::Nothing => Some(Verdict::NoNumber),
    }
}

/// The call began within the attempt's window, on the provider's clock, and
/// before it was reported to have ended: neither after this notification was
/// received, nor after the attempt's result was.
pub(super) fn in_window(case: &Case<'_>, attempt: &Attempt) -> Option<Verdict> {
    let Some(call_start) = call_start(case) else { return Some(Verdict::Ambiguous) };
    let intent = attempt.intent_at.as_second();
    let from = intent - case.timing.clock_tolerance.as_secs();
    let lost = intent + case.timing.call_lost_after.as_secs();
    let reported_at = attempt.key_report.as_ref().map(|report| report.at);
    let until = if reported_at.is_none() && case.received_at.as_second() < from {
        // Our clock was stepped back since the intent, so it cannot say what was too early.
        lost
    } else {
        let ended = reported_at.unwrap_or(case.received_at).min(case.received_at).as_second();
        lost.min(ended + case.timing.clock_tolerance.as_secs())
    };
    let mut instants = case.facts.offsets.instants(call_start, case.received_at);
    if instants.any(|instant| (from..=until).contains(&instant)) {
        None
    } else {
        Some(Verdict::OutsideWindow)
    }
}

/// The call began later than any that was accepted for an earlier attempt with
/// these claims, so that no signed text is ever accepted for two attempts.
pub(super) fn later_than_earlier(case: &Case<'_>, attempt: &Attempt) -> Option<Verdict> {
    let call_start = call_start(case)?;
    match attempt.earlier_call_start {
        Some(earlier) if call_start <= earlier => Some(Verdict::StaleCallStart),
        _ => None,
    }
}

/// Only the events of a call's end carry results. The signature does not cover
/// the event's name, and one call's events share one signature.
pub(super) fn carries_result(case: &Case<'_>, _: &Attempt) -> Option<Verdict> {
    match case.call.event {
        CallEvent::End | CallEvent::OutEnd => None,
        CallEvent::Start
        | CallEvent::Internal
        | CallEvent::Answer
        | CallEvent::OutStart
        | CallEvent::Ivr
        | CallEvent::InternalEnd => Some(Verdict::NotAResult),
    }
}

pub(super) fn call_start(case: &Case<'_>) -> Option<PbxTime> {
    let civil = parse_call_start(case.call.call_start)?;
    let utc = jiff::tz::Offset::UTC.to_timestamp(civil).ok()?;
    Some(PbxTime(utc.as_second()))
}
