//! `GET` and `POST /hooks/zadarma/{token}`: the handshake and the notifications.
//!
//! The answer's body is always empty, save the handshake's echo, so that it can
//! never steer a call. What a notification means is the intake's business.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse, get, post};

use crate::intake::{self, Answer, MAX_BODY, Received};
use crate::service::AccountIndex;

use super::super::read::{Unread, pairs, read_body};
use super::super::state::State;
use super::source::client_of;

/// What a notification URL's path has before its token.
pub const PREFIX: &str = "/hooks/zadarma";
/// The handshake's parameter.
const ECHO: &str = "zd_echo";
/// What every notification has and the handshake has not.
const EVENT: &str = "event";

/// The handshake by which the provider checks the URL, when it is entered there.
#[utoipa::path(
    operation_id = "check_notification_url",
    tag = "hooks",
    params(
        ("token" = String, Path, description = "The account's notification token"),
        ("zd_echo" = Option<String>, Query, description = "Sent back as it is"),
    ),
    responses(
        (status = 200, description = "The value of zd_echo, or nothing", body = String, content_type = "text/plain"),
        (status = 404, description = "No account has this token; empty"),
    ),
)]
#[get("/hooks/zadarma/{token}")]
pub async fn handshake(request: HttpRequest, state: Data<State>) -> HttpResponse {
    match account_of(&request, &state) {
        None => HttpResponse::new(StatusCode::NOT_FOUND),
        Some(_) => match echo_in(request.query_string().as_bytes()) {
            Some(value) => echo(value),
            None => HttpResponse::new(StatusCode::OK),
        },
    }
}

/// A notification of a call, or the handshake.
#[utoipa::path(
    operation_id = "notify",
    tag = "hooks",
    params(
        ("token" = String, Path, description = "The account's notification token"),
        ("Signature" = Option<String>, Header, description = "The provider's signature"),
    ),
    request_body(
        description = "The notification's fields, at most 64 KiB",
        content((String = "application/x-www-form-urlencoded"), (String = "multipart/form-data")),
    ),
    responses(
        (status = 200, description = "It is in the journal, or kept until the store is back; empty"),
        (status = 401, description = "Not signed by the provider; empty"),
        (status = 403, description = "Not from a listed address; empty"),
        (status = 404, description = "No account has this token; empty"),
        (status = 408, description = "The body did not arrive in time; empty"),
        (status = 413, description = "The body is too large; empty"),
        (status = 429, description = "Refused, as too many from this address were before; empty"),
        (status = 503, description = "Neither the store nor the spill takes it; empty"),
    ),
)]
#[post("/hooks/zadarma/{token}")]
pub async fn notify(request: HttpRequest, state: Data<State>, payload: Payload) -> HttpResponse {
    receive(request, state, payload).await
}

/// The same for a route that has only the [`PREFIX`].
pub async fn receive(request: HttpRequest, state: Data<State>, payload: Payload) -> HttpResponse {
    let Some(account) = account_of(&request, &state) else {
        return unknown(&request, &state);
    };
    let body = match read_body(&request, &mut payload.into_inner(), MAX_BODY).await {
        Ok(body) => body,
        Err(why) => return unread(why, &state),
    };
    if let Some(value) = handshake_in(&request, &body) {
        return echo(value);
    }
    let received = received(&request, &state, account, body);
    HttpResponse::new(match Arc::clone(&state.intake).receive(received).await {
        Answer::Acknowledged => StatusCode::OK,
        Answer::ForbiddenSource => StatusCode::FORBIDDEN,
        Answer::Unauthentic => StatusCode::UNAUTHORIZED,
        Answer::TooManyRefused => StatusCode::TOO_MANY_REQUESTS,
        Answer::StoreUnavailable => StatusCode::SERVICE_UNAVAILABLE,
    })
}

/// Nobody has this token; an address that tries many is told to stop.
fn unknown(request: &HttpRequest, state: &State) -> HttpResponse {
    let source = client_of(request, &state.trusted_proxies);
    let may = state.intake.may_refuse(source, state.service.clock().now());
    HttpResponse::new(if may { StatusCode::NOT_FOUND } else { StatusCode::TOO_MANY_REQUESTS })
}

fn account_of(request: &HttpRequest, state: &State) -> Option<AccountIndex> {
    let path = request.match_info();
    state.intake.account_of(path.get("token").or_else(|| path.unprocessed().strip_prefix('/'))?)
}

fn received(
    request: &HttpRequest,
    state: &State,
    account: AccountIndex,
    body: Vec<u8>,
) -> Received {
    let headers = request.headers();
    Received {
        account,
        source: client_of(request, &state.trusted_proxies),
        content_type: headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .map(Into::into),
        signature: headers.get("signature").map(|value| value.as_bytes().into()),
        body: body.into_boxed_slice(),
        at: state.service.clock().now(),
    }
}

fn unread(why: Unread, state: &State) -> HttpResponse {
    HttpResponse::new(match why {
        Unread::TooLarge => {
            state.intake.count_too_large();
            StatusCode::PAYLOAD_TOO_LARGE
        }
        Unread::TooSlow => StatusCode::REQUEST_TIMEOUT,
        Unread::Broken => StatusCode::BAD_REQUEST,
    })
}

/// The handshake's value, in the query or in a body without an event.
fn handshake_in(request: &HttpRequest, body: &[u8]) -> Option<String> {
    let query = request.query_string().as_bytes();
    // Nearly always neither has it; then nothing is parsed here.
    if !has(query) && !has(body) {
        return None;
    }
    let in_body = pairs(body).unwrap_or_default();
    if in_body.iter().any(|(name, _)| name == EVENT) {
        return None;
    }
    if has(query) { echo_in(query) } else { echo_in(body) }
}

/// The value to send back, if the text has one and no event.
fn echo_in(text: &[u8]) -> Option<String> {
    let pairs = pairs(text)?;
    if pairs.iter().any(|(name, _)| name == EVENT) {
        return None;
    }
    let mut values = pairs.into_iter().filter(|(name, _)| name == ECHO).map(|(_, value)| value);
    let value = values.next().filter(|value| intake::is_echo(value));
    value.filter(|_| values.next().is_none())
}

fn has(text: &[u8]) -> bool {
    text.windows(ECHO.len()).any(|window| window == ECHO.as_bytes())
}

fn echo(value: String) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain")
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(value)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn only_a_handshake_is_echoed() {
        for (query, body, echoed) in [
            ("zd_echo=abc-1_2", "", Some("abc-1_2")),
            ("", "zd_echo=abc", Some("abc")),
            ("x=1&zd_echo=abc", "", Some("abc")),
            ("zd_echo=abc", "event=NOTIFY_END", None),
            ("event=NOTIFY_END&zd_echo=abc", "", None),
            ("", "zd_echo=abc&event=NOTIFY_END", None),
            ("zd_echo=abc", "e%76ent=NOTIFY_END", None),
            ("zd_echo=%3Cb%3E", "", None),
            ("zd_echo=a&zd_echo=b", "", None),
            ("zd_echo=", "", None),
            ("", "event=NOTIFY_END", None),
        ] {
            let uri = format!("/hooks/zadarma/token?{query}");
            let request = TestRequest::with_uri(&uri).to_http_request();
            let value = handshake_in(&request, body.as_bytes());
            assert_eq!(value.as_deref(), echoed, "{query} {body}");
        }
    }
}
