//! What people received: codes by SMS, call and e-mail, and their checks.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::call::instant;

/// How long a code may be checked.
const CODE_LIFE: Duration = Duration::from_secs(600);

/// One message with a code.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Message {
    pub channel: Channel,
    pub to: String,
    pub from: Option<String>,
    #[serde(serialize_with = "instant")]
    pub at: Timestamp,
    pub code: String,
    pub text: String,
    pub subject: Option<String>,
    pub language: Option<String>,
    pub request_id: String,
}

/// How a code travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Channel {
    Sms,
    CallCode,
    Email,
}

/// What a check of a code finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Check {
    Right,
    Wrong,
    UnknownRequest,
}

/// Checks a code as the provider does: any number of times, for ten minutes.
pub(super) fn check(messages: &[Message], request_id: &str, code: &str, now: Timestamp) -> Check {
    let fresh = |message: &&Message| {
        message.request_id == request_id
            && now.duration_since(message.at).unsigned_abs() < CODE_LIFE
    };
    match messages.iter().find(fresh) {
        None => Check::UnknownRequest,
        Some(message) if message.code == code => Check::Right,
        Some(_) => Check::Wrong,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_right_wrong_or_too_old() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let message = Message {
            channel: Channel::Sms,
            to: "380999999999".to_owned(),
            from: None,
            at: at(0),
            code: "123456".to_owned(),
            text: String::new(),
            subject: None,
            language: None,
            request_id: "id".to_owned(),
        };
        let messages = [message];
        assert_eq!(check(&messages, "id", "123456", at(599)), Check::Right);
        assert_eq!(check(&messages, "id", "123457", at(1)), Check::Wrong);
        assert_eq!(check(&messages, "id", "123456", at(600)), Check::UnknownRequest);
        assert_eq!(check(&messages, "di", "123456", at(1)), Check::UnknownRequest);
    }
}
