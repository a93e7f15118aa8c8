//! Expire: what time alone changes, and letting go of what is over.

use std::sync::Arc;

use crate::domain::{Event, VerificationId};
use crate::store::{Change, Committed, StoreError};

use super::{Judgement, ResolveError, Resolved, Service};

/// How many due verifications are taken at a time.
const BATCH: u32 = 256;

impl Service {
    /// Lets time pass for every verification that is due, unless expiry rests or a replica
    /// has not said yet that it stored what it received until then.
    /// Returns how many were.
    ///
    /// # Errors
    /// When the store does not answer; what is due stays due.
    pub async fn expire_due(self: &Arc<Self>) -> Result<usize, StoreError> {
        let Some(until) = self.noting(self.passes_until().await)? else { return Ok(0) };
        let mut passed = 0;
        loop {
            let due = self.store.due(until, BATCH).await?;
            let count = due.len();
            let mut moved = tokio::task::JoinSet::new();
            for id in due {
                let service = Arc::clone(self);
                moved.spawn(async move { service.pass_time(id).await });
            }
            for result in moved.join_all().await {
                result?;
            }
            passed += count;
            if count < BATCH as usize {
                return Ok(passed);
            }
        }
    }

    /// Releases from memory what no notification can belong to any more.
    pub fn sweep_live(&self) {
        // What was received without the store must still find its verification.
        if !self.is_unsettled() {
            self.live.sweep(self.clock.now());
        }
    }

    /// Removes from the store what need not be kept any more.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn sweep_store(&self) -> Result<(), StoreError> {
        let swept = self.store.sweep(self.clock.now()).await?;
        tracing::debug!(?swept, "swept the store");
        Ok(())
    }

    async fn pass_time(self: &Arc<Self>, id: VerificationId) -> Result<(), StoreError> {
        let at = self.clock.now();
        let newest = self.newest(id).await?;
        let next = newest.and_then(|newest| Some((newest.next_step_at(self.timing())?.1, newest)));
        if next.is_some_and(|(due, newest)| due <= at && newest.expires_at > at) {
            return match self.walk_on(id).await {
                Ok(())
                | Err(ResolveError::NotFound | ResolveError::Contended | ResolveError::Resting) => {
                    Ok(())
                }
                Err(ResolveError::Store(error)) => Err(error),
            };
        }
        let judge = move |_: &_| Judgement { event: Some(Event::TimePassed), at, row: None };
        match self.resolve(id, judge).await {
            // Its due time was written when the configuration had other spans.
            Ok(Resolved::Unchanged) => self.write_again(id).await,
            Ok(Resolved::Moved(_))
            | Err(ResolveError::NotFound | ResolveError::Contended | ResolveError::Resting) => {
                Ok(())
            }
            Err(ResolveError::Store(error)) => {
                tracing::error!(verification.id = %id, error = %error, "a due verification could not be moved");
                Err(error)
            }
        }
    }

    /// Stores a verification as it is, with the due time that holds now.
    async fn write_again(&self, id: VerificationId) -> Result<(), StoreError> {
        let Some(mut verification) = self.newest(id).await? else { return Ok(()) };
        verification.version += 1;
        let change = Change::new(&verification, self.timing(), &[], None);
        if let Committed::Stored { packed } = self.store.change(change).await? {
            let until = verification.live_until(self.timing());
            self.live.put(id, verification.version, until, &packed);
        }
        Ok(())
    }
}
