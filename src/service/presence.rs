//! Presence: whether the store takes writes, and what rests until all that was
//! received without it has been applied.
//!
//! A notification that was acknowledged while the store was away counts from
//! when it was received, so nothing may expire before it is applied. Whoever
//! sees the store come back says in it until when expiry rests, for all
//! replicas; expiry and whatever would let time pass for an overdue
//! verification obey that.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;

use crate::domain::Verification;
use crate::store::StoreError;
use crate::telemetry;

use super::Service;

/// How long expiry rests, at the least, once the store is back: in that time
/// every replica applies what it was told meanwhile.
pub const RECOVERY_GRACE: SignedDuration = SignedDuration::from_secs(10);

/// How long a notification waits for the store, and a probe of it. Real time, whatever
/// the clock shows: it is a disk's slowness that is measured.
pub const STORE_ANSWERS_WITHIN: Duration = Duration::from_secs(1);

/// How long a replica may say nothing before whoever meets its silence waits for it.
const SILENT_AFTER: SignedDuration = SignedDuration::from_secs(2);

/// How often it is tried whether the store is back.
const TRY_EVERY: Duration = Duration::from_millis(250);

/// What this process knows of its store. The flags are written by whoever meets an
/// error, and cleared by the one task that settles.
#[derive(Default)]
pub(super) struct Presence {
    /// The store did not take the last write, or not in time.
    away: AtomicBool,
    /// What was received meanwhile has not been applied yet: nothing expires.
    unsettled: AtomicBool,
    lost: Notify,
}

/// The store is away, so nobody asks it.
#[derive(Debug, thiserror::Error)]
#[error("the store did not answer before and is not asked until it does")]
struct Away;

impl Service {
    /// Notes that the store did not take a write, or not in time.
    pub fn store_lost(&self) {
        if !self.presence.away.swap(true, Ordering::SeqCst) {
            telemetry::alarm(
                "store_away",
                "the store takes no writes: changes are refused and notifications spilled until it does; look at its disk",
            );
        }
        // In this order, so that whoever clears the second one still sees the first.
        self.begin_unsettled();
    }

    /// Notes that something received earlier waits to be applied, as after a start.
    pub fn begin_unsettled(&self) {
        self.presence.unsettled.store(true, Ordering::SeqCst);
        self.presence.lost.notify_one();
    }

    /// Whether the store did not take the last write.
    #[must_use]
    pub fn is_store_away(&self) -> bool {
        self.presence.away.load(Ordering::SeqCst)
    }

    /// Whether something that was received earlier may still have to be applied.
    #[must_use]
    pub fn is_unsettled(&self) -> bool {
        self.is_store_away() || self.presence.unsettled.load(Ordering::SeqCst)
    }

    /// Returns once [`Service::is_unsettled`] may have become true.
    pub async fn unsettled(&self) {
        self.presence.lost.notified().await;
    }

    /// Returns once the store takes writes and every replica has been told that
    /// expiry rests.
    pub async fn store_back(&self) {
        loop {
            match self.back_with_room().await {
                Ok(()) => break,
                Err(error) => tracing::debug!(error = %error, "the store is still away"),
            }
            tokio::time::sleep(TRY_EVERY).await;
        }
        if self.presence.away.swap(false, Ordering::SeqCst) {
            tracing::info!("the store takes writes again");
        }
    }

    async fn back_with_room(&self) -> Result<(), StoreError> {
        self.has_room().await?;
        self.rest_expiry().await
    }

    /// Whether the store has room for any change.
    ///
    /// # Errors
    /// When it has not, or does not answer.
    pub async fn has_room(&self) -> Result<(), StoreError> {
        self.store.has_room().await
    }

    /// Says for the other replicas that all is stored or applied that was received until
    /// now, if it is.
    ///
    /// # Errors
    /// When the store does not take it.
    pub async fn keep_heard(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        if self.is_unsettled() { Ok(()) } else { self.store.heard(now).await }
    }

    /// Says that nobody need wait for this process, unless something waits to be applied.
    pub(super) async fn leave(&self) {
        if !self.is_unsettled()
            && let Err(error) = self.store.leave().await
        {
            tracing::debug!(error = %error, "the other replicas wait for a word of this one");
        }
    }

    /// Lets expiry rest for the grace from now on, for every replica.
    ///
    /// # Errors
    /// When the store does not take it.
    pub async fn rest_expiry(&self) -> Result<(), StoreError> {
        self.store.rest_expiry(self.clock.now() + RECOVERY_GRACE).await
    }

    /// Says that everything received earlier has been applied, unless the store has
    /// gone away again.
    pub fn settled(&self) {
        self.presence.unsettled.store(false, Ordering::SeqCst);
        if self.is_store_away() {
            self.begin_unsettled();
        }
    }

    /// Until when expiry rests for all replicas; `None` if it does not now. It also rests
    /// while a replica is silent, since that may be cut off and keep notifications; but not
    /// for ever, since it may be gone.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn expiry_rests(&self) -> Result<Option<Timestamp>, StoreError> {
        let until = self.store.expiry_rests_until().await?;
        let now = self.clock.now();
        let heard = self.store.all_heard_until(now - RECOVERY_GRACE).await?;
        let silent = heard.filter(|heard| *heard < now - SILENT_AFTER);
        let until = until.max(silent.map(|heard| heard + RECOVERY_GRACE));
        Ok(until.filter(|until| now < *until))
    }

    /// What time may change: whatever was due by then. `None` while expiry rests.
    /// A replica that was cut off a moment ago has not said that it stored what it received
    /// since its last word, so nothing expires that ended later.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(super) async fn passes_until(&self) -> Result<Option<Timestamp>, StoreError> {
        if self.is_unsettled() || self.expiry_rests().await?.is_some() {
            return Ok(None);
        }
        let now = self.clock.now();
        let heard = self.store.all_heard_until(now - RECOVERY_GRACE).await?;
        Ok(Some(heard.map_or(now, |heard| heard.min(now))))
    }

    /// Whether nothing may happen to this verification at `at`: time would end it first,
    /// and a notification received earlier may still have to be applied to it.
    pub(super) async fn must_rest(
        &self,
        verification: &Verification,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        if verification.ends_at(self.timing()).is_none_or(|ends| at < ends) {
            return Ok(false);
        }
        Ok(self.is_unsettled() || self.expiry_rests().await?.is_some())
    }

    /// Refuses at once what changes something while the store is away.
    pub(super) fn require_store(&self) -> Result<(), StoreError> {
        if self.is_store_away() {
            return Err(StoreError::Unavailable { source: Arc::new(Away) });
        }
        Ok(())
    }

    /// What the store said, after an absence was noted.
    pub(super) fn noting<T>(&self, answer: Result<T, StoreError>) -> Result<T, StoreError> {
        if let Err(StoreError::Unavailable { .. }) = &answer
            && !self.closing.is_cancelled()
        {
            self.store_lost();
        }
        answer
    }
}
