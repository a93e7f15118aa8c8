//! Notifications that were matched with a verification, with their bodies.

use maud::{Markup, html};

use crate::service::Notification;

use super::elements::{badge, instant};

/// Every one, oldest first.
#[must_use]
pub fn all(notifications: &[Notification]) -> Markup {
    html! {
        section.panel {
            h2 { "Notifications" }
            @if notifications.is_empty() {
                p.empty { "The provider has reported nothing of it yet. If that stays so, look at the account's notification URL and its toggles." }
            }
            @for one in notifications {
                details.notification {
                    summary {
                        (instant(one.received_at)) " " code { (one.event) } " " (verdict(&one.verdict))
                        span.muted { " account " (one.account) }
                    }
                    (body(one))
                }
            }
        }
    }
}

/// A verdict: what acted, and what was only kept.
#[must_use]
pub fn verdict(verdict: &str) -> Markup {
    badge(if verdict == "resolved" { "good" } else { "quiet" }, verdict)
}

/// The fields of the body as received, and its signature.
#[must_use]
pub fn body(notification: &Notification) -> Markup {
    let body = notification.body.as_deref();
    let fields: Vec<(String, String)> =
        body.and_then(|body| serde_urlencoded::from_bytes(body).ok()).unwrap_or_default();
    let signature = notification.signature.as_deref().map(String::from_utf8_lossy);
    html! {
        @if body.is_none() { p.empty { "Its body is not kept: it belongs to no verification." } }
        table.fields {
            tbody {
                @for (name, value) in &fields {
                    tr { th scope="row" { (name) } td.text { (value) } }
                }
                @if let Some(signature) = signature {
                    tr { th scope="row" { "Signature" } td.text { (signature) } }
                }
            }
        }
    }
}
