//! Follow: what other replicas change is made known to who waits here.

use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};

use crate::domain::VerificationId;
use crate::store::{Changed, StoreError};

use super::Service;

/// How many verifications are read at a time.
const AT_ONCE: usize = 4;
/// How long the store is left alone that did not answer.
const AGAIN: Duration = Duration::from_millis(250);

impl Service {
    /// Wakes whoever waits for what another replica changed. Never ends; where no other
    /// process can change anything, nothing happens.
    pub async fn follow(&self) {
        let mut changes = self.store.changes();
        loop {
            let mut awaited = match changes.next().await {
                Changed::These(changed) => self.live.awaited_of(&changed),
                Changed::Missed => self.live.awaited(),
            };
            while let Err(error) = self.wake_all(awaited).await {
                tracing::debug!(error = %error, "what other replicas changed could not be read");
                tokio::time::sleep(AGAIN).await;
                awaited = self.live.awaited();
            }
            self.live.wake_lookers();
        }
    }

    async fn wake_all(&self, awaited: Vec<VerificationId>) -> Result<(), StoreError> {
        let wake = |id| async move {
            if let Some(verification) = self.stored(id).await? {
                self.live.wake(&verification);
            }
            Ok(())
        };
        stream::iter(awaited).map(wake).buffer_unordered(AT_ONCE).try_collect().await
    }
}
