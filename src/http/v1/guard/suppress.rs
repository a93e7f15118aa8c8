//! `POST /v1/suppressions`: somebody is not to be reached any more.

use std::sync::Arc;

use actix_web::web::Data;
use actix_web::{HttpResponse, post};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::service::Suppression;

use super::super::super::access::{Holder, ToOperate};
use super::super::super::error::Code;
use super::super::super::problem::Problem;
use super::super::super::read::Json;
use super::super::super::state::State;
use super::super::step::{name, recipient};
use super::bar::{BarView, put_up, reason};

/// What can be wrong with a suppression.
pub const PROBLEMS: &[Code] = &[
    Code::InvalidJson,
    Code::JsonTooDeep,
    Code::Unauthorized,
    Code::MissingScope,
    Code::RequestTimeout,
    Code::BodyTooLarge,
    Code::UnsupportedMediaType,
    Code::UnknownField,
    Code::MissingField,
    Code::InvalidField,
    Code::InvalidNumber,
    Code::InvalidAddress,
    Code::Internal,
    Code::StoreUnavailable,
];

/// Who is not to be reached.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SuppressionBody {
    /// The number, in international form, or the e-mail address.
    #[schema(example = "+380991234567")]
    to: String,
    /// Only by this app. Default: by none.
    app: Option<String>,
    /// Why, for whoever looks later; at most 256 bytes. Leave the number out of it.
    reason: Option<String>,
}

/// Keeps a number or an address from being reached, by every app or by one. Only a keyed
/// hash and the masked number are stored.
#[utoipa::path(
    operation_id = "suppress",
    tag = "guard",
    request_body = SuppressionBody,
    responses((status = 201, description = "It is not reached any more", body = BarView)),
    security(("key" = ["operate"])),
)]
#[post("/v1/suppressions")]
pub async fn suppress(
    holder: Holder<ToOperate>,
    state: Data<State>,
    body: Json<SuppressionBody>,
) -> Result<HttpResponse, Problem> {
    let body = body.body;
    let suppression = Suppression {
        to: recipient("to", &body.to)?,
        app: body.app.map(|text| name("app", &text)).transpose()?,
        reason: reason(body.reason)?,
    };
    let service = Arc::clone(&state.service);
    let work = async move { service.suppress(suppression, &holder.actor()).await };
    put_up(&state, work).await
}
