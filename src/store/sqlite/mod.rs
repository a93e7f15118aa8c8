//! The embedded store: SQLite in WAL mode, one writer thread that commits what
//! has queued up as one transaction, and readers beside it.
//!
//! The only place that knows the driver.

mod audit;
#[cfg(test)]
mod audit_tests;
mod beside;
mod browse;
mod change;
mod checkpoint;
mod columns;
mod copy;
#[cfg(test)]
mod copy_tests;
mod damage;
mod deliveries;
mod delivery_log;
mod erase;
mod find;
mod guard;
mod in_windows;
mod intent;
mod journal;
mod keys;
mod moving;
#[cfg(test)]
mod moving_tests;
mod open;
mod readers;
mod rest;
mod sessions;
mod silence;
mod sounds;
mod start;
mod stats;
mod sweep;
#[cfg(test)]
mod tests;
mod writer;

use std::path::PathBuf;

use jiff::Timestamp;
use rusqlite::Connection;

use super::change::JournalRow;
use super::kept::Retention;
use super::look_ups::KeyedClaim;
use super::{
    Audited, Change, Committed, Intended, Intent, KeyRow, Notification, NotificationRow, OpenError,
    Settings, Start, Started, StoreError, Swept,
};
use crate::domain::{Entry, Name, Timing, Verification, VerificationId};
pub(super) use beside::{catalogue as catalogue_beside, sound_file as sound_file_beside};
use columns::Failure;
pub(super) use copy::{backup, check, restore};
pub(super) use moving::Source;
use readers::Readers;
use writer::{Simply, Writer};

/// The embedded store.
pub(super) struct Sqlite {
    writer: Writer,
    readers: Readers,
    timing: Timing,
    retention: Retention,
}

impl Sqlite {
    pub(super) async fn open(path: PathBuf, settings: Settings) -> Result<Self, OpenError> {
        let file = path.clone();
        let opening = tokio::task::spawn_blocking(move || open::open(&file, &settings));
        opening.await.unwrap_or_else(|panic| Err(OpenError::Io { path, source: Box::new(panic) }))
    }

    pub(super) async fn start(
        &self,
        start: Start,
        to: i64,
        claims: Vec<KeyedClaim>,
        now: Timestamp,
    ) -> Result<Started, StoreError> {
        let timing = self.timing;
        self.writer.submit(start::Starting { start, to, claims, now, timing }).await
    }

