//! `DELETE /v1/guard/blocks/{id}`: what a rule has blocked may be again.

use std::sync::Arc;

use actix_web::web::Data;
use actix_web::{HttpResponse, delete};

use super::super::super::access::{Holder, ToOperate};
use super::super::super::error::Code;
use super::super::super::problem::Problem;
use super::super::super::state::State;
use super::bar::{BarId, take_away};

/// What can be wrong with lifting a block.
pub const PROBLEMS: &[Code] = &[
    Code::Unauthorized,
    Code::MissingScope,
    Code::NotFound,
    Code::Internal,
    Code::StoreUnavailable,
];

/// Lifts a block before its time; the rule may block again.
#[utoipa::path(
    operation_id = "lift_block",
    tag = "guard",
    params(("id" = String, Path, description = "The id that the list shows")),
    responses((status = 204, description = "It is not blocked any more")),
    security(("key" = ["operate"])),
)]
#[delete("/v1/guard/blocks/{id}")]
pub async fn lift_block(
    holder: Holder<ToOperate>,
    id: BarId,
    state: Data<State>,
) -> Result<HttpResponse, Problem> {
    let service = Arc::clone(&state.service);
    let work = async move { service.lift_block(id.0, &holder.actor()).await };
    take_away(&state, work).await
}
