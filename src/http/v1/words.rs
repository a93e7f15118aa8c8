//! The closed sets of words that answers use, as schemas.

use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};

use crate::domain::{CallResult, Channel, Check, Mode, Outcome, RefusalReason, Rule, Status};
use crate::intake::Verdict;
use crate::service::{CheckResult, DeliveryState, Scope, SignatureMethod, StatsBy};

fn words(all: impl IntoIterator<Item = &'static str>) -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(all)).build()
}

fn words_or_null(all: impl IntoIterator<Item = &'static str>) -> Object {
    let mut object = words(all);
    object.schema_type = SchemaType::from_iter([Type::String, Type::Null]);
    if let Some(values) = &mut object.enum_values {
        values.push(serde_json::Value::Null);
    }
    object
}

/// Statuses.
pub fn status() -> Object {
    words(Status::ALL.map(Status::as_str))
}

/// Outcomes, or null.
pub fn outcome() -> Object {
    words_or_null(Outcome::ALL.map(Outcome::as_str))
}

/// Results of calls, or null.
pub fn result() -> Object {
    words_or_null(CallResult::ALL.map(CallResult::as_str))
}

/// Reasons for which the provider refuses, or null.
pub fn reason() -> Object {
    words_or_null(RefusalReason::ALL.map(RefusalReason::as_str))
}

/// What became of a dispatch.
pub fn dispatch() -> Object {
    words(["intended", "accepted", "refused", "unknown"])
}

/// Levels of evidence.
pub fn level() -> Object {
    words(["weak", "partial", "strong"])
}

/// Levels of evidence, and none.
pub fn level_or_null() -> Object {
    words_or_null(["weak", "partial", "strong"])
}

/// Checks of a notification.
pub fn check() -> Object {
    words(Check::ALL.map(Check::as_str))
}

/// Rules of the guard.
pub fn rule() -> Object {
    words(Rule::ALL.map(Rule::as_str))
}

/// How strictly they hold.
pub fn mode() -> Object {
    words([Mode::Shadow, Mode::Enforce].map(Mode::as_str))
}

/// Channels.
pub fn channel() -> Object {
    words(Channel::ALL.map(Channel::as_str))
}

/// Channels, or null.
pub fn channel_or_null() -> Object {
    words_or_null(Channel::ALL.map(Channel::as_str))
}

/// Results of checks.
pub fn check_result() -> Object {
    words(CheckResult::ALL.map(CheckResult::as_str))
}

/// States of deliveries.
pub fn delivery_state() -> Object {
    words(DeliveryState::ALL.map(DeliveryState::as_str))
}

/// Scopes.
pub fn scope() -> Object {
    words(Scope::ALL.map(Scope::as_str))
}

/// Ways of signing, or null.
pub fn signature_method() -> Object {
    words_or_null(SignatureMethod::ALL.map(SignatureMethod::as_str))
}

/// Verdicts on notifications.
pub fn verdict() -> Object {
    words(Verdict::ALL.map(Verdict::as_str))
}

/// By what statistics are told apart.
pub fn stats_by() -> Object {
    words(StatsBy::ALL.map(StatsBy::as_str))
}
