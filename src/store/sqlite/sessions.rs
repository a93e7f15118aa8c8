//! Sessions of the console.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::Sqlite;
use super::columns::{Failure, column, first, nanoseconds, time};
use crate::store::{SessionRow, StoreError};

impl Sqlite {
    pub(in crate::store) async fn open_session(
        &self,
        session: SessionRow,
    ) -> Result<(), StoreError> {
        self.write(move |on| {
            let sql =
                "INSERT INTO sessions (hash, key_id, opened_at, seen_at) VALUES (?1, ?2, ?3, ?4)";
            on.prepare_cached(sql)?.execute(params![
                session.hash,
                &*session.key_id,
                nanoseconds(session.opened_at),
                nanoseconds(session.seen_at),
            ])?;
            Ok(())
        })
        .await
    }

    pub(in crate::store) async fn session(
        &self,
        hash: [u8; 32],
    ) -> Result<Option<SessionRow>, StoreError> {
        self.readers.read(move |on| find(on, hash)).await
    }

    pub(in crate::store) async fn see_session(
        &self,
        hash: [u8; 32],
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(move |on| {
            let sql = "UPDATE sessions SET seen_at = ?2 WHERE hash = ?1 AND seen_at < ?2";
            on.prepare_cached(sql)?.execute(params![hash, nanoseconds(at)])?;
            Ok(())
        })
        .await
    }

    pub(in crate::store) async fn close_session(&self, hash: [u8; 32]) -> Result<bool, StoreError> {
        self.write(move |on| {
            let sql = "DELETE FROM sessions WHERE hash = ?1";
            Ok(on.prepare_cached(sql)?.execute([hash])? > 0)
        })
        .await
    }

    pub(in crate::store) async fn close_sessions(&self, key_id: &str) -> Result<u64, StoreError> {
        let key_id = Box::<str>::from(key_id);
        self.write(move |on| {
            let sql = "DELETE FROM sessions WHERE key_id = ?1";
            Ok(on.prepare_cached(sql)?.execute([&*key_id])? as u64)
        })
        .await
    }
}

fn find(on: &Connection, hash: [u8; 32]) -> Result<Option<SessionRow>, Failure> {
    let sql = "SELECT key_id, opened_at, seen_at FROM sessions WHERE hash = ?1";
    first(on, sql, [hash], |row| {
        Ok(SessionRow {
            hash,
            key_id: column(row, "sessions", "key_id")?,
            opened_at: time(row, "sessions", "opened_at")?,
            seen_at: time(row, "sessions", "seen_at")?,
        })
    })
}

/// Forgets sessions that were opened before.
pub(super) fn sweep(on: &Connection, before: i64) -> Result<(), Failure> {
    on.prepare_cached("DELETE FROM sessions WHERE opened_at < ?1")?.execute([before])?;
    Ok(())
}
