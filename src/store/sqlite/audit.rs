//! The audit log's rows. Appended within the transaction of what they tell of.

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use super::Sqlite;
use super::columns::{Failure, column, first, nanoseconds, rows, time};
use crate::store::{AuditEntry, AuditHead, Audited, StoreError};

impl Sqlite {
    pub(in crate::store) async fn audit(&self, audited: Audited) -> Result<AuditHead, StoreError> {
        let head = self.write(move |on| append(on, &audited)).await?;
        head.announce();
        Ok(head)
    }

    /// Has the writer run something and, if it changed anything, append what it was.
    pub(super) async fn audited<T, F>(
        &self,
        audited: Audited,
        mut run: F,
        changed: fn(&T) -> bool,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&Connection) -> Result<T, Failure> + Send + 'static,
    {
        let work = move |on: &Connection| {
            let done = run(on)?;
            let head = changed(&done).then(|| append(on, &audited)).transpose()?;
            Ok((done, head))
        };
        let (done, head) = self.write(work).await?;
        if let Some(head) = head {
            head.announce();
        }
        Ok(done)
    }

    pub(in crate::store) async fn audit_log(
        &self,
        before: Option<u64>,
        limit: u16,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        let before = before.map_or(i64::MAX, place);
        let sql = "SELECT * FROM audit WHERE sequence < ?1 ORDER BY sequence DESC LIMIT ?2";
        self.readers.read(move |on| rows(on, sql, params![before, limit], read)).await
    }

    pub(in crate::store) async fn audit_after(
        &self,
        after: u64,
        limit: u16,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        let after = place(after);
        let sql = "SELECT * FROM audit WHERE sequence > ?1 ORDER BY sequence LIMIT ?2";
        self.readers.read(move |on| rows(on, sql, params![after, limit], read)).await
    }

    pub(in crate::store) async fn audit_head(&self) -> Result<AuditHead, StoreError> {
        self.readers.read(head).await
    }
}

/// Appends an entry in the transaction under way. The one writer is the lock.
pub(super) fn append(on: &Connection, audited: &Audited) -> Result<AuditHead, Failure> {
    // What is read back must hash alike.
    let kept = Timestamp::from_nanosecond(i128::from(nanoseconds(audited.at)));
    let audited = Audited { at: kept.unwrap_or(Timestamp::MIN), ..audited.clone() };
    let head = head(on)?.then(&audited);
    let sql = "INSERT INTO audit (sequence, at, actor, action, subject, before, after, hash) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    on.prepare_cached(sql)?.execute(params![
        place(head.count),
        nanoseconds(audited.at),
        audited.actor,
        audited.action,
        audited.subject,
        audited.before,
        audited.after,
        head.hash,
    ])?;
    let sql = "INSERT INTO audit_head (only, count, hash) VALUES (1, ?1, ?2) \
               ON CONFLICT (only) DO UPDATE SET count = ?1, hash = ?2";
    on.prepare_cached(sql)?.execute(params![place(head.count), head.hash])?;
    Ok(head)
}

fn head(on: &Connection) -> Result<AuditHead, Failure> {
    let found = first(on, "SELECT count, hash FROM audit_head", [], |row| {
        Ok(AuditHead {
            count: column::<i64>(row, "audit_head", "count")?.unsigned_abs(),
            hash: column(row, "audit_head", "hash")?,
        })
    })?;
    Ok(found.unwrap_or(AuditHead::EMPTY))
}

fn read(row: &Row<'_>) -> Result<AuditEntry, Failure> {
    Ok(AuditEntry {
        sequence: column::<i64>(row, "audit", "sequence")?.unsigned_abs(),
        audited: Audited {
            at: time(row, "audit", "at")?,
            actor: column(row, "audit", "actor")?,
            action: column(row, "audit", "action")?,
            subject: column(row, "audit", "subject")?,
            before: column(row, "audit", "before")?,
            after: column(row, "audit", "after")?,
        },
        hash: column(row, "audit", "hash")?,
    })
}

fn place(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
