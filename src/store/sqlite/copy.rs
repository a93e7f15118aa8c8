//! Copies by the driver's own means: one read transaction, however much is written meanwhile.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::open;
use crate::store::{CopyError, Copying};

/// Pages of a step, 2 MiB; what has been done is told after each.
const STEP: i32 = 1024;

/// Who is told how far a copy has come.
type Told<'a> = &'a mut dyn FnMut(Copying);

pub(in crate::store) fn backup(from: &Path, to: &Path, told: Told<'_>) -> Result<u64, CopyError> {
    copy(from, to, told)
}

pub(in crate::store) fn restore(from: &Path, to: &Path, told: Told<'_>) -> Result<u64, CopyError> {
    // Held until the store is in its place.
    let (_lock, _) = open::lock(to)?;
    if beside(to, "-wal").exists() {
        return Err(CopyError::Exists(beside(to, "-wal")));
    }
    told(Copying::Checking);
    check(from)?;
    copy(from, to, told)
}

pub(in crate::store) fn check(path: &Path) -> Result<u64, CopyError> {
    let connection = read(path)?;
    sound(path, &connection)?;
    let file = fs::metadata(path).map_err(|error| io(path, error))?;
    Ok(file.len())
}

fn copy(from: &Path, to: &Path, told: Told<'_>) -> Result<u64, CopyError> {
    if to.exists() {
        return Err(CopyError::Exists(to.to_owned()));
    }
    let source = read(from)?;
    let unfinished = beside(to, ".unfinished");
    // Held until that name is gone, so that nobody else writes there meanwhile.
    let file = alone(&unfinished)?;
    let copied = write(&source, &unfinished, &file, told).and_then(|bytes| {
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

/// An empty file that this process alone writes, over what a killed one may have left.
fn alone(path: &Path) -> Result<File, CopyError> {
    let failed = |error| io(path, error);
    let mut options = OpenOptions::new();
    let file = open::private(options.write(true).create(true).truncate(false)).open(path);
    let file = file.map_err(failed)?;
    let under_way = || CopyError::UnderWay(path.to_owned());
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(under_way()),
        Err(TryLockError::Error(error)) => return Err(failed(error)),
    }
    // Whoever held it may have finished in between: then it is somebody's copy by now.
    if !is_at(&file, path).map_err(failed)? {
        return Err(under_way());
    }
    file.set_len(0).map_err(failed)?;
    Ok(file)
}

fn is_at(file: &File, path: &Path) -> std::io::Result<bool> {
    let of = |data: fs::Metadata| (data.dev(), data.ino());
    match fs::metadata(path) {
        Ok(there) => Ok(of(there) == of(file.metadata()?)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn write(source: &Connection, to: &Path, file: &File, told: Told<'_>) -> Result<u64, CopyError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut target = Connection::open_with_flags(to, flags).map_err(|error| io(to, error))?;
    pages(source, &mut target, to, told)?;
    told(Copying::Checking);
    // A copy is one file: without a log beside it.
    let mode = target.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get::<_, String>(0));
    mode.map_err(|error| io(to, error))?;
    sound(to, &target)?;
    drop(target);
    file.sync_all().map_err(|error| io(to, error))?;
    Ok(file.metadata().map_err(|error| io(to, error))?.len())
}

/// Copies all pages. Between the steps of a backup SQLite lets its read transaction go, and
/// begins again from the first page if another process has written meanwhile, which with a
/// busy service never ends. Within a transaction that is open already it stays in that: every
/// step reads one state of the store. A service goes on writing, but its log is not cut
/// before the end. `VACUUM INTO` reads one state too, but tells nothing on its way.
fn pages(
    source: &Connection,
    target: &mut Connection,
    to: &Path,
    told: Told<'_>,
) -> Result<(), CopyError> {
    let failed = |error: rusqlite::Error| io(to, error);
    let reading = source.unchecked_transaction().map_err(failed)?;
    // It begins with the first question.
    let page: i64 = reading
        .query_row("SELECT page_size FROM pragma_page_size, sqlite_schema LIMIT 1", [], |row| {
            row.get(0)
        })
        .map_err(failed)?;
    let bytes = |pages: i32| u64::try_from(i64::from(pages) * page).unwrap_or(0);
    let backup = Backup::new(&reading, target).map_err(failed)?;
    loop {
        let step = backup.step(STEP).map_err(failed)?;
        let progress = backup.progress();
        let (of, left) = (bytes(progress.pagecount), bytes(progress.remaining));
        told(Copying::Bytes { done: of.saturating_sub(left), of });
        match step {
            StepResult::Done => return Ok(()),
            StepResult::More => {}
            _ => return Err(io(to, "another process holds the store or the copy")),
        }
    }
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
