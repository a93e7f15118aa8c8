//! `GET /v1/endpoints`: where the app is told.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use serde::Serialize;
use utoipa::ToSchema;

use crate::service::EndpointState;

use super::super::access::{Holder, ToRead};
use super::super::answer;
use super::super::error::Code;
use super::super::problem::{Problem, instant};
use super::super::state::State;

/// What can be wrong with listing endpoints.
pub const PROBLEMS: &[Code] =
    &[Code::Unauthorized, Code::MissingScope, Code::Internal, Code::StoreUnavailable];

/// An endpoint of the configuration, without its secrets.
#[derive(Serialize, ToSchema)]
#[schema(as = Endpoint)]
pub struct EndpointView {
    /// Its name.
    name: String,
    /// Where to.
    url: String,
    /// What it is told: `status` or `timeline`.
    events: &'static str,
    /// Whether it gets anything.
    enabled: bool,
    /// Since when it gets nothing.
    #[schema(format = DateTime)]
    disabled_at: Option<String>,
    /// Why it gets nothing.
    reason: Option<String>,
}

/// The endpoints.
#[derive(Serialize, ToSchema)]
pub struct EndpointsAnswer {
    /// In the order of their names.
    endpoints: Vec<EndpointView>,
}

/// Lists the app's endpoints.
#[utoipa::path(
    operation_id = "list_endpoints",
    tag = "deliveries",
    responses((status = 200, description = "The endpoints", body = EndpointsAnswer)),
    security(("key" = ["read"])),
)]
#[get("/v1/endpoints")]
pub async fn list_endpoints(
    holder: Holder<ToRead>,
    state: Data<State>,
) -> Result<HttpResponse, Problem> {
    let endpoints = state.service.list_endpoints(&holder.app).await;
    let endpoints = endpoints.map_err(|error| Problem::store(&error))?;
    let endpoints = endpoints.into_iter().map(EndpointView::new).collect();
    Ok(answer::json(StatusCode::OK, &EndpointsAnswer { endpoints }))
}

impl EndpointView {
    /// The endpoint for its app.
    #[must_use]
    pub fn new(endpoint: EndpointState) -> Self {
        let disabled = endpoint.disabled.as_ref();
        Self {
            enabled: disabled.is_none(),
            disabled_at: disabled.map(|disabled| instant(disabled.at)),
            reason: disabled.map(|disabled| disabled.reason.to_string()),
            name: endpoint.name.to_string(),
            url: endpoint.url,
            events: endpoint.events,
        }
    }
}
