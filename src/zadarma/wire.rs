//! The answers of the provider's methods, read totally from status and body.
//!
//! Numbers and ids come as JSON numbers or as text depending on the account's
//! age, toggles as the words `true` and `false`; all of them are accepted. Fields
//! that nobody reads are left out.

use std::collections::BTreeMap;

use jiff::civil::DateTime;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// How the message of a rate limit begins. It comes with HTTP 429 as documented,
/// and with HTTP 200 in practice; the text is the only sign then.
const RATE_LIMIT: &str = "You exceeded the rate limit";

/// Why a method's answer is no success.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The provider understood and declined; certainly nothing was done.
    #[error("the provider refused: {message}")]
    Refused {
        /// The provider's text for people. Never decide by it.
        message: String,
    },
    /// Too many requests; certainly nothing was done.
    #[error("the provider's rate limit is exceeded")]
    RateLimited,
    /// Wrong key or wrong signature: one answer for both.
    #[error("the provider does not accept the key or its signature")]
    Unauthorized,
    /// The provider is in trouble; it may have done what was asked.
    #[error("the provider answered with HTTP status {status}")]
    Server {
        /// 500 to 599.
        status: u16,
    },
    /// Not an answer of this method; it may have done what was asked.
    #[error("the provider's answer (HTTP status {status}) is unreadable: {reason}")]
    Unreadable {
        /// The HTTP status.
        status: u16,
        /// What is wrong with the body.
        reason: String,
    },
}

/// Reads the answer of any method: failure if the status is 400 or above, or the
/// envelope says `error`.
///
/// # Errors
/// See [`Failure`].
pub fn read<T: DeserializeOwned>(status: u16, body: &[u8]) -> Result<T, Failure> {
    let unreadable = |reason: String| Failure::Unreadable { status, reason };
    match status {
        401 => return Err(Failure::Unauthorized),
        429 => return Err(Failure::RateLimited),
        500.. => return Err(Failure::Server { status }),
        _ => {}
    }
    let answer = serde_json::from_slice::<Value>(body);
    if status >= 400 {
        return Err(refusal(answer.as_ref().ok(), status));
    }
    let answer = answer.map_err(|error| unreadable(error.to_string()))?;
    match answer.get("status").and_then(Value::as_str) {
        Some("error") => return Err(refusal(Some(&answer), status)),
        Some("success") if (200..300).contains(&status) => {}
        Some("success") => return Err(unreadable("success with a strange HTTP status".to_owned())),
        Some(_) | None => return Err(unreadable("no known status".to_owned())),
    }
    serde_json::from_value(answer).map_err(|error| unreadable(error.to_string()))
}

fn refusal(answer: Option<&Value>, status: u16) -> Failure {
    match answer.and_then(|answer| answer.get("message")).and_then(Value::as_str) {
        Some(message) if message.starts_with(RATE_LIMIT) => Failure::RateLimited,
        Some(message) => Failure::Refused { message: message.to_owned() },
        None => Failure::Refused { message: format!("no message, HTTP status {status}") },
    }
}

/// Any method that answers nothing but success: sounds upload and delete.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Accepted {}

/// `POST /v1/verify/`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct VerifyAnswer {
    /// Opaque; never there for a button call.
    #[serde(default, deserialize_with = "optional_text")]
    pub request_id: Option<String>,
}

/// `POST /v1/sms/send/`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct SmsAnswer {
    /// Whom it was not sent to. A success may have denied everybody.
    #[serde(default)]
    pub denied_numbers: Vec<DeniedNumber>,
}

/// A number that an SMS was not sent to.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct DeniedNumber {
    /// The provider's text for people. Never decide by it.
    #[serde(default)]
    pub message: String,
}

/// `GET /v1/info/timezone/`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct TimezoneAnswer {
    /// Seconds since 1970 on the provider's clock.
    #[serde(deserialize_with = "whole_number")]
    pub unixtime: i64,
    /// The same instant in the account's zone.
    #[serde(deserialize_with = "civil")]
    pub datetime: DateTime,
}

/// `GET /v1/info/balance/`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct BalanceAnswer {
    /// Money left; for display and alarms, not for accounting.
    #[serde(deserialize_with = "decimal")]
    pub balance: f64,
    /// ISO 4217.
    pub currency: String,
}

/// `GET /v1/info/price/`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PriceAnswer {
    /// What the tariff says of the number.
    pub info: Price,
}

/// A call's price.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Price {
    /// Of a minute: a decimal number.
    #[serde(deserialize_with = "text")]
    pub price: String,
    /// ISO 4217.
    pub currency: String,
}

