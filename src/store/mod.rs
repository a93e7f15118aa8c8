//! What outlives the process: verifications, their timelines, claims, keys.
//!
//! The port speaks in whole changes, so that an adapter can put many of them
//! into one transaction. What it answered is on disk. Adapters are private;
//! [`open`] is the door. It decides nothing: what a verification becomes is the
//! domain's business, what to do about an error the caller's.

mod audit;
mod browse;
mod change;
mod delivery;
mod error;
mod guard;
mod intent;
mod journal;
pub mod record;
mod rows;
mod session;
mod sound;
mod sqlite;
mod start;
mod stats;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::domain::{Claim, Entry, Name, Refusal, Rule, Timing, Verification, VerificationId};

pub use audit::{AuditEntry, AuditError, AuditFault, AuditHead, Audited, NoHead};
pub use browse::{Browse, Browsed};
pub use change::{Change, Committed};
pub use delivery::{
    Delivery, DeliveryDetails, DeliveryOutcome, DeliverySearch, DeliveryState, DisabledEndpoint,
    DueDelivery, FinishedTry, LeasedDelivery, NewDelivery, Target, Tried,
};
pub use error::{OpenError, StoreError};
pub use guard::{Admission, Bar, Barring, Calling, Count, GuardKey, Learned, RuleTotal};
pub use intent::{Intended, Intent};
pub use journal::{
    FeedPage, FeedRow, InvalidCursor, JournalCursor, Journaled, NotificationPage,
    NotificationSearch,
};
pub use rows::{KeyRow, Notification, NotificationRow, Search, Swept};
pub use session::{SESSIONS_KEPT, SessionRow};
pub use sound::{
    CatalogueRows, DeletedSound, KeptSound, NewSound, PromptLanguage, PromptRow, SoundFile,
    SoundPlace, SoundVersion,
};
pub use start::{IdempotencyKey, Start, Started};
pub use stats::{CountKey, StatsBy, StatsGroup, StatsSearch};

/// How a store is opened.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The database file; its folder must exist.
    pub path: PathBuf,
    /// The spans by which claims are held.
    pub timing: Timing,
    /// How long a verification stays readable.
    pub retention: Duration,
    /// How long a notification that matched no attempt is kept.
    pub uncorrelated_retention: Duration,
}

impl Settings {
    /// A store at `path` with everything else as by default.
    #[must_use]
    pub fn at(path: PathBuf) -> Self {
        Self {
            path,
            timing: Timing::default(),
            retention: Duration::from_hours(30 * 24),
            uncorrelated_retention: Duration::from_hours(72),
        }
    }
}

/// Opens the store, creating it if it does not exist, and brings its schema up to date.
///
/// # Errors
/// Each says what to do, see [`OpenError`].
pub async fn open(settings: Settings) -> Result<Store, OpenError> {
    Ok(Store(Arc::new(sqlite::Sqlite::open(settings).await?)))
}

/// An open store. Cheap to clone.
#[derive(Clone)]
pub struct Store(Arc<sqlite::Sqlite>);

impl Store {
    /// Stores a new verification with its claims, unless one of the claims is
    /// held or its idempotency key is known. Dead claims are overwritten, and
    /// what the last accepted call on them was is copied into the new attempt.
    ///
    /// # Errors
    /// When nothing was stored, see [`StoreError`].
    pub async fn start(&self, start: Start, now: Timestamp) -> Result<Started, StoreError> {
        self.0.start(start, now).await
    }

