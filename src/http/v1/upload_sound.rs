//! `POST /v1/sounds`: keep a sound and bring it to the provider.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse, post};
use utoipa::ToSchema;

use crate::service::to_the_end;

use super::super::access::{Holder, ToOperate};
use super::super::answer;
use super::super::error::Code;
use super::super::problem::Problem;
use super::super::read::upload;
use super::super::state::State;
use super::sound::{SoundView, refused};
use super::step::name;

/// What can be wrong with uploading a sound.
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
    Code::UnknownAccount,
    Code::UnsupportedSound,
    Code::Internal,
    Code::ProviderBusy,
    Code::ProviderFailed,
    Code::SoundsBusy,
    Code::StoreUnavailable,
];

/// A sound to be uploaded.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes the fields of the body, which is read part by part")]
pub struct SoundUpload {
    /// Its name, 1 to 64 of a-z, 0-9, - and _.
    name: String,
    /// The account whose provider is to have it. Default: every account.
    account: Option<String>,
    /// WAV, MP3, FLAC or Ogg Vorbis: at most 16 MiB, 0.5 to 60 seconds.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// Keeps a file as the newest version of a sound, converted to what telephones play, and
/// brings it to the provider. The same file again keeps nothing twice, and brings it where
/// it is missing.
#[utoipa::path(
    operation_id = "upload_sound",
    tag = "sounds",
    request_body(content = SoundUpload, content_type = "multipart/form-data"),
    responses(
        (status = 201, description = "It is a new version", body = SoundView),
        (status = 200, description = "The newest version has the same file", body = SoundView),
    ),
    security(("key" = ["operate"])),
)]
#[post("/v1/sounds")]
pub async fn upload_sound(
    holder: Holder<ToOperate>,
    request: HttpRequest,
    payload: Payload,
    state: Data<State>,
) -> Result<HttpResponse, Problem> {
    let place = state.service.place_to_prepare().map_err(refused)?;
    let mut upload = upload(&request, &mut payload.into_inner()).await?;
    let missing = || Problem::field(Code::MissingField, "name", "The field \"name\" is required.");
    let sound = name("name", &upload.take("name").ok_or_else(missing)?)?;
    let account = upload.take("account").map(|text| name("account", &text)).transpose()?;
    upload.nothing_else(&["name", "account", "file"])?;
    let service = Arc::clone(&state.service);
    let work = async move {
        service.upload_sound(place, sound, account, upload.file, &holder.actor()).await
    };
    let uploaded = to_the_end(state.service.background(), work).await.map_err(refused)?;
    let status = if uploaded.is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok(answer::json(status, &SoundView::new(&uploaded.sound)))
}
