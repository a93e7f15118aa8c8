//! The store that several replicas share: PostgreSQL, with two lanes that commit what has
//! queued up as one transaction, and connections beside them.
//!
//! The only place that knows the driver.

mod address;
mod admit;
mod audit;
mod beside;
mod browse;
mod change;
mod columns;
mod connect;
mod deliveries;
mod delivery_log;
mod erase;
mod feed;
mod find;
mod gather;
mod guard;
mod in_windows;
mod insert;
mod journal;
mod keys;
mod known;
mod lane;
mod lines;
mod moving;
mod newest;
mod open;
mod parts;
mod presence;
mod question;
mod sessions;
mod silence;
mod sounds;
mod stats;
mod sweep;
#[cfg(test)]
mod tests;
mod windows;

use jiff::Timestamp;
use tokio::sync::broadcast;
use tokio_util::task::AbortOnDropHandle;

use super::change::JournalRow;
use super::kept::Retention;
use super::look_ups::KeyedClaim;
use super::{
    Audited, Change, Changed, Committed, Intended, Intent, KeyRow, Notification, NotificationRow,
    OpenError, Settings, Start, Started, StoreError, Swept,
};
use crate::domain::{Entry, Name, Secret, Timing, Verification, VerificationId};
use admit::{Admissions, Answer};
pub(super) use beside::Beside;
use change::{Changes, Written};
use connect::Connections;
use gather::Gather;
use lane::Lane;
pub(super) use moving::Target;
use presence::Replica;

/// Asks something on a connection of its own, again if its transaction lost to others.
/// No function, since none could say that the question may go to another thread.
macro_rules! ask {
    ($store:ident, $on:ident => $question:expr) => {{
        let mut tries = 0;
        loop {
            tries += 1;
            let mut link = match $store.connections.take().await {
                Ok(link) => link,
                Err(failure) => break Err(failure.into()),
            };
            let $on = &mut *link;
            let answer = crate::store::postgres::connect::within($question).await;
            if let Some(answer) = link.settle(answer, tries) {
                break answer;
            }
        }
    }};
}
use ask;

/// The store that several replicas share.
pub(super) struct Postgres {
    /// New versions and the journal: the hot path.
    changes: Lane<Changes>,
    /// Starts and later steps, which look before they write.
    admissions: Lane<Admissions>,
    /// Versions by id, and by claim as every notification asks.
    newest: Gather<VerificationId>,
    claiming: Gather<KeyedClaim>,
    connections: Connections,
    /// Tells of changes; two tasks feed it.
    changed: broadcast::Sender<Changed>,
    listeners: [AbortOnDropHandle<()>; 2],
    replica: Replica,
    timing: Timing,
    retention: Retention,
}

impl Postgres {
    pub(super) async fn open(url: &Secret, settings: Settings) -> Result<Self, OpenError> {
        open::open(url, &settings).await
    }

    pub(super) async fn start(
        &self,
        start: Start,
        to: i64,
        claims: Vec<KeyedClaim>,
        now: Timestamp,
    ) -> Result<Started, StoreError> {
        let job = admit::Job::Start { start: Box::new(start), to, claims, now };
        match self.admissions.submit(job).await? {
            Answer::Started(answer) => Ok(answer),
            Answer::Intended(_) => unreachable!("a start is answered as one"),
        }
    }

    pub(super) async fn change(&self, change: Change) -> Result<Committed, StoreError> {
        match self.changes.submit(change::Job::Change(change)).await? {
            Written::Changed(answer) => Ok(answer),
            Written::Journaled => unreachable!("a change is answered as one"),
        }
    }

    pub(super) async fn intend(
        &self,
        intent: Intent,
        claims: Vec<KeyedClaim>,
        now: Timestamp,
    ) -> Result<Intended, StoreError> {
        let job = admit::Job::Intend { intent: Box::new(intent), claims, now };
        match self.admissions.submit(job).await? {
            Answer::Intended(answer) => Ok(answer),
            Answer::Started(_) => unreachable!("an intent is answered as one"),
        }
    }

    pub(super) async fn journal(&self, row: NotificationRow) -> Result<(), StoreError> {
        let row = JournalRow::of_notification(row);
        self.changes.submit(change::Job::Journal(row)).await.map(drop)
    }

    pub(super) async fn find(
        &self,
        id: VerificationId,
    ) -> Result<Option<Verification>, StoreError> {
        self.newest.ask(id).await
    }

    pub(super) async fn claiming(
        &self,
        claim: KeyedClaim,
    ) -> Result<Option<(Verification, Vec<KeyedClaim>)>, StoreError> {
        self.claiming.ask(claim).await
    }

    pub(super) async fn timeline(
        &self,
        id: VerificationId,
        after: u32,
    ) -> Result<Vec<Entry>, StoreError> {
        ask!(self, on => find::timeline(on, id, after))
    }

    pub(super) async fn notifications(
        &self,
        verification: VerificationId,
    ) -> Result<Vec<Notification>, StoreError> {
        ask!(self, on => find::notifications(on, verification))
    }

