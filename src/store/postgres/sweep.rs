//! Retention: what is past it goes, in whole parts of the tables that are cut by time and in
//! small transactions elsewhere, so that the hot path waits for none of them long. One replica sweeps at a time; the others leave it to that one.

use deadpool_postgres::{Object, Transaction};
use jiff::Timestamp;
use uuid::Uuid;

use super::columns::{Failure, column, number, uuid, verification};
use super::parts::{self, Ended};
use super::{Postgres, ask};
use crate::domain::{Timing, VerificationId};
use crate::store::kept::{self, first_id, is_long_dead};
use crate::store::{SESSIONS_KEPT, StoreError, Swept};

/// How many rows go in one transaction.
const AT_ONCE: i64 = 256;

/// What a replica holds while it removes some rows: "RPsweep" in ASCII.
const LOCK: &str = "SELECT pg_try_advisory_xact_lock(23169094486943088)";

/// Counts verifications, then removes them and what belongs to them in tables that are not cut
/// by time. Claims that a start is looking at are left: without their verification they are dead.
pub(super) const REMOVED: [&str; 4] = [
    "INSERT INTO counts (day, app, status, outcome, total) \
     SELECT created_at / 86400000000000 AS day, app, status, coalesce(outcome, -1) AS outcome, \
     count(*) FROM verifications WHERE id = ANY ($1::uuid[]) GROUP BY 1, 2, 3, 4 \
     ON CONFLICT (day, app, status, outcome) DO UPDATE SET total = counts.total + excluded.total",
    "DELETE FROM claims WHERE ctid = ANY (ARRAY(SELECT ctid FROM claims \
     WHERE verification_id = ANY ($1::uuid[]) FOR UPDATE SKIP LOCKED))",
    "DELETE FROM alone WHERE ctid = ANY (ARRAY(SELECT ctid FROM alone \
     WHERE verification_id = ANY ($1::uuid[]) FOR UPDATE SKIP LOCKED))",
    "DELETE FROM verifications WHERE id = ANY ($1::uuid[])",
];

/// By their number, since places of rows are their own in each part. The index is by age.
const UNCORRELATED: &str = "DELETE FROM journal WHERE verification_id IS NULL \
     AND sequence = ANY (ARRAY(SELECT sequence FROM journal \
     WHERE verification_id IS NULL AND at < $1 LIMIT 256))";

pub(super) async fn sweep(store: &Postgres, now: Timestamp) -> Result<Swept, StoreError> {
    // A failure to make room ahead must not keep what is past its time.
    let made = parts::make(store, now).await;
    let ended = parts::ended(store, kept::before(now, store.retention.verifications)).await?;
    let idle = kept::before(now, store.retention.uncorrelated);
    let mut swept = Swept::default();
    loop {
        let gone = ask!(store, on => verifications(on, ended))?;
        swept.verifications += gone;
        if gone < AT_ONCE as u64 {
            break;
        }
    }
    parts::drop_ended(store, ended).await?;
    loop {
        let gone = ask!(store, on => remove(on, UNCORRELATED, idle))?;
        swept.notifications += gone;
        if gone < AT_ONCE as u64 {
            break;
        }
    }
    store.sweep_guard(now).await?;
    let signatures = kept::before(now, kept::SIGNATURES);
    let sql = "DELETE FROM signatures WHERE at < $1";
    ask!(store, on => remove(on, sql, signatures))?;
    let sessions = kept::before(now, SESSIONS_KEPT);
    let sql = "DELETE FROM sessions WHERE opened_at < $1";
    ask!(store, on => remove(on, sql, sessions))?;
    if store.replica.is_seen() {
        let sql = "DELETE FROM replicas WHERE heard_at < $1";
        ask!(store, on => remove(on, sql, sessions))?;
    }
    let keys = kept::before(now, kept::IDEMPOTENCY);
    // A start that overwrites one holds it, and goes first.
    let sql = "DELETE FROM idempotency WHERE ctid = ANY (ARRAY(SELECT ctid FROM idempotency \
               WHERE created_at <= $1 FOR UPDATE SKIP LOCKED))";
    swept.idempotency_keys = ask!(store, on => remove(on, sql, keys))?;
    swept.claims = sweep_claims(store, now).await?;
    made.map(|()| swept)
}

/// Whether the sweep is this replica's until the transaction ends.
pub(super) async fn is_ours(on: &Transaction<'_>) -> Result<bool, Failure> {
    Ok(on.query_one(&on.prepare_cached(LOCK).await?, &[]).await?.try_get(0)?)
}

