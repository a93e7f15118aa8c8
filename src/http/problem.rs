//! The answer when something is wrong: an RFC 9457 problem.
//!
//! Made of a code, a sentence for this one case, and members that a program can
//! act on. It never carries a path, a query, a secret, or what the store said.

use std::fmt;

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::service::StoreError;

use super::error::Code;

/// What the type of a problem begins with; its code follows.
const TYPE: &str = "urn:ringproof:problem:";
/// When a store that does not answer may be asked again, in seconds.
const STORE_RETRY_AFTER: u64 = 2;

/// One problem. Small, since every handler may return one.
#[derive(Debug)]
pub struct Problem(Box<Parts>);

#[derive(Debug)]
struct Parts {
    code: Code,
    detail: String,
    members: Map<String, Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    /// A problem with a sentence that says what to do.
    #[must_use]
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self(Box::new(Parts {
            code,
            detail: detail.into(),
            members: Map::new(),
            headers: Vec::new(),
        }))
    }

    /// A problem with one field of the request.
    #[must_use]
    pub fn field(code: Code, field: &str, detail: impl Into<String>) -> Self {
        Self::new(code, detail).with("field", field)
    }

    /// The store does not answer. Its words go to the log only.
    #[must_use]
    pub fn store(error: &StoreError) -> Self {
        match error {
            StoreError::Unavailable { source } => {
                tracing::error!(error = %source, "the store did not answer a request");
                Self::new(Code::StoreUnavailable, "Nothing was changed; try again shortly.")
                    .retry_after(STORE_RETRY_AFTER)
            }
            StoreError::Unreadable { .. } => Self::internal(error),
        }
    }

    /// The store was away, and what was received meanwhile is applied first.
    #[must_use]
    pub fn store_resting() -> Self {
        let detail =
            "What was received while the store was away is applied first; try again shortly.";
        Self::new(Code::StoreUnavailable, detail).retry_after(STORE_RETRY_AFTER)
    }

    /// Our own fault. The cause goes to the log only.
    #[must_use]
    pub fn internal(cause: &dyn std::error::Error) -> Self {
        let mut causes = cause.to_string();
        let mut next = cause.source();
        while let Some(source) = next {
            causes = format!("{causes}: {source}");
            next = source.source();
        }
        tracing::error!(error = %causes, "a request failed");
        Self::new(Code::Internal, "The cause is in the service's log.")
    }

    /// The same with one more member.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.members.insert(name.to_owned(), value.into());
        self
    }

    /// The same with the seconds after which a retry makes sense, as member and header.
    #[must_use]
    pub fn retry_after(self, seconds: u64) -> Self {
        let seconds = seconds.max(1);
        self.with("retry_after", seconds).header(header::RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// The same with the instant after which a retry makes sense.
    #[must_use]
    pub fn retry_at(self, at: Timestamp, now: Timestamp) -> Self {
        let left = at.duration_since(now);
        let whole = left.as_secs() + i64::from(left.subsec_nanos() > 0);
        self.with("retry_at", instant(at)).retry_after(u64::try_from(whole).unwrap_or(0))
    }

    /// The same with one more header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// What it means, the same for every case.
    #[must_use]
    pub fn title(&self) -> &'static str {
        self.0.code.title()
    }

    /// What is wrong in this case, and what to do.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// Its JSON, with the route's pattern if there is one.
    #[must_use]
    pub fn json(&self, instance: Option<&str>) -> String {
        let Parts { code, detail, members, .. } = &*self.0;
        let mut all = Map::new();
        all.insert("type".into(), format!("{TYPE}{}", code.as_str()).into());
        all.insert("title".into(), code.title().into());
        all.insert("status".into(), code.status().as_u16().into());
        all.insert("code".into(), code.as_str().into());
        all.insert("detail".into(), detail.as_str().into());
        if let Some(instance) = instance {
            all.insert("instance".into(), instance.into());
        }
        all.extend(members.clone());
        Value::Object(all).to_string()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code.as_str(), self.0.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.0.code.status()
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        let mut answer = HttpResponse::build(self.status_code());
        answer.content_type("application/problem+json");
        answer.insert_header((header::CACHE_CONTROL, "no-store"));
        for header in &self.0.headers {
            answer.append_header(header.clone());
        }
        answer.body(self.json(None))
    }
}

/// A message as a sentence: it begins with a capital and ends with a full stop.
#[must_use]
pub fn sentence(message: &impl fmt::Display) -> String {
    let text = message.to_string();
    let mut rest = text.chars();
    rest.next()
        .map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), rest.as_str()))
}

/// An instant as the API writes it: RFC 3339, UTC, milliseconds.
#[must_use]
pub fn instant(at: Timestamp) -> String {
    format!("{at:.3}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_has_the_documented_members() {
        let problem = Problem::field(Code::InvalidNumber, "to", "no").with("limit", 3);
        let json: Value = serde_json::from_str(&problem.json(Some("/v1/verifications"))).unwrap();
        let expected = serde_json::json!({
            "type": "urn:ringproof:problem:invalid_number",
            "title": "The number cannot be called",
            "status": 422,
            "code": "invalid_number",
            "detail": "no",
            "instance": "/v1/verifications",
            "field": "to",
            "limit": 3,
        });
        assert_eq!(json, expected);
    }

    #[test]
    fn a_retry_is_rounded_up_and_never_at_once() {
        let at = |millis| Timestamp::from_millisecond(millis).unwrap();
        let retry = |until, now| {
            let problem = Problem::new(Code::NumberBusy, "").retry_at(at(until), at(now));
            problem.0.members["retry_after"].as_u64().unwrap()
        };
        assert_eq!(retry(60_001, 0), 61);
        assert_eq!(retry(60_000, 0), 60);
        assert_eq!(retry(0, 60_000), 1);
        assert_eq!(instant(at(1)), "1970-01-01T00:00:00.001Z");
    }
}