    pub(super) async fn due(
        &self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<VerificationId>, StoreError> {
        loop {
            let due = ask!(self, on => find::due(on, now, limit))?;
            if due.stale.is_empty() {
                return Ok(due.verifications);
            }
            // They may have hidden others that are due.
            ask!(self, on => find::drop_stale(on, &due.stale))?;
        }
    }

    pub(super) async fn in_flight<V>(&self, now: Timestamp, mut visit: V) -> Result<(), StoreError>
    where
        V: FnMut(Verification, Vec<KeyedClaim>) + Send + 'static,
    {
        let mut link = self.connections.take().await?;
        Ok(find::in_flight(&mut link, now, &self.timing, &mut visit).await?)
    }

    pub(super) async fn idempotency(
        &self,
        app: &Name,
        key: &str,
    ) -> Result<Option<([u8; 32], VerificationId)>, StoreError> {
        ask!(self, on => find::idempotency(on, app, key))
    }

    pub(super) async fn create_key(&self, key: KeyRow, audited: Audited) -> Result<(), StoreError> {
        ask!(self, on => keys::create(on, &key, &audited)).map(audit::announced)
    }

    pub(super) async fn keys(&self) -> Result<Vec<KeyRow>, StoreError> {
        ask!(self, on => keys::list(on))
    }

    pub(super) async fn revoke_key(
        &self,
        id: &str,
        at: Timestamp,
        audited: Audited,
    ) -> Result<bool, StoreError> {
        ask!(self, on => keys::revoke(on, id, at, &audited)).map(audit::announced)
    }

    pub(super) async fn rotate_key(
        &self,
        id: &str,
        to: [u8; 32],
        until: Timestamp,
        audited: Audited,
    ) -> Result<bool, StoreError> {
        ask!(self, on => keys::rotate(on, id, &to, until, &audited)).map(audit::announced)
    }

    pub(super) async fn used_keys(
        &self,
        used: Vec<(Box<str>, Timestamp)>,
    ) -> Result<(), StoreError> {
        ask!(self, on => keys::used(on, &used))
    }

    pub(super) async fn use_signature(
        &self,
        digest: [u8; 32],
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        ask!(self, on => keys::use_signature(on, &digest, at))
    }

    pub(super) async fn sealed_key(&self) -> Result<Option<Vec<u8>>, StoreError> {
        ask!(self, on => keys::sealed_key(on))
    }

    pub(super) async fn seal_key(
        &self,
        old: Option<Vec<u8>>,
        new: Vec<u8>,
    ) -> Result<(), StoreError> {
        ask!(self, on => keys::seal_key(on, old.as_deref(), &new))
    }

    pub(super) async fn seed(
        &self,
        verifications: Vec<(Verification, i64, Vec<KeyedClaim>)>,
    ) -> Result<(), StoreError> {
        let link = self.connections.take().await?;
        let seeded = admit::seed(&link, &verifications, &self.timing).await;
        if seeded.is_err() {
            link.discard();
        }
        Ok(seeded?)
    }

    pub(super) fn changes(&self) -> broadcast::Receiver<Changed> {
        self.changed.subscribe()
    }

    pub(super) async fn now(&self) -> Result<Timestamp, StoreError> {
        ask!(self, on => find::now(on))
    }

    pub(super) async fn take_place(
        &self,
        line: &str,
        from: Timestamp,
        latest: Timestamp,
        limit: usize,
    ) -> Result<Result<Timestamp, Timestamp>, StoreError> {
        ask!(self, on => lines::take(on, line, from, latest, limit))
    }

    pub(super) async fn probe(&self) -> Result<(), StoreError> {
        ask!(self, on => keys::probe(on))
    }

    pub(super) async fn has_room(&self) -> Result<(), StoreError> {
        ask!(self, on => self.replica.has_room(on))
    }

    pub(super) async fn heard(&self, at: Timestamp) -> Result<(), StoreError> {
        ask!(self, on => self.replica.heard(on, at))
    }

    pub(super) async fn leave(&self) -> Result<(), StoreError> {
        ask!(self, on => self.replica.leave(on))
    }

    pub(super) async fn all_heard_until(
        &self,
        since: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        ask!(self, on => self.replica.all_heard_until(on, since))
    }

    pub(super) async fn rest_expiry(&self, until: Timestamp) -> Result<(), StoreError> {
        ask!(self, on => keys::rest_expiry(on, until))
    }

    pub(super) async fn expiry_rests_until(&self) -> Result<Option<Timestamp>, StoreError> {
        ask!(self, on => keys::expiry_rests_until(on))
    }

    pub(super) async fn sweep(&self, now: Timestamp) -> Result<Swept, StoreError> {
        sweep::sweep(self, now).await
    }

    pub(super) async fn close(&self) {
        self.changes.close().await;
        self.admissions.close().await;
        self.listeners.iter().for_each(AbortOnDropHandle::abort);
        self.connections.close();
    }
}
