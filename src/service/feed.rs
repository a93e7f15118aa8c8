//! What happens to all verifications, for operators who look on.

use tokio::sync::watch;

use crate::store::{FeedPage, JournalCursor, StoreError};

use crate::telemetry::metrics::meters;

use super::Service;

/// The most rows of a page.
const MOST: u16 = 100;

impl Service {
    /// What happened after a place, at most `limit` changes, itself at most 100; without a
    /// place the newest ones. Read on from the page's end.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn feed(
        &self,
        after: Option<JournalCursor>,
        limit: u16,
    ) -> Result<FeedPage, StoreError> {
        meters().feed_reads.increment(1);
        self.store.feed(after, limit.clamp(1, MOST)).await
    }

    /// Listens for changes of any verification. Subscribe first, then read, then wait.
    #[must_use]
    pub fn look_at_all(&self) -> watch::Receiver<()> {
        self.live.look_at_all()
    }

    /// How many listen so.
    #[must_use]
    pub fn onlookers(&self) -> usize {
        self.live.onlookers()
    }
}
