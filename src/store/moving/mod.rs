//! Moving house: everything in the embedded store, copied into an empty PostgreSQL.
//!
//! The source is read in one snapshot, and no process may hold it. It is read twice: first
//! for a checksum of each table, from which its fingerprint follows, then to be copied. The
//! target notes the fingerprint until every table has been read back and found equal; so an
//! interrupted copy is gone on with only if nothing has changed since, and nobody serves on
//! half of a store. Where to go on is what the target says: the last key of each table.
//! There is no copy in the other direction.

mod error;
mod rows;
mod table;
mod tables;

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use super::{ServerKeys, postgres, sqlite};
use crate::domain::Secret;
pub use error::MoveError;
pub(super) use rows::{Batch, KeyPart, Sum, Summing, Value};
#[cfg(test)]
pub(super) use table::LEFT_OUT;
pub(super) use table::{Kind, Table};
pub(super) use tables::TABLES;

/// How many batches are read ahead of the one that is being written.
const AHEAD: usize = 2;

/// What is to be copied, and where to.
#[derive(Clone, Debug)]
pub struct Moving {
    /// The file of the embedded store.
    pub from: PathBuf,
    /// The URL of the PostgreSQL database.
    pub to: Secret,
    /// The server keys that are to be used over it, if known.
    pub keys: Option<ServerKeys>,
    /// How many rows one transaction brings at most, from 1.
    pub batch: u32,
}

/// How far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The source is looked through for damaged pages.
    Inspecting,
    /// A table of the source is read for its checksum.
    Reading(&'static str),
    /// So many rows of all are in the target.
    Copying {
        /// The table that is copied.
        table: &'static str,
        /// Rows in the target, of every table.
        rows: u64,
        /// Rows in the source, of every table.
        of: u64,
    },
    /// A table of the target is read back.
    Comparing(&'static str),
}

/// What was copied, found equal on both sides.
#[derive(Clone, Debug)]
pub struct Moved {
    /// The target, without who asks.
    pub server: String,
    /// Rows that an earlier run had brought already.
    pub already_there: u64,
    /// Every table of the target that was filled.
    pub tables: Vec<MovedTable>,
    /// Whether the store has a key that a server key sealed.
    pub has_key: bool,
}

/// A table that was copied.
#[derive(Clone, Debug)]
pub struct MovedTable {
    /// Its name in the target.
    pub name: &'static str,
    /// Its rows.
    pub rows: u64,
    /// SHA-256 of its rows in the order of their keys, as PostgreSQL's binary `COPY` writes them.
    pub digest: [u8; 32],
}

/// Copies a store, or goes on with an interrupted copy, and compares both sides.
///
/// # Errors
/// See [`MoveError`]. The source is never changed; what is in the target by then is gone on
/// with by the next call, unless the error says otherwise.
pub async fn copy_over(moving: Moving, mut told: impl FnMut(Progress)) -> Result<Moved, MoveError> {
    let from = moving.from.clone();
    let source = blocking(&moving.from, move || sqlite::Source::open(&from)).await?;
    let sealed = source.sealed_key()?;
    if let (Some(keys), Some(sealed)) = (&moving.keys, &sealed)
        && !keys.opens(sealed)
    {
        return Err(MoveError::OtherKey { path: moving.from });
    }
    let target = postgres::Target::open(&moving.to).await?;
    told(Progress::Inspecting);
    let mut source = blocking(&moving.from, move || source.look_through()).await?;
    let mut sums = Vec::with_capacity(TABLES.len());
    for table in TABLES {
        told(Progress::Reading(table.name));
        let sum;
        (source, sum) = blocking(&moving.from, move || source.sum(table)).await?;
        sums.push(sum);
    }
    target.begin(fingerprint(&sums)).await?;
    let already_there = fill(&moving, source, &target, &sums, &mut told).await?;
    compare(&target, &sums, &mut told).await?;
    let server = target.finish().await?;
    let of = |(table, sum): (&Table, Sum)| MovedTable {
        name: table.name,
        rows: sum.rows,
        digest: sum.digest,
    };
    let tables = TABLES.iter().zip(sums).map(of).collect();
    Ok(Moved { server, already_there, tables, has_key: sealed.is_some() })
}

/// What tells a store, as it is now, from every other.
fn fingerprint(sums: &[Sum]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"ringproof store 1");
    for (table, sum) in TABLES.iter().zip(sums) {
        hash.update(table.name);
        hash.update([0]);
        hash.update(sum.rows.to_be_bytes());
        hash.update(sum.digest);
    }
    hash.finalize().into()
}

/// Brings what the target lacks; how many rows it had.
async fn fill(
    moving: &Moving,
    mut source: sqlite::Source,
    target: &postgres::Target,
    sums: &[Sum],
    told: &mut impl FnMut(Progress),
) -> Result<u64, MoveError> {
    let of = sums.iter().map(|sum| sum.rows).sum();
    let mut already_there = 0;
    for table in TABLES {
        already_there += target.count(table).await?;
    }
    let mut rows = already_there;
    for table in TABLES {
        told(Progress::Copying { table: table.name, rows, of });
        let after = target.last_key(table).await?;
        let (give, mut batches) = mpsc::channel::<Batch>(AHEAD);
        let size = moving.batch;
        let reading = tokio::task::spawn_blocking(move || {
            let take = |batch| give.blocking_send(batch).is_ok();
            source.rows(table, &after, size, take).map(|()| source)
        });
        while let Some(batch) = batches.recv().await {
            rows += target.add(table, batch).await?;
            told(Progress::Copying { table: table.name, rows, of });
        }
        source = joined(&moving.from, reading.await)?;
    }
    Ok(already_there)
}

async fn compare(
    target: &postgres::Target,
    sums: &[Sum],
    told: &mut impl FnMut(Progress),
) -> Result<(), MoveError> {
    for (table, expected) in TABLES.iter().zip(sums) {
        told(Progress::Comparing(table.name));
        let found = target.sum(table).await?;
        if found != *expected {
            return Err(MoveError::Differs {
                server: target.server().to_owned(),
                table: table.name,
                expected: expected.rows,
                found: found.rows,
            });
        }
    }
    Ok(())
}

async fn blocking<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce() -> Result<T, MoveError> + Send + 'static,
) -> Result<T, MoveError> {
    joined(path, tokio::task::spawn_blocking(work).await)
}

fn joined<T>(
    path: &Path,
    ended: Result<Result<T, MoveError>, tokio::task::JoinError>,
) -> Result<T, MoveError> {
    ended.unwrap_or_else(|panic| {
        Err(MoveError::Reading { path: path.to_owned(), source: Box::new(panic) })
    })
}
