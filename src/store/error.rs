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
    /// The server's address is not understood. The text does not repeat it.
    #[error("the URL of the store is wrong: {what}; see `store` in config.example.toml")]
    Address {
        /// What is wrong.
        what: String,
    },
    /// The server does not answer, or not as a database does.
    #[error(
        "the store at {server} cannot be reached; check that the server runs, that its address is right and its certificate valid, and that this machine may connect to it"
    )]
    Unreachable {
        /// Where it is.
        server: String,
        /// What the driver said.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The server refuses the user, or has no such database.
    #[error(
        "the store at {server} refuses this service; check user, password and database, and that the user owns the database"
    )]
    NotAllowed {
        /// Where it is.
        server: String,
        /// What the driver said.
        source: Box<dyn Error + Send + Sync>,
    },
    /// A newer release changed the schema in a way that this one cannot live with.
    #[error(
        "the store at {server} is for releases that know schema {oldest} or later, and this one knows schemas up to {known}; run a newer release"
    )]
    TooOld {
        /// Where it is.
        server: String,
        /// The oldest schema that must be known.
        oldest: u32,
        /// The newest schema known here.
        known: u32,
    },
    /// The schema could not be brought up to date.
    #[error(
        "the schema of the store at {server} could not be brought up to date; check that the user owns the database, and that nothing else is kept in it"
    )]
    Migration {
        /// Where it is.
        server: String,
        /// What the driver said.
        source: Box<dyn Error + Send + Sync>,
    },
    /// Another store is being copied into it.
    #[error(
        "the store at {server} holds an unfinished copy of another store; run the same `ringproof store copy` again, which goes on where it was, or use another database"
    )]
    UnfinishedCopy {
        /// Where it is.
        server: String,
    },
    /// Its key is sealed by none of the server keys.
    #[error(
        "the store was written with another server key, {known}, and secret_key_file holds {}; point it at the file that was used with this store, or add that key to it as a further line",
        given.join(", ")
    )]
    OtherServerKey {
        /// The id of the key that it takes.
        known: String,
        /// The ids of those that were given, the newest first.
        given: Vec<String>,
    },
    /// It was opened, and then did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
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

/// Why a store did not answer. A write that failed left nothing behind; only if a server
/// does not say for seconds what became of a commit, it may have.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// It cannot be used now: disk full, read-only, input or output error,
    /// not reached, closed. It recovers by itself once the cause is gone.
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
