//! The port's words on who reaches the store, and whether that has room.

use jiff::Timestamp;

use super::{Adapter, Store, StoreError};

impl Store {
    /// Commits a row as [`Store::probe`] does, and sees whether there is room for any change.
    ///
    /// # Errors
    /// When there is not, see [`StoreError`].
    pub async fn has_room(&self) -> Result<(), StoreError> {
        match &*self.adapter {
            // What it writes goes to the log, which grows by each commit.
            Adapter::Sqlite(store) => store.probe().await,
            Adapter::Postgres(store) => store.has_room().await,
        }
    }

    /// Notes that this process has stored, or applied, all that it received before `at`.
    /// Said again and again, for the other replicas.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn heard(&self, at: Timestamp) -> Result<(), StoreError> {
        match &*self.adapter {
            Adapter::Sqlite(_) => Ok(()),
            Adapter::Postgres(store) => store.heard(at).await,
        }
    }

    /// Until when every replica has stored all that it received, of those that were heard
    /// of at `since` or later; `None` if none was, as always where there are no replicas.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn all_heard_until(&self, since: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        match &*self.adapter {
            Adapter::Sqlite(_) => Ok(None),
            Adapter::Postgres(store) => store.all_heard_until(since).await,
        }
    }

    /// Notes that this process will say no more, so that nobody waits for its word.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn leave(&self) -> Result<(), StoreError> {
        match &*self.adapter {
            Adapter::Sqlite(_) => Ok(()),
            Adapter::Postgres(store) => store.leave().await,
        }
    }
}
