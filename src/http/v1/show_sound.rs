//! `GET /v1/sounds/{name}`: one sound.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, get};

use crate::service::SoundRefusal;

use super::super::access::{Holder, ToOperate};
use super::super::answer;
use super::super::error::Code;
use super::super::problem::Problem;
use super::super::state::State;
use super::sound::{SoundView, named, refused};

/// What can be wrong with showing a sound.
pub const PROBLEMS: &[Code] = &[Code::Unauthorized, Code::MissingScope, Code::NotFound];

/// Shows a sound with its versions, what was found out about them, and where they are used.
#[utoipa::path(
    operation_id = "show_sound",
    tag = "sounds",
    params(("name" = String, Path, description = "The sound's name")),
    responses((status = 200, description = "The sound", body = SoundView)),
    security(("key" = ["operate"])),
)]
#[get("/v1/sounds/{name}")]
pub async fn show_sound(
    _holder: Holder<ToOperate>,
    path: Path<String>,
    state: Data<State>,
) -> Result<HttpResponse, Problem> {
    let shown = state.service.show_sound(&named(&path)?);
    let shown = shown.ok_or_else(|| refused(SoundRefusal::NotFound))?;
    Ok(answer::json(StatusCode::OK, &SoundView::new(&shown)))
}
