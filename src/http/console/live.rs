//! Says when a page is out of date, as server-sent events. The page then loads itself
//! again and shows what is new; what it shows is made in one place only.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::{Bytes, Data, Path, Query};
use futures_util::{Stream, stream};
use serde::Deserialize;

use crate::domain::{Secret, VerificationId};

use super::super::state::State;
use super::super::waits::{Place, Waiter};
use super::operator::Operator;
use super::refused::Refused;
use super::verification::id_of;

/// How often a silent stream says that it lives, and looks whether its session does.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// What the page shows.
#[derive(Deserialize)]
pub struct Shown {
    #[serde(default)]
    version: u32,
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
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header(("x-accel-buffering", "no"))
        .streaming(watching.stream()))
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
            if closing.is_cancelled() || !service.session_holds(self.cookie.expose()).await {
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
