//! What was tried: each call and message with what was learned of it.

use maud::{Markup, html};

use crate::domain::{Attempt, Channel, Check, Dispatch, Evidence, Step, Verification};

use super::elements::{badge, channel, dash, level, plain, time_of_day};

/// Every attempt.
#[must_use]
pub fn all(verification: &Verification) -> Markup {
    html! {
        section.panel {
            h2 { "Attempts" }
            table.cards {
                thead { tr {
                    th.number { "#" } th { "Channel" } th { "Asked (UTC)" } th { "Provider" } th { "Rang" }
                    th { "Answered" } th { "Result" } th { "Pressed" } th { "Evidence" }
                } }
                tbody { @for one in &verification.attempts { (row(verification, one)) } }
            }
            @for report in verification.attempts.iter().filter_map(|one| one.key_report.as_ref()) {
                (evidence(report.evidence))
            }
        }
    }
}

fn row(verification: &Verification, attempt: &Attempt) -> Markup {
    let by = verification.step_of(attempt).map_or(Channel::CallButton, Step::channel);
    let report = attempt.key_report.as_ref();
    let result = report.map(|report| report.result).or(attempt.call_end.map(|end| end.result));
    html! {
        tr {
            td.number data-label="#" { (attempt.index.saturating_add(1)) }
            td data-label="Channel" { (channel(by)) }
            td data-label="Asked" { (time_of_day(attempt.intent_at)) }
            td data-label="Provider" { (dispatch(attempt.dispatch)) }
            td data-label="Rang" { @match attempt.ringing_at { Some(at) => (time_of_day(at)), None => (dash()) } }
            td data-label="Answered" { @match attempt.answered_at { Some(at) => (time_of_day(at)), None => (dash()) } }
            td data-label="Result" { @match result { Some(result) => (plain(result.as_str())), None => (dash()) } }
            td data-label="Pressed" {
                @match report {
                    Some(report) if report.pressed.is_empty() => span.muted { "no key" },
                    Some(report) => kbd { (report.pressed) },
                    None => (dash()),
                }
            }
            td data-label="Evidence" { @match report { Some(report) => (level(report.evidence.level())), None => (dash()) } }
        }
    }
}

fn dispatch(dispatch: Dispatch) -> Markup {
    match dispatch {
        Dispatch::Intended => badge("open", "being asked"),
        Dispatch::Accepted => badge("good", "accepted"),
        Dispatch::Unknown => badge("open", "unknown"),
        Dispatch::Refused { reason, .. } => html! {
            (badge("bad", "refused")) " " (plain(reason.as_str()))
        },
    }
}

/// What held of a report and what did not, so that nobody trusts it further than it goes.
fn evidence(evidence: Evidence) -> Markup {
    let required = Check::ALL.into_iter().filter(|check| match check {
        // One of the two signatures, and only in a rotation the second.
        Check::PreviousSecret => evidence.has(*check),
        Check::Signature => !evidence.has(Check::PreviousSecret),
        Check::Token
        | Check::Source
        | Check::Freshness
        | Check::SignedNumber
        | Check::SignedDirection
        | Check::RandomKey => true,
    });
    html! {
        div.evidence {
            h3 { "What was checked of the report" }
            ul.checks {
                @for check in required {
                    @let held = evidence.has(check);
                    li class=(if held { "held" } else { "missing" }) {
                        (what(check)) span.muted { (if held { " – held" } else { " – not so" }) }
                    }
                }
            }
            p.hint { "The pressed key itself is never signed by the provider, whatever the level." }
        }
    }
}

const fn what(check: Check) -> &'static str {
    match check {
        Check::Token => "came to the secret address",
        Check::Signature => "signed with the account's secret",
        Check::PreviousSecret => "signed with the previous secret",
        Check::Source => "sent from a required address",
        Check::Freshness => "of a call within the window",
        Check::SignedNumber => "number in a signed field",
        Check::SignedDirection => "direction in signed fields",
        Check::RandomKey => "key drawn at random",
    }
}