/// `GET /v1/pbx/ivr/sounds/list`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct SoundsAnswer {
    /// Every sound of the account.
    pub sounds: Vec<Sound>,
}

/// One stored sound.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Sound {
    /// Hex text in practice, a number in the provider's schema.
    #[serde(deserialize_with = "text")]
    pub id: String,
    /// As given at upload: the only way to find the id of a new sound.
    pub name: String,
}

/// `GET /v1/direct_numbers/`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "DirectNumbers")]
pub struct DirectNumbersAnswer {
    /// Digits, as written.
    pub numbers: Vec<String>,
}

#[derive(Deserialize)]
struct DirectNumbers {
    info: Vec<DirectNumber>,
}

#[derive(Deserialize)]
struct DirectNumber {
    #[serde(deserialize_with = "text")]
    number: String,
}

impl From<DirectNumbers> for DirectNumbersAnswer {
    fn from(answer: DirectNumbers) -> Self {
        Self { numbers: answer.info.into_iter().map(|entry| entry.number).collect() }
    }
}

/// `GET /v1/pbx/internal/`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct InternalAnswer {
    /// The extensions.
    #[serde(deserialize_with = "texts")]
    pub numbers: Vec<String>,
}

/// `GET /v1/pbx/callinfo/`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct CallInfoAnswer {
    /// Where notifications go; empty if nowhere.
    #[serde(default)]
    pub url: String,
    /// Which notifications are on, by name (`notify_end`, …).
    #[serde(default, deserialize_with = "toggles")]
    pub notifications: BTreeMap<String, bool>,
}

impl CallInfoAnswer {
    /// Whether a notification is on; what is not named is off.
    #[must_use]
    pub fn is_on(&self, notification: &str) -> bool {
        self.notifications.get(notification).copied().unwrap_or(false)
    }
}

/// `GET /v1/statistics/pbx/`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct StatisticsAnswer {
    /// One row for each leg of a finished call; no row tells a pressed key.
    pub stats: Vec<StatisticsRow>,
}

/// One leg of a finished call.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct StatisticsRow {
    /// Groups the legs of a call.
    #[serde(deserialize_with = "text")]
    pub pbx_call_id: String,
    /// When the leg began, in the account's zone.
    #[serde(deserialize_with = "civil")]
    pub callstart: DateTime,
    /// Display text that holds the caller's number.
    #[serde(deserialize_with = "text")]
    pub clid: String,
    /// Who was called.
    #[serde(deserialize_with = "text")]
    pub destination: String,
    /// See [`Disposition`](super::Disposition).
    pub disposition: String,
}

/// A scalar that the provider writes as a number or as text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Scalar {
    Text(String),
    Number(serde_json::Number),
}

impl Scalar {
    fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Number(number) => number.to_string(),
        }
    }
}

fn text<'de, D: Deserializer<'de>>(source: D) -> Result<String, D::Error> {
    Scalar::deserialize(source).map(Scalar::into_text)
}

fn optional_text<'de, D: Deserializer<'de>>(source: D) -> Result<Option<String>, D::Error> {
    Option::<Scalar>::deserialize(source).map(|scalar| scalar.map(Scalar::into_text))
}

fn texts<'de, D: Deserializer<'de>>(source: D) -> Result<Vec<String>, D::Error> {
    Vec::<Scalar>::deserialize(source)
        .map(|scalars| scalars.into_iter().map(Scalar::into_text).collect())
}

fn whole_number<'de, D: Deserializer<'de>>(source: D) -> Result<i64, D::Error> {
    text(source)?.parse().map_err(D::Error::custom)
}

fn decimal<'de, D: Deserializer<'de>>(source: D) -> Result<f64, D::Error> {
    match text(source)?.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        Ok(_) => Err(D::Error::custom("not a finite number")),
        Err(error) => Err(D::Error::custom(error)),
    }
}

fn civil<'de, D: Deserializer<'de>>(source: D) -> Result<DateTime, D::Error> {
    let written = String::deserialize(source)?;
    super::parse_call_start(&written).ok_or_else(|| D::Error::custom("not YYYY-MM-DD HH:MM:SS"))
}

fn toggles<'de, D: Deserializer<'de>>(source: D) -> Result<BTreeMap<String, bool>, D::Error> {
    match Value::deserialize(source)? {
        Value::Object(toggles) => Ok(toggles
            .into_iter()
            .map(|(name, value)| (name, value == Value::Bool(true) || value == "true"))
            .collect()),
        // PHP writes an empty map as an empty list.
        Value::Array(none) if none.is_empty() => Ok(BTreeMap::new()),
        _ => Err(D::Error::custom("notifications are not a map")),
    }
}
