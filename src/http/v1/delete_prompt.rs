//! `DELETE /v1/prompts/{name}`: delete a stored prompt.

use std::sync::Arc;

use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, delete};

use crate::service::to_the_end;

use super::super::access::{Holder, ToOperate};
use super::super::error::Code;
use super::super::problem::Problem;
use super::super::state::State;
use super::prompt::refused;
use super::sound::named;

/// What can be wrong with deleting a prompt.
pub const PROBLEMS: &[Code] = &[
    Code::Unauthorized,
    Code::MissingScope,
    Code::NotFound,
    Code::PromptConfigured,
    Code::Internal,
    Code::StoreUnavailable,
];

/// Deletes a stored prompt; its sounds stay.
#[utoipa::path(
    operation_id = "delete_prompt",
    tag = "prompts",
    params(("name" = String, Path, description = "The prompt's name")),
    responses((status = 204, description = "It is gone")),
    security(("key" = ["operate"])),
)]
#[delete("/v1/prompts/{name}")]
pub async fn delete_prompt(
    holder: Holder<ToOperate>,
    path: Path<String>,
    state: Data<State>,
) -> Result<HttpResponse, Problem> {
    let (service, prompt) = (Arc::clone(&state.service), named(&path)?);
    let work = async move { service.delete_prompt(&prompt, &holder.actor()).await };
    to_the_end(state.service.background(), work).await.map_err(refused)?;
    Ok(HttpResponse::NoContent().finish())
}
