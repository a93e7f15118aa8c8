//! A timeline entry as answers and event streams show it.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{Entry, EntryKind, Verification};

use super::super::access::Viewer;
use super::super::problem::instant;
use super::attempt::EvidenceView;
use super::words;

/// One entry of a timeline. It never names the number.
#[derive(Serialize, ToSchema)]
#[schema(as = Entry)]
pub struct EntryView {
    /// Counts from 1 within its verification.
    pub id: u32,
    /// When it happened.
    #[schema(format = DateTime)]
    at: String,
    /// What happened: `requested`, `call_requested`, `call_accepted`, `call_refused`,
    /// `call_unknown`, `ringing`, `answered`, `call_ended`, `other_call_ended`,
    /// `key_reported`, `code_requested`, `code_accepted`, `code_refused`, `code_unknown`,
    /// `code_checked`, `next_asked`, `disputed`, `concluded` or `redeemed`. More may come.
    #[serde(rename = "type")]
    #[schema(example = "key_reported")]
    pub kind: &'static str,
    /// The call or message, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<u8>,
    /// Why the provider refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = words::reason)]
    reason: Option<&'static str>,
    /// How the call ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = words::result)]
    result: Option<&'static str>,
    /// The keys that were reported; empty when none was pressed. Not for pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pressed: Option<String>,
    /// What was checked of the notification.
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<EvidenceView>,
    /// How a code travels.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = words::channel_or_null)]
    channel: Option<&'static str>,
    /// Whether a checked code was right.
    #[serde(skip_serializing_if = "Option::is_none")]
    correct: Option<bool>,
    /// How the verification ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = words::outcome)]
    outcome: Option<&'static str>,
    /// Whether a key for tests started it with a test number.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    test: bool,
}

impl EntryView {
    /// What `viewer` may see of an entry of a verification.
    #[must_use]
    pub fn of(verification: &Verification, entry: &Entry, viewer: &Viewer) -> Self {
        Self { test: verification.test, ..Self::new(entry, viewer) }
    }

    /// The same, of one that is no test.
    #[must_use]
    pub fn new(entry: &Entry, viewer: &Viewer) -> Self {
        let mut view = Self {
            id: entry.number,
            at: instant(entry.at),
            kind: entry.kind.as_str(),
            attempt: None,
            reason: None,
            result: None,
            pressed: None,
            evidence: None,
            channel: None,
            correct: None,
            outcome: None,
            test: false,
        };
        view.fill(&entry.kind);
        match viewer {
            Viewer::App => {}
            Viewer::Page => view.pressed = None,
        }
        view
    }

    fn fill(&mut self, kind: &EntryKind) {
        match kind {
            EntryKind::Requested | EntryKind::Redeemed | EntryKind::NextAsked => {}
            EntryKind::CallRequested { attempt }
            | EntryKind::CallAccepted { attempt }
            | EntryKind::CallUnknown { attempt }
            | EntryKind::CodeAccepted { attempt }
            | EntryKind::CodeUnknown { attempt }
            | EntryKind::Ringing { attempt }
            | EntryKind::Answered { attempt } => self.of_attempt(*attempt),
            EntryKind::CallRefused { attempt, reason }
            | EntryKind::CodeRefused { attempt, reason } => {
                self.of_attempt(*attempt);
                self.reason = Some(reason.as_str());
            }
            EntryKind::CallEnded { attempt, result }
            | EntryKind::OtherCallEnded { attempt, result } => {
                self.of_attempt(*attempt);
                self.result = Some(result.as_str());
            }
            EntryKind::KeyReported { attempt, result, pressed, evidence } => {
                self.of_attempt(*attempt);
                self.result = Some(result.as_str());
                self.pressed = Some(pressed.to_string());
                self.evidence = Some(EvidenceView::new(*evidence));
            }
            EntryKind::Disputed { attempt, pressed } => {
                self.of_attempt(*attempt);
                self.pressed = Some(pressed.to_string());
            }
            EntryKind::CodeRequested { attempt, channel } => {
                self.of_attempt(*attempt);
                self.channel = Some(channel.as_str());
            }
            EntryKind::CodeChecked { correct } => self.correct = Some(*correct),
            EntryKind::Concluded { outcome } => self.outcome = Some(outcome.as_str()),
        }
    }

