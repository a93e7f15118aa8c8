//! `GET /v1/deliveries/{id}`: a delivery, what is sent, and every try.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, get};

use super::super::access::{Holder, ToRead};
use super::super::answer;
use super::super::error::Code;
use super::super::problem::Problem;
use super::super::state::State;
use super::delivery::{DeliveryView, id, refused};

/// What can be wrong with showing a delivery.
pub const PROBLEMS: &[Code] = &[
    Code::Unauthorized,
    Code::MissingScope,
    Code::NotFound,
    Code::Internal,
    Code::StoreUnavailable,
];

/// Shows a delivery with what is sent and every try.
#[utoipa::path(
    operation_id = "show_delivery",
    tag = "deliveries",
    params(("id" = String, Path, description = "The delivery's id, the receiver's `webhook-id`")),
    responses((status = 200, description = "The delivery", body = DeliveryView)),
    security(("key" = ["read"])),
)]
#[get("/v1/deliveries/{id}")]
pub async fn show_delivery(
    holder: Holder<ToRead>,
    path: Path<String>,
    state: Data<State>,
) -> Result<HttpResponse, Problem> {
    let shown = state.service.show_delivery(&holder.app, id(&path)?).await.map_err(refused)?;
    Ok(answer::json(StatusCode::OK, &DeliveryView::whole(&shown)))
}
