//! Copies of a store, for backups: made beside the process that serves, and put back only
//! where there is nothing yet.

use std::error::Error;
use std::path::{Path, PathBuf};

use super::{OpenError, sqlite};

/// Why a store was not copied, or is not sound.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// There is no store to copy.
    #[error("there is no store at {0}")]
    Missing(PathBuf),
    /// There is something already; it is never overwritten.
    #[error("{0} exists already; move it away first, nothing is overwritten")]
    Exists(PathBuf),
    /// Another process is making this copy.
    #[error("another process is writing {0}; wait for it, or give this copy another name")]
    UnderWay(PathBuf),
    /// It is a file, but not a sound store of ours.
    #[error("{path} is not a sound store: {what}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The target cannot be used.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Something else went wrong.
    #[error("{path} cannot be read or written")]
    Io {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: Box<dyn Error + Send + Sync>,
    },
}

/// How far a copy has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copying {
    /// So many bytes of all are copied; neither ever shrinks.
    Bytes {
        /// What is copied.
        done: u64,
        /// What there is to copy.
        of: u64,
    },
    /// Every page is read to see that it holds what it should.
    Checking,
}

/// Makes a consistent copy of the store at `from`, beside the process that serves it; the
/// copy is one file, checked, and on disk. Its bytes. `told` learns how far it has come.
///
/// # Errors
/// See [`CopyError`]. Then there is no copy.
pub async fn backup(
    from: &Path,
    to: &Path,
    mut told: impl FnMut(Copying) + Send + 'static,
) -> Result<u64, CopyError> {
    let (from, to) = (from.to_owned(), to.to_owned());
    blocking(to.clone(), move || sqlite::backup(&from, &to, &mut told)).await
}

/// Puts the copy `from` where a store is to be, which no process may hold. Its bytes. `told`
/// learns how far it has come.
///
/// # Errors
/// See [`CopyError`]. Then nothing is there.
pub async fn restore(
    from: &Path,
    to: &Path,
    mut told: impl FnMut(Copying) + Send + 'static,
) -> Result<u64, CopyError> {
    let (from, to) = (from.to_owned(), to.to_owned());
    blocking(to.clone(), move || sqlite::restore(&from, &to, &mut told)).await
}

/// Reads the whole store at `path`, beside the process that serves it. Its bytes.
///
/// # Errors
/// See [`CopyError`].
pub async fn check(path: &Path) -> Result<u64, CopyError> {
    let path = path.to_owned();
    blocking(path.clone(), move || sqlite::check(&path)).await
}

async fn blocking<T: Send + 'static>(
    path: PathBuf,
    work: impl FnOnce() -> Result<T, CopyError> + Send + 'static,
) -> Result<T, CopyError> {
    let working = tokio::task::spawn_blocking(work).await;
    working.unwrap_or_else(|panic| Err(CopyError::Io { path, source: Box::new(panic) }))
}
