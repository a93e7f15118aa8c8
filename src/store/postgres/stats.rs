//! Counts: added up by whichever replica counted first, read in groups.

use std::collections::BTreeMap;

use deadpool_postgres::{Object, Transaction};
use tokio_postgres::Row;

use super::columns::{Failure, column, number, unreadable};
use super::{Postgres, ask};
use crate::domain::{Channel, Outcome};
use crate::store::record::{Unreadable, channel_bit, outcome_code};
use crate::store::{CountKey, JournalCursor, StatsBy, StatsGroup, StatsSearch, StoreError};

/// The outcome that counts starts.
const STARTED: i16 = -1;
/// Hours of a day.
const HOURS: i64 = 24;

impl Postgres {
    pub(in crate::store) async fn counted(&self) -> Result<JournalCursor, StoreError> {
        ask!(self, on => counted(on))
    }

    pub(in crate::store) async fn add_counts(
        &self,
        from: JournalCursor,
        to: JournalCursor,
        counts: Vec<(CountKey, u64)>,
    ) -> Result<bool, StoreError> {
        ask!(self, on => add_counts(on, from, to, &counts))
    }

    pub(in crate::store) async fn stats(
        &self,
        search: StatsSearch,
    ) -> Result<Vec<StatsGroup>, StoreError> {
        ask!(self, on => stats(on, &search))
    }
}

async fn counted(on: &Object) -> Result<JournalCursor, Failure> {
    let sql = "SELECT value FROM meta WHERE name = 'counted'";
    let row = on.query_opt(&on.prepare_cached(sql).await?, &[]).await?;
    row.as_ref().map_or(Ok(JournalCursor::default()), cursor)
}

async fn add_counts(
    on: &mut Object,
    from: JournalCursor,
    to: JournalCursor,
    counts: &[(CountKey, u64)],
) -> Result<bool, Failure> {
    let on = on.transaction().await?;
    let sql = "INSERT INTO meta (name, value) VALUES ('counted', $1) ON CONFLICT DO NOTHING";
    on.execute(&on.prepare_cached(sql).await?, &[&bytes(JournalCursor::default())]).await?;
    // Whoever counts holds this row, so the counts are another one's or all of ours.
    let sql = "SELECT value FROM meta WHERE name = 'counted' FOR UPDATE";
    let row = on.query_one(&on.prepare_cached(sql).await?, &[]).await?;
    if cursor(&row)? != from {
        return Ok(false);
    }
    for (key, more) in counts {
        add(&on, key, *more).await?;
    }
    let sql = "UPDATE meta SET value = $1 WHERE name = 'counted'";
    on.execute(&on.prepare_cached(sql).await?, &[&bytes(to)]).await?;
    on.commit().await?;
    Ok(true)
}

fn bytes(cursor: JournalCursor) -> Vec<u8> {
    [cursor.major.to_be_bytes(), cursor.minor.to_be_bytes()].concat()
}

fn cursor(row: &Row) -> Result<JournalCursor, Failure> {
    let value: &[u8] = column(row, "meta", "value")?;
    let read = |part: Option<&[u8]>| part?.try_into().ok().map(u64::from_be_bytes);
    match (read(value.get(..8)), read(value.get(8..))) {
        (Some(major), Some(minor)) => Ok(JournalCursor { major, minor }),
        _ => Err(unreadable("meta", "value", Unreadable("it is no cursor"))),
    }
}

async fn add(on: &Transaction<'_>, key: &CountKey, more: u64) -> Result<(), Failure> {
    let total = i64::try_from(more).unwrap_or(i64::MAX);
    let day = key.hour.div_euclid(HOURS);
    let outcome = key.outcome.map_or(STARTED, |outcome| outcome_code(outcome).into());
    let (app, channel) = (key.app.as_str(), i16::from(channel_bit(key.channel)));
    let (country, prefix) = (&*key.country, &*key.prefix);
    let sql = "INSERT INTO stats_hours AS old (hour, app, channel, outcome, total) \
               VALUES ($1, $2, $3, $4, $5) ON CONFLICT (hour, app, channel, outcome) \
               DO UPDATE SET total = old.total + excluded.total";
    let statement = on.prepare_cached(sql).await?;
    on.execute(&statement, &[&key.hour, &app, &channel, &outcome, &total]).await?;
    let sql = "INSERT INTO stats_places AS old (day, country, prefix, app, outcome, total) \
               VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (day, country, prefix, app, outcome) \
               DO UPDATE SET total = old.total + excluded.total";
    let statement = on.prepare_cached(sql).await?;
    on.execute(&statement, &[&day, &country, &prefix, &app, &outcome, &total]).await?;
    let Some(step) = key.step.map(i16::from) else { return Ok(()) };
    let sql = "INSERT INTO stats_times AS old (day, app, channel, country, step, total) \
               VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (day, app, channel, country, step) \
               DO UPDATE SET total = old.total + excluded.total";
    let statement = on.prepare_cached(sql).await?;
    on.execute(&statement, &[&day, &app, &channel, &country, &step, &total]).await?;
    Ok(())
}

