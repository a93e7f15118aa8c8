//! What a simulated phone, the PBX and the API do for one number.
//!
//! A script is data: it is read from JSON, unknown names are refused, and the
//! [exchange](super::exchange) carries it out. The guide explains every field.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Pace;
use super::numbers::NumberForm;

/// One number's script. Every field has a default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Script {
    pub does: Does,
    pub press: String,
    pub disposition: Option<String>,
    pub status_code: Option<String>,

    pub dial_ms: Option<u64>,
    pub answer_after_ms: Option<u64>,
    pub press_after_ms: Option<u64>,
    pub hang_up_after_ms: Option<u64>,

    pub result: ResultEvents,
    pub key_in: KeyIn,
    pub keys: Option<Vec<Option<String>>>,
    pub legs: Legs,
    pub two_ids: bool,
    pub notify_start: bool,
    pub meanwhile: Vec<Unrelated>,
    pub clock_skew_s: i64,
    pub notify: Notify,
    pub late_ms: u64,
    pub number_form: NumberForm,
    pub number_written: Option<String>,
    pub called_did: String,
    pub internal: String,
    pub calltype: String,
    pub content_type: ContentType,

    pub api: Api,
    pub api_delay_ms: u64,
    pub api_status: Option<u16>,
    pub api_message: Option<String>,
}

/// What the phone does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Does {
    Answer,
    Handset,
    NoAnswer,
    RingsOut,
    Busy,
    Refused,
    Failed,
    Unallocated,
    NoMoney,
    NoLimit,
    LineLimit,
}

/// Which events carry the result, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ResultEvents {
    End,
    OutEnd,
    Both,
    OutEndThenEnd,
    None,
}

/// Which of the result events have the field `callback_dtmf`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum KeyIn {
    All,
    First,
    Second,
    None,
}

/// How many legs the PBX reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub(super) enum Legs {
    One,
    Two,
}

/// A call that has nothing to do with the verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Unrelated {
    Incoming,
    Agent,
}

/// When and how often the result is notified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Notify {
    Normal,
    BeforeAnswer,
    Late,
    Twice,
    Never,
}

/// How a notification's body is encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ContentType {
    #[default]
    Urlencoded,
    Multipart,
}

/// What `/v1/verify/` does for this number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Api {
    Normal,
    Slow,
    AcceptThenDrop,
    Denied,
    Drop,
    Refuse,
    Http,
    Unreadable,
    Unauthorized,
    #[serde(rename = "rate_limited_429")]
    RateLimited429,
    #[serde(rename = "rate_limited_200")]
    RateLimited200,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            does: Does::Answer,
            press: "1".to_owned(),
            disposition: None,
            status_code: None,
            dial_ms: None,
            answer_after_ms: None,
            press_after_ms: None,
            hang_up_after_ms: None,
            result: ResultEvents::End,
            key_in: KeyIn::All,
            keys: None,
            legs: Legs::One,
            two_ids: false,
            notify_start: false,
            meanwhile: Vec::new(),
            clock_skew_s: 0,
            notify: Notify::Normal,
            late_ms: 0,
            number_form: NumberForm::National,
            number_written: None,
            called_did: "0".to_owned(),
            internal: "100".to_owned(),
            calltype: "callback_leg1".to_owned(),
            content_type: ContentType::Urlencoded,
            api: Api::Normal,
            api_delay_ms: 0,
            api_status: None,
            api_message: None,
        }
    }
}

impl Script {
    /// The same for a call that says a code: an outgoing call like any other, in which no
    /// key is asked for.
    pub(super) fn of_spoken_code(&self) -> Self {
        Self {
            result: ResultEvents::OutEnd,
            key_in: KeyIn::None,
            keys: None,
            calltype: "normal".to_owned(),
            ..self.clone()
        }
    }

    /// A phone that waits for a person at the virtual handset.
    pub fn handset() -> Self {
        Self { does: Does::Handset, ..Self::default() }
    }

    /// Reads a script; the error names what is wrong.
    pub fn parse(json: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(json)
    }

    /// From acceptance until it rings.
    pub fn dial(&self, pace: Pace) -> Duration {
        delay(self.dial_ms, pace, 300)
    }

    /// From ringing until somebody picks up, declines, or the PBX gives up.
    pub fn answer_after(&self, pace: Pace) -> Duration {
        delay(self.answer_after_ms, pace, 2000)
    }

    /// From the answer until the key.
    pub fn press_after(&self, pace: Pace) -> Duration {
        delay(self.press_after_ms, pace, 1500)
    }

    /// From the key, or the decision to press none, until the call ends.
    pub fn hang_up_after(&self, pace: Pace) -> Duration {
        delay(self.hang_up_after_ms, pace, 1000)
    }
}

impl Does {
    /// Disposition and cause of the call when the script names none.
    pub const fn ending(self) -> (&'static str, &'static str) {
        match self {
            Self::Answer | Self::Handset => ("answered", "16"),
            Self::NoAnswer => ("cancel", "19"),
            Self::RingsOut => ("no answer", "19"),
            Self::Busy => ("busy", "17"),
            Self::Refused => ("cancel", "21"),
            Self::Failed => ("failed", "38"),
            Self::Unallocated => ("unallocated number", "1"),
            Self::NoMoney => ("no money", "31"),
            Self::NoLimit => ("no limit", "31"),
            Self::LineLimit => ("line limit", "34"),
        }
    }
}

impl TryFrom<u8> for Legs {
    type Error = &'static str;

    fn try_from(count: u8) -> Result<Self, Self::Error> {
        match count {
            1 => Ok(Self::One),
            2 => Ok(Self::Two),
            _ => Err("legs is 1 or 2"),
        }
    }
}

impl From<Legs> for u8 {
    fn from(legs: Legs) -> Self {
        match legs {
            Legs::One => 1,
            Legs::Two => 2,
        }
    }
}

fn delay(set_ms: Option<u64>, pace: Pace, usual_ms: u64) -> Duration {
    Duration::from_millis(match (set_ms, pace) {
        (Some(set), _) => set,
        (None, Pace::Real) => usual_ms,
        (None, Pace::Instant) => 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_script_answers_and_presses_one() {
        assert_eq!(Script::parse(b"{}").unwrap(), Script::default());
    }

    #[test]
    fn what_is_unknown_is_refused_by_name() {
        for (json, named) in [
            (&br#"{"pres":"1"}"#[..], "pres"),
            (br#"{"does":"sing"}"#, "sing"),
            (br#"{"legs":3}"#, "legs"),
            (br#"{"late_ms":-1}"#, "-1"),
            (br#"{"press":1}"#, "1"),
            (br#"{"meanwhile":["party"]}"#, "party"),
        ] {
            let error = Script::parse(json).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
        for json in [&b""[..], b"[]x", b"null", b"{", b"\xff"] {
            assert!(Script::parse(json).is_err());
        }
    }

    #[test]
    fn only_delays_that_are_set_last_under_the_instant_pace() {
        let script = Script::parse(br#"{"press_after_ms":70}"#).unwrap();
        assert_eq!(script.answer_after(Pace::Instant), Duration::ZERO);
        assert_eq!(script.press_after(Pace::Instant), Duration::from_millis(70));
        assert_eq!(script.answer_after(Pace::Real), Duration::from_millis(2000));
    }
}
