//! `POST /v1/deliveries/{id}/redeliver`.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, post};

use crate::service::to_the_end;

use super::super::access::{Holder, ToStart};
use super::super::answer;
use super::super::error::Code;
use super::super::problem::Problem;
use super::super::state::State;
use super::delivery::{DeliveryView, id, refused};

/// What can be wrong with asking for a delivery again.
pub const PROBLEMS: &[Code] = &[
    Code::Unauthorized,
    Code::MissingScope,
    Code::NotFound,
    Code::EndpointDisabled,
    Code::Internal,
    Code::StoreUnavailable,
];

/// Makes a delivery again, whatever became of it: with the same id and content, a new
/// signature, and the schedule begun anew, even if it is under way at this moment.
#[utoipa::path(
    operation_id = "redeliver",
    tag = "deliveries",
    params(("id" = String, Path, description = "The delivery's id")),
    responses((status = 202, description = "It is due now", body = DeliveryView)),
    security(("key" = ["start"])),
)]
#[post("/v1/deliveries/{id}/redeliver")]
pub async fn redeliver(
    holder: Holder<ToStart>,
    path: Path<String>,
    state: Data<State>,
) -> Result<HttpResponse, Problem> {
    let id = id(&path)?;
    let service = Arc::clone(&state.service);
    let work = async move { service.redeliver(&holder.app, id, &holder.actor()).await };
    let delivery = to_the_end(state.service.background(), work).await.map_err(refused)?;
    Ok(answer::json(StatusCode::ACCEPTED, &DeliveryView::new(&delivery)))
}
