//! Signing in with an operator's key.

use actix_web::http::StatusCode;
use actix_web::http::header::RETRY_AFTER;
use actix_web::web::{Data, Payload, Query};
use actix_web::{HttpRequest, HttpResponse};
use maud::{Markup, html};
use serde::Deserialize;

use crate::service::{SessionRefusal, to_the_end};

use super::super::state::State;
use super::form::Fields;
use super::operator::{self, way_back};
use super::page;
use super::refused::Refused;
use super::theme::Theme;

/// Why somebody is here.
#[derive(Deserialize)]
pub struct Why {
    /// Where to go afterwards.
    back: Option<String>,
    /// Whether a session has ended.
    ended: Option<String>,
}

/// The form.
pub async fn page(request: HttpRequest, why: Query<Why>) -> HttpResponse {
    let back = way_back(why.back.as_deref().unwrap_or_default());
    let notice = why.ended.as_ref().map(|_| "Your session has ended. Sign in again to go on.");
    show(&request, StatusCode::OK, back, notice)
}

/// Opens a session, if the key may operate.
pub async fn sign_in(
    request: HttpRequest,
    state: Data<State>,
    payload: Payload,
) -> Result<HttpResponse, Refused> {
    let fields = Fields::read(&request, &mut payload.into_inner()).await?;
    let back = way_back(fields.field("back").unwrap_or_default()).to_owned();
    let (address, now) = (operator::address(&request, &state), state.service.clock().now());
    if let Err(until) = state.console.attempts.admit(address, now) {
        let notice = "Too many sign-ins were refused. Try again in a few minutes.";
        let mut answer = show(&request, StatusCode::TOO_MANY_REQUESTS, &back, Some(notice));
        let seconds = until.duration_since(now).as_secs().max(1);
        answer.headers_mut().insert(RETRY_AFTER, seconds.into());
        return Ok(answer);
    }
    let token = fields.field("key").unwrap_or_default().trim().to_owned();
    let service = state.service.clone();
    let work = async move { service.sign_in(&token, address).await };
    let notice = match to_the_end(state.service.background(), work).await {
        Ok(cookie) => {
            let mut answer = page::see_other(&back);
            operator::sign_in(&request, &state, &mut answer, &cookie);
            return Ok(answer);
        }
        Err(SessionRefusal::Store(error)) => return Err(Refused::store(&error)),
        Err(SessionRefusal::NotAccepted | SessionRefusal::Ended) => {
            "This key is not accepted: it is mistyped, unknown or revoked."
        }
        Err(SessionRefusal::NoOperator) => {
            "This key may not operate. Make one that may: ringproof keys create --app NAME --scope operate"
        }
    };
    state.console.attempts.note(address, now);
    tracing::warn!(client = %address, "a sign-in to the console was refused");
    Ok(show(&request, StatusCode::FORBIDDEN, &back, Some(notice)))
}

fn show(
    request: &HttpRequest,
    status: StatusCode,
    back: &str,
    notice: Option<&str>,
) -> HttpResponse {
    page::alone_in(Theme::of(request), status, "Sign in", &form(back, notice))
}

fn form(back: &str, notice: Option<&str>) -> Markup {
    html! {
        h1 { "Sign in" }
        @if let Some(notice) = notice { p.notice role="alert" { (notice) } }
        form.stack method="post" action="/console/sign-in" {
            input type="hidden" name="back" value=(back);
            label { "Operator key"
                input type="password" name="key" required autofocus autocomplete="current-password"
                    spellcheck="false" placeholder="ID.SECRET" aria-describedby="key-hint";
            }
            p.hint #key-hint {
                "A key with the scope " code { "operate" } ". The first one comes from the command line: "
                code { "ringproof keys create --app NAME --scope operate" }
            }
            button.primary { "Sign in" }
        }
    }
}
