//! `DELETE /v1/guard/exemptions/{id}`: a prefix may be blocked again.

use std::sync::Arc;

use actix_web::web::Data;
use actix_web::{HttpResponse, delete};

use super::super::super::access::{Holder, ToOperate};
use super::super::super::error::Code;
use super::super::super::problem::Problem;
use super::super::super::state::State;
use super::bar::{BarId, take_away};

/// What can be wrong with taking an exemption away.
pub const PROBLEMS: &[Code] = &[
    Code::Unauthorized,
    Code::MissingScope,
    Code::NotFound,
    Code::Internal,
    Code::StoreUnavailable,
];

/// Takes an exemption away; what was counted meanwhile counts.
#[utoipa::path(
    operation_id = "unexempt",
    tag = "guard",
    params(("id" = String, Path, description = "The id that the list shows")),
    responses((status = 204, description = "It may be blocked again")),
    security(("key" = ["operate"])),
)]
#[delete("/v1/guard/exemptions/{id}")]
pub async fn unexempt(
    holder: Holder<ToOperate>,
    id: BarId,
    state: Data<State>,
) -> Result<HttpResponse, Problem> {
    let service = Arc::clone(&state.service);
    let work = async move { service.unexempt(id.0, &holder.actor()).await };
    take_away(&state, work).await
}
