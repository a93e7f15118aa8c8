//! What is read of a store beside the processes that serve it: nothing is locked, migrated
//! or written, so that whoever only looks disturbs nobody.

use std::path::PathBuf;

use super::{CatalogueRows, OpenError, SoundFile, StoreError, postgres, sqlite};
use crate::config::StoreUrl;
use crate::domain::Name;

/// Why a store was not read.
#[derive(Debug, thiserror::Error)]
pub enum BesideError {
    /// Its address is wrong.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It does not answer, or its schema is older than this release.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A store, to be read by the way.
pub enum Beside {
    /// The file of the embedded store.
    Sqlite(PathBuf),
    /// A server.
    Postgres(postgres::Beside),
}

impl Beside {
    /// The store at a URL; nothing is asked of it yet.
    ///
    /// # Errors
    /// When the URL is wrong.
    pub fn new(url: &StoreUrl) -> Result<Self, BesideError> {
        Ok(match url {
            StoreUrl::Sqlite(path) => Self::Sqlite(path.clone()),
            StoreUrl::Postgres(url) => Self::Postgres(postgres::Beside::new(url)?),
        })
    }

    /// Its sounds and prompts; none if there is no store yet, or one from before sounds.
    ///
    /// # Errors
    /// See [`BesideError`].
    pub async fn catalogue(&self) -> Result<CatalogueRows, BesideError> {
        match self {
            Self::Sqlite(path) => {
                let path = path.clone();
                Ok(blocking(move || sqlite::catalogue_beside(&path)).await?)
            }
            Self::Postgres(server) => Ok(server.catalogue().await?),
        }
    }

    /// One of the files of a version of a sound.
    ///
    /// # Errors
    /// See [`BesideError`].
    pub async fn sound_file(
        &self,
        name: &Name,
        version: u32,
        which: SoundFile,
    ) -> Result<Option<Vec<u8>>, BesideError> {
        match self {
            Self::Sqlite(path) => {
                let (path, name) = (path.clone(), name.clone());
                let read = move || sqlite::sound_file_beside(&path, &name, version, which);
                Ok(blocking(read).await?)
            }
            Self::Postgres(server) => Ok(server.sound_file(name, version, which).await?),
        }
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let working = tokio::task::spawn_blocking(work).await;
    working
        .unwrap_or_else(|panic| Err(StoreError::Unavailable { source: std::sync::Arc::new(panic) }))
}
