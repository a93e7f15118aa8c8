//! `POST /v1/erasures`: erase what is stored of one number or address.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpResponse, post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::{EmailAddress, PhoneNumber, Recipient};
use crate::service::{EraseRefusal, to_the_end};

use super::super::access::{Holder, ToOperate};
use super::super::answer;
use super::super::error::Code;
use super::super::problem::{Problem, sentence};
use super::super::read::Json;
use super::super::state::State;

/// What can be wrong with an erasure.
pub const PROBLEMS: &[Code] = &[
    Code::InvalidJson,
    Code::JsonTooDeep,
    Code::Unauthorized,
    Code::MissingScope,
    Code::RequestTimeout,
    Code::NumberBusy,
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

/// Whose data.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EraseBody {
    /// The number, E.164, or the e-mail address.
    #[schema(example = "+380991234567")]
    to: String,
}

/// What went.
#[derive(Serialize, ToSchema)]
#[schema(as = Erasure)]
pub struct ErasureView {
    /// Verifications of every app, with their timelines, notifications and deliveries.
    verifications: u64,
    /// Notifications that had matched none of them.
    notifications: u64,
}

/// Erases what is stored of a number or an address, of every app. Nothing is erased
/// while a verification of it is pending (cancel it first), nor until a day after its last
/// button call; the answer then says from when on.
#[utoipa::path(
    operation_id = "erase",
    tag = "privacy",
    request_body = EraseBody,
    responses((status = 200, description = "It is erased", body = ErasureView)),
    security(("key" = ["operate"])),
)]
#[post("/v1/erasures")]
pub async fn erase(
    holder: Holder<ToOperate>,
    state: Data<State>,
    body: Json<EraseBody>,
) -> Result<HttpResponse, Problem> {
    let of = recipient(&body.body.to)?;
    let service = Arc::clone(&state.service);
    let work = async move { service.erase(of, &holder.actor()).await };
    let erased = to_the_end(state.service.background(), work).await;
    let counts = erased.map_err(|refusal| match refusal {
        EraseRefusal::Running { until } => Problem::new(Code::NumberBusy, sentence(&refusal))
            .retry_at(until, state.service.clock().now()),
        EraseRefusal::Store(error) => Problem::store(&error),
    })?;
    let view =
        ErasureView { verifications: counts.verifications, notifications: counts.notifications };
    Ok(answer::json(StatusCode::OK, &view))
}

fn recipient(text: &str) -> Result<Recipient, Problem> {
    if text.contains('@') {
        let address = EmailAddress::parse(text);
        return address
            .map(Recipient::Email)
            .map_err(|why| Problem::field(Code::InvalidAddress, "to", format!("\"to\": {why}.")));
    }
    PhoneNumber::parse(text)
        .map(Recipient::Phone)
        .map_err(|why| Problem::field(Code::InvalidNumber, "to", format!("\"to\": {why}.")))
}
