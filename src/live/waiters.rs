//! Who waits for which verification.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use tokio::sync::watch;

use super::Live;
use crate::domain::{Verification, VerificationId};

/// The newest version that was made known, shared by all who wait, since ten thousand may.
type Latest = Option<Arc<Verification>>;

/// One channel per verification that somebody waits for; it goes with the last
/// subscription. Written by subscribers coming and going, read by wakers.
#[derive(Default)]
pub(super) struct Waiters {
    channels: DashMap<VerificationId, Arc<watch::Sender<Latest>>>,
    count: AtomicUsize,
}

/// Hears of changes of one verification from the moment it was made.
pub struct Subscription<'a> {
    waiters: &'a Waiters,
    id: VerificationId,
    receiver: watch::Receiver<Latest>,
}

impl Live {
    /// Of these versions, the ids of those that somebody waits for and has not been told of.
    #[must_use]
    pub fn awaited_of(&self, changed: &[(VerificationId, u32)]) -> Vec<VerificationId> {
        let awaited = changed.iter().filter(|(id, version)| self.waiters.lacks(*id, *version));
        awaited.map(|(id, _)| *id).collect()
    }

    /// The ids of all that somebody waits for.
    #[must_use]
    pub fn awaited(&self) -> Vec<VerificationId> {
        self.waiters.ids()
    }
}

impl Waiters {
    pub(super) fn subscribe(&self, id: VerificationId) -> Subscription<'_> {
        let receiver = self
            .channels
            .entry(id)
            .or_insert_with(|| Arc::new(watch::Sender::new(None)))
            .subscribe();
        self.count.fetch_add(1, Ordering::Relaxed);
        Subscription { waiters: self, id, receiver }
    }

    pub(super) fn wake(&self, newest: &Verification) {
        let channel = self.channels.get(&newest.id).map(|channel| Arc::clone(&channel));
        if let Some(channel) = channel {
            let newest = Arc::new(newest.clone());
            channel.send_if_modified(|latest| {
                let newer = latest.as_ref().is_none_or(|known| known.version < newest.version);
                if newer {
                    *latest = Some(newest);
                }
                newer
            });
        }
    }

    /// Whether somebody waits for a verification who has not been told of this version.
    pub(super) fn lacks(&self, id: VerificationId, version: u32) -> bool {
        self.channels.get(&id).is_some_and(|channel| {
            channel.borrow().as_ref().is_none_or(|known| known.version < version)
        })
    }

    pub(super) fn ids(&self) -> Vec<VerificationId> {
        self.channels.iter().map(|channel| *channel.key()).collect()
    }

    pub(super) fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }
}

impl Subscription<'_> {
    /// Returns once the verification has changed since the last call, or since
    /// the subscription was made: the newest version.
    pub async fn changed(&mut self) -> Arc<Verification> {
        loop {
            if self.receiver.changed().await.is_err() {
                // The sender lives in the map as long as this subscription does.
                std::future::pending::<()>().await;
            }
            if let Some(newest) = self.receiver.borrow_and_update().as_ref() {
                return Arc::clone(newest);
            }
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
