//! A timeline as server-sent events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Bytes;
use futures_util::Stream;
use futures_util::stream;

use crate::domain::{Status, Verification, VerificationId};
use crate::service::Service;

use super::super::access::Viewer;
use super::super::state::State;
use super::super::waits::Place;
use super::entry::EntryView;

/// How often a silent stream says that it lives.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// A stream under way.
struct Telling {
    state: Arc<State>,
    id: VerificationId,
    viewer: Viewer,
    /// The number of the last entry that was sent.
    seen: u32,
    _place: Place,
}

/// Whether nothing more comes after entry `seen`.
pub fn is_over(verification: &Verification, seen: u32) -> bool {
    verification.status() != Status::Pending && verification.entries <= seen
}

/// The entries after number `seen`, as they happen, until the verification has ended.
pub fn of(
    state: Arc<State>,
    id: VerificationId,
    viewer: Viewer,
    seen: u32,
    place: Place,
) -> impl Stream<Item = Result<Bytes, Infallible>> {
    let telling = Telling { state, id, viewer, seen, _place: place };
    stream::unfold(telling, |mut telling| async move {
        let text = telling.next().await?;
        Some((Ok(text.into()), telling))
    })
}

impl Telling {
    /// The next piece; `None` once all is said, or when it cannot be known and the
    /// client had better come again.
    async fn next(&mut self) -> Option<String> {
        let service: &Service = &self.state.service;
        let closing = service.closing();
        // Subscribe first, then read, then wait, so that no change slips between.
        let mut subscription = service.subscribe(self.id);
        loop {
            let verification = service.show_any(self.id).await.ok()?;
            if verification.entries > self.seen {
                let entries = service.timeline(self.id, self.seen).await.ok()?;
                self.seen = entries.last()?.number;
                let view = |entry| EntryView::of(&verification, entry, &self.viewer);
                return Some(entries.iter().map(|entry| frame(&view(entry))).collect());
            }
            if is_over(&verification, self.seen) || closing.is_cancelled() {
                return None;
            }
            tokio::select! {
                _ = subscription.changed() => {}
                () = closing.cancelled() => {}
                () = service.clock().sleep(HEARTBEAT) => return Some(":\n\n".to_owned()),
            }
        }
    }
}

/// One event in the text form of server-sent events. The JSON is one line.
fn frame(view: &EntryView) -> String {
    let data = serde_json::to_string(view).unwrap_or_default();
    format!("id: {}\nevent: {}\ndata: {data}\n\n", view.id, view.kind)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::domain::{Entry, EntryKind};

    #[test]
    fn an_event_is_framed_as_browsers_read_it() {
        let kind = EntryKind::Ringing { attempt: 0 };
        let entry = Entry { number: 4, at: Timestamp::UNIX_EPOCH, kind };
        assert_eq!(
            frame(&EntryView::new(&entry, &Viewer::Page)),
            "id: 4\nevent: ringing\ndata: {\"id\":4,\"at\":\"1970-01-01T00:00:00.000Z\",\"type\":\"ringing\",\"attempt\":1}\n\n",
        );
    }
}
