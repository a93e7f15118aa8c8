//! `GET /readyz`: the store takes writes, and the service is not closing.
//!
//! The provider's state is no part of it: a load balancer that obeys this would
//! withhold the very notifications that show the provider is well again.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;

use super::super::state::State;
use crate::service::{STORE_ANSWERS_WITHIN, Service};

/// How long an answer of the store counts.
const COUNTS_FOR: SignedDuration = SignedDuration::from_secs(1);

/// When the store was last asked, and whether it took the write. The lock is held
/// while it is asked, so that many at once ask only once.
#[derive(Default)]
pub struct Readiness(Mutex<Option<(Timestamp, bool)>>);

/// Whether the service takes requests. A failure means: send them elsewhere.
#[utoipa::path(
    operation_id = "readyz",
    tag = "operations",
    responses(
        (status = 200, description = "It does", body = String, content_type = "text/plain"),
        (status = 503, description = "The store takes no writes, or the service is closing", body = String, content_type = "text/plain"),
    ),
)]
#[get("/readyz")]
pub async fn readyz(state: Data<State>) -> HttpResponse {
    let (status, text) = if state.service.closing().is_cancelled() {
        (StatusCode::SERVICE_UNAVAILABLE, "closing\n")
    } else if state.readiness.ask(&state).await {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "the store takes no writes\n")
    };
    HttpResponse::build(status).content_type("text/plain").body(text)
}

impl Readiness {
    /// Whether the store takes writes, as of a second ago at most.
    pub async fn ask(&self, state: &State) -> bool {
        let mut last = self.0.lock().await;
        let now = state.service.clock().now();
        if let Some((at, is_ready)) = *last
            && now.duration_since(at).abs() < COUNTS_FOR
        {
            return is_ready;
        }
        let is_ready = !state.service.is_store_away() && takes_writes(&state.service).await;
        *last = Some((now, is_ready));
        is_ready
    }
}

/// Asks the store; an answer that does not come in time is none.
async fn takes_writes(service: &Service) -> bool {
    let probed = tokio::select! {
        biased;
        probed = service.probe() => probed,
        () = tokio::time::sleep(STORE_ANSWERS_WITHIN) => {
            service.store_lost();
            return false;
        }
    };
    if let Err(error) = &probed {
        tracing::warn!(error = %error, "not ready: the store takes no writes");
        service.store_lost();
    }
    probed.is_ok()
}