    /// Stores a new version, with what the timeline gains and the notification
    /// that caused it, unless another version came first.
    ///
    /// # Errors
    /// When nothing was stored, see [`StoreError`].
    pub fn change(
        &self,
        change: Change,
    ) -> impl Future<Output = Result<Committed, StoreError>> + Send + '_ {
        // Not async itself: a future would keep the change, and each around it another copy.
        self.0.change(change)
    }

    /// Stores a new version whose last attempt is to hold claims, unless another
    /// version came first or one of the claims is held.
    ///
    /// # Errors
    /// When nothing was stored, see [`StoreError`].
    pub async fn intend(&self, intent: Intent, now: Timestamp) -> Result<Intended, StoreError> {
        self.0.intend(intent, now).await
    }

    /// Keeps a notification that changed no verification.
    ///
    /// # Errors
    /// When nothing was stored, see [`StoreError`].
    pub fn journal(
        &self,
        row: NotificationRow,
    ) -> impl Future<Output = Result<(), StoreError>> + Send + '_ {
        self.0.journal(row)
    }

    /// The newest version of a verification.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn find(&self, id: VerificationId) -> Result<Option<Verification>, StoreError> {
        self.0.find(id).await
    }

    /// The timeline's entries with a number above `after`, in order.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn timeline(&self, id: VerificationId, after: u32) -> Result<Vec<Entry>, StoreError> {
        self.0.timeline(id, after).await
    }

    /// The notifications that were journaled for a verification, in order.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn notifications(
        &self,
        verification: VerificationId,
    ) -> Result<Vec<Notification>, StoreError> {
        self.0.notifications(verification).await
    }

    /// The verifications of an app that pass every filter, newest first.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn search(&self, search: Search) -> Result<Vec<Verification>, StoreError> {
        self.0.search(search).await
    }

    /// Pending verifications that time alone changes by `now`, the longest due first.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<VerificationId>, StoreError> {
        self.0.due(now, limit).await
    }

    /// Shows every verification that is pending, or that notifications must
    /// still find at `now`, with the claims it holds. One by one, since there
    /// may be a million.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn in_flight<V>(&self, now: Timestamp, visit: V) -> Result<(), StoreError>
    where
        V: FnMut(Verification, Vec<Claim>) + Send + 'static,
    {
        self.0.in_flight(now, visit).await
    }

    /// The fingerprint and verification of an app's idempotency key, while it is kept.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn idempotency(
        &self,
        app: &Name,
        key: &str,
    ) -> Result<Option<([u8; 32], VerificationId)>, StoreError> {
        self.0.idempotency(app, key).await
    }

    /// Puts up a bar. One that stands already under its key then stands as long as the
    /// longer of the two.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn put_bar(&self, bar: Bar) -> Result<(), StoreError> {
        self.0.put_bar(bar).await
    }

    /// Takes a bar down; whether it stood at `now`.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn lift_bar(&self, key: GuardKey, now: Timestamp) -> Result<bool, StoreError> {
        self.0.lift_bar(key, now).await
    }

    /// A bar, whether it stands or its time is over.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn find_bar(&self, key: GuardKey) -> Result<Option<Bar>, StoreError> {
        self.0.find_bar(key).await
    }

    /// The bars of a rule that stand at `now`, at most `limit`, in the order of their keys
    /// behind `after`.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn bars(
        &self,
        rule: Rule,
        after: Option<GuardKey>,
        limit: u16,
        now: Timestamp,
    ) -> Result<Vec<Bar>, StoreError> {
        self.0.bars(rule, after, limit, now).await
    }

    /// What stands in the way at `now`, of all that may; nothing is counted.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn standing(
        &self,
        bars: Vec<Barring>,
        now: Timestamp,
    ) -> Result<Option<Refusal>, StoreError> {
        self.0.standing(bars, now).await
    }

    /// Counts what rules refused that need no row.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn note_refusals(&self, refusals: Vec<Refusal>) -> Result<(), StoreError> {
        self.0.note_refusals(refusals).await
    }

    /// What each rule refused, or would have, since counting began.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn rule_totals(&self) -> Result<Vec<RuleTotal>, StoreError> {
        self.0.rule_totals().await
    }

    /// Keeps a new key, and appends `audited` in the same transaction.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn create_key(&self, key: KeyRow, audited: Audited) -> Result<(), StoreError> {
        self.0.create_key(key, audited).await
    }

    /// Every key, revoked ones included, in order of creation.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn keys(&self) -> Result<Vec<KeyRow>, StoreError> {
        self.0.keys().await
    }

    /// Revokes a key; whether there was one that had not been revoked. If so,
    /// `audited` is appended in the same transaction.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn revoke_key(
        &self,
        id: &str,
        at: Timestamp,
        audited: Audited,
    ) -> Result<bool, StoreError> {
        self.0.revoke_key(id, at, audited).await
    }

    /// Notes the digest of a signature; whether it was not known. It is kept for an hour.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn use_signature(&self, digest: [u8; 32], at: Timestamp) -> Result<bool, StoreError> {
        self.0.use_signature(digest, at).await
    }

    /// Whether the fingerprint of the secret key is the one that the store
    /// knows. The first one asked about becomes known.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn fingerprint(&self, of_secret_key: [u8; 32]) -> Result<bool, StoreError> {
        self.0.fingerprint(of_secret_key).await
    }

    /// The bulk door for benches: stores verifications and claims in one
    /// transaction, unchecked and without timelines.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn seed(
        &self,
        verifications: Vec<(Verification, Vec<Claim>)>,
    ) -> Result<(), StoreError> {
        self.0.seed(verifications).await
    }

    /// Commits a row of its own, to see whether the store can be written.
    ///
    /// # Errors
    /// When it cannot, see [`StoreError`].
    pub async fn probe(&self) -> Result<(), StoreError> {
        self.0.probe().await
    }

    /// Lets expiry rest until `until`, for every replica, unless it rests longer
    /// already. Noted by whoever has seen the store come back.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn rest_expiry(&self, until: Timestamp) -> Result<(), StoreError> {
        self.0.rest_expiry(until).await
    }

    /// Until when expiry rests, or rested; `None` if it never had to.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn expiry_rests_until(&self) -> Result<Option<Timestamp>, StoreError> {
        self.0.expiry_rests_until().await
    }

    /// Removes what is past its retention. Verifications leave their counts behind.
    ///
    /// # Errors
    /// See [`StoreError`]; what was removed by then stays removed.
    pub async fn sweep(&self, now: Timestamp) -> Result<Swept, StoreError> {
        self.0.sweep(now).await
    }

    /// Writes what is queued, then closes and lets another process open it.
    /// Later calls on clones are answered with [`StoreError::Unavailable`]. A
    /// store that is only dropped writes its queue too, but nobody waits for it.
    pub async fn close(self) {
        self.0.close().await;
    }
}
