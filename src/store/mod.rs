//! What outlives the process: verifications, their timelines, claims, keys.
//!
//! The port speaks in whole changes, so that an adapter can put many of them
//! into one transaction. What it answered is on disk. Adapters are private;
//! [`open`] is the door. It decides nothing: what a verification becomes is the
//! domain's business, what to do about an error the caller's.

mod audit;
mod beside;
mod browse;
mod change;
mod changes;
mod copy;
mod delivery;
mod erasure;
mod error;
mod guard;
mod intent;
mod journal;
mod kept;
mod keys;
mod lines;
mod look_ups;
mod moving;
mod postgres;
mod presence;
pub mod record;
mod rows;
mod server_key;
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

use futures_util::future::Either;
use jiff::Timestamp;

use crate::config::StoreUrl;
use crate::domain::{Claim, Entry, Name, Timing, Verification, VerificationId};

pub use audit::{AuditEntry, AuditError, AuditFault, AuditHead, Audited, NoHead};
pub use beside::{Beside, BesideError};
pub use browse::{Browse, Browsed};
pub use change::{Change, Committed};
pub use changes::{Changed, Changes};
pub use copy::{CopyError, Copying, backup, check, restore};
pub use delivery::{
    Delivery, DeliveryDetails, DeliveryOutcome, DeliverySearch, DeliveryState, DisabledEndpoint,
    DueDelivery, FinishedTry, LeasedDelivery, NewDelivery, Target, Tried,
};
pub use erasure::{Erased, Erasure};
pub use error::{OpenError, StoreError};
pub use guard::{
    Admission, Bar, Barring, Calling, CameTo, Converting, Count, GuardKey, Learned, RuleTotal,
    Silence,
};
pub use intent::{Intended, Intent};
pub use journal::{
    FeedPage, FeedRow, InvalidCursor, JournalCursor, Journaled, NotificationPage,
    NotificationSearch,
};
pub use lines::Lines;
use look_ups::LookUps;
pub use moving::{MoveError, Moved, MovedTable, Moving, Progress, copy_over};
pub use rows::{KeyRow, Notification, NotificationRow, PreviousSecret, Swept};
use server_key::Locked;
pub use server_key::{ServerKeys, ServerKeysError, StoreKey};
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
    /// Which one; the folder of a file must exist.
    pub url: StoreUrl,
    /// What the store's key is sealed with.
    pub keys: ServerKeys,
    /// The spans by which claims are held.
    pub timing: Timing,
    /// How long a verification stays readable.
    pub retention: Duration,
    /// How long a notification that matched no attempt is kept.
    pub uncorrelated_retention: Duration,
}

impl Settings {
    /// A store in the file `path` with everything else as by default.
    #[must_use]
    pub fn at(path: PathBuf, keys: ServerKeys) -> Self {
        Self::of(StoreUrl::Sqlite(path), keys)
    }

    /// The store `url` with everything else as by default.
    #[must_use]
    pub fn of(url: StoreUrl, keys: ServerKeys) -> Self {
        Self {
            url,
            keys,
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
    let keys = settings.keys.clone();
    let adapter = match settings.url.clone() {
        StoreUrl::Sqlite(path) => Adapter::Sqlite(sqlite::Sqlite::open(path, settings).await?),
        StoreUrl::Postgres(url) => {
            Adapter::Postgres(postgres::Postgres::open(&url, settings).await?)
        }
    };
    Locked { adapter: Arc::new(adapter) }.unlock(&keys).await
}

/// An open store. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    adapter: Arc<Adapter>,
    look_ups: LookUps,
    key: StoreKey,
}

enum Adapter {
    Sqlite(sqlite::Sqlite),
    Postgres(postgres::Postgres),
}

/// Calls the method of whichever adapter it is.
macro_rules! adapter {
    ($store:ident . $method:ident ($($argument:expr),*)) => {
        match &*$store.adapter {
            crate::store::Adapter::Sqlite(store) => store.$method($($argument),*).await,
            // On the heap, so that what waits for the other store is no larger for it.
            crate::store::Adapter::Postgres(store) => Box::pin(store.$method($($argument),*)).await,
        }
    };
}
use adapter;

impl Store {
    /// The adapter of the tests that look into it.
    #[cfg(test)]
    fn sqlite(&self) -> &sqlite::Sqlite {
        match &*self.adapter {
            Adapter::Sqlite(store) => store,
            Adapter::Postgres(_) => unreachable!("the test opened a file"),
        }
    }

    /// Stores a new verification with its claims, unless one of the claims is
    /// held or its idempotency key is known. Dead claims are overwritten, and
    /// what the last accepted call on them was is copied into the new attempt.
    ///
    /// # Errors
    /// When nothing was stored, see [`StoreError`].
    pub async fn start(&self, mut start: Start, now: Timestamp) -> Result<Started, StoreError> {
        let to = self.look_ups.recipient(&start.verification.to);
        let claims = self.look_ups.claims(std::mem::take(&mut start.claims));
        adapter!(self.start(start, to, claims, now))
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
        match &*self.adapter {
            Adapter::Sqlite(store) => Either::Left(store.change(change)),
            Adapter::Postgres(store) => Either::Right(Box::pin(store.change(change))),
        }
    }

