//! The headers of every answer of the console, and the theme of what is refused.

use actix_web::Error;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;

use super::refused::Refused;
use super::theme::Theme;

/// Everything comes from this origin, nothing is inline, and no page frames ours. The
/// referrer policy lets forms of ours tell their origin.
const HEADERS: [(&str, &str); 5] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
         media-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; \
         base-uri 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
];

/// The middleware. What names nobody says by itself that it may be cached.
pub async fn guard<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let mut answer = in_theme(next.call(request).await?.map_into_boxed_body());
    let headers = answer.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    let cache = HeaderName::from_static("cache-control");
    if !headers.contains_key(&cache) {
        headers.insert(cache, HeaderValue::from_static("no-store"));
    }
    Ok(answer)
}

/// What is shown instead of a page looks as the browser has chosen; an error does not know it.
fn in_theme(answer: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let refused = answer.response().error().and_then(Error::as_error::<Refused>);
    match refused.map(|refused| refused.answer(Theme::of(answer.request()))) {
        Some(page) => answer.into_response(page),
        None => answer,
    }
}
