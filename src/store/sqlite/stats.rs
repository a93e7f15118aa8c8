//! Counts: added up by the writer, read in groups.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row, params};

use super::Sqlite;
use super::columns::{Failure, column, first, unreadable};
use super::journal::cursor;
use crate::domain::{Channel, Outcome};
use crate::store::record::{Unreadable, channel_bit, outcome_code};
use crate::store::{CountKey, JournalCursor, StatsBy, StatsGroup, StatsSearch, StoreError};

/// The outcome that counts starts.
const STARTED: i64 = -1;
/// Hours of a day.
const HOURS: i64 = 24;

impl Sqlite {
    pub(in crate::store) async fn counted(&self) -> Result<JournalCursor, StoreError> {
        self.readers.read(|on| counted(on).map(cursor)).await
    }

    pub(in crate::store) async fn add_counts(
        &self,
        from: JournalCursor,
        to: JournalCursor,
        counts: Vec<(CountKey, u64)>,
    ) -> Result<bool, StoreError> {
        self.write(move |on| {
            if cursor(counted(on)?) != from {
                return Ok(false);
            }
            for (key, more) in &counts {
                add(on, key, *more)?;
            }
            let sql = "INSERT INTO meta (name, value) VALUES ('counted', ?1) \
                       ON CONFLICT DO UPDATE SET value = excluded.value";
            on.prepare_cached(sql)?.execute([to.minor.to_be_bytes()])?;
            Ok(true)
        })
        .await
    }

    pub(in crate::store) async fn stats(
        &self,
        search: StatsSearch,
    ) -> Result<Vec<StatsGroup>, StoreError> {
        self.readers.read(move |on| stats(on, &search)).await
    }
}

fn counted(on: &Connection) -> Result<i64, Failure> {
    let sql = "SELECT value FROM meta WHERE name = 'counted'";
    let found = first(on, sql, [], |row| column::<[u8; 8]>(row, "meta", "value"))?;
    Ok(found.map_or(0, i64::from_be_bytes))
}

fn add(on: &Connection, key: &CountKey, more: u64) -> Result<(), Failure> {
    let total = i64::try_from(more).unwrap_or(i64::MAX);
    let day = key.hour.div_euclid(HOURS);
    let outcome = key.outcome.map_or(STARTED, |outcome| outcome_code(outcome).into());
    let channel = channel_bit(key.channel);
    let sql = "INSERT INTO stats_hours (hour, app, channel, outcome, total) \
               VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET total = total + ?5";
    on.prepare_cached(sql)?.execute(params![
        key.hour,
        key.app.as_str(),
        channel,
        outcome,
        total
    ])?;
    let sql = "INSERT INTO stats_places (day, country, prefix, app, outcome, total) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE SET total = total + ?6";
    on.prepare_cached(sql)?.execute(params![
        day,
        &*key.country,
        &*key.prefix,
        key.app.as_str(),
        outcome,
        total
    ])?;
    let Some(step) = key.step else { return Ok(()) };
    let sql = "INSERT INTO stats_times (day, app, channel, country, step, total) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE SET total = total + ?6";
    on.prepare_cached(sql)?.execute(params![
        day,
        key.app.as_str(),
        channel,
        &*key.country,
        step,
        total
    ])?;
    Ok(())
}

fn stats(on: &Connection, search: &StatsSearch) -> Result<Vec<StatsGroup>, Failure> {
    let (counts, times) = match search.by {
        StatsBy::App => ("stats_hours, app", Some("app")),
        StatsBy::Channel => ("stats_hours, channel", Some("channel")),
        StatsBy::Country => ("stats_places, country", Some("country")),
        StatsBy::Prefix => ("stats_places, prefix", None),
        StatsBy::Day => ("stats_hours, hour / 24", Some("day")),
        StatsBy::Hour => ("stats_hours, hour", None),
    };
    let (table, key) = counts.split_once(", ").unwrap_or((counts, "app"));
    let mut groups = BTreeMap::new();
    each(on, search, (table, key, "outcome"), |row| {
        let (group, total) = (group(&mut groups, row, search.by)?, total(row)?);
        match column(row, table, "value")? {
            STARTED => group.started += total,
            code => group.ended.push((outcome(code)?, total)),
        }
        Ok(())
    })?;
    if let Some(key) = times {
        each(on, search, ("stats_times", key, "step"), |row| {
            let (group, total) = (group(&mut groups, row, search.by)?, total(row)?);
            group.took.push((column(row, "stats_times", "value")?, total));
            Ok(())
        })?;
    }
    Ok(groups.into_values().collect())
}

/// Every pair of a key and a value with its total, in order.
fn each(
    on: &Connection,
    search: &StatsSearch,
    (table, key, value): (&'static str, &str, &str),
    mut read: impl FnMut(&Row<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let (time, unit) = if table == "stats_hours" { ("hour", HOURS) } else { ("day", 1) };
    let sql = format!(
        "SELECT {key} AS key, {value} AS value, sum(total) AS total FROM {table} \
         WHERE {time} >= ?1 AND {time} < ?2 AND (?3 IS NULL OR app = ?3) \
         GROUP BY 1, 2 ORDER BY 1, 2"
    );
    let bounds = [search.from_day, search.until_day].map(|day| day.saturating_mul(unit));
    let app = search.app.as_ref().map(|app| app.as_str());
    let mut statement = on.prepare_cached(&sql)?;
    let mut rows = statement.query(params![bounds[0], bounds[1], app])?;
    while let Some(row) = rows.next()? {
        read(row)?;
    }
    Ok(())
}

/// The group of a row. A `BTreeMap` keeps numbers in their order, and texts in theirs.
fn group<'a>(
    groups: &'a mut BTreeMap<(i64, Box<str>), StatsGroup>,
    row: &Row<'_>,
    by: StatsBy,
) -> Result<&'a mut StatsGroup, Failure> {
    let place: (i64, Box<str>) = match by {
        StatsBy::App | StatsBy::Country | StatsBy::Prefix => (0, column(row, "stats", "key")?),
        StatsBy::Channel => {
            let bit: u8 = column(row, "stats", "key")?;
            let found = Channel::ALL.into_iter().find(|channel| channel_bit(*channel) == bit);
            let channel =
                found.ok_or(unreadable("stats", "channel", Unreadable("it is unknown")))?;
            (bit.into(), channel.as_str().into())
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

fn total(row: &Row<'_>) -> Result<u64, Failure> {
    let total: i64 = column(row, "stats", "total")?;
    u64::try_from(total).map_err(|_| unreadable("stats", "total", Unreadable("it is negative")))
}

fn outcome(code: i64) -> Result<Outcome, Failure> {
    let found = Outcome::ALL.into_iter().find(|outcome| i64::from(outcome_code(*outcome)) == code);
    found.ok_or(unreadable("stats", "outcome", Unreadable("it is unknown")))
}
