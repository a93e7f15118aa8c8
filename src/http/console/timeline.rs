//! A verification's history, oldest first.

use maud::{Markup, html};

use crate::domain::{Entry, EntryKind, Verification};

use super::elements::{channel, plain, span, time_of_day};

/// Every entry, with the time since the start.
#[must_use]
pub fn all(verification: &Verification, entries: &[Entry]) -> Markup {
    html! {
        section.panel {
            h2 { "Timeline" }
            ol.timeline {
                @for entry in entries {
                    li class=(tone(&entry.kind)) data-kind=(entry.kind.as_str()) {
                        span.when {
                            (time_of_day(entry.at))
                            " " span.muted { "+" (span(entry.at.duration_since(verification.created_at))) }
                        }
                        span.what { (what(&entry.kind)) }
                    }
                }
            }
        }
    }
}

/// The colour of an entry that stands out.
#[must_use]
pub fn tone(kind: &EntryKind) -> &'static str {
    match kind {
        EntryKind::Concluded { outcome } => match outcome.status().as_str() {
            "verified" => "good",
            "failed" => "bad",
            _ => "quiet",
        },
        EntryKind::Disputed { .. }
        | EntryKind::CallRefused { .. }
        | EntryKind::CodeRefused { .. } => "bad",
        EntryKind::CallUnknown { .. }
        | EntryKind::CodeUnknown { .. }
        | EntryKind::CodeChecked { correct: false } => "open",
        _ => "",
    }
}

/// What happened, in a sentence.
#[must_use]
pub fn what(kind: &EntryKind) -> String {
    let n = |attempt: &u8| attempt.saturating_add(1);
    match kind {
        EntryKind::Requested => "The app asked".to_owned(),
        EntryKind::CallRequested { attempt } => {
            format!("Call {} is asked of the provider", n(attempt))
        }
        EntryKind::CallAccepted { attempt } => format!("The provider accepted call {}", n(attempt)),
        EntryKind::CallRefused { attempt, reason } => {
            format!("The provider refused call {}: {}", n(attempt), plain(reason.as_str()))
        }
        EntryKind::CallUnknown { attempt } => {
            format!("Call {} may have been placed; it is not repeated", n(attempt))
        }
        EntryKind::Ringing { attempt } => format!("The phone rang (call {})", n(attempt)),
        EntryKind::Answered { attempt } => format!("Call {} was answered", n(attempt)),
        EntryKind::CallEnded { attempt, result } => {
            format!("Call {} ended: {}", n(attempt), plain(result.as_str()))
        }
        EntryKind::OtherCallEnded { result, .. } => {
            format!("Another call with this number ended: {}", plain(result.as_str()))
        }
        EntryKind::KeyReported { attempt, pressed, evidence, .. } => {
            let pressed = match &**pressed {
                "" => "no key was pressed".to_owned(),
                keys => format!("{keys} was pressed"),
            };
            format!(
                "Report of call {}: {pressed} ({} evidence)",
                n(attempt),
                evidence.level().as_str()
            )
        }
        EntryKind::Disputed { pressed, .. } => {
            let pressed = if pressed.is_empty() { "no key" } else { pressed };
            format!("Another report contradicts: {pressed}")
        }
        EntryKind::CodeRequested { channel: by, .. } => {
            format!(
                "A code by {} is asked of the provider",
                channel(*by).trim_start_matches("code by ")
            )
        }
        EntryKind::CodeAccepted { attempt } => format!("The provider took code {}", n(attempt)),
        EntryKind::CodeRefused { attempt, reason } => {
            format!("The provider refused code {}: {}", n(attempt), plain(reason.as_str()))
        }
        EntryKind::CodeUnknown { attempt } => {
            format!("Code {} may have been sent; that is not repeated", n(attempt))
        }
        EntryKind::CodeChecked { correct: true } => "The right code was entered".to_owned(),
        EntryKind::CodeChecked { correct: false } => "A wrong code was entered".to_owned(),
        EntryKind::NextAsked => "The app asked for the next step".to_owned(),
        EntryKind::Concluded { outcome } => {
            format!("Ended {}: {}", outcome.status().as_str(), plain(outcome.as_str()))
        }
        EntryKind::Redeemed => "The app redeemed it".to_owned(),
    }
}
