//! The control API: how a test suite, or a person at the handset, drives the simulator.
//!
//! Without authentication: whoever reaches the port owns the simulated account.

mod calls;
mod handset;
mod inbox;
mod notifications;
mod scripts;
mod settings;

use actix_web::error::InternalError;
use actix_web::{HttpResponse, web};
use serde_json::{Value, json};

/// Everything under `/_simulator/`.
pub(super) fn routes(service: &mut web::ServiceConfig) {
    service.service(
        web::scope("/_simulator")
            .app_data(web::QueryConfig::default().error_handler(|error, _| {
                let answer = unreadable(&error);
                InternalError::from_response(error, answer).into()
            }))
            .app_data(web::PathConfig::default().error_handler(|error, _| {
                let answer = refused(404, &error.to_string());
                InternalError::from_response(error, answer).into()
            }))
            .route("", web::get().to(guide))
            .route("/", web::get().to(guide))
            .configure(scripts::routes)
            .configure(settings::routes)
            .configure(calls::routes)
            .configure(inbox::routes)
            .configure(notifications::routes)
            .configure(handset::routes)
            .default_service(web::to(nowhere)),
    );
}

async fn guide() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(include_str!("../guide.md"))
}

async fn nowhere() -> HttpResponse {
    refused(404, "there is no such method and path; GET /_simulator/ lists them")
}

/// A request that cannot be read; the text names what is wrong.
fn unreadable(error: &dyn std::fmt::Display) -> HttpResponse {
    refused(400, &error.to_string())
}

fn refused(status: u16, error: &str) -> HttpResponse {
    let status = actix_web::http::StatusCode::from_u16(status).unwrap_or_default();
    HttpResponse::build(status).json(json!({ "error": error }))
}

fn answered(value: &impl serde::Serialize) -> HttpResponse {
    HttpResponse::Ok().json(value)
}

/// A list under its name, so that answers can grow.
fn listed<T: serde::Serialize>(name: &str, list: &[T]) -> HttpResponse {
    let list: Value = serde_json::to_value(list).unwrap_or_default();
    answered(&json!({ name: list }))
}
