//! `POST /v1/endpoints/{name}/enable`.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, post};

use crate::domain::Name;
use crate::service::{DeliveryRefusal, to_the_end};

use super::super::access::{Holder, ToStart};
use super::super::answer;
use super::super::error::Code;
use super::super::problem::Problem;
use super::super::state::State;
use super::delivery::refused;
use super::list_endpoints::EndpointView;

/// What can be wrong with enabling an endpoint.
pub const PROBLEMS: &[Code] = &[
    Code::Unauthorized,
    Code::MissingScope,
    Code::NotFound,
    Code::Internal,
    Code::StoreUnavailable,
];

/// Enables an endpoint that answered 410, and delivers what was held for it. One that is
/// enabled stays so.
#[utoipa::path(
    operation_id = "enable_endpoint",
    tag = "deliveries",
    params(("name" = String, Path, description = "The endpoint's name in the configuration")),
    responses((status = 200, description = "It is enabled", body = EndpointView)),
    security(("key" = ["start"])),
)]
#[post("/v1/endpoints/{name}/enable")]
pub async fn enable_endpoint(
    holder: Holder<ToStart>,
    path: Path<String>,
    state: Data<State>,
) -> Result<HttpResponse, Problem> {
    let name = Name::parse(&path).map_err(|_| refused(DeliveryRefusal::NotFound))?;
    let service = Arc::clone(&state.service);
    let work = async move { service.enable_endpoint(&holder.app, &name, &holder.actor()).await };
    let enabled = to_the_end(state.service.background(), work).await.map_err(refused)?;
    Ok(answer::json(StatusCode::OK, &EndpointView::new(enabled)))
}
