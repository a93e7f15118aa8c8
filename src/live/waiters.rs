//! Who waits for which verification.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use tokio::sync::watch;

use crate::domain::VerificationId;

/// One channel per verification that somebody waits for; it goes with the last
/// subscription. Written by subscribers coming and going, read by wakers.
#[derive(Default)]
pub(super) struct Waiters {
    channels: DashMap<VerificationId, Arc<watch::Sender<()>>>,
    count: AtomicUsize,
}

/// Hears of changes of one verification from the moment it was made.
pub struct Subscription<'a> {
    waiters: &'a Waiters,
    id: VerificationId,
    receiver: watch::Receiver<()>,
}

impl Waiters {
    pub(super) fn subscribe(&self, id: VerificationId) -> Subscription<'_> {
        let receiver =
            self.channels.entry(id).or_insert_with(|| Arc::new(watch::Sender::new(()))).subscribe();
        self.count.fetch_add(1, Ordering::Relaxed);
        Subscription { waiters: self, id, receiver }
    }

    pub(super) fn wake(&self, id: VerificationId) {
        let channel = self.channels.get(&id).map(|channel| Arc::clone(&channel));
        if let Some(channel) = channel {
            channel.send_replace(());
        }
    }

    pub(super) fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }
}

impl Subscription<'_> {
    /// Returns once the verification has changed since the last call, or since
    /// the subscription was made.
    pub async fn changed(&mut self) {
        if self.receiver.changed().await.is_err() {
            // The sender lives in the map as long as this subscription does.
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Subscription<'_> {
    fn drop(&mut self) {
        self.waiters.count.fetch_sub(1, Ordering::Relaxed);
        if let Entry::Occupied(entry) = self.waiters.channels.entry(self.id) {
            // The receiver of this subscription is the last one.
            if entry.get().receiver_count() <= 1 {
                entry.remove();
            }
        }
    }
}
