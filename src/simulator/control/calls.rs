//! `/_simulator/calls`: what the phones do, and what a person at one may do.

use actix_web::{HttpResponse, web};
use serde::Deserialize;

use super::{answered, listed, refused, unreadable};
use crate::simulator::call::{Call, CallId, CallState, Kind, OutOfStep};
use crate::simulator::exchange::{self, Order};
use crate::simulator::numbers::{NumberForm, digits};
use crate::simulator::script::{ContentType, Does, Script};
use crate::simulator::world::World;

pub(super) fn routes(service: &mut web::ServiceConfig) {
    service
        .route("/calls", web::get().to(list))
        .route("/calls", web::post().to(make))
        .route("/calls/{id}/answer", web::post().to(answer))
        .route("/calls/{id}/press/{key}", web::post().to(press))
        .route("/calls/{id}/hangup", web::post().to(hang_up));
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    number: Option<String>,
    /// Answers only once such a call has come this far.
    reaches: Option<CallState>,
}

async fn list(query: web::Query<Wanted>, world: web::Data<World>) -> HttpResponse {
    let wanted = query.into_inner();
    let number = wanted.number.as_deref().map(digits);
    let found = world.until(|state| {
        let is_theirs = |call: &&Call| number.as_ref().is_none_or(|number| call.number == *number);
        let calls: Vec<Call> = state.calls.iter().filter(is_theirs).cloned().collect();
        let reached = wanted
            .reaches
            .is_none_or(|reaches| calls.last().is_some_and(|call| call.state >= reaches));
        reached.then_some(calls)
    });
    listed("calls", &found.await)
}

/// A call that has nothing to do with a verification.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unrelated {
    kind: UnrelatedKind,
    number: String,
    called: Option<String>,
    key: Option<String>,
    #[serde(default = "answered_by_default")]
    answered: bool,
    number_form: Option<NumberForm>,
    number_written: Option<String>,
    internal: Option<String>,
    #[serde(default)]
    clock_skew_s: i64,
    #[serde(default)]
    content_type: ContentType,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum UnrelatedKind {
    Incoming,
    Agent,
}

const fn answered_by_default() -> bool {
    true
}

/// Carries the call out at once and lists the notifications it caused, with their answers.
async fn make(body: web::Bytes, world: web::Data<World>) -> HttpResponse {
    let call: Unrelated = match serde_json::from_slice(&body) {
        Ok(call) => call,
        Err(error) => return unreadable(&error),
    };
    let before = world.look(|state| state.posted.last().map_or(0, |posted| posted.id));
    let first_number = || world.look(|state| state.settings.direct_numbers.first().cloned());
    let called = call.called.or_else(first_number).unwrap_or_else(|| "0".to_owned());
    let kind = match call.kind {
        UnrelatedKind::Incoming => Kind::Incoming,
        UnrelatedKind::Agent => Kind::Agent,
    };
    let usual = Script::default();
    let script = Script {
        does: if call.answered { Does::Answer } else { Does::NoAnswer },
        number_form: call.number_form.unwrap_or(usual.number_form),
        number_written: call.number_written,
        internal: call.internal.unwrap_or(usual.internal),
        clock_skew_s: call.clock_skew_s,
        content_type: call.content_type,
        ..Script::default()
    };
    let order = Order { kind, to: call.number, from: called, sounds: None, spoken: None };
    let id = exchange::unrelated(&world, order, &script, call.key).await;
    let caused: Vec<_> = world.look(|state| {
        let later = state.posted.iter().filter(|posted| posted.id > before);
        later.filter(|posted| posted.call == Some(id)).cloned().collect()
    });
    listed("notifications", &caused)
}

async fn answer(id: web::Path<CallId>, world: web::Data<World>) -> HttpResponse {
    let now = world.clock.now();
    step(&world, *id, |call| call.answer(now))
}

async fn press(path: web::Path<(CallId, String)>, world: web::Data<World>) -> HttpResponse {
    let (id, key) = path.into_inner();
    let is_key = key.len() == 1 && key.bytes().all(|byte| b"0123456789*#".contains(&byte));
    if !is_key {
        return refused(400, "a key is one of 0-9, * and #");
    }
    let now = world.clock.now();
    step(&world, id, |call| call.press(&key, now))
}

async fn hang_up(id: web::Path<CallId>, world: web::Data<World>) -> HttpResponse {
    let now = world.clock.now();
    step(&world, *id, |call| call.hang_up(now))
}

fn step(
    world: &World,
    id: CallId,
    take: impl FnOnce(&mut Call) -> Result<(), OutOfStep>,
) -> HttpResponse {
    let taken = world.change(|state| {
        let call = state.call_mut(id)?;
        Some(take(call).map(|()| call.clone()))
    });
    match taken {
        Some(Ok(call)) => answered(&call),
        Some(Err(OutOfStep)) => refused(409, "the call is not in a state for this"),
        None => refused(404, "no such call"),
    }
}
