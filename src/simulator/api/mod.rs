//! The provider's HTTP API: one door for every method.
//!
//! The order is the server's: count, record, authenticate, limit, then the method.

mod account;
mod answer;
mod callinfo;
mod received;
mod sms;
mod sounds;
mod statistics;
mod verify;

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use super::limits::{Passage, RateLimitMode};
use super::world::{RequestRecord, World, remember};
use answer::Answer;
use received::Received;

/// Everything under `/v1/`.
pub(super) fn routes(service: &mut web::ServiceConfig) {
    service.route("/v1/{method:.*}", web::to(serve));
}

async fn serve(request: HttpRequest, body: web::Bytes, world: web::Data<World>) -> HttpResponse {
    let received = match Received::read(&request, body, world.clock.now()).await {
        Ok(received) => received,
        Err(reason) => {
            return Answer::error(reason).with_status(400).into_response(&request, "", None);
        }
    };
    let world = world.into_inner();
    let (id, passage) = record(&world, &received);
    let answer = match refuse(&world, &received, passage) {
        Some(refusal) => refusal,
        None => perform(&world, &received).await,
    };
    world.change(|state| {
        if let Some(record) = state.requests.iter_mut().rev().find(|record| record.id == id) {
            record.status = Some(answer.status());
        }
    });
    answer.into_response(&request, &received.path, Some(passage))
}

/// Counts and records a request before anything can go wrong with it.
fn record(world: &World, received: &Received) -> (u64, Passage) {
    let now = received.at;
    world.change(|state| {
        let id = state.fresh_id();
        let record = RequestRecord {
            id,
            at: now,
            method: received.method.clone(),
            path: received.path.clone(),
            params: received.fields.clone(),
            status: None,
        };
        remember(&mut state.requests, record);
        let passage = if received.is_statistics() {
            state.statistics.pass(state.settings.statistics_rate_limit, now)
        } else {
            state.general.pass(state.settings.rate_limit, now)
        };
        (id, passage)
    })
}

/// What stands before every method.
fn refuse(world: &World, received: &Received, passage: Passage) -> Option<Answer> {
    let (authentic, settings) =
        world.look(|state| (received.is_signed(&world.key, &state.secret), state.settings.clone()));
    if settings.drop_all {
        return Some(Answer::Dropped);
    }
    if !authentic {
        return Some(Answer::unauthorized());
    }
    if !passage.allowed {
        match settings.rate_limit_mode {
            RateLimitMode::Http429 => return Some(Answer::rate_limited_429()),
            RateLimitMode::Http200 => return Some(Answer::rate_limited_200()),
            RateLimitMode::Off => {}
        }
    }
    settings.refuse_all.map(Answer::error)
}

async fn perform(world: &std::sync::Arc<World>, received: &Received) -> Answer {
    match (received.method.as_str(), received.path.trim_end_matches('/')) {
        ("POST", "/v1/verify") => verify::start(world, received).await,
        ("POST", "/v1/verify/check") => verify::check(world, received),
        ("POST", "/v1/sms/send") => sms::send(world, received).await,
        ("GET", "/v1/pbx/ivr/sounds/list") => sounds::list(world),
        ("POST", "/v1/pbx/ivr/sounds/upload") => sounds::upload(world, received),
        ("DELETE", "/v1/pbx/ivr/sounds/delete") => sounds::delete(world, received),
        ("GET", "/v1/pbx/callinfo") => callinfo::show(world),
        ("POST", "/v1/pbx/callinfo/url") => callinfo::set_url(world, received).await,
        ("DELETE", "/v1/pbx/callinfo/url") => callinfo::clear_url(world),
        ("POST", "/v1/pbx/callinfo/notifications") => callinfo::set_toggles(world, received),
        ("GET", "/v1/info/balance") => account::balance(world),
        ("GET", "/v1/info/timezone") => account::timezone(world),
        ("GET", "/v1/info/price") => account::price(world, received),
        ("GET", "/v1/direct_numbers") => account::direct_numbers(world),
        ("GET", "/v1/pbx/internal") => account::internal(world),
        ("GET", "/v1/statistics/pbx") => statistics::pbx(world, received),
        _ => Answer::error("Wrong method").with_status(404),
    }
}

/// A PBX id, the same in every answer.
const PBX_ID: u32 = 1234;

/// The answer to a missing parameter.
fn required(name: &str) -> Answer {
    Answer::error(format!("\"{name}\" param is required"))
}

/// A toggle's value as the API writes it.
fn word(on: bool) -> Value {
    json!(if on { "true" } else { "false" })
}