    /// Stores a new version whose last attempt is to hold claims, unless another
    /// version came first or one of the claims is held.
    ///
    /// # Errors
    /// When nothing was stored, see [`StoreError`].
    pub async fn intend(&self, mut intent: Intent, now: Timestamp) -> Result<Intended, StoreError> {
        let claims = self.look_ups.claims(std::mem::take(&mut intent.claims));
        adapter!(self.intend(intent, claims, now))
    }

    /// Keeps a notification that changed no verification.
    ///
    /// # Errors
    /// When nothing was stored, see [`StoreError`].
    pub fn journal(
        &self,
        row: NotificationRow,
    ) -> impl Future<Output = Result<(), StoreError>> + Send + '_ {
        match &*self.adapter {
            Adapter::Sqlite(store) => Either::Left(store.journal(row)),
            Adapter::Postgres(store) => Either::Right(Box::pin(store.journal(row))),
        }
    }

    /// The newest version of a verification.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn find(&self, id: VerificationId) -> Result<Option<Verification>, StoreError> {
        adapter!(self.find(id))
    }

    /// The verification that claims a written form at an account, with all its claims.
    /// It may have ended, and whether the claim still holds its attempt says.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn claiming(
        &self,
        claim: &Claim,
    ) -> Result<Option<(Verification, Vec<Claim>)>, StoreError> {
        let claim = self.look_ups.claim(claim.clone());
        let found = adapter!(self.claiming(claim))?;
        Ok(found.map(|(verification, claims)| (verification, self.look_ups.opened(claims))))
    }

    /// The timeline's entries with a number above `after`, in order.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn timeline(&self, id: VerificationId, after: u32) -> Result<Vec<Entry>, StoreError> {
        adapter!(self.timeline(id, after))
    }

    /// The notifications that were journaled for a verification, in order.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn notifications(
        &self,
        verification: VerificationId,
    ) -> Result<Vec<Notification>, StoreError> {
        adapter!(self.notifications(verification))
    }

    /// Pending verifications that time alone changes by `now`, the longest due first.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<VerificationId>, StoreError> {
        adapter!(self.due(now, limit))
    }

    /// Shows every verification that is pending, or that notifications must
    /// still find at `now`, with the claims it holds. One by one, since there
    /// may be a million.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn in_flight<V>(&self, now: Timestamp, mut visit: V) -> Result<(), StoreError>
    where
        V: FnMut(Verification, Vec<Claim>) + Send + 'static,
    {
        let look_ups = self.look_ups.clone();
        let visit = move |verification, claims| visit(verification, look_ups.opened(claims));
        adapter!(self.in_flight(now, visit))
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
        adapter!(self.idempotency(app, key))
    }

    /// Notes the digest of a signature; whether it was not known. It is kept for an hour.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn use_signature(&self, digest: [u8; 32], at: Timestamp) -> Result<bool, StoreError> {
        adapter!(self.use_signature(digest, at))
    }

    /// The key that the store keeps sealed.
    #[must_use]
    pub const fn key(&self) -> &StoreKey {
        &self.key
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
        let keyed = |(verification, claims): (Verification, Vec<Claim>)| {
            let to = self.look_ups.recipient(&verification.to);
            (verification, to, self.look_ups.claims(claims))
        };
        let verifications = verifications.into_iter().map(keyed).collect();
        adapter!(self.seed(verifications))
    }

    /// The store's own clock, if it has one that all its processes share: theirs may differ.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn now(&self) -> Result<Option<Timestamp>, StoreError> {
        match &*self.adapter {
            Adapter::Sqlite(_) => Ok(None),
            Adapter::Postgres(store) => store.now().await.map(Some),
        }
    }

    /// Commits a row of its own, to see whether the store can be written.
    ///
    /// # Errors
    /// When it cannot, see [`StoreError`].
    pub async fn probe(&self) -> Result<(), StoreError> {
        adapter!(self.probe())
    }

    /// Lets expiry rest until `until`, for every replica, unless it rests longer
    /// already. Noted by whoever has seen the store come back.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn rest_expiry(&self, until: Timestamp) -> Result<(), StoreError> {
        adapter!(self.rest_expiry(until))
    }

    /// Until when expiry rests, or rested; `None` if it never had to.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn expiry_rests_until(&self) -> Result<Option<Timestamp>, StoreError> {
        adapter!(self.expiry_rests_until())
    }

    /// Removes what is past its retention. Verifications leave their counts behind. An
    /// adapter that removes whole days may do so up to a day later, or up to a thirtieth of
    /// the retention.
    ///
    /// # Errors
    /// See [`StoreError`]; what was removed by then stays removed.
    pub async fn sweep(&self, now: Timestamp) -> Result<Swept, StoreError> {
        adapter!(self.sweep(now))
    }

    /// Writes what is queued, then closes and lets another process open it.
    /// Later calls on clones are answered with [`StoreError::Unavailable`]. A
    /// store that is only dropped writes its queue too, but nobody waits for it.
    pub async fn close(self) {
        adapter!(self.close());
    }
}
