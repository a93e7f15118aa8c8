//! A notification: as received, what was made of it, and what would be made of it now.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use maud::{Markup, html};

use crate::intake::ReplayRefusal;
use crate::service::{Journaled, to_the_end};

use super::super::state::State;
use super::elements::{badge, dash, hidden_token, instant, or_dash, plain};
use super::form::Posted;
use super::operator::Operator;
use super::page::{self, Section};
use super::refused::Refused;

/// The notification at a place of the journal.
pub async fn page(
    operator: Operator,
    state: Data<State>,
    sequence: Path<String>,
) -> Result<HttpResponse, Refused> {
    let sequence = sequence_of(&sequence)?;
    let found = state.service.show_notification(sequence).await?.ok_or_else(not_found)?;
    let content = html! {
        nav.crumbs aria-label="Where you are" { a href="/console/notifications" { "Notifications" } }
        header.head {
            h1 { (found.notification.event) }
            p.state role="status" { (verdict(&found.notification.verdict)) @if found.replay_of.is_some() { " " (badge("open", "replay")) } }
            p.muted { (meaning(&found.notification.verdict)) }
        }
        (facts(&found))
        (content_of(&operator, &found))
    };
    Ok(page::of(&operator, Section::Notifications, "Notification", &content))
}

/// Sends a notification through the pipeline once more, which changes no verification.
pub async fn replay(
    state: Data<State>,
    sequence: Path<String>,
    posted: Posted,
) -> Result<HttpResponse, Refused> {
    let sequence = sequence_of(&sequence)?;
    let (intake, by) = (state.intake.clone(), posted.operator.actor());
    let work = async move { intake.replay(sequence, &by).await };
    let replay = to_the_end(state.service.background(), work).await.map_err(|why| match why {
        ReplayRefusal::NotFound => not_found(),
        ReplayRefusal::NotKept => Refused::unreadable("Its content was not kept, so it cannot be replayed."),
        ReplayRefusal::AccountRemoved => Refused::unreadable(
            "Its account is not in the configuration any more, and neither is the secret to check it with.",
        ),
        ReplayRefusal::Store(error) => Refused::store(&error),
    })?;
    Ok(page::see_other(&format!("/console/notifications/{}", replay.notification.sequence)))
}

fn sequence_of(text: &str) -> Result<i64, Refused> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number).ok_or_else(not_found)
}

fn not_found() -> Refused {
    Refused::not_found("There is no notification with this number, or its retention has ended.")
}

fn facts(found: &Journaled) -> Markup {
    let notification = &found.notification;
    html! {
        section.panel aria-label="Facts" {
            dl.facts {
                div { dt { "Received (UTC)" } dd { (instant(notification.received_at)) } }
                div { dt { "Account" } dd { (notification.account) } }
                div { dt { "Number" } dd { (or_dash(notification.masked.as_deref())) } }
                div.wide { dt { "Verification" } dd { @match found.verification {
                    Some(id) => a href={ "/console/verifications/" (id) } { code { (id) } }, None => (dash()) } } }
                @if let Some(first) = found.replay_of {
                    div { dt { "Replay of" } dd { a href={ "/console/notifications/" (first) } { "number " (first) } } }
                }
            }
        }
    }
}

fn content_of(operator: &Operator, found: &Journaled) -> Markup {
    let notification = &found.notification;
    html! {
        section.panel {
            h2 { "Content as received" }
            (body(found))
        }
        @if notification.body.is_some() {
            section.panel {
                h2 { "Replay" }
                p.lead { "Judge it once more, with what is known now, by when it was received. The replay is kept beside it with its own verdict; it changes no verification and can verify nobody." }
                form method="post" action={ "/console/notifications/" (notification.sequence) "/replay" } {
                    (hidden_token(&operator.session))
                    button.primary #replay { "Replay it" }
                }
            }
        }
    }
}

/// Those that were matched with one verification, oldest first.
#[must_use]
pub fn of_one(notifications: &[Journaled]) -> Markup {
    html! {
        section.panel {
            h2 { "Notifications" }
            @if notifications.is_empty() {
                p.empty { "The provider has reported nothing of it. If that stays so for calls, look at the account's notification URL and its toggles." }
            }
            @for one in notifications {
                details.notification {
                    summary {
                        (instant(one.notification.received_at)) " " code { (one.notification.event) } " "
                        (verdict(&one.notification.verdict))
                        span.muted { " account " (one.notification.account) }
                    }
                    (body(one))
                    p.hint { a href={ "/console/notifications/" (one.notification.sequence) } { "Open, or replay it" } }
                }
            }
        }
    }
}

/// What was made of a notification.
#[must_use]
pub fn verdict(verdict: &str) -> Markup {
    let tone = match verdict {
        "accepted" => "good",
        "progress" | "hint" | "not_a_result" | "unknown_event" | "no_match" => "quiet",
        "near_miss" | "outside_window" | "stale_call_start" | "weak_evidence" | "ambiguous" => {
            "open"
        }
        _ => "bad",
    };
    badge(tone, verdict)
}

/// What a verdict means, for who reads it the first time.
#[must_use]
pub fn meaning(verdict: &str) -> String {
    match verdict {
        "accepted" => "A result of a call that a verification started.",
        "progress" => "The phone rang, or the call was answered.",
        "hint" => "The end of another call with the number; used only when nothing better comes.",
        "not_a_result" => "It carries no result.",
        "ambiguous" => "Its signed fields can be read in two ways, so it changed nothing.",
        "not_outgoing" => "The PBX did not place this call, so it cannot be a verification's.",
        "foreign_did" => "Somebody phoned one of our numbers; that confirms nothing.",
        "no_number" => "Its signed field holds no number.",
        "no_match" => "No verification in flight has this number: another call of the PBX.",
        "near_miss" => "Only the number's ending is that of a verification in flight. It changed nothing; look at how the PBX writes numbers.",
        "outside_window" => "The call began outside the attempt's window, so it changed nothing.",
        "stale_call_start" => "The call began no later than one that was accepted before: a repeat.",
        "weak_evidence" => "The app demanded a proof that is better checked than this account's are now, so it changed nothing.",
        "unknown_event" => "An event that is not known here.",
        "malformed" => "It cannot be read in one way.",
        "bad_signature" => "Not signed with the account's secret.",
        "bad_source" => "Not from a listed address.",
        other => return format!("It was {}.", plain(other)),
    }
    .to_owned()
}

/// The fields of the body as received. The signature is not shown.
fn body(found: &Journaled) -> Markup {
    let body = found.notification.body.as_deref();
    let fields: Vec<(String, String)> =
        body.and_then(|body| serde_urlencoded::from_bytes(body).ok()).unwrap_or_default();
    html! {
        @match body {
            None => p.empty { "Not kept: it belongs to no verification, and the PBX's other calls are none of our business." },
            Some(body) if fields.is_empty() => pre tabindex="0" { (String::from_utf8_lossy(body)) },
            Some(_) => table.fields { tbody {
                @for (name, value) in &fields { tr { th scope="row" { (name) } td.text { (value) } } }
            } },
        }
    }
}
