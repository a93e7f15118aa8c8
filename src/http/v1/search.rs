//! `GET /v1/verifications`: search, in pages.

use std::str::FromStr;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::domain::{Channel, EmailAddress, Name, Outcome, PhoneNumber, Recipient, Status};
use crate::service::{Browse, LOOK_AT};

use super::super::access::{Holder, ToRead};
use super::super::answer;
use super::super::error::Code;
use super::super::problem::Problem;
use super::super::read::Query;
use super::super::state::State;
use super::verification::View;
use super::words;

/// How many a page holds unless the request says.
const DEFAULT_LIMIT: u16 = 20;
/// How many a page may hold.
const MAX_LIMIT: u16 = 100;
/// What a cursor is.
pub(super) const CURSOR: &str = "is the next_cursor of the page before";

/// What can be wrong with a search.
pub const PROBLEMS: &[Code] = &[
    Code::InvalidParameter,
    Code::UnknownParameter,
    Code::Unauthorized,
    Code::MissingScope,
    Code::Internal,
    Code::StoreUnavailable,
];

/// What to look for; what is left out matches everything.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SearchQuery {
    /// The number, E.164, or the e-mail address.
    to: Option<String>,
    /// The app's own reference, whole.
    reference: Option<String>,
    /// Where it stands.
    #[param(schema_with = words::status)]
    status: Option<String>,
    /// Why it ended.
    #[param(schema_with = words::outcome)]
    outcome: Option<String>,
    /// How the person is reached.
    #[param(schema_with = words::channel)]
    channel: Option<String>,
    /// Started at this instant or later, RFC 3339.
    #[param(format = DateTime)]
    created_from: Option<String>,
    /// Started before this instant, RFC 3339.
    #[param(format = DateTime)]
    created_until: Option<String>,
    /// The most on a page. Default 20.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100)]
    limit: Option<String>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// One page.
#[derive(Serialize, ToSchema)]
pub struct SearchAnswer {
    /// The verifications, newest first.
    verifications: Vec<View>,
    /// What to ask the next page with; null on the last one. A page looks at 10,000
    /// verifications, unless number or reference say where to look, so it may hold fewer than
    /// asked for, or none, and yet have a next one.
    next_cursor: Option<String>,
}

/// Searches the app's verifications, newest first.
#[utoipa::path(
    operation_id = "search",
    tag = "verifications",
    params(SearchQuery),
    responses((status = 200, description = "One page", body = SearchAnswer)),
    security(("key" = ["read"])),
)]
#[get("/v1/verifications")]
pub async fn search(
    holder: Holder<ToRead>,
    state: Data<State>,
    query: Query<SearchQuery>,
) -> Result<HttpResponse, Problem> {
    let wanted = wanted(holder.app, query.0)?;
    let page = state.service.browse(wanted).await.map_err(|error| Problem::store(&error))?;
    let timing = state.service.timing();
    let found = page.verifications.iter().map(|verification| View::new(verification, timing));
    let answer = SearchAnswer {
        verifications: found.collect(),
        next_cursor: page.next.map(|id| id.to_string()),
    };
    Ok(answer::json(StatusCode::OK, &answer))
}

fn wanted(app: Name, query: SearchQuery) -> Result<Browse, Problem> {
    Ok(Browse {
        app: Some(app),
        to: query.to.as_deref().map(recipient).transpose()?,
        reference: query.reference,
        status: word("status", query.status, Status::ALL, Status::as_str)?,
        outcome: word("outcome", query.outcome, Outcome::ALL, Outcome::as_str)?,
        channel: word("channel", query.channel, Channel::ALL, Channel::as_str)?,
        created_from: time("created_from", query.created_from)?,
        created_until: time("created_until", query.created_until)?,
        before: parsed("cursor", query.cursor, CURSOR)?,
        limit: limit(query.limit.as_deref())?,
        look_at: LOOK_AT,
    })
}

fn recipient(text: &str) -> Result<Recipient, Problem> {
    // A plus sign that was not escaped arrives as a space.
    let text = text.strip_prefix(' ').map_or_else(|| text.to_owned(), |rest| format!("+{rest}"));
    let wrong =
        |why: String| Problem::field(Code::InvalidParameter, "to", format!("\"to\": {why}."));
    if text.contains('@') {
        let address = EmailAddress::parse(&text).map_err(|why| wrong(why.to_string()))?;
        return Ok(Recipient::Email(address));
    }
    PhoneNumber::parse(&text).map(Recipient::Phone).map_err(|why| wrong(why.to_string()))
}

pub(super) fn word<T: Copy, const N: usize>(
    parameter: &str,
    text: Option<String>,
    all: [T; N],
    as_str: impl Fn(T) -> &'static str,
) -> Result<Option<T>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let found = all.into_iter().find(|word| as_str(*word) == text);
    found.map(Some).ok_or_else(|| {
        let known: Vec<&str> = all.into_iter().map(as_str).collect();
        let what = format!("is one of: {}", known.join(", "));
        wrong(parameter, &what).with("known", known)
    })
}

pub(super) fn time(parameter: &str, text: Option<String>) -> Result<Option<Timestamp>, Problem> {
    // A plus sign that was not escaped arrives as a space.
    let text = text.map(|text| text.replace(' ', "+"));
    parsed(parameter, text, "is an instant as in 2026-01-31T12:00:00Z")
}

/// A parameter that is read as one thing; `what` says which.
pub(super) fn parsed<T: FromStr>(
    parameter: &str,
    text: Option<String>,
    what: &str,
) -> Result<Option<T>, Problem> {
    text.map(|text| text.parse()).transpose().map_err(|_| wrong(parameter, what))
}

pub(super) fn limit(text: Option<&str>) -> Result<u16, Problem> {
    let Some(text) = text else { return Ok(DEFAULT_LIMIT) };
    let limit = text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
    limit.ok_or_else(|| {
        wrong("limit", &format!("is a whole number from 1 to {MAX_LIMIT}")).with("limit", MAX_LIMIT)
    })
}

pub(super) fn wrong(parameter: &str, what: &str) -> Problem {
    Problem::field(Code::InvalidParameter, parameter, format!("{parameter:?} {what}."))
}
