//! `GET /v1/audit`: what administrators did, in pages.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::service::AuditEntry;

use super::super::access::{Holder, ToOperate};
use super::super::answer;
use super::super::error::Code;
use super::super::problem::{Problem, instant};
use super::super::read::Query;
use super::super::state::State;
use super::search::{CURSOR, limit, parsed};

/// What can be wrong with reading the audit log.
pub const PROBLEMS: &[Code] = &[
    Code::InvalidParameter,
    Code::UnknownParameter,
    Code::Unauthorized,
    Code::MissingScope,
    Code::Internal,
    Code::StoreUnavailable,
];

/// Which page.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// The most on a page. Default 20.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100)]
    limit: Option<String>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// One thing that was administered.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditEntry)]
pub struct AuditEntryView {
    /// Its place in the log, from 1, without gaps.
    sequence: u64,
    /// When.
    #[schema(format = DateTime)]
    at: String,
    /// Who: `key:` and a key's id, or `local` for the command line on the store's own machine.
    #[schema(example = "key:key_0123456789abcdef")]
    actor: String,
    /// What.
    #[schema(example = "key.created")]
    action: String,
    /// To what: an id or a name.
    subject: String,
    /// What was so before; null if nothing was.
    before: Value,
    /// What is so since; null if nothing is.
    after: Value,
    /// The hash of this entry and all before it, hexadecimal.
    hash: String,
}

/// One page.
#[derive(Serialize, ToSchema)]
pub struct AuditAnswer {
    /// The entries, newest first.
    entries: Vec<AuditEntryView>,
    /// What to ask the next page with; null on the last one.
    next_cursor: Option<String>,
}

/// Lists what administrators did, newest first.
#[utoipa::path(
    operation_id = "list_audit",
    tag = "audit",
    params(AuditQuery),
    responses((status = 200, description = "One page", body = AuditAnswer)),
    security(("key" = ["operate"])),
)]
#[get("/v1/audit")]
pub async fn list_audit(
    _holder: Holder<ToOperate>,
    state: Data<State>,
    query: Query<AuditQuery>,
) -> Result<HttpResponse, Problem> {
    let before = parsed("cursor", query.0.cursor, CURSOR)?;
    let limit = limit(query.0.limit.as_deref())?;
    let page = state.service.list_audit(before, limit).await;
    let page = page.map_err(|error| Problem::store(&error))?;
    let answer = AuditAnswer {
        entries: page.entries.into_iter().map(AuditEntryView::new).collect(),
        next_cursor: page.next.map(|sequence| sequence.to_string()),
    };
    Ok(answer::json(StatusCode::OK, &answer))
}

impl AuditEntryView {
    fn new(entry: AuditEntry) -> Self {
        let AuditEntry { sequence, audited, hash } = entry;
        Self {
            sequence,
            at: instant(audited.at),
            actor: audited.actor.into(),
            action: audited.action.into(),
            subject: audited.subject.into(),
            before: json(audited.before.as_deref()),
            after: json(audited.after.as_deref()),
            hash: const_hex::encode(hash),
        }
    }
}

/// A text that somebody changed in the store is shown as it is now.
fn json(text: Option<&str>) -> Value {
    text.map_or(Value::Null, |text| serde_json::from_str(text).unwrap_or_else(|_| text.into()))
}
