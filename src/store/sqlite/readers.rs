//! Readers beside the writer: a few read-only connections, used on blocking threads.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, OpenFlags};
use tokio::sync::Semaphore;

use super::Failure;
use crate::store::StoreError;

/// The fewest and the most that may read at once, between them one a core; whoever comes then
/// waits. Each connection keeps some 200 KiB.
const CONNECTIONS: RangeInclusive<usize> = 2..=4;

/// A small pool of connections, opened when first needed.
pub(super) struct Readers(Arc<Pool>);

struct Pool {
    path: PathBuf,
    permits: Arc<Semaphore>,
    /// Taken by a reader, put back when it is done; locked only to push and pop.
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(super) fn new(path: PathBuf) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let connections = cores.clamp(*CONNECTIONS.start(), *CONNECTIONS.end());
        let permits = Arc::new(Semaphore::new(connections));
        Self(Arc::new(Pool { path, permits, idle: Mutex::new(Vec::new()) }))
    }

    /// Runs `read` with a connection.
    pub(super) async fn read<T, F>(&self, read: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    {
        let permit = self.0.permits.clone().acquire_owned().await.map_err(unavailable)?;
        let pool = self.0.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let connection = pool.take()?;
            let found = read(&connection);
            pool.put_back(connection);
            drop(permit);
            found
        });
        Ok(reading.await.map_err(unavailable)??)
    }

    /// Refuses new readers and drops the idle connections.
    pub(super) fn close(&self) {
        self.0.permits.close();
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Pool {
    fn take(&self) -> Result<Connection, Failure> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.map_or_else(|| self.connect(), Ok)
    }

    fn put_back(&self, connection: Connection) {
        if !self.permits.is_closed() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
    }

    fn connect(&self) -> Result<Connection, Failure> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.pragma_update(None, "cache_size", -1024)?;
        connection.set_prepared_statement_cache_capacity(16);
        Ok(connection)
    }
}

fn unavailable<E: std::error::Error + Send + Sync + 'static>(error: E) -> StoreError {
    StoreError::Unavailable { source: Arc::new(error) }
}
