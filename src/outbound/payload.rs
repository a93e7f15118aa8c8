//! What deliveries say. The names mean what they mean in the API; there are fewer, and
//! among those left out are the keys that people are asked to press or pressed: a
//! delivery passes more hands than an answer does.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::domain::{Channel, Entry, EntryKind, Step, Verification};

/// The body of a delivery, as Standard Webhooks has it.
#[derive(Serialize)]
struct Payload<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    timestamp: String,
    data: Data<'a>,
}

/// The verification as the event left it.
#[derive(Serialize)]
struct Data<'a> {
    id: String,
    app: &'a str,
    version: u32,
    status: &'static str,
    outcome: Option<&'static str>,
    channel: &'static str,
    to: String,
    reference: Option<&'a str>,
    metadata: Option<&'a RawValue>,
    created_at: String,
    expires_at: String,
    ended_at: Option<String>,
    disputed: bool,
    redeemed_at: Option<String>,
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    test: bool,
    event: Event,
}

/// The entry of the timeline that is told.
#[derive(Serialize)]
struct Event {
    id: u32,
    #[serde(rename = "type")]
    kind: &'static str,
    at: String,
}

/// The type of the delivery that tells of `entry`: the status that was reached, or the
/// entry's own word.
pub(super) fn kind(next: &Verification, entry: &Entry) -> Box<str> {
    let word = match &entry.kind {
        EntryKind::Concluded { .. } => next.status().as_str(),
        other => other.as_str(),
    };
    format!("verification.{word}").into()
}

pub(super) fn of(kind: &str, next: &Verification, entry: &Entry) -> Box<[u8]> {
    let end = next.conclusion();
    let step = next.attempts.last().and_then(|last| next.step_of(last));
    let payload = Payload {
        kind,
        timestamp: instant(entry.at),
        data: Data {
            id: next.id.to_string(),
            app: next.app.as_str(),
            version: next.version,
            status: next.status().as_str(),
            outcome: end.map(|end| end.outcome.as_str()),
            channel: step.map_or(Channel::CallButton, Step::channel).as_str(),
            to: next.to.to_string(),
            reference: next.reference.as_deref(),
            metadata: next.metadata.as_deref().and_then(|text| serde_json::from_str(text).ok()),
            created_at: instant(next.created_at),
            expires_at: instant(next.expires_at),
            ended_at: end.map(|end| instant(end.at)),
            disputed: end.is_some_and(|end| end.disputed),
            redeemed_at: end.and_then(|end| end.redeemed_at).map(instant),
            reason: next.refusal().map(|reason| reason.as_str()),
            test: next.test,
            event: Event { id: entry.number, kind: entry.kind.as_str(), at: instant(entry.at) },
        },
    };
    serde_json::to_vec(&payload).expect("texts, numbers and JSON that was read").into()
}

/// An instant as the API writes it.
pub(super) fn instant(at: Timestamp) -> String {
    format!("{at:.3}")
}
