//! `GET /metrics`: what was counted, for Prometheus.

use actix_web::web::Data;
use actix_web::{HttpResponse, get};

use super::super::state::State;
use crate::telemetry::metrics::meters;

/// What was counted, in Prometheus' text form.
#[utoipa::path(
    operation_id = "metrics",
    tag = "operations",
    responses((status = 200, description = "The metrics", body = String, content_type = "text/plain")),
)]
#[get("/metrics")]
pub async fn metrics(state: Data<State>) -> HttpResponse {
    let (held, waiting) = state.service.load();
    meters().pending.set(held as f64);
    meters().waiters.set(waiting as f64);
    meters().onlookers.set(state.service.onlookers() as f64);
    HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(state.metrics.render())
}
