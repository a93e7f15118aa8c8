//! `GET /v1/verifications/{id}/events`: the timeline, whole or as it happens.

use actix_web::http::StatusCode;
use actix_web::http::header::{ACCEPT, CACHE_CONTROL};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::Verification;

use super::super::access::{Viewer, look, waiter};
use super::super::error::Code;
use super::super::problem::Problem;
use super::super::read::{Id, Query};
use super::super::state::State;
use super::super::{answer, cors};
use super::entry::EntryView;
use super::stream;

/// What can be wrong with a timeline.
pub const PROBLEMS: &[Code] = &[
    Code::InvalidHeader,
    Code::UnknownParameter,
    Code::Unauthorized,
    Code::WaitTokenExpired,
    Code::MissingScope,
    Code::NotFound,
    Code::Internal,
    Code::TooManyWaits,
    Code::TooManyWaitsOfOne,
    Code::StoreUnavailable,
];

/// No parameters.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventsQuery {}

/// A timeline.
#[derive(Serialize, ToSchema)]
pub struct Timeline {
    /// Its entries, oldest first.
    events: Vec<EntryView>,
    /// Whether a key for tests started it with a test number; then no provider was asked.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    test: bool,
}

/// The timeline of a verification: what happened, oldest first.
///
/// With `Accept: text/event-stream` it comes as server-sent events, as it happens: `id`
/// is the entry's number, `event` its type, `data` the entry as JSON. The stream ends
/// once the verification has; `Last-Event-ID` resumes it. A stream with nothing more to
/// come answers 204, upon which browsers stop to reconnect.
#[utoipa::path(
    operation_id = "events",
    tag = "verifications",
    params(
        ("id" = String, Path, description = "The id that the start answered"),
        ("Last-Event-ID" = Option<u32>, Header, description = "The number of the last entry seen; for event streams"),
    ),
    responses(
        (status = 200, description = "The timeline", content(
            (Timeline = "application/json"),
            (String = "text/event-stream"),
        )),
        (status = 204, description = "A resumed event stream that has nothing more to come"),
    ),
    security(("key" = ["read"]), ("wait_token" = [])),
)]
#[get("/v1/verifications/{id}/events")]
pub async fn events(
    id: Id,
    request: HttpRequest,
    state: Data<State>,
    _query: Query<EventsQuery>,
) -> HttpResponse {
    let mut answer = match look(&state, &request, id.0).await {
        Err(problem) => HttpResponse::from_error(problem),
        Ok((viewer, verification)) => {
            let is_page = matches!(viewer, Viewer::Page);
            let told = match wants_stream(&request) {
                true => stream_to(viewer, &request, &state, &verification),
                false => tell(&viewer, &state, &verification).await,
            };
            let mut answer = told.unwrap_or_else(HttpResponse::from_error);
            if is_page {
                cors::open_to_page(&request, &state, &verification.app, &mut answer);
            }
            answer
        }
    };
    cors::vary(&mut answer);
    answer
}

async fn tell(
    viewer: &Viewer,
    state: &State,
    verification: &Verification,
) -> Result<HttpResponse, Problem> {
    let entries = state.service.timeline(verification.id, 0).await;
    let entries = entries.map_err(|error| Problem::store(&error))?;
    let views = entries.iter().map(|entry| EntryView::of(verification, entry, viewer));
    Ok(answer::json(StatusCode::OK, &Timeline { events: views.collect(), test: verification.test }))
}

fn stream_to(
    viewer: Viewer,
    request: &HttpRequest,
    state: &Data<State>,
    verification: &Verification,
) -> Result<HttpResponse, Problem> {
    let seen = last_event_id(request)?;
    if seen > 0 && stream::is_over(verification, seen) {
        return Ok(HttpResponse::new(StatusCode::NO_CONTENT));
    }
    let place = state.waits.place(waiter(request, &viewer, verification.id))?;
    let stream = stream::of(state.clone().into_inner(), verification.id, viewer, seen, place);
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((CACHE_CONTROL, "no-store"))
        // Proxies that gather answers before they pass them on know this one.
        .insert_header(("x-accel-buffering", "no"))
        .streaming(stream))
}

pub(super) fn wants_stream(request: &HttpRequest) -> bool {
    let accepted = request.headers().get_all(ACCEPT).filter_map(|value| value.to_str().ok());
    accepted.flat_map(|line| line.split(',')).any(|media| {
        let media = media.split(';').next().unwrap_or_default();
        media.trim().eq_ignore_ascii_case("text/event-stream")
    })
}

fn last_event_id(request: &HttpRequest) -> Result<u32, Problem> {
    let Some(value) = request.headers().get("last-event-id") else { return Ok(0) };
    let digits = value.to_str().ok().filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
    digits.and_then(|text| text.parse().ok()).ok_or_else(|| {
        let detail = "Last-Event-ID is the number of the last entry seen.";
        Problem::new(Code::InvalidHeader, detail).with("header", "Last-Event-ID")
    })
}
