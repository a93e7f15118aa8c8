//! The embedded store.

use jiff::Timestamp;

use super::{
    Change, Committed, KeyRow, Notification, NotificationRow, OpenError, Search, Settings, Start,
    Started, StoreError, Swept,
};
use crate::domain::{Claim, Entry, Name, Verification, VerificationId};

/// The embedded store.
pub(super) struct Sqlite;

impl Sqlite {
    pub(super) async fn open(_settings: Settings) -> Result<Self, OpenError> {
        unimplemented!()
    }

    pub(super) async fn start(
        &self,
        _start: Start,
        _now: Timestamp,
    ) -> Result<Started, StoreError> {
        unimplemented!()
    }

    pub(super) async fn change(&self, _change: Change) -> Result<Committed, StoreError> {
        unimplemented!()
    }

    pub(super) async fn journal(&self, _row: NotificationRow) -> Result<(), StoreError> {
        unimplemented!()
    }

    pub(super) async fn find(
        &self,
        _id: VerificationId,
    ) -> Result<Option<Verification>, StoreError> {
        unimplemented!()
    }

    pub(super) async fn timeline(
        &self,
        _id: VerificationId,
        _after: u32,
    ) -> Result<Vec<Entry>, StoreError> {
        unimplemented!()
    }

    pub(super) async fn notifications(
        &self,
        _verification: VerificationId,
    ) -> Result<Vec<Notification>, StoreError> {
        unimplemented!()
    }

    pub(super) async fn search(&self, _search: Search) -> Result<Vec<Verification>, StoreError> {
        unimplemented!()
    }

    pub(super) async fn due(
        &self,
        _now: Timestamp,
        _limit: u32,
    ) -> Result<Vec<VerificationId>, StoreError> {
        unimplemented!()
    }

    pub(super) async fn in_flight<V>(&self, _now: Timestamp, _visit: V) -> Result<(), StoreError>
    where
        V: FnMut(Verification, Vec<Claim>) + Send + 'static,
    {
        unimplemented!()
    }

    pub(super) async fn idempotency(
        &self,
        _app: &Name,
        _key: &str,
    ) -> Result<Option<([u8; 32], VerificationId)>, StoreError> {
        unimplemented!()
    }

    pub(super) async fn create_key(&self, _key: KeyRow) -> Result<(), StoreError> {
        unimplemented!()
    }

    pub(super) async fn keys(&self) -> Result<Vec<KeyRow>, StoreError> {
        unimplemented!()
    }

    pub(super) async fn revoke_key(&self, _id: &str, _at: Timestamp) -> Result<bool, StoreError> {
        unimplemented!()
    }

    pub(super) async fn fingerprint(&self, _of_secret_key: [u8; 32]) -> Result<bool, StoreError> {
        unimplemented!()
    }

    pub(super) async fn seed(
        &self,
        _verifications: Vec<(Verification, Vec<Claim>)>,
    ) -> Result<(), StoreError> {
        unimplemented!()
    }

    pub(super) async fn probe(&self) -> Result<(), StoreError> {
        unimplemented!()
    }

    pub(super) async fn sweep(&self, _now: Timestamp) -> Result<Swept, StoreError> {
        unimplemented!()
    }

    pub(super) async fn close(&self) {
        unimplemented!()
    }
}
