//! The tables that are cut by time: which parts are made ahead, and which are dropped.
//!
//! The journal, the deliveries and their tries are cut by ids, which begin with their time.
//! A verification's part goes as a whole once none of its verifications is left. A row for
//! which no part was made is in a default one, and goes with its verification; so none is lost
//! for want of a part. How a part is made and dropped is in the schema (`V9__days.sql`).
//!
//! The schema of an older release knows no parts; then all rows go one by one.

use deadpool_postgres::{Object, Transaction};
use jiff::Timestamp;
use uuid::Uuid;

use super::columns::{Failure, column, uuid};
use super::{Postgres, ask};
use crate::store::StoreError;
use crate::store::kept::{first_id, nanoseconds};

/// The tables and the ids that cut them. The journal's other rows belong to no verification.
const CUT: [(&str, &str); 3] = [
    ("journal_correlated", "verification_id"),
    ("deliveries", "id"),
    ("delivery_tries", "delivery_id"),
];

/// Nanoseconds of a day.
const DAY: i64 = 86_400_000_000_000;

/// How many days ahead there are parts.
const AHEAD: i64 = 3;

/// At most about so many parts are kept of a table: a question that looks at all of them
/// locks each.
const PARTS: i64 = 30;

/// What has ended for good.
#[derive(Clone, Copy)]
pub(super) struct Ended {
    /// Verifications of before this go; in nanoseconds since 1970.
    pub(super) before: i64,
    /// Parts of before this day since 1970 go as a whole; none if there are no parts.
    pub(super) whole: Option<i64>,
}

/// Removes what belongs to verifications. What is in parts that go as a whole on this day is
/// left to that; without one all goes.
pub(super) async fn remove(
    on: &Transaction<'_>,
    gone: &[Uuid],
    whole: Option<i64>,
) -> Result<(), Failure> {
    let kept = whole.map_or(Uuid::nil(), day_begins);
    for sql in [
        "DELETE FROM journal WHERE verification_id = ANY ($1::uuid[]) AND verification_id >= $2",
        "WITH gone AS (DELETE FROM deliveries WHERE verification_id = ANY ($1::uuid[]) \
         AND id >= $2 RETURNING id) \
         DELETE FROM delivery_tries WHERE delivery_id = ANY (ARRAY(SELECT id FROM gone))",
    ] {
        on.execute(&on.prepare_cached(sql).await?, &[&gone, &kept]).await?;
    }
    if whole.is_none() {
        return Ok(());
    }
    for sql in [
        "DELETE FROM journal_correlated_default WHERE verification_id = ANY ($1::uuid[])",
        "WITH gone AS (DELETE FROM deliveries_default WHERE verification_id = ANY ($1::uuid[]) \
         RETURNING id) \
         DELETE FROM delivery_tries WHERE delivery_id = ANY (ARRAY(SELECT id FROM gone))",
    ] {
        on.execute(&on.prepare_cached(sql).await?, &[&gone]).await?;
    }
    Ok(())
}

/// What has ended, if retention ends at `before`: to whole parts, so that a verification and
/// all that belongs to it go together. Parts with one that still runs are not among them.
pub(super) async fn ended(store: &Postgres, before: i64) -> Result<Ended, StoreError> {
    ask!(store, on => find_ended(on, before))
}

async fn find_ended(on: &Object, before: i64) -> Result<Ended, Failure> {
    if !is_cut(on).await? {
        return Ok(Ended { before, whole: None });
    }
    let sql = "SELECT coalesce(min(from_day), $1) AS from_day FROM parts \
               WHERE from_day < $1 AND until_day > $1";
    let row = on.query_one(&on.prepare_cached(sql).await?, &[&before.div_euclid(DAY)]).await?;
    let day: i64 = column(&row, "parts", "from_day")?;
    let sql = "SELECT id FROM due JOIN verifications ON id = verification_id \
               WHERE verification_id < $1 AND due_at IS NOT NULL ORDER BY id LIMIT 1";
    let running = on.query_opt(&on.prepare_cached(sql).await?, &[&day_begins(day)]).await?;
    let running = running.map(|row| column(&row, "verifications", "id")).transpose()?;
    let whole = running.map_or(day, |id| day_of(&id).min(day));
    Ok(Ended { before: day.saturating_mul(DAY), whole: Some(whole) })
}

