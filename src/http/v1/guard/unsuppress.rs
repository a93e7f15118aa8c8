//! `DELETE /v1/suppressions/{id}`: somebody may be reached again.

use std::sync::Arc;

use actix_web::web::Data;
use actix_web::{HttpResponse, delete};

use crate::service::to_the_end;

use super::super::super::access::{Holder, ToOperate};
use super::super::super::error::Code;
use super::super::super::problem::Problem;
use super::super::super::state::State;
use super::bar::{BarId, no_such_bar};

/// What can be wrong with taking a suppression away.
pub const PROBLEMS: &[Code] = &[
    Code::Unauthorized,
    Code::MissingScope,
    Code::NotFound,
    Code::Internal,
    Code::StoreUnavailable,
];

/// Lets a number or an address be reached again.
#[utoipa::path(
    operation_id = "unsuppress",
    tag = "guard",
    params(("id" = String, Path, description = "The id that the list shows")),
    responses((status = 204, description = "It may be reached again")),
    security(("key" = ["operate"])),
)]
#[delete("/v1/suppressions/{id}")]
pub async fn unsuppress(
    _holder: Holder<ToOperate>,
    id: BarId,
    state: Data<State>,
) -> Result<HttpResponse, Problem> {
    let service = Arc::clone(&state.service);
    let work = async move { service.unsuppress(id.0).await };
    let lifted = to_the_end(state.service.background(), work).await;
    match lifted.map_err(|error| Problem::store(&error))? {
        true => Ok(HttpResponse::NoContent().finish()),
        false => Err(no_such_bar()),
    }
}
