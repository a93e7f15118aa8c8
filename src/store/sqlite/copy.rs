//! Copies by the driver's own means: one read transaction, however much is written meanwhile.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};

use rusqlite::backup::Backup;
use rusqlite::{Connection, OpenFlags};

use super::open;
use crate::store::CopyError;

/// Every page, in one step.
const ALL_PAGES: i32 = -1;

pub(in crate::store) fn backup(from: &Path, to: &Path) -> Result<u64, CopyError> {
    copy(from, to)
}

pub(in crate::store) fn restore(from: &Path, to: &Path) -> Result<u64, CopyError> {
    // Held until the store is in its place.
    let (_lock, _) = open::lock(to)?;
    if beside(to, "-wal").exists() {
        return Err(CopyError::Exists(beside(to, "-wal")));
    }
    check(from)?;
    copy(from, to)
}

pub(in crate::store) fn check(path: &Path) -> Result<u64, CopyError> {
    let connection = read(path)?;
    sound(path, &connection)?;
    let file = fs::metadata(path).map_err(|error| io(path, error))?;
    Ok(file.len())
}

fn copy(from: &Path, to: &Path) -> Result<u64, CopyError> {
    if to.exists() {
        return Err(CopyError::Exists(to.to_owned()));
    }
    let source = read(from)?;
    let unfinished = beside(to, ".unfinished");
    let copied = write(&source, &unfinished).and_then(|bytes| {
        // A link is refused where a file is, which a renaming would replace.
        fs::hard_link(&unfinished, to).map_err(|error| io(to, error))?;
        Ok(bytes)
    });
    let _ = fs::remove_file(&unfinished);
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = File::open(folder.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all());
    let bytes = copied?;
    folder.map_err(|error| io(to, error))?;
    Ok(bytes)
}

fn write(source: &Connection, to: &Path) -> Result<u64, CopyError> {
    let mut options = OpenOptions::new();
    let file = open::private(options.write(true).create(true).truncate(true)).open(to);
    let file = file.map_err(|error| io(to, error))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut target = Connection::open_with_flags(to, flags).map_err(|error| io(to, error))?;
    Backup::new(source, &mut target)
        .and_then(|backup| backup.step(ALL_PAGES))
        .map_err(|error| io(to, error))?;
    // A copy is one file: without a log beside it.
    let mode = target.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get::<_, String>(0));
    mode.map_err(|error| io(to, error))?;
    sound(to, &target)?;
    drop(target);
    file.sync_all().map_err(|error| io(to, error))?;
    Ok(file.metadata().map_err(|error| io(to, error))?.len())
}

pub(super) fn read(path: &Path) -> Result<Connection, CopyError> {
    if !path.exists() {
        return Err(CopyError::Missing(path.to_owned()));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(path, flags).map_err(|error| io(path, error))
}

/// Whether it is a store of ours, and every page of it holds what it should.
pub(super) fn sound(path: &Path, connection: &Connection) -> Result<(), CopyError> {
    let damaged = |what: String| CopyError::Damaged { path: path.to_owned(), what };
    let unreadable = |error: rusqlite::Error| damaged(error.to_string());
    let is_ours = connection.table_exists(None, "refinery_schema_history").map_err(unreadable)?;
    if !is_ours {
        return Err(damaged("it is a database, but not Ringproof's".to_owned()));
    }
    let found: String = connection
        .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
        .map_err(unreadable)?;
    if found == "ok" { Ok(()) } else { Err(damaged(found)) }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut beside = path.as_os_str().to_owned();
    beside.push(suffix);
    beside.into()
}

fn io(path: &Path, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> CopyError {
    CopyError::Io { path: path.to_owned(), source: error.into() }
}