/// Drops the parts of which no verification is left.
pub(super) async fn drop_ended(store: &Postgres, ended: Ended) -> Result<(), StoreError> {
    let Some(whole) = ended.whole else { return Ok(()) };
    for (table, day) in ask!(store, on => without_verifications(on, whole))? {
        if ask!(store, on => drop_part(on, &table, day))? {
            tracing::debug!(table, day, "a part of a table is past its retention and was dropped");
        }
    }
    Ok(())
}

async fn without_verifications(on: &Object, whole: i64) -> Result<Vec<(String, i64)>, Failure> {
    let sql = "SELECT id FROM verifications ORDER BY id LIMIT 1";
    let oldest = on.query_opt(&on.prepare_cached(sql).await?, &[]).await?;
    let oldest = oldest.map(|row| column(&row, "verifications", "id")).transpose()?;
    let until = oldest.map_or(whole, |id| day_of(&id).min(whole));
    let sql = "SELECT of, from_day FROM parts WHERE until_day <= $1 ORDER BY from_day, of";
    let rows = on.query(&on.prepare_cached(sql).await?, &[&until]).await?;
    rows.iter()
        .map(|row| Ok((column(row, "parts", "of")?, column(row, "parts", "from_day")?)))
        .collect()
}

async fn drop_part(on: &Object, table: &str, day: i64) -> Result<bool, Failure> {
    let sql = "SELECT drop_part($1, $2)";
    Ok(on.query_one(&on.prepare_cached(sql).await?, &[&table, &day]).await?.try_get(0)?)
}

/// Makes the parts of the coming days, and those of the days of which the default ones hold
/// rows. Whichever replica comes first makes them.
pub(super) async fn make(store: &Postgres, now: Timestamp) -> Result<(), StoreError> {
    if !ask!(store, on => is_cut(on))? {
        return Ok(());
    }
    let kept = i64::try_from(store.retention.verifications.as_nanos()).unwrap_or(i64::MAX);
    let days = (kept / DAY + PARTS - 1) / PARTS;
    let today = nanoseconds(now).div_euclid(DAY);
    for (table, key) in CUT {
        for day in ask!(store, on => missing(on, table, key, today))? {
            ask!(store, on => make_part(on, (table, key), day, days.max(1)))?;
        }
    }
    Ok(())
}

/// The days of a table for which there is no part, but is to be one. Rows of an impossible time
/// stay in the default part.
async fn missing(on: &Object, table: &str, key: &str, today: i64) -> Result<Vec<i64>, Failure> {
    let sql = format!(
        "SELECT day AS from_day FROM (SELECT generate_series($2::int8, $3::int8) AS day UNION \
         SELECT DISTINCT day_of({key}) FROM (SELECT {key} FROM {table}_default \
         ORDER BY {key} DESC LIMIT 10000) AS newest) AS wanted \
         WHERE day BETWEEN 0 AND 100000 AND NOT EXISTS \
         (SELECT 1 FROM parts WHERE of = $1 AND from_day <= day AND until_day > day) \
         ORDER BY day DESC LIMIT 100"
    );
    let statement = on.prepare_cached(&sql).await?;
    let rows = on.query(&statement, &[&table, &today, &today.saturating_add(AHEAD)]).await?;
    rows.iter().map(|row| column(row, "parts", "from_day")).collect()
}

async fn make_part(
    on: &Object,
    (table, key): (&str, &str),
    day: i64,
    days: i64,
) -> Result<(), Failure> {
    let sql = "SELECT make_part($1, $2, $3, $4)";
    on.query_one(&on.prepare_cached(sql).await?, &[&table, &key, &day, &days]).await?;
    Ok(())
}

/// Whether the schema knows parts.
async fn is_cut(on: &Object) -> Result<bool, Failure> {
    let sql = "SELECT to_regclass('parts') IS NOT NULL";
    Ok(on.query_one(&on.prepare_cached(sql).await?, &[]).await?.try_get(0)?)
}

/// Before every id of a day since 1970; of none before that.
fn day_begins(day: i64) -> Uuid {
    let at = Timestamp::from_second(day.saturating_mul(86_400)).unwrap_or(Timestamp::MIN);
    uuid(first_id(at))
}

/// The day since 1970 in which an id was made.
fn day_of(id: &Uuid) -> i64 {
    let milliseconds = id.as_u128() >> 80;
    i64::try_from(milliseconds).unwrap_or(i64::MAX) / (DAY / 1_000_000)
}
