//! `/_simulator/notifications`: what was sent, and sending anything at all.

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

use super::{answered, listed, refused, unreadable};
use crate::simulator::numbers::digits;
use crate::simulator::post::{Letter, Posted, Signature};
use crate::simulator::script::ContentType;
use crate::simulator::world::World;

pub(super) fn routes(service: &mut web::ServiceConfig) {
    service
        .route("/notifications", web::get().to(list))
        .route("/notifications", web::post().to(send));
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// Answers only once every call has told all it has to tell.
    #[serde(default)]
    settled: bool,
    number: Option<String>,
}

async fn list(query: web::Query<Wanted>, world: web::Data<World>) -> HttpResponse {
    let Wanted { settled, number } = query.into_inner();
    let number = number.as_deref().map(digits);
    let found = world.until(|state| {
        let is_theirs = |called: &str| number.as_ref().is_none_or(|number| called == number);
        let is_waiting =
            settled && state.calls.iter().any(|call| !call.settled && is_theirs(&call.number));
        let of_theirs = |posted: &&Posted| match posted.call.and_then(|id| state.call(id)) {
            Some(call) => is_theirs(&call.number),
            None => number.is_none(),
        };
        (!is_waiting).then(|| state.posted.iter().filter(of_theirs).cloned().collect::<Vec<_>>())
    });
    listed("notifications", &found.await)
}

/// Any form, signed by the account unless it says otherwise.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    #[serde(default)]
    fields: Vec<(String, String)>,
    signature: Option<String>,
    #[serde(default)]
    unsigned: bool,
    #[serde(default)]
    content_type: ContentType,
    #[serde(default)]
    headers: Vec<(String, String)>,
    body: Option<String>,
    url: Option<String>,
}

async fn send(body: web::Bytes, world: web::Data<World>) -> HttpResponse {
    let form: Form = match serde_json::from_slice(&body) {
        Ok(form) => form,
        Err(error) => return unreadable(&error),
    };
    let signature = match (form.signature, form.unsigned) {
        (Some(given), _) => Signature::Given(given),
        (None, true) => Signature::None,
        (None, false) => Signature::Own,
    };
    let letter = Letter {
        call: None,
        url: form.url,
        fields: form.fields,
        signature,
        content_type: form.content_type,
        headers: form.headers,
        raw_body: form.body,
    };
    match world.post(letter).await {
        Some(posted) => answered(&json!({
            "status": posted.status,
            "body": posted.answer,
            "error": posted.error,
            "signature": posted.signature,
            "id": posted.id,
        })),
        None => refused(409, "no notification URL is set"),
    }
}
