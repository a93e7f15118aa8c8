//! What is read by id, by claim, by due time, and at start.

use deadpool_postgres::Object;
use futures_util::{StreamExt, pin_mut};
use jiff::Timestamp;
use tokio_postgres::Row;
use uuid::Uuid;

use super::columns::{
    Failure, bytes, claim, column, id, name, time, unreadable, uuid, verification as read,
};
use super::connect::within;
use super::keys::digest;
use crate::domain::{Entry, Name, Timing, Verification, VerificationId};
use crate::store::Notification;
use crate::store::kept::nanoseconds;
use crate::store::look_ups::KeyedClaim;
use crate::store::record::unpack_entries;

pub(super) async fn timeline(
    on: &Object,
    id: VerificationId,
    after: u32,
) -> Result<Vec<Entry>, Failure> {
    let sql = "SELECT entries FROM journal WHERE verification_id = $1 AND entries IS NOT NULL \
               ORDER BY sequence";
    let rows = on.query(&on.prepare_cached(sql).await?, &[&uuid(id)]).await?;
    let mut all = Vec::new();
    for row in &rows {
        let packed: &[u8] = column(row, "journal", "entries")?;
        let entries = unpack_entries(packed);
        all.extend(entries.map_err(|source| unreadable("journal", "entries", source))?);
    }
    all.retain(|entry| entry.number > after);
    Ok(all)
}

pub(super) async fn notifications(
    on: &Object,
    id: VerificationId,
) -> Result<Vec<Notification>, Failure> {
    let sql = "SELECT * FROM journal WHERE verification_id = $1 AND event IS NOT NULL \
               ORDER BY sequence";
    let rows = on.query(&on.prepare_cached(sql).await?, &[&uuid(id)]).await?;
    rows.iter().map(notification).collect()
}

pub(super) fn notification(row: &Row) -> Result<Notification, Failure> {
    let hash: Option<&[u8]> = column(row, "journal", "number_hash")?;
    let masked: Option<&str> = column(row, "journal", "masked")?;
    Ok(Notification {
        sequence: column(row, "journal", "sequence")?,
        received_at: time(row, "journal", "at")?,
        account: name(row, "journal", "account")?,
        event: column::<&str>(row, "journal", "event")?.into(),
        verdict: column::<&str>(row, "journal", "verdict")?.into(),
        number_hash: hash.map(|hash| digest(hash, "journal", "number_hash")).transpose()?,
        masked: masked.map(Into::into),
        body: bytes(row, "journal", "body")?,
        signature: bytes(row, "journal", "signature")?,
    })
}

/// The notes whose time has come.
#[derive(Default)]
pub(super) struct Due {
    /// Verifications that are due.
    pub(super) verifications: Vec<VerificationId>,
    /// Notes that no longer say what their verification says.
    pub(super) stale: Vec<(i64, Uuid)>,
}

pub(super) async fn due(on: &Object, now: Timestamp, limit: u32) -> Result<Due, Failure> {
    let sql = "SELECT due.at, due.verification_id, found.due_at IS NOT DISTINCT FROM due.at AS \
               counts FROM due LEFT JOIN verifications AS found ON found.id = due.verification_id \
               WHERE due.at <= $1 ORDER BY due.at, due.verification_id LIMIT $2";
    let statement = on.prepare_cached(sql).await?;
    let rows = on.query(&statement, &[&nanoseconds(now), &i64::from(limit)]).await?;
    let mut found = Due::default();
    for row in &rows {
        if column(row, "due", "counts")? {
            found.verifications.push(id(row, "due", "verification_id")?);
        } else {
            found.stale.push((column(row, "due", "at")?, column(row, "due", "verification_id")?));
        }
    }
    Ok(found)
}

/// Drops notes that still are stale. What another replica is dropping is left to it.
pub(super) async fn drop_stale(on: &Object, stale: &[(i64, Uuid)]) -> Result<(), Failure> {
    let sql = "WITH stale AS MATERIALIZED (SELECT due.ctid FROM due \
               JOIN unnest($1::int8[], $2::uuid[]) AS old (at, id) \
               ON due.at = old.at AND due.verification_id = old.id \
               WHERE NOT EXISTS (SELECT 1 FROM verifications \
               WHERE verifications.id = old.id AND due_at = old.at) \
               FOR UPDATE OF due SKIP LOCKED) \
               DELETE FROM due WHERE ctid IN (SELECT ctid FROM stale)";
    let (at, id): (Vec<i64>, Vec<Uuid>) = stale.iter().copied().unzip();
    on.execute(&on.prepare_cached(sql).await?, &[&at, &id]).await?;
    Ok(())
}

pub(super) async fn idempotency(
    on: &Object,
    app: &Name,
    key: &str,
) -> Result<Option<([u8; 32], VerificationId)>, Failure> {
    let sql = "SELECT fingerprint, verification_id FROM idempotency WHERE app = $1 AND key = $2";
    let statement = on.prepare_cached(sql).await?;
    let row = on.query_opt(&statement, &[&app.as_str(), &key.as_bytes()]).await?;
    let read = |row: &Row| {
        let fingerprint: &[u8] = column(row, "idempotency", "fingerprint")?;
        let fingerprint = digest(fingerprint, "idempotency", "fingerprint")?;
        Ok((fingerprint, id(row, "idempotency", "verification_id")?))
    };
    row.as_ref().map(read).transpose()
}

/// The server's clock, to the microsecond.
pub(super) async fn now(on: &Object) -> Result<Timestamp, Failure> {
    let sql = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::int8 * 1000 AS now";
    let row = on.query_one(&on.prepare_cached(sql).await?, &[]).await?;
    time(&row, "clock", "now")
}

/// A verification whose claims are being read.
struct Shown {
    verification: Verification,
    is_due: bool,
    claims: Vec<KeyedClaim>,
}

/// Shows pending verifications and ended ones that still hold claims, each with its claims.
pub(super) async fn in_flight(
    on: &mut Object,
    now: Timestamp,
    timing: &Timing,
    visit: &mut (dyn FnMut(Verification, Vec<KeyedClaim>) + Send),
) -> Result<(), Failure> {
    // A million rows take longer than any other question.
    let reading = on.build_transaction().read_only(true).start().await?;
    reading.batch_execute("SET LOCAL statement_timeout = 0").await?;
    let sql = "SELECT found.id, found.due_at, found.record, held.account, held.form \
               FROM verifications AS found LEFT JOIN claims AS held ON held.verification_id = found.id \
               WHERE found.id IN (SELECT verification_id FROM due UNION \
               SELECT verification_id FROM claims) ORDER BY found.id";
    let rows = reading.query_raw(sql, std::iter::empty::<i32>()).await?;
    pin_mut!(rows);
    let mut current: Option<Shown> = None;
    let mut show = |shown: Option<Shown>| {
        if let Some(Shown { verification, is_due, claims }) = shown
            && (is_due || !claims.is_empty() && verification.live_until(timing) > now)
        {
            visit(verification, claims);
        }
    };
    while let Some(row) = within(async { Ok(rows.next().await.transpose()?) }).await? {
        let found = id(&row, "verifications", "id")?;
        if current.as_ref().is_none_or(|shown| shown.verification.id != found) {
            let is_due = column::<Option<i64>>(&row, "verifications", "due_at")?.is_some();
            let verification = read(&row)?;
            show(current.replace(Shown { verification, is_due, claims: Vec::new() }));
        }
        let account: Option<&str> = column(&row, "claims", "account")?;
        if let (Some(_), Some(shown)) = (account, &mut current) {
            shown.claims.push(claim(&row)?);
        }
    }
    show(current);
    Ok(())
}
