//! Opening: one process, one schema, a readable file, or a clear word why not.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::checkpoint::Checkpoints;
use super::damage::{self, Found, Left};
use super::deliveries;
use super::readers::Readers;
use super::writer::Writer;
use super::{OpenError, Retention, Settings, Sqlite};

pub(super) mod embedded {
    refinery::embed_migrations!("src/store/sqlite/migrations");
}

/// How long the writer waits for another process that reads or copies beside it.
const PATIENCE: Duration = Duration::from_secs(5);

/// Bytes of a page: a new version writes the whole page of its row to the log,
/// and a page of this size has room for a few rows.
const PAGE: u32 = 2048;

/// Pages in the log, 128 MiB, after which the writer itself copies it into the
/// database, if the thread beside it does not. A longer one would be felt when opening after a crash.
const MOST_PAGES: u32 = 64 * 1024;

pub(super) fn open(path: &Path, settings: &Settings) -> Result<Sqlite, OpenError> {
    let (lock, left) = lock(path)?;
    create_private(path).map_err(|error| refused_by_system(path, error))?;
    let mut connection = connect(path).map_err(|error| refused_by_driver(path, error))?;
    migrate(path, &mut connection)?;
    damage::look(&connection, path, left).map_err(|found| match found {
        Found::Damage(source) => {
            OpenError::Corrupt { path: path.to_owned(), source: Box::new(source) }
        }
        Found::Driver(error) => refused_by_driver(path, error),
    })?;
    deliveries::void_leases(&connection).map_err(|error| refused_by_driver(path, error))?;
    let writer = Checkpoints::start(path.to_owned())
        .and_then(|checkpoints| Writer::start(connection, checkpoints, lock))
        .map_err(|error| refused_by_system(path, error))?;
    Ok(Sqlite {
        writer,
        readers: Readers::new(path.to_owned()),
        timing: settings.timing,
        retention: Retention::of(settings),
    })
}

/// Holds the file beside the database until it is dropped, or the process ends
/// in any way. It tells a second process who is there, and the next one whether the
/// last one closed the store in order, since then nobody's pid is in it.
pub(super) fn lock(path: &Path) -> Result<(File, Left), OpenError> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".lock");
    let beside = PathBuf::from(beside);
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let mut file =
        private(&mut options).open(beside).map_err(|error| refused_by_system(path, error))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            // Whoever cannot be read is still there.
            let _ = file.read_to_string(&mut text);
            return Err(OpenError::Locked { path: path.into(), pid: text.trim().parse().ok() });
        }
        Err(TryLockError::Error(error)) => return Err(refused_by_system(path, error)),
    }
    let io = |error| refused_by_system(path, error);
    let left = if file.metadata().map_err(io)?.len() == 0 { Left::Closed } else { Left::Open };
    let written = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
    written.map_err(io)?;
    Ok((file, left))
}

/// Makes the file before the driver does, so that nobody else may read it; the
/// driver gives its other files the same mode.
fn create_private(path: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    private(&mut options).open(path).map(drop)
}

pub(super) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

pub(super) fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "page_size", PAGE)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", MOST_PAGES)?;
    connection.pragma_update(None, "cache_size", -8192)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

fn migrate(path: &Path, connection: &mut Connection) -> Result<(), OpenError> {
    let known = known();
    let found = schema(connection).map_err(|error| refused_by_driver(path, error))?;
    match found {
        Schema::Foreign => return Err(OpenError::NotADatabase { path: path.into() }),
        Schema::Ours(found) if found > known => {
            return Err(OpenError::NewerSchema { path: path.into(), found, known });
        }
        Schema::Ours(found) if found == known => return Ok(()),
        Schema::Ours(_) | Schema::None => {}
    }
    match embedded::migrations::runner().run(connection) {
        Ok(_) => Ok(()),
        Err(error) => Err(OpenError::Io { path: path.into(), source: Box::new(error) }),
    }
}

/// The newest schema that this release knows.
pub(super) fn known() -> u32 {
    let runner = embedded::migrations::runner();
    let newest = runner.get_migrations().iter().map(refinery::Migration::version).max();
    newest.and_then(|version| u32::try_from(version).ok()).unwrap_or(0)
}

/// What a database holds.
pub(super) enum Schema {
    None,
    Ours(u32),
    Foreign,
}

pub(super) fn schema(connection: &Connection) -> rusqlite::Result<Schema> {
    let tables: u32 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables == 0 {
        return Ok(Schema::None);
    }
    if !connection.table_exists(None, "refinery_schema_history")? {
        return Ok(Schema::Foreign);
    }
    let sql = "SELECT ifnull(max(version), 0) FROM refinery_schema_history";
    connection.query_row(sql, [], |row| row.get(0)).map(Schema::Ours)
}

pub(super) fn refused_by_system(path: &Path, error: std::io::Error) -> OpenError {
    let (path, kind) = (path.to_owned(), error.kind());
    let source = Box::new(error);
    match kind {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            OpenError::ReadOnly { path, source }
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => OpenError::DiskFull { path, source },
        _ => OpenError::Io { path, source },
    }
}

pub(super) fn refused_by_driver(path: &Path, error: rusqlite::Error) -> OpenError {
    let (path, code) = (path.to_owned(), error.sqlite_error_code());
    let source = Box::new(error);
    match code {
        Some(ErrorCode::NotADatabase) => OpenError::NotADatabase { path },
        Some(ErrorCode::DatabaseCorrupt) => OpenError::Corrupt { path, source },
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            OpenError::ReadOnly { path, source }
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            OpenError::Locked { path, pid: None }
        }
        Some(ErrorCode::DiskFull) => OpenError::DiskFull { path, source },
        _ => OpenError::Io { path, source },
    }
}
