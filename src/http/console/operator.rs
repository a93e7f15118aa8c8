//! Who looks: the operator of a session, known by a cookie.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr};
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest, HttpResponse};

use crate::domain::Secret;
use crate::service::{Actor, Session, SessionRefusal};

use super::super::hooks::source::client_address;
use super::super::state::State;
use super::cookie::{self, Cookie};
use super::refused::Refused;
use super::theme::Theme;

/// The cookie over plain HTTP, as in a demo.
const PLAIN: &str = "ringproof_session";
/// The cookie under TLS: browsers take it from this host only, and only over TLS.
const UNDER_TLS: &str = "__Host-ringproof_session";

/// An operator who is signed in, and how the page is to look.
pub struct Operator {
    /// The session.
    pub session: Session,
    /// What the browser sent.
    pub cookie: Secret,
    /// The theme that was chosen.
    pub theme: Theme,
    /// Path and query of the page, to come back to.
    pub here: String,
}

impl Operator {
    /// Who acts, for the audit log.
    pub fn actor(&self) -> Actor {
        Actor::Key(self.session.operator.key_id.clone())
    }
}

impl FromRequest for Operator {
    type Error = Refused;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Refused>>>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { of(&request).await })
    }
}

/// The operator of a request.
///
/// # Errors
/// When nobody is signed in.
pub async fn of(request: &HttpRequest) -> Result<Operator, Refused> {
    let state = request.app_data::<Data<State>>().ok_or_else(Refused::fault)?;
    let here = here(request);
    let Some(cookie) = cookie::read(request, name(request, state)) else {
        return Err(Refused::SignIn { back: here, has_ended: false });
    };
    let session = state.service.session(cookie).await.map_err(|why| match why {
        SessionRefusal::Store(error) => Refused::store(&error),
        SessionRefusal::NotAccepted | SessionRefusal::NoOperator | SessionRefusal::Ended => {
            Refused::SignIn { back: here.clone(), has_ended: true }
        }
    })?;
    if is_by_person(request)
        && let Err(error) = state.service.note_use(&session).await
    {
        // Pages are to be seen most of all while the store takes no writes.
        tracing::warn!(error = %error, "the use of a session was not noted; it may end early");
    }
    Ok(Operator { session, cookie: Secret::new(cookie), theme: Theme::of(request), here })
}

/// Signs the browser in.
pub fn sign_in(request: &HttpRequest, state: &State, answer: &mut HttpResponse, value: &Secret) {
    keep(request, state, answer, value.expose(), None);
}

/// Has the browser forget its session.
pub fn sign_out(request: &HttpRequest, state: &State, answer: &mut HttpResponse) {
    keep(request, state, answer, "", Some(0));
}

fn keep(
    request: &HttpRequest,
    state: &State,
    answer: &mut HttpResponse,
    value: &str,
    max_age: Option<u32>,
) {
    let (name, secure) = (name(request, state), is_under_tls(request, state));
    cookie::set(answer, &Cookie { name, value, path: "/", max_age, secure });
}

/// The client's address, behind proxies that are trusted.
pub fn address(request: &HttpRequest, state: &State) -> IpAddr {
    let peer = request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
    let forwarded = request.headers().get_all("x-forwarded-for").map(|value| value.as_bytes());
    let forwarded: Vec<&[u8]> = forwarded.collect();
    client_address(peer, forwarded.into_iter(), &state.trusted_proxies)
}

/// Whether a person goes to a page or sends a form, rather than a page looking for news:
/// else a page that is left open would never let its session end.
fn is_by_person(request: &HttpRequest) -> bool {
    let mode = request.headers().get("sec-fetch-mode");
    mode.is_none_or(|mode| mode == "navigate")
}

fn name(request: &HttpRequest, state: &State) -> &'static str {
    if is_under_tls(request, state) { UNDER_TLS } else { PLAIN }
}

/// Whether the browser speaks TLS, to us or to a proxy that is trusted.
fn is_under_tls(request: &HttpRequest, state: &State) -> bool {
    let peer = request.peer_addr().map(|peer| peer.ip().to_canonical());
    let is_proxied =
        peer.is_some_and(|peer| state.trusted_proxies.iter().any(|network| network.contains(peer)));
    let scheme = request.headers().get("x-forwarded-proto").map(|value| value.as_bytes());
    state.console.tls || (is_proxied && scheme == Some(b"https"))
}

/// The page to come back to: only what a browser asks for by itself, and only ours.
fn here(request: &HttpRequest) -> String {
    let is_page =
        request.method() == actix_web::http::Method::GET && !request.path().ends_with("/live");
    let uri = request.uri().path_and_query().map_or("/console", |uri| uri.as_str());
    if is_page { uri.to_owned() } else { "/console".to_owned() }
}

/// A path of the console, as it came from a form or a query.
#[must_use]
pub fn way_back(text: &str) -> &str {
    let is_ours =
        text == "/console" || text.starts_with("/console/") || text.starts_with("/console?");
    let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if is_ours && is_plain && text.len() <= 1024 { text } else { "/console" }
}

#[cfg(test)]
mod tests {
    use super::way_back;

    #[test]
    fn only_paths_of_the_console_lead_back() {
        for ours in ["/console", "/console/keys", "/console/verifications?to=%2B380"] {
            assert_eq!(way_back(ours), ours);
        }
        for foreign in [
            "",
            "//evil.example",
            "https://evil.example",
            "/consoles",
            "/console/\\e",
            "/console/ x",
        ] {
            assert_eq!(way_back(foreign), "/console", "{foreign}");
        }
    }
}
