//! `GET /openapi.json`: the API's description, generated from the handlers.

use actix_web::{HttpResponse, get};

use super::super::describe;

/// This description.
#[utoipa::path(
    operation_id = "openapi",
    tag = "operations",
    responses((status = 200, description = "OpenAPI 3.1", body = Object, content_type = "application/json")),
)]
#[get("/openapi.json")]
pub async fn openapi() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(describe::text())
}
