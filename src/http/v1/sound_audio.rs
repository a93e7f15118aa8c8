//! `GET /v1/sounds/{name}/audio`: listen to a sound.

use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION};
use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, get};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::service::SoundFile;

use super::super::access::{Holder, ToOperate};
use super::super::error::Code;
use super::super::problem::Problem;
use super::super::read::Query;
use super::super::state::State;
use super::sound::{named, refused};

/// What can be wrong with listening to a sound.
pub const PROBLEMS: &[Code] = &[
    Code::Unauthorized,
    Code::MissingScope,
    Code::NotFound,
    Code::InvalidParameter,
    Code::UnknownParameter,
    Code::Internal,
    Code::StoreUnavailable,
];

/// Which file.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AudioQuery {
    /// The version's number. Default: the newest.
    version: Option<String>,
    /// `converted`, as it is played, or `original`, as it was uploaded. Default: `converted`.
    file: Option<String>,
}

/// Sends a sound as it is played, or as it was uploaded.
#[utoipa::path(
    operation_id = "sound_audio",
    tag = "sounds",
    params(("name" = String, Path, description = "The sound's name"), AudioQuery),
    responses((status = 200, description = "The file", content(
        (Vec<u8> = "audio/wav"),
        (Vec<u8> = "application/octet-stream"),
    ))),
    security(("key" = ["operate"])),
)]
#[get("/v1/sounds/{name}/audio")]
pub async fn sound_audio(
    _holder: Holder<ToOperate>,
    path: Path<String>,
    query: Query<AudioQuery>,
    state: Data<State>,
) -> Result<HttpResponse, Problem> {
    let AudioQuery { version, file } = query.0;
    let version = version.map(|text| text.parse::<u32>()).transpose().map_err(|_| {
        let detail = "\"version\" is the number of a version, from 1.";
        Problem::field(Code::InvalidParameter, "version", detail)
    })?;
    let (which, content_type, shown) = match file.as_deref() {
        None | Some("converted") => (SoundFile::Converted, "audio/wav", "inline"),
        // What strangers made is saved, not shown.
        Some("original") => (SoundFile::Original, "application/octet-stream", "attachment"),
        Some(_) => {
            let detail = "\"file\" is \"converted\" or \"original\".";
            return Err(Problem::field(Code::InvalidParameter, "file", detail));
        }
    };
    let bytes = state.service.sound_file(&named(&path)?, version, which).await.map_err(refused)?;
    Ok(HttpResponse::Ok()
        .content_type(content_type)
        .insert_header((CONTENT_DISPOSITION, shown))
        .insert_header(("X-Content-Type-Options", "nosniff"))
        .insert_header((CACHE_CONTROL, "no-store"))
        .body(bytes))
}
