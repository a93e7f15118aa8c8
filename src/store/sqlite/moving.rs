//! The source of a move: one snapshot of the file, which no process may hold meanwhile, read
//! table by table in the order of keys.

use std::fs::File;
use std::path::{Path, PathBuf};

use rusqlite::types::{Value as Owned, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row, params_from_iter};

use super::damage::Left;
use super::{copy, open};
use crate::store::moving::{Batch, KeyPart, MoveError, Sum, Summing, Table, Value};
use crate::store::{CopyError, OpenError};

/// What is kept by name in `meta`; the probe's row says nothing to anybody.
const NAMES: &str = "SELECT name FROM meta WHERE name NOT IN \
                     ('store_key', 'counted', 'expiry_rests_until', 'catalogue', 'probe')";

/// How many rows are hashed at once.
const AT_ONCE: u32 = 4096;

/// A store that is being read; other processes are kept out until it is dropped.
pub(in crate::store) struct Source {
    connection: Connection,
    path: PathBuf,
    lock: File,
    left: Left,
}

impl Source {
    /// Takes the store's lock and a snapshot. Nothing is changed, the schema neither.
    pub(in crate::store) fn open(path: &Path) -> Result<Self, MoveError> {
        if !path.exists() {
            return Err(CopyError::Missing(path.to_owned()).into());
        }
        // Before the lock, which makes a file beside it.
        let connection = copy::read(path)?;
        let refused = |error| MoveError::from(open::refused_by_driver(path, error));
        let found = match open::schema(&connection).map_err(refused)? {
            open::Schema::Ours(found) => found,
            open::Schema::None | open::Schema::Foreign => {
                return Err(OpenError::NotADatabase { path: path.to_owned() }.into());
            }
        };
        let (path, known) = (path.to_owned(), open::known());
        if found > known {
            return Err(OpenError::NewerSchema { path, found, known }.into());
        }
        if found < known {
            return Err(MoveError::OlderSource { path, found, known });
        }
        let (lock, left) = open::lock(&path)?;
        let source = Self { connection, path, lock, left };
        // The first read of a transaction makes its snapshot.
        source.ask(|on| on.execute_batch("BEGIN"))?;
        let unknown = |on: &Connection| on.query_row(NAMES, [], |row| row.get::<_, String>(0));
        match source.ask(|on| unknown(on).optional())? {
            None => Ok(source),
            Some(_) => {
                Err(source.unreadable("meta", "name", "this release does not know the name"))
            }
        }
    }

    /// The store's key as it is sealed, if the store was ever served.
    pub(in crate::store) fn sealed_key(&self) -> Result<Option<Vec<u8>>, MoveError> {
        let sql = "SELECT value FROM meta WHERE name = 'store_key'";
        self.ask(|on| {
            let mut statement = on.prepare(sql)?;
            let mut rows = statement.query([])?;
            rows.next()?.map(|row| row.get(0)).transpose()
        })
    }

    /// Looks at every page of the file.
    pub(in crate::store) fn look_through(self) -> Result<Self, MoveError> {
        copy::sound(&self.path, &self.connection)?;
        Ok(self)
    }

    /// The rows and the checksum of a table.
    pub(in crate::store) fn sum(self, table: &'static Table) -> Result<(Self, Sum), MoveError> {
        let mut summing = Summing::new();
        self.rows(table, &[], AT_ONCE, |batch| {
            summing.add(&batch);
            true
        })?;
        Ok((self, summing.end()))
    }

    /// Gives the rows of a table behind a key, in batches of so many, until `take` has had
    /// enough. An empty key is before all.
    pub(in crate::store) fn rows(
        &self,
        table: &'static Table,
        after: &[KeyPart],
        size: u32,
        mut take: impl FnMut(Batch) -> bool,
    ) -> Result<(), MoveError> {
        let reading = |error| MoveError::from(open::refused_by_driver(&self.path, error));
        let mut statement = self.connection.prepare(&question(table, after)).map_err(reading)?;
        let mut rows =
            statement.query(params_from_iter(after.iter().map(bound))).map_err(reading)?;
        let mut batch = Batch::new();
        while let Some(row) = rows.next().map_err(reading)? {
            self.add(table, row, &mut batch)?;
            if batch.is_full(size) && !take(std::mem::replace(&mut batch, Batch::new())) {
                return Ok(());
            }
        }
        if !batch.is_empty() {
            take(batch);
        }
        Ok(())
    }

    fn add(&self, table: &Table, row: &Row<'_>, batch: &mut Batch) -> Result<(), MoveError> {
        batch.begin_row(table.columns.len());
        for (at, (column, kind)) in table.columns.iter().enumerate() {
            let value = match row.get_ref(at) {
                Ok(ValueRef::Null) => Value::Null,
                Ok(ValueRef::Integer(number)) => Value::Int(number),
                Ok(ValueRef::Text(text)) => Value::Text(text),
                Ok(ValueRef::Blob(bytes)) => Value::Bytes(bytes),
                Ok(ValueRef::Real(_)) => {
                    return Err(self.unreadable(table.name, column, "it is a fraction"));
                }
                Err(error) => return Err(open::refused_by_driver(&self.path, error).into()),
            };
            let pushed = batch.push(*kind, value);
            pushed.map_err(|what| self.unreadable(table.name, column, what))?;
        }
        Ok(())
    }

    fn ask<T>(
        &self,
        question: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, MoveError> {
        question(&self.connection)
            .map_err(|error| open::refused_by_driver(&self.path, error).into())
    }

    fn unreadable(&self, table: &'static str, column: &str, what: &'static str) -> MoveError {
        MoveError::Unreadable { path: self.path.clone(), table, column: column.to_owned(), what }
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        // As it was: only a store that was closed in order need not be looked through.
        if self.left == Left::Closed
            && let Err(error) = self.lock.set_len(0)
        {
            tracing::debug!(error = %error, "the store is looked through at its next start");
        }
    }
}

fn question(table: &Table, after: &[KeyPart]) -> String {
    let keys: Vec<&str> = table.keys().iter().map(|(name, _)| *name).collect();
    let (columns, from, keys) = (table.column_list(), table.from, keys.join(", "));
    let behind = if after.is_empty() {
        String::new()
    } else {
        format!(" WHERE ({keys}) > ({})", vec!["?"; after.len()].join(", "))
    };
    format!("SELECT {columns} FROM {from}{behind} ORDER BY {keys}")
}

fn bound(part: &KeyPart) -> Owned {
    match part {
        KeyPart::Int(number) => Owned::Integer(*number),
        KeyPart::Text(text) => Owned::Text(text.clone()),
        KeyPart::Bytes(bytes) => Owned::Blob(bytes.clone()),
    }
}
