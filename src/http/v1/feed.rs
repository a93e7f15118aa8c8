//! `GET /v1/events`: what happens to all verifications, as pages or as it happens.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse, get};
use futures_util::{Stream, stream};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use utoipa::{IntoParams, ToSchema};

use crate::service::{FeedRow, JournalCursor};

use super::super::access::{Holder, ToOperate, Viewer};
use super::super::answer;
use super::super::error::Code;
use super::super::problem::Problem;
use super::super::read::Query;
use super::super::state::State;
use super::super::waits::Place;
use super::entry::EntryView;
use super::events::wants_stream;
use super::search::{CURSOR, limit, parsed};

/// How often a silent stream says that it lives.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How often a stream looks for what another replica stored, while somebody looks on.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How many changes a stream sends at once.
const AT_ONCE: u16 = 100;

/// What can be wrong with the feed.
pub const PROBLEMS: &[Code] = &[
    Code::InvalidHeader,
    Code::InvalidParameter,
    Code::UnknownParameter,
    Code::Unauthorized,
    Code::MissingScope,
    Code::Internal,
    Code::TooManyWaits,
    Code::TooManyWaitsOfOne,
    Code::StoreUnavailable,
];

/// Where to read on.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FeedQuery {
    /// The `next_cursor` of the page before; without it the newest events are told.
    after: Option<String>,
    /// The most changes on a page, each of one event or a few. Default 20.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100)]
    limit: Option<String>,
}

/// One page.
#[derive(Serialize, ToSchema)]
pub struct FeedAnswer {
    /// What happened, oldest first.
    events: Vec<FeedEvent>,
    /// Where to read on, now or later; never null.
    next_cursor: String,
    /// Whether more is there already.
    more: bool,
}

/// Something that happened to a verification.
#[derive(Serialize, ToSchema)]
pub struct FeedEvent {
    /// The verification.
    verification_id: String,
    /// The app that started it.
    app: String,
    /// The number or address, masked.
    #[schema(example = "+380•••••••67")]
    to: String,
    /// What happened.
    entry: EntryView,
}

/// What happens to all verifications, of all apps, oldest first.
///
/// As JSON in pages, or with `Accept: text/event-stream` as server-sent events as it
/// happens: `event` is the entry's type, `data` the event as JSON, `id` the place to resume
/// from by `Last-Event-ID`; of events that were stored together the last one carries it. A
/// stream without it begins now. None is skipped, and one may come twice after a resumption.
#[utoipa::path(
    operation_id = "feed",
    tag = "operations",
    params(
        FeedQuery,
        ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event seen; for event streams"),
    ),
    responses((status = 200, description = "What happened", content(
        (FeedAnswer = "application/json"),
        (String = "text/event-stream"),
    ))),
    security(("key" = ["operate"])),
)]
#[get("/v1/events")]
pub async fn feed(
    holder: Holder<ToOperate>,
    request: HttpRequest,
    state: Data<State>,
    query: Query<FeedQuery>,
) -> Result<HttpResponse, Problem> {
    let after = parsed("after", query.0.after, CURSOR)?;
    let limit = limit(query.0.limit.as_deref())?;
    if !wants_stream(&request) {
        let page = state.service.feed(after, limit).await;
        let page = page.map_err(|error| Problem::store(&error))?;
        let answer = FeedAnswer {
            events: page.rows.iter().flat_map(events).collect(),
            next_cursor: page.end.to_string(),
            more: page.more,
        };
        return Ok(answer::json(StatusCode::OK, &answer));
    }
    let seen = last_event_id(&request)?.or(after);
    let place = state.waits.place(holder.waiter())?;
    // Listened for from now on, before the place is read that "now" is.
    let changed = state.service.look_at_all();
    let seen = match seen {
        Some(seen) => seen,
        None => state.service.feed(None, 1).await.map_err(|error| Problem::store(&error))?.end,
    };
    let stream = follow(Following { state: state.into_inner(), changed, seen, _place: place });
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((CACHE_CONTROL, "no-store"))
        // Proxies that gather answers before they pass them on know this one.
        .insert_header(("x-accel-buffering", "no"))
        .streaming(stream))
}

fn last_event_id(request: &HttpRequest) -> Result<Option<JournalCursor>, Problem> {
    let Some(value) = request.headers().get("last-event-id") else { return Ok(None) };
    let cursor = value.to_str().ok().and_then(|text| text.parse().ok());
    cursor.map(Some).ok_or_else(|| {
        let detail = "Last-Event-ID is the id of the last event seen.";
        Problem::new(Code::InvalidHeader, detail).with("header", "Last-Event-ID")
    })
}

fn events(row: &FeedRow) -> impl Iterator<Item = FeedEvent> + '_ {
    row.entries.iter().map(|entry| FeedEvent {
        verification_id: row.verification.id.to_string(),
        app: row.verification.app.to_string(),
        // Written for logs, it is masked.
        to: format!("{:?}", row.verification.to),
        entry: EntryView::of(&row.verification, entry, &Viewer::App),
    })
}

/// A stream under way.
struct Following {
    state: Arc<State>,
    changed: watch::Receiver<()>,
    seen: JournalCursor,
    _place: Place,
}

fn follow(following: Following) -> impl Stream<Item = Result<Bytes, Infallible>> {
    stream::unfold(following, |mut following| async move {
        let text = following.next().await?;
        Some((Ok(text.into()), following))
    })
}

impl Following {
    /// The next piece; `None` when it cannot be known, or the service closes, and the
    /// client had better come again.
    async fn next(&mut self) -> Option<String> {
        let service = Arc::clone(&self.state.service);
        let (clock, closing) = (service.clock(), service.closing());
        let began = clock.now();
        loop {
            self.changed.mark_unchanged();
            let page = service.feed(Some(self.seen), AT_ONCE).await.ok()?;
            self.seen = page.end;
            if !page.rows.is_empty() {
                return Some(page.rows.iter().map(frames).collect());
            }
            if closing.is_cancelled() {
                return None;
            }
            if page.more {
                continue;
            }
            if clock.now().duration_since(began).unsigned_abs() >= HEARTBEAT {
                return Some(":\n\n".to_owned());
            }
            tokio::select! {
                _ = self.changed.changed() => {}
                () = closing.cancelled() => {}
                () = clock.sleep(LOOK_EVERY) => {}
            }
        }
    }
}

/// The events of a row. The last one has the id, so that none of them is skipped by who
/// resumes between them.
fn frames(row: &FeedRow) -> String {
    let mut text = String::new();
    for (index, event) in events(row).enumerate() {
        if index + 1 == row.entries.len() {
            text.push_str(&format!("id: {}\n", row.cursor));
        }
        let data = serde_json::to_string(&event).unwrap_or_default();
        text.push_str(&format!("event: {}\ndata: {data}\n\n", event.entry.kind));
    }
    text
}
