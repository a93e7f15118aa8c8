//! Between columns and values. The database is outside input too: what does
//! not read is named by table and column.

use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::types::FromSql;
use rusqlite::{Connection, Row};

use crate::domain::{Name, Verification, VerificationId};
use crate::store::StoreError;
pub(super) use crate::store::kept::nanoseconds;
use crate::store::record::{Unreadable, unpack};

/// A statement about the journal's rows of one verification, which `?1` names:
/// `chain` has their places. However the links were broken, it ends.
macro_rules! of_chain {
    ($statement:literal) => {
        concat!(
            "WITH RECURSIVE chain (sequence) AS (SELECT journaled FROM verifications WHERE id = ?1 \
             UNION SELECT previous FROM journal NATURAL JOIN chain WHERE previous IS NOT NULL) ",
            $statement
        )
    };
}
pub(super) use of_chain;

/// Why something on a connection did not succeed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The driver said so.
    Driver(rusqlite::Error),
    /// A row holds what nobody here wrote.
    Unreadable { table: &'static str, column: &'static str, source: Unreadable },
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Driver(error)
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Driver(error) => Self::Unavailable { source: Arc::new(error) },
            Failure::Unreadable { table, column, source } => {
                Self::Unreadable { table, column, source }
            }
        }
    }
}

/// One column of a row.
pub(super) fn column<T: FromSql>(
    row: &Row<'_>,
    table: &'static str,
    column: &'static str,
) -> Result<T, Failure> {
    row.get(column).map_err(|error| match error {
        rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::Utf8Error(..) => {
            unreadable(table, column, Unreadable("it is of another type than it was written with"))
        }
        other => Failure::Driver(other),
    })
}

pub(super) fn unreadable(table: &'static str, column: &'static str, source: Unreadable) -> Failure {
    Failure::Unreadable { table, column, source }
}

pub(super) fn id(
    row: &Row<'_>,
    table: &'static str,
    name: &'static str,
) -> Result<VerificationId, Failure> {
    column(row, table, name).map(VerificationId::from_bytes)
}

pub(super) fn name(
    row: &Row<'_>,
    table: &'static str,
    name: &'static str,
) -> Result<Name, Failure> {
    let text: Box<str> = column(row, table, name)?;
    Name::parse(&text).map_err(|_| unreadable(table, name, Unreadable("it is no name")))
}

pub(super) fn time(
    row: &Row<'_>,
    table: &'static str,
    name: &'static str,
) -> Result<Timestamp, Failure> {
    let nanoseconds: i64 = column(row, table, name)?;
    Timestamp::from_nanosecond(i128::from(nanoseconds))
        .map_err(|_| unreadable(table, name, Unreadable("it is no time")))
}

/// The record of a row of `verifications`.
pub(super) fn verification(row: &Row<'_>) -> Result<Verification, Failure> {
    let packed: Vec<u8> = column(row, "verifications", "record")?;
    unpack(&packed).map_err(|source| unreadable("verifications", "record", source))
}

/// Every row of a query, read by `read`.
pub(super) fn rows<T>(
    on: &Connection,
    sql: &str,
    parameters: impl rusqlite::Params,
    mut read: impl FnMut(&Row<'_>) -> Result<T, Failure>,
) -> Result<Vec<T>, Failure> {
    let mut statement = on.prepare_cached(sql)?;
    let mut rows = statement.query(parameters)?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push(read(row)?);
    }
    Ok(all)
}

/// The first row of a query, if there is one, read by `read`.
pub(super) fn first<T>(
    on: &Connection,
    sql: &str,
    parameters: impl rusqlite::Params,
    read: impl FnOnce(&Row<'_>) -> Result<T, Failure>,
) -> Result<Option<T>, Failure> {
    let mut statement = on.prepare_cached(sql)?;
    let mut rows = statement.query(parameters)?;
    rows.next()?.map(read).transpose()
}
