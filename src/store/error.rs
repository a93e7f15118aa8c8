//! What can go wrong with a store, told by what somebody does about it.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use super::record::Unreadable;

/// Why a store was not opened. The texts say what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it open.
    #[error(
        "the store at {path} is in use by {}; stop that process, or give this one another path",
        pid.map_or_else(|| "another process".to_owned(), |pid| format!("the process with pid {pid}"))
    )]
    Locked {
        /// The database file.
        path: PathBuf,
        /// The other process, if it said so in the lock file.
        pid: Option<u32>,
    },
    /// The file is something else.
    #[error(
        "{path} is not a Ringproof database; check the configured path, or move the file away so that a new store is created"
    )]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// The file is damaged.
    #[error(
        "the store at {path} is damaged; restore it from a backup, or salvage what is readable with `sqlite3 {path} .recover` into a new file"
    )]
    Corrupt {
        /// The database file.
        path: PathBuf,
        /// What the driver said.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The file or its folder cannot be written.
    #[error(
        "the store at {path} cannot be written; give this user write permission to the file and its folder, and check that the disk is not mounted read-only"
    )]
    ReadOnly {
        /// The database file.
        path: PathBuf,
        /// What the system said.
        source: Box<dyn Error + Send + Sync>,
    },
    /// A newer release wrote it.
    #[error(
        "the store at {path} has schema {found}, and this release knows schemas up to {known}; run the newer release again, or restore a backup made before the upgrade"
    )]
    NewerSchema {
        /// The database file.
        path: PathBuf,
        /// Its schema.
        found: u32,
        /// The newest schema known here.
        known: u32,
    },
    /// The disk has no room.
    #[error("the store at {path} cannot be opened because the disk is full; make room first")]
    DiskFull {
        /// The database file.
        path: PathBuf,
        /// What the system said.
        source: Box<dyn Error + Send + Sync>,
    },
    /// Anything else.
    #[error("the store at {path} cannot be opened; check that its folder exists and can be read")]
    Io {
        /// The database file.
        path: PathBuf,
        /// What the system said.
        source: Box<dyn Error + Send + Sync>,
    },
}

/// Why a store did not answer. A write that failed left nothing behind.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// It cannot be used now: disk full, read-only, input or output error,
    /// closed. It recovers by itself once the cause is gone.
    #[error("the store cannot be used now")]
    Unavailable {
        /// What the driver said.
        source: Arc<dyn Error + Send + Sync>,
    },
    /// A row holds what nobody here wrote. Asking again does not help.
    #[error("the store holds an unreadable value in {table}.{column}")]
    Unreadable {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// What is wrong with it.
        source: Unreadable,
    },
}
