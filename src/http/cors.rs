//! Which web pages may read the answers to a wait token.
//!
//! Only showing and awaiting one verification, only with the token in the
//! `Authorization` header, never with cookies. A key belongs on a server, so an
//! answer to one is never opened to a page.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use crate::domain::Name;

use super::state::State;

/// What pages may read of an answer beside its body.
const EXPOSED: &str = "Preference-Applied, Retry-After, X-Request-Id";
/// What pages may send.
const SENT: &str = "Authorization, Prefer, Last-Event-ID, Cache-Control";

/// Answers `OPTIONS`. Which app is meant is not known yet, so any app's origin will do.
pub async fn preflight(request: HttpRequest, state: Data<State>) -> HttpResponse {
    let mut answer = HttpResponse::new(StatusCode::NO_CONTENT);
    let origin =
        origin(&request).filter(|origin| is_listed(origin, |text| state.knows_origin(text)));
    let headers = answer.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("Origin"));
    headers.insert(header::ALLOW, HeaderValue::from_static("GET, OPTIONS"));
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET"));
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(SENT));
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    }
    answer
}

/// Opens an answer to the page that asked, if `app` lists its origin.
pub fn open_to_page(request: &HttpRequest, state: &State, app: &Name, answer: &mut HttpResponse) {
    let Some(origin) = origin(request) else { return };
    if is_listed(origin, |text| state.allows_origin(app, text)) {
        let headers = answer.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
    }
}

/// Tells caches that the answer depends on the page.
pub fn vary(answer: &mut HttpResponse) {
    answer.headers_mut().append(header::VARY, HeaderValue::from_static("Origin"));
}

fn origin(request: &HttpRequest) -> Option<&HeaderValue> {
    request.headers().get(header::ORIGIN)
}

fn is_listed(origin: &HeaderValue, lists: impl Fn(&str) -> bool) -> bool {
    origin.to_str().is_ok_and(lists)
}
