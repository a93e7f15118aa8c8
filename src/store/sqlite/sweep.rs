//! Retention: what is past it goes, in small transactions, so that the hot
//! path waits for none of them long.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::columns::{Failure, column, id, of_chain, rows, verification};
use super::keys::sweep_signatures;
use super::{Sqlite, sessions};
use crate::domain::{Timing, VerificationId};
use crate::store::kept::{self, first_id, is_long_dead};
use crate::store::{SESSIONS_KEPT, StoreError, Swept};

/// How many rows go in one transaction.
const AT_ONCE: u32 = 256;

pub(super) async fn sweep(store: &Sqlite, now: Timestamp) -> Result<Swept, StoreError> {
    let before = |span| kept::before(now, span);
    let (ended, idle) =
        (before(store.retention.verifications), before(store.retention.uncorrelated));
    let mut swept = Swept::default();
    loop {
        let gone = store.write(move |on| verifications(on, ended)).await?;
        swept.verifications += gone;
        if gone < u64::from(AT_ONCE) {
            break;
        }
    }
    loop {
        let gone = store.write(move |on| uncorrelated(on, idle)).await?;
        swept.notifications += gone;
        if gone < u64::from(AT_ONCE) {
            break;
        }
    }
    store.sweep_guard(now).await?;
    let signatures = before(kept::SIGNATURES);
    store.write(move |on| sweep_signatures(on, signatures)).await?;
    let sessions = before(SESSIONS_KEPT);
    store.write(move |on| sessions::sweep(on, sessions)).await?;
    let keys = before(kept::IDEMPOTENCY);
    swept.idempotency_keys = store.write(move |on| idempotency(on, keys)).await?;
    swept.claims = sweep_claims(store, now).await?;
    Ok(swept)
}

/// Removes the oldest ended verifications and what belongs to them; how many.
/// Ids are in order of time, so the oldest come first without an index.
fn verifications(on: &Connection, before: i64) -> Result<u64, Failure> {
    let sql = "SELECT id FROM (SELECT * FROM verifications ORDER BY id LIMIT ?2) \
               WHERE created_at < ?1 AND due_at IS NULL";
    let gone = rows(on, sql, params![before, AT_ONCE], |row| id(row, "verifications", "id"))?;
    for id in &gone {
        remove_verification(on, *id)?;
    }
    Ok(gone.len() as u64)
}

/// Removes a verification and what belongs to it; its counts stay.
pub(super) fn remove_verification(on: &Connection, id: VerificationId) -> Result<(), Failure> {
    let statements = [
        "INSERT INTO counts (day, app, status, outcome, total) \
         SELECT created_at / 86400000000000, app, status, ifnull(outcome, -1), 1 \
         FROM verifications WHERE id = ?1 \
         ON CONFLICT DO UPDATE SET total = total + 1",
        of_chain!("DELETE FROM journal WHERE sequence IN chain"),
        "DELETE FROM claims WHERE verification_id = ?1",
        "DELETE FROM delivery_tries WHERE delivery_id IN \
         (SELECT id FROM deliveries WHERE verification_id = ?1)",
        "DELETE FROM deliveries WHERE verification_id = ?1",
        "DELETE FROM alone WHERE verification_id = ?1",
        "DELETE FROM verifications WHERE id = ?1",
    ];
    for sql in statements {
        on.prepare_cached(sql)?.execute([id.as_bytes()])?;
    }
    Ok(())
}

fn uncorrelated(on: &Connection, before: i64) -> Result<u64, Failure> {
    let sql = "DELETE FROM journal WHERE sequence IN (SELECT sequence FROM journal \
               WHERE verification_id IS NULL AND at < ?1 LIMIT ?2)";
    Ok(on.prepare_cached(sql)?.execute(params![before, AT_ONCE])? as u64)
}

fn idempotency(on: &Connection, before: i64) -> Result<u64, Failure> {
    let sql = "DELETE FROM idempotency WHERE created_at <= ?1";
    Ok(on.prepare_cached(sql)?.execute([before])? as u64)
}

/// One claim's row.
#[derive(Clone)]
struct Held {
    account: Box<str>,
    form: i64,
    attempt: i64,
    verification: VerificationId,
}

/// A page of claims: those long dead, and the one after which the next page begins.
struct Page {
    dead: Vec<Held>,
    last: Option<Held>,
}

/// Looks only at claims of verifications that are older than a dead claim is
/// kept, so that neither a start nor the many in flight pay for it.
async fn sweep_claims(store: &Sqlite, now: Timestamp) -> Result<u64, StoreError> {
    let (timing, mut swept) = (store.timing, 0);
    let young = first_id(now.checked_sub(kept::DEAD_CLAIMS).unwrap_or(Timestamp::MIN));
    let first = VerificationId::from_bytes([0; 16]);
    let mut last =
        Some(Held { account: "".into(), form: i64::MIN, attempt: 0, verification: first });
    while let Some(after) = last {
        let page = store.readers.read(move |on| page(on, &after, young, &timing, now)).await?;
        last = page.last;
        if !page.dead.is_empty() {
            swept += store.write(move |on| remove(on, &page.dead)).await?;
        }
    }
    Ok(swept)
}

fn page(
    on: &Connection,
    after: &Held,
    young: VerificationId,
    timing: &Timing,
    now: Timestamp,
) -> Result<Page, Failure> {
    let sql = "SELECT account, form, verification_id, attempt, record FROM claims \
               LEFT JOIN verifications ON verifications.id = claims.verification_id \
               WHERE (verification_id, account, form) > (?1, ?2, ?3) AND verification_id < ?4 \
               ORDER BY verification_id, account, form LIMIT ?5";
    let place = params![
        after.verification.as_bytes(),
        after.account,
        after.form,
        young.as_bytes(),
        AT_ONCE
    ];
    let claims = rows(on, sql, place, |row| {
        let held = Held {
            account: column(row, "claims", "account")?,
            form: column(row, "claims", "form")?,
            attempt: column(row, "claims", "attempt")?,
            verification: id(row, "claims", "verification_id")?,
        };
        let orphan = column::<Option<Vec<u8>>>(row, "verifications", "record")?.is_none();
        let dead = orphan || is_long_dead(&verification(row)?.attempts, held.attempt, timing, now);
        Ok((held, dead))
    })?;
    let last = claims.last().map(|(held, _)| held.clone());
    let dead = claims.into_iter().filter_map(|(held, dead)| dead.then_some(held)).collect();
    Ok(Page { dead, last })
}

/// Removes claims unless a start has overwritten them meanwhile.
fn remove(on: &Connection, dead: &[Held]) -> Result<u64, Failure> {
    let sql = "DELETE FROM claims WHERE account = ?1 AND form = ?2 AND verification_id = ?3 \
               AND attempt = ?4";
    let mut statement = on.prepare_cached(sql)?;
    let mut removed = 0;
    for held in dead {
        let id = held.verification.as_bytes();
        removed += statement.execute(params![&*held.account, held.form, id, held.attempt])?;
    }
    Ok(removed as u64)
}
