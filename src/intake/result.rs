//! What a notification that passed the rules says, in our words.

use crate::domain::{
    Attempt, CallEnd, CallResult, Channel, Check, Event, Evidence, KeyReport, PbxTime, Step,
    Verification,
};
use crate::zadarma::Disposition;
use crate::zadarma::notification::CallEvent;

use super::Verdict;
use super::rules::{Case, call_start};

/// Reported keys are kept up to this many characters; a key asked for has one.
const MOST_KEYS: usize = 16;
/// Q.931: the call was turned away.
const CAUSE_REJECTED: &str = "21";

/// The result of a call. With the field `callback_dtmf` it is a key result,
/// whatever the `calltype`; without it, it ends the attempt only if it is a call
/// of the provider's own callback, and is a hint otherwise.
pub(super) fn event(
    case: &Case<'_>,
    attempt: &Attempt,
    evidence: Evidence,
) -> (Verdict, Option<Event>) {
    let attempt = attempt.index;
    let at = case.received_at;
    let result = call_result(case);
    let call_start = call_start(case).unwrap_or(PbxTime(0));
    match case.call.callback_dtmf {
        Some(keys) => {
            let pressed = keys.chars().take(MOST_KEYS).collect::<String>().into();
            let report = KeyReport { at, result, pressed, call_start, evidence };
            (Verdict::Accepted, Some(Event::KeyReported { attempt, report }))
        }
        None if is_callback(case) => (
            Verdict::Accepted,
            Some(Event::CallEnded { attempt, end: CallEnd { at, result, call_start } }),
        ),
        None => (Verdict::Hint, Some(Event::OtherCallEnded { attempt, result })),
    }
}

/// Whether a notification can be of a step's call. A button call's result is told by
/// the key's field or by the `calltype`; the rest of what is told of a number while
/// both have been made is of the call that says a code.
pub(super) fn may_be_of(case: &Case<'_>, verification: &Verification, step: &Step) -> bool {
    let of_button = case.call.callback_dtmf.is_some() || is_callback(case);
    let has_button = || verification.plan.iter().any(|step| step.button().is_some());
    match step.channel() {
        Channel::CallButton => true,
        Channel::CallCode => !of_button || !has_button(),
        Channel::Sms | Channel::Email => false,
    }
}

/// The end of a call that says a code. It may be another call with the number, and
/// proves nothing; it only moves the plan on.
pub(super) fn spoken(case: &Case<'_>, attempt: &Attempt) -> (Verdict, Option<Event>) {
    let call_start = call_start(case).unwrap_or(PbxTime(0));
    let end = CallEnd { at: case.received_at, result: call_result(case), call_start };
    (Verdict::Hint, Some(Event::CallEnded { attempt: attempt.index, end }))
}

fn is_callback(case: &Case<'_>) -> bool {
    case.call.calltype.is_some_and(|calltype| calltype.starts_with("callback_"))
}

/// The phone rings, or the call was answered: for the timeline only.
pub(super) fn progress(case: &Case<'_>, attempt: &Attempt) -> (Verdict, Option<Event>) {
    let attempt = attempt.index;
    match case.call.event {
        CallEvent::Start | CallEvent::OutStart => {
            (Verdict::Progress, Some(Event::Ringing { attempt }))
        }
        CallEvent::Answer => (Verdict::Progress, Some(Event::Answered { attempt })),
        CallEvent::Internal
        | CallEvent::End
        | CallEvent::OutEnd
        | CallEvent::Ivr
        | CallEvent::InternalEnd => (Verdict::NotAResult, None),
    }
}

/// What was checked of a result that passed every rule: beside token, source
/// and signature also its age, and that number and direction were signed.
pub(super) const fn evidence(checked: Evidence, random_key: bool) -> Evidence {
    let checked =
        checked.with(Check::Freshness).with(Check::SignedNumber).with(Check::SignedDirection);
    if random_key { checked.with(Check::RandomKey) } else { checked }
}

fn call_result(case: &Case<'_>) -> CallResult {
    let rejected = case.call.status_code == Some(CAUSE_REJECTED);
    match Disposition::parse(case.call.disposition.unwrap_or_default()) {
        Disposition::Answered => CallResult::Answered,
        Disposition::Busy => CallResult::Busy,
        Disposition::Cancel | Disposition::NoAnswer if rejected => CallResult::Rejected,
        Disposition::Cancel | Disposition::NoAnswer => CallResult::NoAnswer,
        Disposition::Failed | Disposition::UnallocatedNumber => CallResult::Unreachable,
        Disposition::NoMoney
        | Disposition::NoLimit
        | Disposition::NoDayLimit
        | Disposition::LineLimit
        | Disposition::NoMoneyNoLimit => CallResult::ProviderRefused,
        Disposition::Unknown => CallResult::Other,
    }
}
