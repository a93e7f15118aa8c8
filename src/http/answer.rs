//! JSON answers.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::Bytes;
use serde::Serialize;

use super::problem::Problem;

/// An answer that nobody may cache, since it names people and changes.
#[must_use]
pub fn json(status: StatusCode, body: &impl Serialize) -> HttpResponse {
    match serde_json::to_vec(body) {
        Ok(text) => json_text(status, text.into()),
        Err(error) => HttpResponse::from_error(Problem::internal(&error)),
    }
}

/// The same with a body that is JSON already.
#[must_use]
pub fn json_text(status: StatusCode, text: Bytes) -> HttpResponse {
    HttpResponse::build(status)
        .content_type("application/json")
        .insert_header((CACHE_CONTROL, "no-store"))
        .body(text)
}
