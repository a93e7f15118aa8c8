//! A bar as answers show it, and its id.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use serde::Serialize;
use utoipa::ToSchema;

use crate::service::{Bar, GuardKey, StoreError, to_the_end};

use super::super::super::answer;
use super::super::super::error::Code;
use super::super::super::problem::{Problem, instant};
use super::super::super::state::State;
use super::super::words;

/// What an id begins with.
const PREFIX: &str = "bar_";

/// What stands in the way of starts.
#[derive(Serialize, ToSchema)]
#[schema(as = Bar)]
pub struct BarView {
    /// Its id, by which it is taken away.
    id: String,
    /// The rule that it stands for.
    #[schema(schema_with = words::rule)]
    rule: String,
    /// The app that it is for; null for every app.
    app: Option<String>,
    /// What it bars. A number or an address is masked.
    subject: String,
    /// Why, in somebody's words.
    reason: Option<String>,
    /// Since when.
    #[schema(format = DateTime)]
    created_at: String,
    /// Until when; null is until it is taken away.
    #[schema(format = DateTime)]
    until: Option<String>,
}

impl BarView {
    /// Shows a bar.
    pub fn new(bar: &Bar) -> Self {
        Self {
            id: id_of(bar.key),
            rule: bar.rule.as_str().to_owned(),
            app: bar.app.as_ref().map(ToString::to_string),
            subject: bar.subject.to_string(),
            reason: bar.reason.as_ref().map(ToString::to_string),
            created_at: instant(bar.created_at),
            until: bar.until.map(instant),
        }
    }
}

/// The id of a bar.
pub fn id_of(key: GuardKey) -> String {
    format!("{PREFIX}{}", const_hex::encode(key))
}

/// The bar of an id.
pub fn key_of(id: &str) -> Option<GuardKey> {
    let mut key = GuardKey::default();
    const_hex::decode_to_slice(id.strip_prefix(PREFIX)?, &mut key).ok()?;
    Some(key)
}

/// The id in the path. What is no id names no bar.
pub struct BarId(pub GuardKey);

impl FromRequest for BarId {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let key = request.match_info().get("id").and_then(key_of);
        ready(key.map(Self).ok_or_else(no_such_bar))
    }
}

/// Has a bar put up, and answers with it.
///
/// # Errors
/// When the store does not take it.
pub async fn put_up(
    state: &State,
    work: impl Future<Output = Result<Bar, StoreError>> + Send + 'static,
) -> Result<HttpResponse, Problem> {
    let bar = to_the_end(state.service.background(), work).await;
    let bar = bar.map_err(|error| Problem::store(&error))?;
    Ok(answer::json(StatusCode::CREATED, &BarView::new(&bar)))
}

/// Has a bar taken away, `work` telling whether it stood.
///
/// # Errors
/// When it did not stand, or the store does not take it.
pub async fn take_away(
    state: &State,
    work: impl Future<Output = Result<bool, StoreError>> + Send + 'static,
) -> Result<HttpResponse, Problem> {
    let stood = to_the_end(state.service.background(), work).await;
    match stood.map_err(|error| Problem::store(&error))? {
        true => Ok(HttpResponse::NoContent().finish()),
        false => Err(no_such_bar()),
    }
}

/// There is no bar with this id.
fn no_such_bar() -> Problem {
    Problem::new(Code::NotFound, "Nothing with this id stands; the list has the ids.")
}

/// A reason in somebody's words.
///
/// # Errors
/// When it is too long.
pub fn reason(text: Option<String>) -> Result<Option<Box<str>>, Problem> {
    const LONGEST: usize = 256;
    match text {
        Some(text) if text.len() > LONGEST => {
            let detail = format!("\"reason\" has at most {LONGEST} bytes.");
            Err(Problem::field(Code::InvalidField, "reason", detail).with("limit", LONGEST))
        }
        text => Ok(text.filter(|text| !text.is_empty()).map(String::into_boxed_str)),
    }
}
