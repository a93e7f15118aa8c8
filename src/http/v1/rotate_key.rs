//! `POST /v1/keys/{id}/rotate`: a new secret for a key.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, post};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::service::{MAX_OVERLAP, to_the_end};

use super::super::access::{Holder, ToOperate};
use super::super::answer;
use super::super::error::Code;
use super::super::problem::{Problem, instant};
use super::super::read::Json;
use super::super::state::State;
use super::create_key::refused;

/// What can be wrong with rotating a key.
pub const PROBLEMS: &[Code] = &[
    Code::InvalidJson,
    Code::JsonTooDeep,
    Code::Unauthorized,
    Code::MissingScope,
    Code::NotFound,
    Code::RequestTimeout,
    Code::BodyTooLarge,
    Code::UnsupportedMediaType,
    Code::UnknownField,
    Code::MissingField,
    Code::InvalidField,
    Code::Internal,
    Code::StoreUnavailable,
];

/// How long the old secret stays good.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateBody {
    /// Seconds; 0 ends it at once.
    #[schema(minimum = 0, maximum = 2_592_000, example = 86_400)]
    overlap: u32,
}

/// A key with a new secret.
#[derive(Serialize, ToSchema)]
#[schema(as = RotatedKey)]
pub struct RotatedKeyView {
    /// Its public id, as before.
    id: String,
    /// `ID.SECRET`, the bearer token from now on. Shown here and never again.
    key: String,
    /// Until when the old secret is good.
    #[schema(format = DateTime)]
    old_secret_until: String,
}

/// Gives a key a new secret; the old one is good for `overlap` seconds more. A secret
/// from a rotation before that ends at once.
#[utoipa::path(
    operation_id = "rotate_key",
    tag = "keys",
    params(("id" = String, Path, description = "The key's public id")),
    request_body = RotateBody,
    responses((status = 200, description = "The new secret is in force", body = RotatedKeyView)),
    security(("key" = ["operate"])),
)]
#[post("/v1/keys/{id}/rotate")]
pub async fn rotate_key(
    holder: Holder<ToOperate>,
    id: Path<String>,
    state: Data<State>,
    body: Json<RotateBody>,
) -> Result<HttpResponse, Problem> {
    let overlap = SignedDuration::from_secs(body.body.overlap.into());
    if overlap > MAX_OVERLAP {
        let detail = format!("\"overlap\" is at most {} seconds.", MAX_OVERLAP.as_secs());
        return Err(Problem::field(Code::InvalidField, "overlap", detail));
    }
    let service = Arc::clone(&state.service);
    let wanted = id.clone();
    let work = async move { service.rotate_key(&wanted, overlap, &holder.actor()).await };
    let rotated = to_the_end(state.service.background(), work).await.map_err(refused)?;
    let view = RotatedKeyView {
        id: id.into_inner(),
        key: rotated.key.expose().to_owned(),
        old_secret_until: instant(rotated.old_until),
    };
    Ok(answer::json(StatusCode::OK, &view))
}