async fn stats(on: &Object, search: &StatsSearch) -> Result<Vec<StatsGroup>, Failure> {
    let (table, key, times) = match search.by {
        StatsBy::App => ("stats_hours", "app", Some("app")),
        StatsBy::Channel => ("stats_hours", "channel::int8", Some("channel::int8")),
        StatsBy::Country => ("stats_places", "country", Some("country")),
        StatsBy::Prefix => ("stats_places", "prefix", None),
        StatsBy::Day => ("stats_hours", "hour / 24", Some("day")),
        StatsBy::Hour => ("stats_hours", "hour", None),
    };
    let mut groups = BTreeMap::new();
    for row in &totals(on, search, (table, key, "outcome")).await? {
        let (group, total) = (group(&mut groups, row, search.by)?, total(row)?);
        match column(row, "stats", "value")? {
            STARTED => group.started += total,
            code => group.ended.push((outcome(code)?, total)),
        }
    }
    if let Some(key) = times {
        for row in &totals(on, search, ("stats_times", key, "step")).await? {
            let (group, total) = (group(&mut groups, row, search.by)?, total(row)?);
            group.took.push((number::<i16, u8>(row, "stats", "value")?, total));
        }
    }
    Ok(groups.into_values().collect())
}

/// Every pair of a key and a value with its total, in order.
async fn totals(
    on: &Object,
    search: &StatsSearch,
    (table, key, value): (&str, &str, &str),
) -> Result<Vec<Row>, Failure> {
    let (time, unit) = if table == "stats_hours" { ("hour", HOURS) } else { ("day", 1) };
    let sql = format!(
        "SELECT {key} AS key, {value} AS value, sum(total)::int8 AS total FROM {table} \
         WHERE {time} >= $1 AND {time} < $2 AND ($3::text IS NULL OR app = $3) \
         GROUP BY 1, 2 ORDER BY 1, 2"
    );
    let [from, until] = [search.from_day, search.until_day].map(|day| day.saturating_mul(unit));
    let app = search.app.as_ref().map(|app| app.as_str());
    Ok(on.query(&on.prepare_cached(&sql).await?, &[&from, &until, &app]).await?)
}

/// The group of a row. A `BTreeMap` keeps numbers in their order, and texts in theirs.
fn group<'a>(
    groups: &'a mut BTreeMap<(i64, Box<str>), StatsGroup>,
    row: &Row,
    by: StatsBy,
) -> Result<&'a mut StatsGroup, Failure> {
    let place: (i64, Box<str>) = match by {
        StatsBy::App | StatsBy::Country | StatsBy::Prefix => {
            (0, column::<&str>(row, "stats", "key")?.into())
        }
        StatsBy::Channel => {
            let bit: i64 = column(row, "stats", "key")?;
            let is_it = |channel: &Channel| i64::from(channel_bit(*channel)) == bit;
            let found = Channel::ALL.into_iter().find(is_it);
            let unknown = || unreadable("stats", "channel", Unreadable("it is unknown"));
            (bit, found.ok_or_else(unknown)?.as_str().into())
        }
        StatsBy::Day | StatsBy::Hour => {
            let number: i64 = column(row, "stats", "key")?;
            (number, number.to_string().into())
        }
    };
    let key = place.1.clone();
    let new = || StatsGroup { key, started: 0, ended: Vec::new(), took: Vec::new() };
    Ok(groups.entry(place).or_insert_with(new))
}

fn total(row: &Row) -> Result<u64, Failure> {
    number::<i64, u64>(row, "stats", "total")
}

fn outcome(code: i16) -> Result<Outcome, Failure> {
    let found = Outcome::ALL.into_iter().find(|outcome| i16::from(outcome_code(*outcome)) == code);
    found.ok_or_else(|| unreadable("stats", "outcome", Unreadable("it is unknown")))
}
