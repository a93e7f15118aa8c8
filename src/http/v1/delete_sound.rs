//! `DELETE /v1/sounds/{name}`: delete a sound that nothing uses.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, delete};
use serde::Serialize;
use utoipa::ToSchema;

use crate::service::to_the_end;

use super::super::access::{Holder, ToOperate};
use super::super::answer;
use super::super::error::Code;
use super::super::problem::Problem;
use super::super::state::State;
use super::sound::{named, refused};

/// What can be wrong with deleting a sound.
pub const PROBLEMS: &[Code] = &[
    Code::Unauthorized,
    Code::MissingScope,
    Code::NotFound,
    Code::SoundInUse,
    Code::Internal,
    Code::StoreUnavailable,
];

/// What came of a deletion.
#[derive(Serialize, ToSchema)]
#[schema(as = DeletedSound)]
pub struct DeletedSoundView {
    /// The sound that is gone.
    name: String,
    /// The ids that a provider did not remove, so that they are to be removed there by hand.
    left_at_provider: Vec<String>,
}

/// Deletes a sound with all its versions, here and at the providers. One that a prompt
/// uses is not deleted; `used_by` says where.
#[utoipa::path(
    operation_id = "delete_sound",
    tag = "sounds",
    params(("name" = String, Path, description = "The sound's name")),
    responses((status = 200, description = "It is gone", body = DeletedSoundView)),
    security(("key" = ["operate"])),
)]
#[delete("/v1/sounds/{name}")]
pub async fn delete_sound(
    holder: Holder<ToOperate>,
    path: Path<String>,
    state: Data<State>,
) -> Result<HttpResponse, Problem> {
    let name = named(&path)?;
    let (service, sound) = (Arc::clone(&state.service), name.clone());
    let work = async move { service.delete_sound(&sound, &holder.actor()).await };
    let deleted = to_the_end(state.service.background(), work).await.map_err(refused)?;
    let left = deleted.left.into_iter().map(|place| place.provider_id.into()).collect();
    let view = DeletedSoundView { name: name.to_string(), left_at_provider: left };
    Ok(answer::json(StatusCode::OK, &view))
}
