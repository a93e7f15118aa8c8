//! `DELETE /v1/keys/{id}`: revoke a key.

use std::sync::Arc;

use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, delete};

use crate::service::to_the_end;

use super::super::access::{Holder, ToOperate};
use super::super::error::Code;
use super::super::problem::Problem;
use super::super::state::State;
use super::create_key::refused;

/// What can be wrong with revoking a key.
pub const PROBLEMS: &[Code] = &[
    Code::Unauthorized,
    Code::MissingScope,
    Code::NotFound,
    Code::Internal,
    Code::StoreUnavailable,
];

/// Revokes a key, effective at once.
#[utoipa::path(
    operation_id = "revoke_key",
    tag = "keys",
    params(("id" = String, Path, description = "The key's public id")),
    responses((status = 204, description = "The key is not accepted any more")),
    security(("key" = ["operate"])),
)]
#[delete("/v1/keys/{id}")]
pub async fn revoke_key(
    holder: Holder<ToOperate>,
    id: Path<String>,
    state: Data<State>,
) -> Result<HttpResponse, Problem> {
    let service = Arc::clone(&state.service);
    let work = async move { service.revoke_key(&id, &holder.actor()).await };
    to_the_end(state.service.background(), work).await.map_err(refused)?;
    Ok(HttpResponse::NoContent().finish())
}
