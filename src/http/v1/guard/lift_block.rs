//! `DELETE /v1/guard/blocks/{id}`: what a rule has blocked may be again.

use std::sync::Arc;

use actix_web::web::Data;
use actix_web::{HttpResponse, delete};

use crate::service::to_the_end;

use super::super::super::access::{Holder, ToOperate};
use super::super::super::error::Code;
use super::super::super::problem::Problem;
use super::super::super::state::State;
use super::bar::{BarId, no_such_bar};

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
    _holder: Holder<ToOperate>,
    id: BarId,
    state: Data<State>,
) -> Result<HttpResponse, Problem> {
    let service = Arc::clone(&state.service);
    let work = async move { service.lift_block(id.0).await };
    let lifted = to_the_end(state.service.background(), work).await;
    match lifted.map_err(|error| Problem::store(&error))? {
        true => Ok(HttpResponse::NoContent().finish()),
        false => Err(no_such_bar()),
    }
}
