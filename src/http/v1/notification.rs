//! A notification as answers show it.

use serde::Serialize;
use utoipa::ToSchema;

use crate::service::Journaled;

use super::super::error::Code;
use super::super::problem::{Problem, instant};
use super::words;

/// A notification as received, with what was made of it.
#[derive(Serialize, ToSchema)]
#[schema(as = Notification)]
pub struct NotificationView {
    /// Its place in the journal.
    sequence: i64,
    /// When it was received; of a replay when that was.
    #[schema(format = DateTime)]
    received_at: String,
    /// The account whose notification URL it came to.
    account: String,
    /// The event that it names.
    #[schema(example = "NOTIFY_END")]
    event: String,
    /// What was made of it.
    #[schema(schema_with = words::verdict)]
    verdict: String,
    /// The verification that it was matched with; null when there was none.
    verification_id: Option<String>,
    /// Its number, masked; null when it was matched, and then the verification has it.
    #[schema(example = "099•••••99")]
    number: Option<String>,
    /// The notification that it is a replay of; null when it arrived by itself.
    replay_of: Option<i64>,
    /// Whether its content is kept, so that it can be replayed.
    kept: bool,
    /// Its content as it was received. Only when one notification is shown; null when it
    /// was not kept. The signature is never shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Option<String>>,
}

impl NotificationView {
    /// A line of the list.
    #[must_use]
    pub fn new(journaled: &Journaled) -> Self {
        let notification = &journaled.notification;
        Self {
            sequence: notification.sequence,
            received_at: instant(notification.received_at),
            account: notification.account.to_string(),
            event: notification.event.to_string(),
            verdict: notification.verdict.to_string(),
            verification_id: journaled.verification.map(|id| id.to_string()),
            number: notification.masked.as_ref().map(ToString::to_string),
            replay_of: journaled.replay_of,
            kept: notification.body.is_some(),
            body: None,
        }
    }

    /// The same with its content.
    #[must_use]
    pub fn whole(journaled: &Journaled) -> Self {
        let body = journaled.notification.body.as_deref();
        let body = body.map(|body| String::from_utf8_lossy(body).into_owned());
        Self { body: Some(body), ..Self::new(journaled) }
    }
}

/// The place that a path names.
///
/// # Errors
/// When it is none.
pub fn sequence(path: &str) -> Result<i64, Problem> {
    let is_number = !path.is_empty() && path.bytes().all(|b| b.is_ascii_digit());
    path.parse().ok().filter(|_| is_number).ok_or_else(not_found)
}

/// What a notification that is not there is answered with.
#[must_use]
pub fn not_found() -> Problem {
    let detail = "There is no notification with this number, or its retention has ended.";
    Problem::new(Code::NotFound, detail)
}
