//! Erasing one number's rows, in one transaction.

use deadpool_postgres::{Object, Transaction};
use jiff::Timestamp;
use uuid::Uuid;

use super::audit::{announced, append};
use super::columns::{Failure, uuid, verification};
use super::parts;
use super::sweep::REMOVED;
use super::{Postgres, ask};
use crate::domain::{Recipient, Timing, Verification};
use crate::store::kept::runs_until;
use crate::store::{AuditHead, Erased, Erasure, StoreError};

impl Postgres {
    pub(in crate::store) async fn erase(
        &self,
        erasure: Erasure,
        to: i64,
        now: Timestamp,
    ) -> Result<Erased, StoreError> {
        let timing = self.timing;
        ask!(self, on => erase(on, &erasure, to, &timing, now)).map(announced)
    }
}

async fn erase(
    on: &mut Object,
    erasure: &Erasure,
    to: i64,
    timing: &Timing,
    now: Timestamp,
) -> Result<(Erased, Option<AuditHead>), Failure> {
    let on = on.transaction().await?;
    let found = of(&on, &erasure.of, to).await?;
    let until = found.iter().map(|verification| runs_until(verification, timing)).max();
    if let Some(until) = until.filter(|until| *until > now) {
        return Ok((Erased::Running { until }, None));
    }
    let gone: Vec<Uuid> = found.iter().map(|verification| uuid(verification.id)).collect();
    parts::remove(&on, &gone, None).await?;
    for sql in REMOVED {
        on.execute(&on.prepare_cached(sql).await?, &[&gone]).await?;
    }
    let sql = "DELETE FROM idempotency WHERE verification_id = ANY ($1::uuid[])";
    on.execute(&on.prepare_cached(sql).await?, &[&gone]).await?;
    let sql = "DELETE FROM journal WHERE verification_id IS NULL AND number_hash = ANY ($1)";
    let hashes: Vec<&[u8]> = erasure.hashes.iter().map(<[u8; 16]>::as_slice).collect();
    let notifications = on.execute(&on.prepare_cached(sql).await?, &[&hashes]).await?;
    let guarded: Vec<&[u8]> = erasure.guarded.iter().map(<[u8; 16]>::as_slice).collect();
    for sql in [
        "DELETE FROM guard_windows WHERE key = ANY ($1)",
        "DELETE FROM guard_bars WHERE key = ANY ($1)",
    ] {
        on.execute(&on.prepare_cached(sql).await?, &[&guarded]).await?;
    }
    let head = append(&on, &erasure.audited).await?;
    on.commit().await?;
    let verifications = found.len() as u64;
    Ok((Erased::Done { verifications, notifications }, Some(head)))
}

/// Those of every app, locked until they are gone, by the index that begins with the app.
async fn of(
    on: &Transaction<'_>,
    recipient: &Recipient,
    to: i64,
) -> Result<Vec<Verification>, Failure> {
    let sql = "SELECT record FROM verifications WHERE to_number = $1 \
               AND app IN (SELECT DISTINCT app FROM verifications) ORDER BY id FOR UPDATE";
    let rows = on.query(&on.prepare_cached(sql).await?, &[&to]).await?;
    let found = rows.iter().map(verification).collect::<Result<Vec<_>, Failure>>()?;
    // A column may stand for several addresses; the record is exact.
    Ok(found.into_iter().filter(|verification| verification.to == *recipient).collect())
}
