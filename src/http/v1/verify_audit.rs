//! `GET /v1/audit/verification`: whether the audit log is whole.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::service::AuditError;

use super::super::access::{Holder, ToOperate};
use super::super::answer;
use super::super::error::Code;
use super::super::problem::Problem;
use super::super::read::Query;
use super::super::state::State;
use super::search::parsed;

/// What can be wrong with checking the audit log.
pub const PROBLEMS: &[Code] = &[
    Code::InvalidParameter,
    Code::UnknownParameter,
    Code::Unauthorized,
    Code::MissingScope,
    Code::Internal,
    Code::StoreUnavailable,
];

/// What to compare with.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct VerificationQuery {
    /// A head of an earlier time, which the log must still contain.
    head: Option<String>,
}

/// What the check found.
#[derive(Serialize, ToSchema)]
pub struct AuditVerification {
    /// Whether every entry is there and as it was written.
    whole: bool,
    /// The log's head, `COUNT:HASH`, to be noted elsewhere; null if it is not whole.
    head: Option<String>,
    /// What is wrong; null if it is whole.
    fault: Option<String>,
}

/// Checks that no entry of the audit log was changed or removed.
#[utoipa::path(
    operation_id = "verify_audit",
    tag = "audit",
    params(VerificationQuery),
    responses((status = 200, description = "What was found", body = AuditVerification)),
    security(("key" = ["operate"])),
)]
#[get("/v1/audit/verification")]
pub async fn verify_audit(
    _holder: Holder<ToOperate>,
    state: Data<State>,
    query: Query<VerificationQuery>,
) -> Result<HttpResponse, Problem> {
    let noted = parsed("head", query.0.head, "is COUNT:HASH, as an earlier check told it")?;
    let found = match state.service.verify_audit(noted).await {
        Ok(head) => AuditVerification { whole: true, head: Some(head.to_string()), fault: None },
        Err(AuditError::Fault(fault)) => {
            AuditVerification { whole: false, head: None, fault: Some(fault.to_string()) }
        }
        Err(AuditError::Store(error)) => return Err(Problem::store(&error)),
    };
    Ok(answer::json(StatusCode::OK, &found))
}
