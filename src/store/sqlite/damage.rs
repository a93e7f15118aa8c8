//! Looking for damaged pages when a store is opened.
//!
//! A damaged page is otherwise met only by whoever needs it, perhaps weeks later.
//! A small store is looked through before it is opened. A larger one too, if it was
//! not closed in order, since that is when disks lose pages. Else, and if it is so large
//! that notifications would be lost meanwhile, it is looked through beside the work,
//! with an alarm.

use std::io;
use std::path::{Path, PathBuf};
use std::thread::Builder;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::telemetry;

/// Pages of a store that is looked through in a few milliseconds: 2 MiB.
const FEW_PAGES: u32 = 1024;

/// Pages of a store that is looked through in some 300 ms: 64 MiB. A million
/// verifications, 900 MiB, take 4 seconds.
const SOME_PAGES: u32 = 32 * 1024;

/// How the store was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// Closed in order.
    Closed,
    /// By a process or a machine that stopped in between.
    Open,
}

/// What the driver found.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Damage(String);

/// Why it is not known whether the store is damaged, or that it is.
pub(super) enum Found {
    Damage(Damage),
    Driver(rusqlite::Error),
}

/// Looks through the store, at once or beside the work.
pub(super) fn look(on: &Connection, path: &Path, left: Left) -> Result<(), Found> {
    let pages: u32 =
        on.pragma_query_value(None, "page_count", |row| row.get(0)).map_err(Found::Driver)?;
    let at_once = match left {
        Left::Closed => FEW_PAGES,
        Left::Open => SOME_PAGES,
    };
    if pages <= at_once {
        return look_through(on);
    }
    let path = path.to_owned();
    let looking = Builder::new().name("store-check".to_owned()).spawn(move || look_beside(&path));
    if let Err(error) = looking {
        not_looked(&error);
    }
    Ok(())
}

fn look_through(on: &Connection) -> Result<(), Found> {
    let found: rusqlite::Result<String> =
        on.query_row("PRAGMA quick_check(1)", [], |row| row.get(0));
    match found {
        Ok(ok) if ok == "ok" => Ok(()),
        Ok(damage) => Err(Found::Damage(Damage(damage))),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt) => {
            Err(Found::Damage(Damage(error.to_string())))
        }
        Err(error) => Err(Found::Driver(error)),
    }
}

fn look_beside(path: &PathBuf) {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let looked = Connection::open_with_flags(path, flags).map_err(Found::Driver);
    match looked.and_then(|on| look_through(&on)) {
        Ok(()) => tracing::debug!("the store was looked through and is whole"),
        Err(Found::Damage(damage)) => telemetry::alarm(
            "store_damaged",
            format!(
                "the store at {} is damaged ({damage}): stop this service, then restore a backup, or salvage what is readable with `sqlite3 {} .recover` into a new file",
                path.display(),
                path.display(),
            ),
        ),
        Err(Found::Driver(error)) => not_looked(&io::Error::other(error)),
    }
}

fn not_looked(error: &io::Error) {
    tracing::warn!(error = %error, "the store could not be looked through for damaged pages");
}
