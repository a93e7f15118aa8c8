//! `Idempotency-Key`: what makes a repeated request harmless.

use actix_web::HttpRequest;
use serde_json::Value;

use crate::domain::Name;
use crate::service::Idempotency;

use super::super::error::Code;
use super::super::problem::Problem;
use super::super::state::State;
use super::canonical;

/// The longest Idempotency-Key.
const MAX_KEY: usize = 255;

/// The key of a request, if it has one, with a fingerprint of its body.
///
/// # Errors
/// When there are several, or one that is too long or not visible ASCII.
pub fn idempotency(
    request: &HttpRequest,
    state: &State,
    app: &Name,
    tree: &Value,
) -> Result<Option<Idempotency>, Problem> {
    let mut values = request.headers().get_all("idempotency-key");
    let Some(value) = values.next() else { return Ok(None) };
    let key = value.as_bytes();
    let fits = (1..=MAX_KEY).contains(&key.len()) && key.iter().all(u8::is_ascii_graphic);
    if !fits || values.next().is_some() {
        let detail = format!("One Idempotency-Key, of 1 to {MAX_KEY} visible ASCII characters.");
        return Err(Problem::new(Code::InvalidHeader, detail)
            .with("header", "Idempotency-Key")
            .with("limit", MAX_KEY));
    }
    // Keyed, since it may hold a code, which is guessed from a plain hash.
    let text = format!("{app}\0{}", canonical(tree));
    let fingerprint = state.service.store_key().fingerprint_of(text.as_bytes());
    let key = String::from_utf8_lossy(key).into_owned().into_boxed_str();
    Ok(Some(Idempotency { key, fingerprint }))
}
