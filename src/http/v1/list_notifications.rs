//! `GET /v1/notifications`: what the provider told, and what was made of it, in pages.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::domain::Name;
use crate::intake::Verdict;
use crate::service::NotificationSearch;

use super::super::access::{Holder, ToOperate};
use super::super::answer;
use super::super::error::Code;
use super::super::problem::Problem;
use super::super::read::Query;
use super::super::state::State;
use super::notification::NotificationView;
use super::search::{CURSOR, limit, parsed, time, word, wrong};
use super::words;

/// What can be wrong with listing notifications.
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
pub struct NotificationsQuery {
    /// The account whose notification URL they came to.
    account: Option<String>,
    /// What was made of them.
    #[param(schema_with = words::verdict)]
    verdict: Option<String>,
    /// The verification that they were matched with.
    verification_id: Option<String>,
    /// Received at this instant or later, RFC 3339.
    #[param(format = DateTime)]
    received_from: Option<String>,
    /// Received before this instant, RFC 3339.
    #[param(format = DateTime)]
    received_until: Option<String>,
    /// The most on a page. Default 20.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100)]
    limit: Option<String>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// One page.
#[derive(Serialize, ToSchema)]
pub struct NotificationsAnswer {
    /// The notifications, newest first. A page looks through a bounded part of the journal,
    /// so it may hold fewer than asked for, even none, and be followed by another.
    notifications: Vec<NotificationView>,
    /// What to ask the next page with; null on the last one.
    next_cursor: Option<String>,
}

/// Lists the notifications of every account, newest first.
#[utoipa::path(
    operation_id = "list_notifications",
    tag = "operations",
    params(NotificationsQuery),
    responses((status = 200, description = "One page", body = NotificationsAnswer)),
    security(("key" = ["operate"])),
)]
#[get("/v1/notifications")]
pub async fn list_notifications(
    _holder: Holder<ToOperate>,
    state: Data<State>,
    query: Query<NotificationsQuery>,
) -> Result<HttpResponse, Problem> {
    let page = state.service.list_notifications(wanted(query.0)?).await;
    let page = page.map_err(|error| Problem::store(&error))?;
    let answer = NotificationsAnswer {
        notifications: page.notifications.iter().map(NotificationView::new).collect(),
        next_cursor: page.next.map(|before| before.to_string()),
    };
    Ok(answer::json(StatusCode::OK, &answer))
}

fn wanted(query: NotificationsQuery) -> Result<NotificationSearch, Problem> {
    let account = query.account.map(|text| Name::parse(&text)).transpose();
    let verdict = word("verdict", query.verdict, Verdict::ALL, Verdict::as_str)?;
    let before = parsed("cursor", query.cursor, CURSOR)?;
    Ok(NotificationSearch {
        account: account.map_err(|_| wrong("account", "is the name of an account"))?,
        verdict: verdict.map(|verdict| verdict.as_str().into()),
        verification: parsed(
            "verification_id",
            query.verification_id,
            "is the id of a verification",
        )?,
        received_from: time("received_from", query.received_from)?,
        received_until: time("received_until", query.received_until)?,
        before,
        limit: limit(query.limit.as_deref())?,
    })
}