    pub(super) fn change(
        &self,
        change: Change,
    ) -> impl Future<Output = Result<Committed, StoreError>> + Send + '_ {
        self.writer.submit(change)
    }

    pub(super) async fn intend(
        &self,
        intent: Intent,
        claims: Vec<KeyedClaim>,
        now: Timestamp,
    ) -> Result<Intended, StoreError> {
        self.writer.submit(intent::Intending { intent, claims, now, timing: self.timing }).await
    }

    pub(super) fn journal(
        &self,
        row: NotificationRow,
    ) -> impl Future<Output = Result<(), StoreError>> + Send + '_ {
        let row = JournalRow::of_notification(row);
        self.write(move |on| change::journal(on, &row))
    }

    pub(super) async fn find(
        &self,
        id: VerificationId,
    ) -> Result<Option<Verification>, StoreError> {
        self.readers.read(move |on| find::verification(on, id)).await
    }

    pub(super) async fn claiming(
        &self,
        claim: KeyedClaim,
    ) -> Result<Option<(Verification, Vec<KeyedClaim>)>, StoreError> {
        self.readers.read(move |on| find::claiming(on, &claim)).await
    }

    pub(super) async fn timeline(
        &self,
        id: VerificationId,
        after: u32,
    ) -> Result<Vec<Entry>, StoreError> {
        self.readers.read(move |on| find::timeline(on, id, after)).await
    }

    pub(super) async fn notifications(
        &self,
        verification: VerificationId,
    ) -> Result<Vec<Notification>, StoreError> {
        self.readers.read(move |on| find::notifications(on, verification)).await
    }

    pub(super) async fn due(
        &self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<VerificationId>, StoreError> {
        loop {
            let due = self.readers.read(move |on| find::due(on, now, limit)).await?;
            if due.stale.is_empty() {
                return Ok(due.verifications);
            }
            // They may have hidden others that are due.
            self.write(move |on| find::drop_stale(on, &due.stale)).await?;
        }
    }

    pub(super) async fn in_flight<V>(&self, now: Timestamp, mut visit: V) -> Result<(), StoreError>
    where
        V: FnMut(Verification, Vec<KeyedClaim>) + Send + 'static,
    {
        let timing = self.timing;
        self.readers.read(move |on| find::in_flight(on, now, &timing, &mut visit)).await
    }

    pub(super) async fn idempotency(
        &self,
        app: &Name,
        key: &str,
    ) -> Result<Option<([u8; 32], VerificationId)>, StoreError> {
        let (app, key) = (app.clone(), Box::<str>::from(key));
        self.readers.read(move |on| find::idempotency(on, &app, &key)).await
    }

    pub(super) async fn create_key(&self, key: KeyRow, audited: Audited) -> Result<(), StoreError> {
        self.audited(audited, move |on| keys::create(on, &key), |()| true).await
    }

    pub(super) async fn keys(&self) -> Result<Vec<KeyRow>, StoreError> {
        self.readers.read(keys::list).await
    }

    pub(super) async fn revoke_key(
        &self,
        id: &str,
        at: Timestamp,
        audited: Audited,
    ) -> Result<bool, StoreError> {
        let id = Box::<str>::from(id);
        self.audited(audited, move |on| keys::revoke(on, &id, at), |revoked| *revoked).await
    }

    pub(super) async fn rotate_key(
        &self,
        id: &str,
        to: [u8; 32],
        until: Timestamp,
        audited: Audited,
    ) -> Result<bool, StoreError> {
        let id = Box::<str>::from(id);
        let work = move |on: &Connection| keys::rotate(on, &id, &to, until);
        self.audited(audited, work, |rotated| *rotated).await
    }

    pub(super) async fn used_keys(
        &self,
        used: Vec<(Box<str>, Timestamp)>,
    ) -> Result<(), StoreError> {
        self.write(move |on| keys::used(on, &used)).await
    }

    pub(super) async fn use_signature(
        &self,
        digest: [u8; 32],
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write(move |on| keys::use_signature(on, &digest, at)).await
    }

    pub(super) async fn sealed_key(&self) -> Result<Option<Vec<u8>>, StoreError> {
        self.readers.read(keys::sealed_key).await
    }

    pub(super) async fn seal_key(
        &self,
        old: Option<Vec<u8>>,
        new: Vec<u8>,
    ) -> Result<(), StoreError> {
        self.write(move |on| keys::seal_key(on, old.as_deref(), &new)).await
    }

    pub(super) async fn seed(
        &self,
        verifications: Vec<(Verification, i64, Vec<KeyedClaim>)>,
    ) -> Result<(), StoreError> {
        let timing = self.timing;
        self.write(move |on| start::seed(on, &verifications, &timing)).await
    }

    pub(super) async fn probe(&self) -> Result<(), StoreError> {
        self.write(keys::probe).await
    }

    pub(super) async fn rest_expiry(&self, until: Timestamp) -> Result<(), StoreError> {
        self.write(move |on| rest::rest_expiry(on, until)).await
    }

    pub(super) async fn expiry_rests_until(&self) -> Result<Option<Timestamp>, StoreError> {
        self.readers.read(rest::expiry_rests_until).await
    }

    pub(super) async fn sweep(&self, now: Timestamp) -> Result<Swept, StoreError> {
        sweep::sweep(self, now).await
    }

    pub(super) async fn close(&self) {
        self.readers.close();
        self.writer.close().await;
    }

    /// Has the writer run something rare.
    fn write<T, F>(
        &self,
        run: F,
    ) -> impl Future<Output = Result<T, StoreError>> + Send + use<'_, T, F>
    where
        T: Send + 'static,
        F: FnMut(&Connection) -> Result<T, Failure> + Send + 'static,
    {
        self.writer.submit(Simply(run))
    }
}
