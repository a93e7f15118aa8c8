//! Retention: what is past it goes, in small transactions, so that the hot
//! path waits for none of them long.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, params};
use uuid::Builder;

use super::columns::{Failure, column, id, nanoseconds, of_chain, rows, verification};
use super::keys::sweep_signatures;
use super::start::{IDEMPOTENCY_KEPT, as_nanoseconds};
use super::{Settings, Sqlite, sessions};
use crate::domain::{Timing, VerificationId};
use crate::store::{SESSIONS_KEPT, StoreError, Swept};

/// How many rows go in one transaction.
const AT_ONCE: u32 = 256;

/// A dead claim is kept so much longer, since a new attempt learns from it
/// which call came before.
const DEAD_CLAIMS_KEPT: SignedDuration = SignedDuration::from_hours(24);

/// How long a signature is known: longer than its time stamp is accepted.
const SIGNATURES_KEPT: SignedDuration = SignedDuration::from_hours(1);

/// How long things are kept.
pub(super) struct Retention {
    verifications: SignedDuration,
    uncorrelated: SignedDuration,
}

impl Retention {
    pub(super) fn of(settings: &Settings) -> Self {
        let span = |kept| SignedDuration::try_from(kept).unwrap_or(SignedDuration::MAX);
        Self {
            verifications: span(settings.retention),
            uncorrelated: span(settings.uncorrelated_retention),
        }
    }
}

pub(super) async fn sweep(store: &Sqlite, now: Timestamp) -> Result<Swept, StoreError> {
    let before = |kept| nanoseconds(now).saturating_sub(as_nanoseconds(kept));
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
    let signatures = before(SIGNATURES_KEPT);
    store.write(move |on| sweep_signatures(on, signatures)).await?;
    let sessions = before(SESSIONS_KEPT);
    store.write(move |on| sessions::sweep(on, sessions)).await?;
    let keys = before(IDEMPOTENCY_KEPT);
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
    for id in &gone {
        for sql in statements {
            on.prepare_cached(sql)?.execute([id.as_bytes()])?;
        }
    }
    Ok(gone.len() as u64)
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
    let young = first_id(now.checked_sub(DEAD_CLAIMS_KEPT).unwrap_or(Timestamp::MIN));
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

/// The id before all that are made at `at` or later: ids are in order of time.
pub(super) fn first_id(at: Timestamp) -> VerificationId {
    let milliseconds = u64::try_from(at.as_millisecond()).unwrap_or(0);
    VerificationId::new(Builder::from_unix_timestamp_millis(milliseconds, &[0; 10]).into_uuid())
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
        let dead = orphan || is_long_dead(row, held.attempt, timing, now)?;
        Ok((held, dead))
    })?;
    let last = claims.last().map(|(held, _)| held.clone());
    let dead = claims.into_iter().filter_map(|(held, dead)| dead.then_some(held)).collect();
    Ok(Page { dead, last })
}

fn is_long_dead(
    row: &rusqlite::Row<'_>,
    attempt: i64,
    timing: &Timing,
    now: Timestamp,
) -> Result<bool, Failure> {
    let attempts = verification(row)?.attempts;
    let attempt = usize::try_from(attempt).ok().and_then(|index| attempts.get(index));
    Ok(attempt.is_none_or(|attempt| {
        let until = attempt.claims_held_until(timing).checked_add(DEAD_CLAIMS_KEPT);
        until.is_ok_and(|until| until <= now)
    }))
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
