//! Why a store was not moved, told by what somebody does about it.

use std::error::Error;
use std::path::PathBuf;

use crate::store::{CopyError, OpenError};

/// Why a store was not copied over. The source is as it was.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// There is no store to copy, or it is damaged.
    #[error(transparent)]
    Source(#[from] CopyError),
    /// The source is in use or no store of ours, or the target cannot be used.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The source was last served by an older release.
    #[error(
        "the store at {path} has schema {found}, and this release copies schema {known}; start this release on it once and stop it again, which brings it up to date"
    )]
    OlderSource {
        /// The database file.
        path: PathBuf,
        /// Its schema.
        found: u32,
        /// The one that is copied.
        known: u32,
    },
    /// The target's schema is not the one that is filled.
    #[error(
        "the store at {server} has schema {found}, and this release fills schema {known}; copy with the release that the replicas run, into a new database"
    )]
    OtherSchema {
        /// The target.
        server: String,
        /// Its schema.
        found: u32,
        /// The one that is filled.
        known: u32,
    },
    /// The server key is not the one that the source was served with.
    #[error(
        "the server key does not belong to the store at {path}: its keys and codes would not be valid; give the right file with --secret-key-file"
    )]
    OtherKey {
        /// The database file.
        path: PathBuf,
    },
    /// The source cannot be read.
    #[error("the store at {path} cannot be read")]
    Reading {
        /// The database file.
        path: PathBuf,
        /// What went wrong.
        source: Box<dyn Error + Send + Sync>,
    },
    /// A row of the source holds what nobody here wrote.
    #[error(
        "the store at {path} holds an unreadable value in {table}.{column}: {what}; nothing of it is left out, so it is not copied"
    )]
    Unreadable {
        /// The database file.
        path: PathBuf,
        /// The table, as it is called in the target.
        table: &'static str,
        /// The column.
        column: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// There is something in the target already.
    #[error(
        "the store at {server} is not empty: {table} has rows; copy into a new database (CREATE DATABASE). If a copy was completed there, it is complete: start the replicas"
    )]
    NotEmpty {
        /// The target.
        server: String,
        /// A table with rows.
        table: String,
    },
    /// The target holds part of a store that is not the source as it is now.
    #[error(
        "the store at {server} holds an unfinished copy of another store, or this one was used since that copy began; nothing was written. Make the database anew (DROP DATABASE, CREATE DATABASE) and copy again"
    )]
    OtherCopy {
        /// The target.
        server: String,
    },
    /// Another process copies into the target.
    #[error("another process copies into the store at {server}; wait for it")]
    UnderWay {
        /// The target.
        server: String,
    },
    /// The target took no more.
    #[error(
        "the store at {server} took no more; once the cause is gone, the same command goes on where it was"
    )]
    Refused {
        /// The target.
        server: String,
        /// What the driver said.
        source: Box<dyn Error + Send + Sync>,
    },
    /// Both sides differ although everything was copied.
    #[error(
        "{table} differs after it was copied to {server}: {expected} rows in the source, {found} in the target, or other content; something else wrote to it. Nobody can serve on it; make the database anew and copy again"
    )]
    Differs {
        /// The target.
        server: String,
        /// The table.
        table: &'static str,
        /// Rows in the source.
        expected: u64,
        /// Rows in the target.
        found: u64,
    },
}