/// Removes the oldest ended verifications and what belongs to them; how many.
/// Ids are in order of time, so the oldest come first without an index.
async fn verifications(on: &mut Object, ended: Ended) -> Result<u64, Failure> {
    let on = on.transaction().await?;
    if !is_ours(&on).await? {
        return Ok(0);
    }
    let sql = "SELECT id FROM verifications WHERE id IN \
               (SELECT id FROM verifications ORDER BY id LIMIT $2) \
               AND created_at < $1 AND due_at IS NULL ORDER BY id FOR UPDATE SKIP LOCKED";
    let rows = on.query(&on.prepare_cached(sql).await?, &[&ended.before, &AT_ONCE]).await?;
    let gone = rows
        .iter()
        .map(|row| column(row, "verifications", "id"))
        .collect::<Result<Vec<Uuid>, Failure>>()?;
    if !gone.is_empty() {
        parts::remove(&on, &gone, ended.whole).await?;
        for sql in REMOVED {
            on.execute(&on.prepare_cached(sql).await?, &[&gone]).await?;
        }
    }
    on.commit().await?;
    Ok(gone.len() as u64)
}

async fn remove(on: &mut Object, sql: &str, before: i64) -> Result<u64, Failure> {
    let on = on.transaction().await?;
    if !is_ours(&on).await? {
        return Ok(0);
    }
    let gone = on.execute(&on.prepare_cached(sql).await?, &[&before]).await?;
    on.commit().await?;
    Ok(gone)
}

/// One claim's row.
#[derive(Clone)]
struct Held {
    account: String,
    form: i64,
    attempt: i16,
    verification: Uuid,
}

/// A page of claims: those long dead, and the one after which the next page begins.
struct Page {
    dead: Vec<Held>,
    last: Option<Held>,
}

/// Looks only at claims of verifications that are older than a dead claim is
/// kept, so that neither a start nor the many in flight pay for it.
async fn sweep_claims(store: &Postgres, now: Timestamp) -> Result<u64, StoreError> {
    let timing = store.timing;
    let young = first_id(now.checked_sub(kept::DEAD_CLAIMS).unwrap_or(Timestamp::MIN));
    let mut last = Some(Held {
        account: String::new(),
        form: i64::MIN,
        attempt: 0,
        verification: Uuid::nil(),
    });
    let mut swept = 0;
    while let Some(after) = last {
        let page = ask!(store, on => page(on, &after, young, &timing, now))?;
        last = page.last;
        if !page.dead.is_empty() {
            swept += ask!(store, on => drop_claims(on, &page.dead))?;
        }
    }
    Ok(swept)
}

async fn page(
    on: &Object,
    after: &Held,
    young: VerificationId,
    timing: &Timing,
    now: Timestamp,
) -> Result<Page, Failure> {
    let sql = "SELECT account, form, verification_id, attempt, record FROM claims \
               LEFT JOIN verifications ON verifications.id = claims.verification_id \
               WHERE (verification_id, account, form) > ($1, $2, $3) AND verification_id < $4 \
               ORDER BY verification_id, account, form LIMIT $5";
    let statement = on.prepare_cached(sql).await?;
    let place = (&after.verification, &after.account, &after.form, &uuid(young), &AT_ONCE);
    let rows = on.query(&statement, &[place.0, place.1, place.2, place.3, place.4]).await?;
    let (mut dead, mut last) = (Vec::new(), None);
    for row in &rows {
        let held = Held {
            account: column(row, "claims", "account")?,
            form: column(row, "claims", "form")?,
            attempt: number::<i16, i16>(row, "claims", "attempt")?,
            verification: column(row, "claims", "verification_id")?,
        };
        let orphan = column::<Option<&[u8]>>(row, "verifications", "record")?.is_none();
        let index = i64::from(held.attempt);
        if orphan || is_long_dead(&verification(row)?.attempts, index, timing, now) {
            dead.push(held.clone());
        }
        last = Some(held);
    }
    Ok(Page { dead, last })
}

/// Removes claims unless a start overwrites them, or has.
async fn drop_claims(on: &Object, dead: &[Held]) -> Result<u64, Failure> {
    let sql = "DELETE FROM claims WHERE ctid = ANY (ARRAY(SELECT claims.ctid FROM claims \
               JOIN unnest($1::text[], $2::int8[], $3::uuid[], $4::int2[]) \
               AS dead (account, form, verification_id, attempt) \
               USING (account, form, verification_id, attempt) FOR UPDATE OF claims SKIP LOCKED))";
    let account: Vec<&str> = dead.iter().map(|held| held.account.as_str()).collect();
    let form: Vec<i64> = dead.iter().map(|held| held.form).collect();
    let id: Vec<Uuid> = dead.iter().map(|held| held.verification).collect();
    let attempt: Vec<i16> = dead.iter().map(|held| held.attempt).collect();
    let statement = on.prepare_cached(sql).await?;
    Ok(on.execute(&statement, &[&account, &form, &id, &attempt]).await?)
}
