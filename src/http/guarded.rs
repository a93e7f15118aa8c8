//! A refusal by the guard as a problem: 429 when it will pass, 403 when it will not by itself.
//!
//! The headers `RateLimit-Policy` and `RateLimit` are those of the draft "RateLimit header
//! fields for HTTP" (draft-ietf-httpapi-ratelimit-headers-10): the policy's name is the rule's.
//! A budget's quota is in millionths of its currency.

use actix_web::http::header::{HeaderName, HeaderValue};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::domain::Refusal;
use crate::service::Guarded;

use super::error::Code;
use super::problem::{Problem, sentence};

/// What a refusal by the guard is answered with.
#[must_use]
pub fn guarded(guarded: &Guarded, now: Timestamp) -> Problem {
    let Refusal { rule, until, limit, .. } = guarded.refusal;
    let detail = sentence(guarded);
    let problem = match until {
        Some(until) => Problem::new(Code::GuardLimited, detail).retry_at(until, now),
        None => Problem::new(Code::GuardRefused, detail),
    };
    let budget = rule.is_day_budget();
    let rule = rule.as_str();
    let mut problem = problem.with("rule", rule).with("passes", until.is_some());
    if let Some(advised) = guarded.advised {
        problem = problem.with("next_channel", advised.as_str());
    }
    if budget && until.is_some() {
        problem = problem.with("day", now.to_zoned(TimeZone::UTC).date().to_string());
    }
    let Some((limit, until)) = limit.zip(until) else { return problem };
    let left = until.duration_since(now).as_secs_f64().ceil().max(1.0);
    let unit = if budget { ";qu=\"millionths\"" } else { "" };
    let policy = format!("\"{rule}\";q={};w={}{unit}", limit.max, limit.per.as_secs());
    let state = format!("\"{rule}\";r=0;t={left}");
    for (name, value) in [("ratelimit-policy", policy), ("ratelimit", state)] {
        if let Ok(value) = HeaderValue::try_from(value) {
            problem = problem.header(HeaderName::from_static(name), value);
        }
    }
    problem
}
