//! Says when a page is out of date, as server-sent events. The page then loads itself
//! again and shows what is new; what it shows is made in one place only.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::{Bytes, Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::{Stream, StreamExt, stream};
use serde::Deserialize;
use tokio::sync::watch;

use crate::domain::{Secret, VerificationId};

use crate::service::JournalCursor;

use super::super::state::State;
use super::super::waits::{Place, Waiter};
use super::operator::Operator;
use super::refused::Refused;
use super::verification::id_of;

/// How often a silent stream says that it lives, and looks whether its session does.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How often a page of everything looks for what another replica stored.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// What the page shows.
#[derive(Deserialize)]
pub struct Shown {
    #[serde(default)]
    version: u32,
}

/// Where a page of everything has read to.
#[derive(Deserialize)]
pub struct ReadTo {
    after: Option<String>,
}

/// Says once that something happened after a place, and ends. The browser comes again
/// after a second with the new place, so that a busy service does not drive its pages.
pub async fn everything(
    operator: Operator,
    request: HttpRequest,
    state: Data<State>,
    read_to: Query<ReadTo>,
) -> Result<HttpResponse, Refused> {
    let last = request.headers().get("last-event-id").and_then(|value| value.to_str().ok());
    let after = last.or(read_to.after.as_deref()).unwrap_or_default().parse();
    let after: JournalCursor =
        after.map_err(|_| Refused::unreadable("This is no place of the journal."))?;
    let place = state.waits.place(Waiter::Key(operator.session.operator.key_id.clone()))?;
    let changed = state.service.look_at_all();
    let looking = Looking {
        state: state.into_inner(),
        cookie: operator.cookie,
        after,
        changed,
        _place: place,
    };
    Ok(stream_of(stream::once(looking.news()).filter_map(|news| async { news.map(Ok) })))
}

/// A page of everything that waits for news.
struct Looking {
    state: Arc<State>,
    cookie: Secret,
    after: JournalCursor,
    changed: watch::Receiver<()>,
    _place: Place,
}

impl Looking {
    /// That there is news; none when its session has ended or the service closes, or after
    /// a while, when the browser comes again and is known to be there.
    async fn news(mut self) -> Option<Bytes> {
        let service = &self.state.service;
        let closing = service.closing();
        let until = service.clock().now() + HEARTBEAT;
        loop {
            self.changed.mark_unchanged();
            let end = service.feed(Some(self.after), 1).await.ok()?.end;
            if end != self.after {
                return Some(
                    format!("retry: 1000\nid: {end}\nevent: changed\ndata: {end}\n\n").into(),
                );
            }
            let is_in = service.session(self.cookie.expose()).await.is_ok();
            if closing.is_cancelled() || !is_in || service.clock().now() >= until {
                return Some(Bytes::from_static(b"retry: 1000\n\n"));
            }
            tokio::select! {
                _ = self.changed.changed() => {}
                () = closing.cancelled() => {}
                () = service.clock().sleep(LOOK_EVERY) => {}
            }
        }
    }
}

fn stream_of(stream: impl Stream<Item = Result<Bytes, Infallible>> + 'static) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((CACHE_CONTROL, "no-store"))
        // Proxies that gather answers before they pass them on know this one.
        .insert_header(("x-accel-buffering", "no"))
        .streaming(stream)
}

/// Changes of one verification.
pub async fn verification(
    operator: Operator,
    state: Data<State>,
    id: Path<String>,
    shown: Query<Shown>,
) -> Result<HttpResponse, Refused> {
    let id = state.service.show_any(id_of(&id)?).await?.id;
    let place = state.waits.place(Waiter::Key(operator.session.operator.key_id.clone()))?;
    let watching = Watching {
        state: state.into_inner(),
        cookie: operator.cookie,
        id,
        shown: shown.version,
        _place: place,
    };
    Ok(stream_of(watching.stream()))
}

/// A stream under way.
struct Watching {
    state: Arc<State>,
    cookie: Secret,
    id: VerificationId,
    shown: u32,
    _place: Place,
}

impl Watching {
    fn stream(self) -> impl Stream<Item = Result<Bytes, Infallible>> {
        stream::unfold(self, |mut watching| async move {
            let text = watching.next().await?;
            Some((Ok(text), watching))
        })
    }

    /// The next piece; `None` once the session has ended or the service closes.
    async fn next(&mut self) -> Option<Bytes> {
        let service = &self.state.service;
        let closing = service.closing();
        // Subscribe first, then read, then wait, so that no change slips between.
        let mut subscription = service.subscribe(self.id);
        loop {
            if closing.is_cancelled() || service.session(self.cookie.expose()).await.is_err() {
                return None;
            }
            let version = service.show_any(self.id).await.ok()?.version;
            if version != self.shown {
                self.shown = version;
                return Some(format!("event: changed\ndata: {version}\n\n").into());
            }
            tokio::select! {
                _ = subscription.changed() => {}
                () = closing.cancelled() => {}
                () = service.clock().sleep(HEARTBEAT) => return Some(Bytes::from_static(b":\n\n")),
            }
        }
    }
}
