//! Who asks: a key's id and secret, as parameters or in the header, or a signature.

use std::net::IpAddr;

use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;

use crate::domain::Secret;
use crate::service::{Caller, Scope};

use super::super::state::State;
use super::call::Call;
use super::refusal::Refusal;

/// `Authorization: Basic` of a key's id and secret.
pub struct Basic {
    key: String,
    secret: Secret,
}

/// The credentials of a header, if it has some.
pub fn basic(headers: &HeaderMap) -> Option<Basic> {
    let (scheme, encoded) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(BASE64_STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (key, secret) = text.split_once(':')?;
    Some(Basic { key: key.to_owned(), secret: Secret::new(secret) })
}

/// Whoever sent a call, if they may do what `scope` allows; `wrong` says that they may not.
///
/// # Errors
/// When credentials are missing, wrong, or not enough.
pub async fn caller(
    state: &State,
    call: &Call,
    scope: Scope,
    wrong: fn() -> Refusal,
) -> Result<Caller, Refusal> {
    if call.throttled {
        return Err(Refusal::throttled());
    }
    let fields = call.fields()?;
    let source = call.source;
    let caller = match (fields.given("api_key"), &call.basic) {
        (Some(key), _) if fields.given("sig").is_some() => {
            let signature = fields.required("sig")?;
            let at = fields.required("timestamp")?.parse().ok();
            let at = at.and_then(|at| Timestamp::from_second(at).ok());
            let at = at.ok_or_else(|| Refusal::invalid("timestamp"))?;
            state.service.signer(key, &fields.signed_text(), signature, at, source).await
        }
        (Some(key), None) => bearer(state, source, key, fields.required("api_secret")?),
        (Some(key), Some(basic)) => {
            let secret = fields.given("api_secret").unwrap_or(basic.secret.expose());
            bearer(state, source, key, secret)
        }
        (None, Some(basic)) => bearer(state, source, &basic.key, basic.secret.expose()),
        (None, None) => return Err(Refusal::missing("api_key")),
    };
    let caller = caller.map_err(|refusal| Refusal::of_key(&refusal, wrong))?;
    let now = state.service.clock().now();
    state.traffic.of_key(&caller.key_id, now).map_err(|_| Refusal::throttled())?;
    if caller.scopes.contains(&scope) { Ok(caller) } else { Err(wrong()) }
}

fn bearer(
    state: &State,
    source: IpAddr,
    key: &str,
    secret: &str,
) -> Result<Caller, crate::service::KeyRefusal> {
    state.service.caller(Secret::new(format!("{key}.{secret}")).expose(), source)
}
