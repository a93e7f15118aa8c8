//! The keys in force, in memory: requests are let in without asking the store.

use std::net::IpAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use dashmap::DashMap;
use jiff::Timestamp;

use crate::store::{KeyRow, Store, StoreError};

use super::KeyRefusal;

/// The keys that are in force, by id. Written after the store, read on each request.
pub(super) struct Keys {
    in_force: DashMap<Box<str>, InForce>,
    /// How often this process changed keys; held while what was read from the store is
    /// taken in, so that an answer which is older than a change does not undo it.
    changes: Mutex<u64>,
}

/// A key, and when it was last used, in seconds since 1970. Requests only write that
/// number; the store learns of it once a minute.
struct InForce {
    row: KeyRow,
    used_at: AtomicI64,
}

impl InForce {
    fn new(row: KeyRow) -> Self {
        let used_at = row.last_used_at.map_or(i64::MIN, Timestamp::as_second);
        Self { row, used_at: AtomicI64::new(used_at) }
    }

    fn used_at(&self) -> Option<Timestamp> {
        Timestamp::from_second(self.used_at.load(Ordering::Relaxed)).ok()
    }
}

impl Keys {
    pub(super) async fn load(store: &Store) -> Result<Self, StoreError> {
        let keys = Self { in_force: DashMap::new(), changes: Mutex::new(0) };
        keys.refresh(store).await?;
        Ok(keys)
    }

    /// Takes in what the store says, unless this process changed a key meanwhile.
    pub(super) async fn refresh(&self, store: &Store) -> Result<(), StoreError> {
        let before = *self.changes();
        let rows = store.keys().await?;
        let changes = self.changes();
        if *changes == before {
            rows.into_iter().for_each(|row| self.take(row));
        }
        Ok(())
    }

    /// Takes in a row as the store has it; none is ever removed there.
    fn take(&self, row: KeyRow) {
        if row.revoked_at.is_some() {
            self.in_force.remove(&row.id);
        } else if let Some(mut known) = self.in_force.get_mut(&row.id) {
            let stored = row.last_used_at.map_or(i64::MIN, Timestamp::as_second);
            known.used_at.fetch_max(stored, Ordering::Relaxed);
            known.row = row;
        } else {
            self.in_force.insert(row.id.clone(), InForce::new(row));
        }
    }

    fn changes(&self) -> MutexGuard<'_, u64> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a change that the store has taken.
    fn changed(&self, change: impl FnOnce(&DashMap<Box<str>, InForce>)) {
        let mut changes = self.changes();
        *changes += 1;
        change(&self.in_force);
    }

    /// A key in force.
    pub(super) fn find(&self, id: &str) -> Option<KeyRow> {
        self.in_force.get(id).map(|key| key.row.clone())
    }

    /// Takes in a key that the store has taken.
    pub(super) fn add(&self, row: KeyRow) {
        self.changed(|keys| drop(keys.insert(row.id.clone(), InForce::new(row))));
    }

    /// Takes out a key that the store has revoked.
    pub(super) fn remove(&self, id: &str) {
        self.changed(|keys| drop(keys.remove(id)));
    }

    /// When a key in force was last used, as far as known here.
    pub(super) fn used_at(&self, id: &str) -> Option<Timestamp> {
        self.in_force.get(id).and_then(|key| key.used_at())
    }

    /// Changes what is known of a key in force.
    pub(super) fn change(&self, id: &str, change: impl FnOnce(&mut KeyRow)) {
        self.changed(|keys| {
            if let Some(mut key) = keys.get_mut(id) {
                change(&mut key.row);
            }
        });
    }

    /// The keys that were used later than the store knows, and when.
    pub(super) fn unnoted(&self) -> Vec<(Box<str>, Timestamp)> {
        let later = |key: &InForce| key.used_at().filter(|at| Some(*at) > key.row.last_used_at);
        self.in_force.iter().filter_map(|key| Some((key.key().clone(), later(&key)?))).collect()
    }

    /// Notes a use at `now` and from `source`, unless the key has ended or does not
    /// count from there.
    pub(super) fn use_from(
        &self,
        row: &KeyRow,
        source: IpAddr,
        now: Timestamp,
    ) -> Result<(), KeyRefusal> {
        if row.expires_at.is_some_and(|end| end <= now) {
            return Err(KeyRefusal::Expired);
        }
        let listed = || row.networks.iter().any(|network| network.contains(source));
        if !row.networks.is_empty() && !listed() {
            return Err(KeyRefusal::ForbiddenSource(source));
        }
        if let Some(key) = self.in_force.get(&row.id) {
            key.used_at.fetch_max(now.as_second(), Ordering::Relaxed);
        }
        Ok(())
    }
}
