//! `GET /v1/sounds`: every sound.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use serde::Serialize;
use utoipa::ToSchema;

use super::super::access::{Holder, ToOperate};
use super::super::answer;
use super::super::error::Code;
use super::super::problem::Problem;
use super::super::state::State;
use super::sound::SoundView;

/// What can be wrong with listing sounds.
pub const PROBLEMS: &[Code] = &[Code::Unauthorized, Code::MissingScope];

/// Every sound.
#[derive(Serialize, ToSchema)]
#[schema(as = Sounds)]
pub struct SoundsView {
    /// By name.
    sounds: Vec<SoundView>,
}

/// Lists every sound with its versions, what was found out about them, and where they are used.
#[utoipa::path(
    operation_id = "list_sounds",
    tag = "sounds",
    responses((status = 200, description = "Every sound", body = SoundsView)),
    security(("key" = ["operate"])),
)]
#[get("/v1/sounds")]
pub async fn list_sounds(
    _holder: Holder<ToOperate>,
    state: Data<State>,
) -> Result<HttpResponse, Problem> {
    let sounds = state.service.list_sounds().iter().map(SoundView::new).collect();
    Ok(answer::json(StatusCode::OK, &SoundsView { sounds }))
}
