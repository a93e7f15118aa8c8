//! Erasing one number's rows, in one transaction, overwritten in the file.

use jiff::Timestamp;
use rusqlite::Connection;

use super::columns::{Failure, rows, verification};
use super::sweep::remove_verification;
use super::{Sqlite, audit};
use crate::domain::{Recipient, Timing, Verification};
use crate::store::kept::runs_until;
use crate::store::{Erased, Erasure, StoreError};

impl Sqlite {
    pub(in crate::store) async fn erase(
        &self,
        erasure: Erasure,
        to: i64,
        now: Timestamp,
    ) -> Result<Erased, StoreError> {
        let timing = self.timing;
        let work = move |on: &Connection| {
            // What is deleted is overwritten with zeros, for these deletions only.
            on.pragma_update(None, "secure_delete", true)?;
            let erased = erase(on, &erasure, to, &timing, now);
            on.pragma_update(None, "secure_delete", false)?;
            erased
        };
        let (erased, head) = self.write(work).await?;
        if let Some(head) = head {
            head.announce();
        }
        Ok(erased)
    }
}

fn erase(
    on: &Connection,
    erasure: &Erasure,
    to: i64,
    timing: &Timing,
    now: Timestamp,
) -> Result<(Erased, Option<crate::store::AuditHead>), Failure> {
    let found = of(on, &erasure.of, to)?;
    let until = found.iter().map(|verification| runs_until(verification, timing)).max();
    if let Some(until) = until.filter(|until| *until > now) {
        return Ok((Erased::Running { until }, None));
    }
    for verification in &found {
        remove_verification(on, verification.id)?;
        let sql = "DELETE FROM idempotency WHERE verification_id = ?1";
        on.prepare_cached(sql)?.execute([verification.id.as_bytes()])?;
    }
    let sql = "DELETE FROM journal WHERE verification_id IS NULL AND number_hash = ?1";
    let mut statement = on.prepare_cached(sql)?;
    let mut notifications = 0;
    for hash in &erasure.hashes {
        notifications += statement.execute([hash])? as u64;
    }
    for key in &erasure.guarded {
        on.prepare_cached("DELETE FROM guard_windows WHERE key = ?1")?.execute([key])?;
        on.prepare_cached("DELETE FROM guard_bars WHERE key = ?1")?.execute([key])?;
    }
    let head = audit::append(on, &erasure.audited)?;
    let verifications = found.len() as u64;
    Ok((Erased::Done { verifications, notifications }, Some(head)))
}

/// Those of every app, by the index that begins with the app.
fn of(on: &Connection, recipient: &Recipient, to: i64) -> Result<Vec<Verification>, Failure> {
    let sql = "SELECT record FROM verifications WHERE to_number = ?1 \
               AND app IN (SELECT DISTINCT app FROM verifications)";
    let found = rows(on, sql, [to], verification)?;
    // A column may stand for several addresses; the record is exact.
    Ok(found.into_iter().filter(|verification| verification.to == *recipient).collect())
}
