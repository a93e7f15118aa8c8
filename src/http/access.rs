//! Who asks: the holder of a key with a scope, or of one verification's wait token.

use std::future::{Ready, ready};
use std::marker::PhantomData;

use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderValue};
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};

use crate::domain::{Name, Status, Verification, VerificationId};
use crate::service::{Actor, Caller, KeyRefusal, Scope, ShowRefusal};

use super::error::Code;
use super::hooks::source::client_of;
use super::problem::{Problem, sentence};
use super::state::State;
use super::waits::Waiter;

/// What wait tokens begin with. A key's id ends at its dot, so no key is taken for one.
const WAIT_TOKEN: &str = "wait_";

/// The holder of a key with the scope `S`.
pub struct Holder<S> {
    /// The app of the key.
    pub app: Name,
    /// Whether the key is one for tests.
    pub test: bool,
    key_id: Box<str>,
    scope: PhantomData<S>,
}

/// A scope as a type, so that a handler's signature says what it needs.
pub trait Needs {
    /// The scope.
    const SCOPE: Scope;
}

/// [`Scope::Start`].
pub struct ToStart;
/// [`Scope::Read`].
pub struct ToRead;
/// [`Scope::Operate`].
pub struct ToOperate;

impl Needs for ToStart {
    const SCOPE: Scope = Scope::Start;
}
impl Needs for ToRead {
    const SCOPE: Scope = Scope::Read;
}
impl Needs for ToOperate {
    const SCOPE: Scope = Scope::Operate;
}

impl<S: Needs> FromRequest for Holder<S> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let state = request.app_data::<Data<State>>();
        let token = bearer(request);
        let caller = state.zip(token).map(|(state, token)| caller(state, request, token, S::SCOPE));
        let caller = caller.unwrap_or_else(|| Err(unauthorized()));
        ready(caller.map(|Caller { app, test, key_id, .. }| Self {
            app,
            test,
            key_id,
            scope: PhantomData,
        }))
    }
}

impl<S> Holder<S> {
    /// Who the audit log says it was.
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor::Key(self.key_id.clone())
    }

    /// Who waits, if the key's holder does.
    #[must_use]
    pub fn waiter(&self) -> Waiter {
        Waiter::Key(self.key_id.clone())
    }
}

/// Who looks at one verification.
pub enum Viewer {
    /// Its app.
    App,
    /// A page with its wait token.
    Page,
}

/// The verification that a request may look at, by a key that reads or by its wait token.
///
/// # Errors
/// When there is none, or the bearer may not see it.
pub async fn look(
    state: &State,
    request: &HttpRequest,
    id: VerificationId,
) -> Result<(Viewer, Verification), Problem> {
    let token = bearer(request).ok_or_else(unauthorized)?;
    let service = &state.service;
    if token.starts_with(WAIT_TOKEN) && !token.contains('.') {
        if !service.store_key().is_wait_token(id, token) {
            return Err(unauthorized());
        }
        let verification = service.show_any(id).await.map_err(not_shown)?;
        still_good(state, &verification)?;
        return Ok((Viewer::Page, verification));
    }
    let caller = caller(state, request, token, Scope::Read)?;
    let verification = service.show(&caller.app, id).await.map_err(not_shown)?;
    Ok((Viewer::App, verification))
}

/// A wait token is good until a while after the verification's end.
fn still_good(state: &State, verification: &Verification) -> Result<(), Problem> {
    let redeem_within = state.service.timing().redeem_within;
    let over = verification.conclusion().is_some_and(|end| {
        debug_assert!(verification.status() != Status::Pending);
        state.service.clock().now().duration_since(end.at) > redeem_within
    });
    if !over {
        return Ok(());
    }
    let seconds = redeem_within.as_secs();
    let detail =
        format!("A wait token is good until {seconds} seconds after the verification's end.");
    Err(challenge(Problem::new(Code::WaitTokenExpired, detail).with("limit", seconds)))
}

/// What a verification that is not shown is answered with.
#[must_use]
pub fn not_shown(refusal: ShowRefusal) -> Problem {
    match refusal {
        ShowRefusal::NotFound => {
            let detail =
                "There is none with this id, or it is another app's, or its retention has ended.";
            Problem::new(Code::NotFound, detail)
        }
        ShowRefusal::Store(error) => Problem::store(&error),
    }
}

/// Who waits, of those that [`look`] let look.
#[must_use]
pub fn waiter(request: &HttpRequest, viewer: &Viewer, id: VerificationId) -> Waiter {
    match viewer {
        Viewer::Page => Waiter::Token(id),
        Viewer::App => {
            let key = bearer(request).and_then(|token| token.split_once('.'));
            Waiter::Key(key.map_or("", |(key_id, _)| key_id).into())
        }
    }
}

fn caller(
    state: &State,
    request: &HttpRequest,
    token: &str,
    needed: Scope,
) -> Result<Caller, Problem> {
    let source = client_of(request, &state.trusted_proxies);
    let caller = state.service.caller(token, source).map_err(|refusal| match refusal {
        KeyRefusal::Store(error) => Problem::store(&error),
        KeyRefusal::Expired => {
            challenge(Problem::new(Code::Unauthorized, sentence(&KeyRefusal::Expired)))
        }
        KeyRefusal::ForbiddenSource(_) => Problem::new(Code::ForbiddenSource, sentence(&refusal)),
        KeyRefusal::NotAccepted
        | KeyRefusal::Malformed
        | KeyRefusal::Exists
        | KeyRefusal::NotFound => unauthorized(),
    })?;
    state.traffic.of_key(&caller.key_id, state.service.clock().now())?;
    if caller.scopes.contains(&needed) {
        return Ok(caller);
    }
    let needed = needed.as_str();
    let detail = format!("This needs a key with the scope {needed:?}.");
    Err(Problem::new(Code::MissingScope, detail).with("scope", needed))
}

/// The token of `Authorization: Bearer TOKEN`.
fn bearer(request: &HttpRequest) -> Option<&str> {
    let value = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn unauthorized() -> Problem {
    let detail =
        "Send \"Authorization: Bearer ID.SECRET\" with a key from `ringproof keys create`.";
    challenge(Problem::new(Code::Unauthorized, detail))
}

fn challenge(problem: Problem) -> Problem {
    problem.header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
}
