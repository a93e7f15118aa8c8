//! Reading sounds and prompts of a file that another process may serve.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::columns::Failure;
use super::sounds;
use crate::domain::Name;
use crate::store::{CatalogueRows, SoundFile, StoreError};

pub(in crate::store) fn catalogue(path: &Path) -> Result<CatalogueRows, StoreError> {
    let Some(connection) = open(path)? else { return Ok(CatalogueRows::default()) };
    Ok(sounds::all(&connection)?)
}

pub(in crate::store) fn sound_file(
    path: &Path,
    name: &Name,
    version: u32,
    which: SoundFile,
) -> Result<Option<Vec<u8>>, StoreError> {
    let Some(connection) = open(path)? else { return Ok(None) };
    Ok(sounds::file(&connection, name, version, which)?)
}

/// None where nothing is, or only what a version from before sounds made.
fn open(path: &Path) -> Result<Option<Connection>, Failure> {
    if !path.exists() {
        return Ok(None);
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    Ok(connection.table_exists(None, "sounds")?.then_some(connection))
}