    fn of_attempt(&mut self, attempt: u8) {
        self.attempt = Some(attempt.saturating_add(1));
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::{CallResult, Channel, Check, Evidence, Outcome, RefusalReason};

    fn shown(kind: EntryKind, viewer: &Viewer) -> Value {
        let entry = Entry { number: 3, at: Timestamp::UNIX_EPOCH, kind };
        let mut json = serde_json::to_value(EntryView::new(&entry, viewer)).unwrap();
        let members = json.as_object_mut().unwrap();
        assert_eq!(members.remove("id").unwrap(), 3);
        assert_eq!(members.remove("at").unwrap(), "1970-01-01T00:00:00.000Z");
        json
    }

    #[test]
    fn each_kind_shows_what_it_carries() {
        let evidence = Evidence::default().with(Check::Token);
        let (attempt, result) = (0, CallResult::Answered);
        let pressed: Box<str> = "1".into();
        let note = "the pressed key itself is never signed";
        let weak = json!({"level": "weak", "checks": ["token"], "note": note});
        for (kind, json) in [
            (EntryKind::Requested, json!({"type": "requested"})),
            (EntryKind::CallRequested { attempt }, json!({"type": "call_requested", "attempt": 1})),
            (EntryKind::CallAccepted { attempt }, json!({"type": "call_accepted", "attempt": 1})),
            (
                EntryKind::CallRefused { attempt, reason: RefusalReason::RateLimited },
                json!({"type": "call_refused", "attempt": 1, "reason": "rate_limited"}),
            ),
            (EntryKind::CallUnknown { attempt }, json!({"type": "call_unknown", "attempt": 1})),
            (EntryKind::Ringing { attempt }, json!({"type": "ringing", "attempt": 1})),
            (EntryKind::Answered { attempt }, json!({"type": "answered", "attempt": 1})),
            (
                EntryKind::CallEnded { attempt, result },
                json!({"type": "call_ended", "attempt": 1, "result": "answered"}),
            ),
            (
                EntryKind::OtherCallEnded { attempt, result },
                json!({"type": "other_call_ended", "attempt": 1, "result": "answered"}),
            ),
            (
                EntryKind::KeyReported { attempt, result, pressed: pressed.clone(), evidence },
                json!({"type": "key_reported", "attempt": 1, "result": "answered", "pressed": "1", "evidence": weak}),
            ),
            (
                EntryKind::Disputed { attempt, pressed: pressed.clone() },
                json!({"type": "disputed", "attempt": 1, "pressed": "1"}),
            ),
            (
                EntryKind::Concluded { outcome: Outcome::Confirmed },
                json!({"type": "concluded", "outcome": "confirmed"}),
            ),
            (EntryKind::Redeemed, json!({"type": "redeemed"})),
            (
                EntryKind::CodeRequested { attempt, channel: Channel::Sms },
                json!({"type": "code_requested", "attempt": 1, "channel": "sms"}),
            ),
            (
                EntryKind::CodeRefused { attempt, reason: RefusalReason::Refused },
                json!({"type": "code_refused", "attempt": 1, "reason": "refused"}),
            ),
            (
                EntryKind::CodeChecked { correct: false },
                json!({"type": "code_checked", "correct": false}),
            ),
            (EntryKind::NextAsked, json!({"type": "next_asked"})),
        ] {
            assert_eq!(shown(kind.clone(), &Viewer::App), json);
            assert_eq!(shown(kind, &Viewer::Page).get("pressed"), None);
        }
    }
}
