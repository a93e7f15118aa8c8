//! Lines of requests to a provider that replicas share, and whether there may be replicas.

use jiff::Timestamp;

use super::{Adapter, Store, StoreError};

/// The lines of a store that replicas share.
#[derive(Clone)]
pub struct Lines(Store);

impl Store {
    /// Whether other processes may write to it as well: then nothing in memory is the
    /// newest, and other processes' dispatches may be under way.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        match &*self.adapter {
            Adapter::Sqlite(_) => false,
            Adapter::Postgres(_) => true,
        }
    }

    /// The lines of requests, where several processes may stand in them.
    #[must_use]
    pub fn lines(&self) -> Option<Lines> {
        self.is_shared().then(|| Lines(self.clone()))
    }
}

impl Lines {
    /// Takes the earliest place of a line from `from` on that leaves at most `limit`, which is
    /// at least 1, in any minute; if that is later than `latest`, none is taken and the
    /// instant is the error.
    ///
    /// # Errors
    /// When no place was taken, see [`StoreError`].
    pub async fn take_place(
        &self,
        line: &str,
        from: Timestamp,
        latest: Timestamp,
        limit: usize,
    ) -> Result<Result<Timestamp, Timestamp>, StoreError> {
        match &*self.0.adapter {
            Adapter::Postgres(store) => store.take_place(line, from, latest, limit).await,
            Adapter::Sqlite(_) => unreachable!("a store that is not shared has no lines"),
        }
    }
}
