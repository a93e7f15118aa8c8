//! Around every request: its id, its span, and the route in its problem.
//!
//! The span and the problem carry the route's pattern, never the path or the
//! query, which may hold tokens and numbers. Requests are not logged one by one.

use std::borrow::Cow;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpRequest};
use tracing::Instrument;

use super::problem::Problem;
use super::routes;

/// The header of a request's id, in both directions.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// What the provider's notifications arrive under. They are many, so their spans
/// exist only when somebody searches.
const HOOKS: &str = "/hooks/";
const HOOKS_ROUTE: &str = "/hooks/zadarma/{token}";
/// The longest id that is taken from a client.
const MAX_ID: usize = 64;

/// The middleware.
pub async fn observe<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if request.path().starts_with(HOOKS) {
        // The provider's, who reads nothing of an answer but its status.
        let span = tracing::debug_span!("notification", route = HOOKS_ROUTE);
        let answer = next.call(request).instrument(span).await;
        return Ok(answer?.map_into_boxed_body());
    }
    let id = request_id(&request);
    let text = id.to_str().unwrap_or_default();
    let span = {
        let route = pattern(request.request()).unwrap_or_default();
        tracing::info_span!("request", request.id = text, route = &*route)
    };
    let answer = next.call(request).instrument(span).await;
    let mut answer = name_route(answer?.map_into_boxed_body());
    answer.headers_mut().insert(REQUEST_ID, id);
    Ok(answer)
}

/// Puts the route into a problem, which does not know it where it is made.
fn name_route(answer: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let problem = answer.response().error().and_then(Error::as_error::<Problem>);
    let Some(problem) = problem else { return answer };
    let json = problem.json(pattern(answer.request()).as_deref());
    answer.map_body(|_, _| BoxBody::new(json))
}

fn pattern(request: &HttpRequest) -> Option<Cow<'static, str>> {
    let known = routes::pattern(request.path()).map(Cow::Borrowed);
    known.or_else(|| request.match_pattern().map(Cow::Owned))
}

/// The client's own id if it is a plain word, otherwise a new one.
fn request_id(request: &ServiceRequest) -> HeaderValue {
    if let Some(given) = request.headers().get(&REQUEST_ID).filter(|value| is_id(value.as_bytes()))
    {
        return given.clone();
    }
    let mut hex = [0; 16];
    let random = rand::random::<[u8; 8]>();
    let made = const_hex::encode_to_slice(random, &mut hex).ok();
    made.and_then(|()| HeaderValue::from_bytes(&hex).ok()).unwrap_or(HeaderValue::from_static("-"))
}

fn is_id(text: &[u8]) -> bool {
    (1..=MAX_ID).contains(&text.len())
        && text.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-' || *b == b'_')
}

#[cfg(test)]
mod tests {
    use super::is_id;

    #[test]
    fn only_plain_words_are_taken_as_ids() {
        for (text, taken) in [
            ("a", true),
            ("0194-AZ_z", true),
            (&"a".repeat(64), true),
            (&"a".repeat(65), false),
            ("", false),
            ("a b", false),
            ("a\tb", false),
            ("é", false),
        ] {
            assert_eq!(is_id(text.as_bytes()), taken, "{text}");
        }
    }
}
