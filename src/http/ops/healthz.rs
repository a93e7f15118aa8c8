//! `GET /healthz`: the process answers.

use actix_web::{HttpResponse, get};

/// Whether the process answers. A failure means: restart it.
#[utoipa::path(
    operation_id = "healthz",
    tag = "operations",
    responses((status = 200, description = "It does", body = String, content_type = "text/plain")),
)]
#[get("/healthz")]
pub async fn healthz() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain").body("ok\n")
}
