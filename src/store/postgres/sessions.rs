//! Sessions of the console.

use deadpool_postgres::Object;
use jiff::Timestamp;

use super::columns::{Failure, column, time};
use super::{Postgres, ask};
use crate::store::kept::nanoseconds;
use crate::store::{SessionRow, StoreError};

impl Postgres {
    pub(in crate::store) async fn open_session(
        &self,
        session: SessionRow,
    ) -> Result<(), StoreError> {
        ask!(self, on => open(on, &session))
    }

    pub(in crate::store) async fn session(
        &self,
        hash: [u8; 32],
    ) -> Result<Option<SessionRow>, StoreError> {
        ask!(self, on => find(on, hash))
    }

    pub(in crate::store) async fn see_session(
        &self,
        hash: [u8; 32],
        at: Timestamp,
    ) -> Result<(), StoreError> {
        ask!(self, on => see(on, hash, at))
    }

    pub(in crate::store) async fn close_session(&self, hash: [u8; 32]) -> Result<bool, StoreError> {
        ask!(self, on => close(on, hash))
    }

    pub(in crate::store) async fn close_sessions(&self, key_id: &str) -> Result<u64, StoreError> {
        ask!(self, on => close_of(on, key_id))
    }
}

async fn open(on: &Object, session: &SessionRow) -> Result<(), Failure> {
    let sql = "INSERT INTO sessions (hash, key_id, opened_at, seen_at) VALUES ($1, $2, $3, $4)";
    let statement = on.prepare_cached(sql).await?;
    let (opened, seen) = (nanoseconds(session.opened_at), nanoseconds(session.seen_at));
    on.execute(&statement, &[&session.hash.as_slice(), &&*session.key_id, &opened, &seen]).await?;
    Ok(())
}

async fn find(on: &Object, hash: [u8; 32]) -> Result<Option<SessionRow>, Failure> {
    let sql = "SELECT key_id, opened_at, seen_at FROM sessions WHERE hash = $1";
    let row = on.query_opt(&on.prepare_cached(sql).await?, &[&hash.as_slice()]).await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(SessionRow {
        hash,
        key_id: column::<&str>(&row, "sessions", "key_id")?.into(),
        opened_at: time(&row, "sessions", "opened_at")?,
        seen_at: time(&row, "sessions", "seen_at")?,
    }))
}

async fn see(on: &Object, hash: [u8; 32], at: Timestamp) -> Result<(), Failure> {
    let sql = "UPDATE sessions SET seen_at = $2 WHERE hash = $1 AND seen_at < $2";
    let statement = on.prepare_cached(sql).await?;
    on.execute(&statement, &[&hash.as_slice(), &nanoseconds(at)]).await?;
    Ok(())
}

async fn close(on: &Object, hash: [u8; 32]) -> Result<bool, Failure> {
    let sql = "DELETE FROM sessions WHERE hash = $1";
    Ok(on.execute(&on.prepare_cached(sql).await?, &[&hash.as_slice()]).await? > 0)
}

async fn close_of(on: &Object, key_id: &str) -> Result<u64, Failure> {
    let sql = "DELETE FROM sessions WHERE key_id = $1";
    Ok(on.execute(&on.prepare_cached(sql).await?, &[&key_id]).await?)
}
