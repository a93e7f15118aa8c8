//! The spill: a bounded, flushed file for notifications that cannot be in the
//! store yet, since whether the provider sends again is not documented.
//!
//! Two kinds are kept. Those that the store does not take are applied from the
//! file, through the whole pipeline, judged by when they were received, before
//! anything expires (`apply`). Those that wait to be judged once more have been
//! applied, and are kept only for the case that the process ends meanwhile. What
//! a process leaves behind in any way, the next one applies at its start; a
//! notification that is applied twice changes nothing the second time.
//!
//! The files hold whole notifications with their numbers, as the store does, and
//! are not sealed; only this user may read them, and they are removed when
//! applied. They belong to one process, which holds a lock in their folder.

mod apply;
mod files;
mod record;
mod writer;

use std::path::Path;
use std::sync::Arc;

use tokio::sync::{Notify, mpsc, oneshot};

use super::Received;
use crate::telemetry;
use crate::telemetry::metrics::{Counters, SPILLED_TOTAL};

pub use files::OpenError;
pub use writer::{Kept, Purpose, Refused};

use files::{Folder, Number};
use record::Record;
use writer::{Message, Writer};

/// How many may wait to be written; whoever comes then waits for room.
const QUEUE: usize = 4096;

/// An open spill. The thread that writes ends with the last of its owners.
pub struct Spill {
    folder: Arc<Folder>,
    queue: mpsc::Sender<Message>,
    /// Called when there is something to apply.
    waiting: Notify,
    has_left_over: bool,
    results: Counters,
}

impl Spill {
    /// Opens the spill in `folder`, which is made if need be, and which may come to
    /// hold `most_bytes`. What an earlier process left there is to be applied.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(folder: &Path, most_bytes: u64) -> Result<Self, OpenError> {
        let io = |source| OpenError::Io { folder: folder.into(), source };
        let held = Arc::new(Folder::open(folder)?);
        let left = held.list().map_err(io)?;
        let (queue, messages) = mpsc::channel(QUEUE);
        let writer = Writer::new(Arc::clone(&held), queue.downgrade(), most_bytes, &left);
        std::thread::Builder::new()
            .name("spill-writer".to_owned())
            .spawn(move || writer.run(messages))
            .map_err(io)?;
        let waiting = Notify::new();
        if !left.is_empty() {
            waiting.notify_one();
        }
        Ok(Self {
            folder: held,
            queue,
            waiting,
            has_left_over: !left.is_empty(),
            results: Counters::new(SPILLED_TOTAL, "result", ["kept", "refused"]),
        })
    }

    /// Whether an earlier process left something to be applied.
    pub(super) const fn has_left_over(&self) -> bool {
        self.has_left_over
    }

    /// Keeps a notification that has authenticated. Once this returns, it is on disk.
    pub(super) async fn keep(
        &self,
        received: &Received,
        account: &str,
        purpose: Purpose,
    ) -> Result<Kept, Refused> {
        let bytes = Record::of(received, account).encode().ok_or(Refused::TooLong)?;
        let (reply, answered) = oneshot::channel();
        let message = Message::Keep { bytes, purpose, reply };
        self.queue.send(message).await.map_err(|_| Refused::Closed)?;
        let kept = answered.await.map_err(|_| Refused::Closed).flatten();
        if purpose == Purpose::Apply {
            self.results.increment(if kept.is_ok() { "kept" } else { "refused" });
            if let Err(refused) = &kept {
                telemetry::alarm(
                    "spill_refused",
                    format!(
                        "a notification was answered with 503 and may be lost: {refused}; put spill.folder on a disk with room, or raise spill.max_size"
                    ),
                );
            }
            self.waiting.notify_one();
        }
        kept
    }

    /// Has everything that was brought written, then lets another process take the folder.
    pub(super) async fn close(&self) {
        let (reply, closed) = oneshot::channel();
        // It fails when the thread has ended already.
        let _ = self.queue.send(Message::Close(reply)).await;
        let _ = closed.await;
    }

    /// Returns once there may be something to apply.
    async fn waiting(&self) {
        self.waiting.notified().await;
    }

    /// The next file to be applied.
    async fn take(&self) -> Option<Number> {
        let (reply, answered) = oneshot::channel();
        self.queue.send(Message::Take(reply)).await.ok()?;
        answered.await.ok().flatten()
    }

    async fn remove(&self, number: Number) {
        // It fails when the process ends; the next one applies the file again.
        let _ = self.queue.send(Message::Remove(number)).await;
    }
}
