//! What clients see of a verification: ids, dates, words.

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::domain::{Attempt, Channel, CodeBy, Status, Step, Verification, VerificationId};

use super::answer::Members;

/// What a verification costs here: what the provider takes is on its own bill.
pub const PRICE: &str = "0.00000000";
/// The currency of that.
pub const CURRENCY: &str = "EUR";
/// The sender that a search shows where none was given.
const DEFAULT_SENDER: &str = "verify";

/// The id as clients know it: 32 hexadecimal digits.
pub fn request_id(id: VerificationId) -> String {
    const_hex::encode(id.as_bytes())
}

/// The verification of a client's id; `None` if there can be none.
pub fn parse_id(text: &str) -> Option<VerificationId> {
    format!("ver_{}", text.to_ascii_lowercase()).parse().ok()
}

/// The id of one call or message, the same whenever it is shown.
pub fn event_id(verification: &Verification, attempt: &Attempt) -> String {
    let digest = Sha256::new()
        .chain_update(b"event")
        .chain_update(verification.id.as_bytes())
        .chain_update([attempt.index])
        .finalize();
    let mut hex = const_hex::encode(&digest[..16]);
    for dash in [20, 16, 12, 8] {
        hex.insert(dash, '-');
    }
    hex
}

/// A date as clients parse it, in UTC.
pub fn date(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// Where a verification stands.
pub const fn status(status: Status) -> &'static str {
    match status {
        Status::Pending => "IN PROGRESS",
        Status::Verified => "SUCCESS",
        Status::Failed => "FAILED",
        Status::Expired => "EXPIRED",
        Status::Canceled => "CANCELLED",
    }
}

/// How an attempt reached the person.
pub fn event_type(step: &Step) -> &'static str {
    match step.channel() {
        Channel::Sms | Channel::Email => "sms",
        Channel::CallCode => "tts",
        Channel::CallButton => "call_button",
    }
}

/// The sender that was asked for.
pub fn sender(verification: &Verification) -> &str {
    let sender = verification.plan.iter().find_map(|step| match &step.code()?.by {
        CodeBy::PlainSms { sender, .. } => sender.as_deref(),
        CodeBy::Call { .. } | CodeBy::Sms { .. } | CodeBy::Email { .. } => None,
    });
    sender.unwrap_or(DEFAULT_SENDER)
}

/// Says of a test that it is one.
pub fn mark_test(answer: &mut Members, verification: &Verification) {
    if verification.test {
        answer.insert("test".to_owned(), "true".into());
    }
}
