//! Between columns and values. The database is outside input too: what does
//! not read is named by table and column.

use std::borrow::Cow;
use std::sync::Arc;

use deadpool_postgres::PoolError;
use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::FromSql;
use uuid::Uuid;

use crate::domain::{DeliveryId, Name, Verification, VerificationId};
use crate::store::StoreError;
use crate::store::look_ups::KeyedClaim;
use crate::store::record::{Unreadable, unpack};

/// Why something on a connection did not succeed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The driver said so.
    Driver(tokio_postgres::Error),
    /// There was no connection to be had.
    NotConnected(PoolError),
    /// No answer came in time.
    TimedOut,
    /// Another replica was first; once more is right.
    Contended,
    /// A row holds what nobody here wrote.
    Unreadable { table: &'static str, column: &'static str, source: Unreadable },
}

/// What stands in for an error of the driver's.
#[derive(Debug, thiserror::Error)]
enum Silent {
    #[error("the database did not answer in time")]
    TimedOut,
    #[error("other replicas changed the same rows again and again")]
    Contended,
}

impl Failure {
    /// Whether another try may succeed at once: the transaction lost to another one.
    pub(super) fn is_contention(&self) -> bool {
        match self {
            Self::Contended => true,
            Self::Driver(error) => error.code().is_some_and(|code| {
                [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED]
                    .contains(code)
            }),
            Self::NotConnected(_) | Self::TimedOut | Self::Unreadable { .. } => false,
        }
    }

    /// Whether what was asked is to blame, and neither connection nor server: data that the
    /// server does not take, or cannot be read.
    pub(super) fn is_of_the_question(&self) -> bool {
        match self {
            Self::Unreadable { .. } | Self::Contended => true,
            // Data exceptions, broken constraints, lost races, limits of a row.
            Self::Driver(error) => error.code().is_some_and(|code| {
                ["22", "23", "40", "54"].iter().any(|class| code.code().starts_with(class))
            }),
            Self::NotConnected(_) | Self::TimedOut => false,
        }
    }
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Driver(error)
    }
}

impl From<PoolError> for Failure {
    fn from(error: PoolError) -> Self {
        Self::NotConnected(error)
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Driver(error) => Self::Unavailable { source: Arc::new(error) },
            Failure::NotConnected(error) => Self::Unavailable { source: Arc::new(error) },
            Failure::TimedOut => Self::Unavailable { source: Arc::new(Silent::TimedOut) },
            Failure::Contended => Self::Unavailable { source: Arc::new(Silent::Contended) },
            Failure::Unreadable { table, column, source } => {
                Self::Unreadable { table, column, source }
            }
        }
    }
}

/// One column of a row.
pub(super) fn column<'r, T: FromSql<'r>>(
    row: &'r Row,
    table: &'static str,
    column: &'static str,
) -> Result<T, Failure> {
    row.try_get(column).map_err(|_| {
        unreadable(table, column, Unreadable("it is of another type than it was written with"))
    })
}

pub(super) fn unreadable(table: &'static str, column: &'static str, source: Unreadable) -> Failure {
    Failure::Unreadable { table, column, source }
}

/// A number that was written as another type than the column's.
pub(super) fn number<'r, C, T>(
    row: &'r Row,
    table: &'static str,
    name: &'static str,
) -> Result<T, Failure>
where
    C: FromSql<'r>,
    T: TryFrom<C>,
{
    let kept: C = column(row, table, name)?;
    T::try_from(kept).map_err(|_| unreadable(table, name, Unreadable("it is out of range")))
}

pub(super) fn id(
    row: &Row,
    table: &'static str,
    name: &'static str,
) -> Result<VerificationId, Failure> {
    column::<Uuid>(row, table, name).map(VerificationId::new)
}

pub(super) fn delivery_id(row: &Row) -> Result<DeliveryId, Failure> {
    column::<Uuid>(row, "deliveries", "id").map(DeliveryId::new)
}

pub(super) fn name(row: &Row, table: &'static str, name: &'static str) -> Result<Name, Failure> {
    let text: &str = column(row, table, name)?;
    Name::parse(text).map_err(|_| unreadable(table, name, Unreadable("it is no name")))
}

pub(super) fn time(
    row: &Row,
    table: &'static str,
    name: &'static str,
) -> Result<Timestamp, Failure> {
    let nanoseconds: i64 = column(row, table, name)?;
    instant(nanoseconds).ok_or_else(|| unreadable(table, name, Unreadable("it is no time")))
}

/// A time that may be absent.
pub(super) fn time_if(
    row: &Row,
    table: &'static str,
    name: &'static str,
) -> Result<Option<Timestamp>, Failure> {
    let nanoseconds: Option<i64> = column(row, table, name)?;
    let wrong = || unreadable(table, name, Unreadable("it is no time"));
    nanoseconds.map(|nanoseconds| instant(nanoseconds).ok_or_else(wrong)).transpose()
}

fn instant(nanoseconds: i64) -> Option<Timestamp> {
    Timestamp::from_nanosecond(i128::from(nanoseconds)).ok()
}

/// The record of a row of `verifications`.
pub(super) fn verification(row: &Row) -> Result<Verification, Failure> {
    let packed: &[u8] = column(row, "verifications", "record")?;
    unpack(packed).map_err(|source| unreadable("verifications", "record", source))
}

/// The claim of a row of `claims`.
pub(super) fn claim(row: &Row) -> Result<KeyedClaim, Failure> {
    let form = column(row, "claims", "form")?;
    Ok(KeyedClaim { account: name(row, "claims", "account")?, form })
}

pub(super) fn bytes(
    row: &Row,
    table: &'static str,
    name: &'static str,
) -> Result<Option<Box<[u8]>>, Failure> {
    Ok(column::<Option<&[u8]>>(row, table, name)?.map(Into::into))
}

/// Any text as a column takes it, which is without the character of number 0.
pub(super) fn text(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { text.replace('\0', "\u{fffd}").into() } else { text.into() }
}

pub(super) fn uuid(id: VerificationId) -> Uuid {
    Uuid::from_bytes(*id.as_bytes())
}

pub(super) fn delivery_uuid(id: DeliveryId) -> Uuid {
    Uuid::from_bytes(*id.as_bytes())
}
