//! `POST /v1/sounds/inspect`: what an upload would find out, and keep nothing.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse, post};
use utoipa::ToSchema;

use super::super::access::{Holder, ToOperate};
use super::super::answer;
use super::super::error::Code;
use super::super::problem::Problem;
use super::super::read::upload;
use super::super::state::State;
use super::sound::{InspectionView, refused};

/// What can be wrong with inspecting a sound.
pub const PROBLEMS: &[Code] = &[
    Code::InvalidMultipart,
    Code::Unauthorized,
    Code::MissingScope,
    Code::RequestTimeout,
    Code::BodyTooLarge,
    Code::UnsupportedMediaType,
    Code::UnknownField,
    Code::MissingField,
    Code::InvalidField,
    Code::UnsupportedSound,
    Code::SoundsBusy,
];

/// A sound to be inspected.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes the fields of the body, which is read part by part")]
pub struct SoundToInspect {
    /// WAV, MP3, FLAC or Ogg Vorbis: at most 16 MiB, 0.5 to 60 seconds.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// Inspects a file and keeps nothing.
#[utoipa::path(
    operation_id = "inspect_sound",
    tag = "sounds",
    request_body(content = SoundToInspect, content_type = "multipart/form-data"),
    responses((status = 200, description = "What was found out", body = InspectionView)),
    security(("key" = ["operate"])),
)]
#[post("/v1/sounds/inspect")]
pub async fn inspect_sound(
    _holder: Holder<ToOperate>,
    request: HttpRequest,
    payload: Payload,
    state: Data<State>,
) -> Result<HttpResponse, Problem> {
    let place = state.service.place_to_prepare().map_err(refused)?;
    let upload = upload(&request, &mut payload.into_inner()).await?;
    upload.nothing_else(&["file"])?;
    let found = state.service.inspect_sound(place, upload.file).await.map_err(refused)?;
    Ok(answer::json(StatusCode::OK, &InspectionView::new(&found)))
}
