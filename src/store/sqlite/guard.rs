//! The guard's rows: read and written within the transaction of a start, and listed,
//! put up and taken down for operators.

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use super::Sqlite;
use super::columns::{Failure, column, first, name, nanoseconds, rows, time, unreadable};
use crate::domain::{Mode, Name, Refusal, Rule};
use crate::store::guard::{Attempts, Decision, Found, Unheard, Written};
use crate::store::record::Unreadable;
use crate::store::{
    Admission, Bar, Barring, CameTo, Count, GuardKey, Learned, RuleTotal, StoreError,
};

/// How many rows go in one transaction.
const AT_ONCE: u32 = 256;

impl Sqlite {
    pub(in crate::store) async fn put_bar(&self, bar: Bar) -> Result<(), StoreError> {
        self.write(move |on| put(on, &bar)).await
    }

    pub(in crate::store) async fn lift_bar(
        &self,
        key: GuardKey,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write(move |on| {
            let sql = "DELETE FROM guard_bars WHERE key = ?1 RETURNING until";
            let until: Option<Option<i64>> =
                first(on, sql, [key], |row| column(row, "guard_bars", "until"))?;
            Ok(until.is_some_and(|until| until.is_none_or(|until| until > nanoseconds(now))))
        })
        .await
    }

    pub(in crate::store) async fn find_bar(
        &self,
        key: GuardKey,
    ) -> Result<Option<Bar>, StoreError> {
        self.readers.read(move |on| bar(on, &key)).await
    }

    pub(in crate::store) async fn bars(
        &self,
        rule: Rule,
        after: Option<GuardKey>,
        limit: u16,
        now: Timestamp,
    ) -> Result<Vec<Bar>, StoreError> {
        self.readers.read(move |on| list(on, rule, after, limit, now)).await
    }

    pub(in crate::store) async fn standing(
        &self,
        bars: Vec<Barring>,
        now: Timestamp,
    ) -> Result<Option<Refusal>, StoreError> {
        self.readers
            .read(move |on| {
                let admission = Admission { bars: bars.clone(), ..Admission::default() };
                match judge(on, &admission, now)? {
                    Decision::Refused { refusal, .. } => Ok(Some(refusal)),
                    Decision::Admitted { .. } => Ok(None),
                }
            })
            .await
    }

    pub(in crate::store) async fn note_refusals(
        &self,
        refusals: Vec<Refusal>,
    ) -> Result<(), StoreError> {
        self.write(move |on| note(on, &refusals)).await
    }

    pub(in crate::store) async fn rule_totals(&self) -> Result<Vec<RuleTotal>, StoreError> {
        self.readers.read(totals).await
    }

    /// Removes what counts no more: windows, and bars whose time is over.
    pub(super) async fn sweep_guard(&self, now: Timestamp) -> Result<u64, StoreError> {
        let (now, mut after, mut removed) = (nanoseconds(now), GuardKey::default(), 0);
        self.write(move |on| {
            let sql = "DELETE FROM guard_bars WHERE until <= ?1";
            Ok(on.prepare_cached(sql)?.execute([now])?)
        })
        .await?;
        loop {
            let page = self.readers.read(move |on| expired(on, after, now)).await?;
            let Some(last) = page.last().copied() else { return Ok(removed) };
            after = last;
            removed += self.write(move |on| forget(on, &page, now)).await?;
        }
    }
}

/// Judges an admission by the rows that it asks for.
pub(super) fn judge(
    on: &Connection,
    admission: &Admission,
    now: Timestamp,
) -> Result<Decision, Failure> {
    let attempts = admission.converting.iter().map(|asked| windows_of(on, &asked.key));
    let mut found = Found {
        bars: bars_of(on, admission.bars.iter().map(|asked| &asked.key))?,
        windows: all_windows_of(on, &admission.counts)?,
        calls: match &admission.calling {
            Some(calling) => windows_of(on, &calling.key)?,
            None => None,
        },
        attempts: attempts.collect::<Result<_, _>>()?,
        is_exempt: false,
    };
    let unread = |source| unreadable("guard_windows", "windows", source);
    if admission.asks_exemption(&found, now).map_err(unread)? {
        found.is_exempt = bars_of(on, &admission.exemptions)?.iter().any(Option::is_some);
    }
    admission.decide(&found, now).map_err(unread)
}

/// Writes the windows of an admission that passed.
pub(super) fn write(on: &Connection, written: &[Written]) -> Result<(), Failure> {
    if written.is_empty() {
        return Ok(());
    }
    // Two of a start may be under one key.
    let insert = "INSERT INTO guard_windows (key, expires_at, windows) VALUES (?1, ?2, ?3) \
                  ON CONFLICT (key) DO UPDATE SET expires_at = excluded.expires_at, \
                  windows = excluded.windows";
    // What is there is found with less work so.
    let update = "UPDATE guard_windows SET expires_at = ?2, windows = ?3 WHERE key = ?1";
    let (mut insert, mut update) = (on.prepare_cached(insert)?, on.prepare_cached(update)?);
    for row in written {
        let statement = if row.is_new { &mut insert } else { &mut update };
        statement.execute(params![row.key, nanoseconds(row.expires_at), row.windows])?;
    }
    Ok(())
}

/// Writes what comes of a refusal: what is blocked with it, and the counts.
pub(super) fn refuse(
    on: &Connection,
    noted: &[Refusal],
    blocked: &[Bar],
    written: &[Written],
) -> Result<(), Failure> {
    write(on, written)?;
    blocked.iter().try_for_each(|bar| put(on, bar))?;
    note(on, noted)
}

/// Counts what rules refused, or would have.
pub(super) fn note(on: &Connection, refusals: &[Refusal]) -> Result<(), Failure> {
    let sql = "INSERT INTO guard_totals (rule, mode, total) VALUES (?1, ?2, 1) \
               ON CONFLICT (rule, mode) DO UPDATE SET total = total + 1";
    for refusal in refusals {
        on.prepare_cached(sql)?.execute([refusal.rule.as_str(), refusal.mode.as_str()])?;
    }
    Ok(())
}

/// Keeps what the guard learned.
pub(super) fn learn(on: &Connection, learned: &[Learned]) -> Result<(), Failure> {
    for learned in learned {
        match learned {
            Learned::Bar(bar) => put(on, bar)?,
            Learned::Heard(key) => {
                on.prepare_cached("DELETE FROM guard_windows WHERE key = ?1")?.execute([key])?;
            }
            Learned::NotPlaced { key, intent_at } => not_placed(on, key, *intent_at)?,
            Learned::Attempt { key, intent_at, came_to } => {
                attempt(on, key, *intent_at, *came_to)?;
            }
        }
    }
    Ok(())
}

fn not_placed(on: &Connection, key: &GuardKey, intent_at: Timestamp) -> Result<(), Failure> {
    let Some(packed) = windows_of(on, key)? else { return Ok(()) };
    let unread = |source| unreadable("guard_windows", "windows", source);
    let mut unheard = Unheard::read(&packed).map_err(unread)?;
    if unheard.not_placed(intent_at) {
        rewrite(on, key, &unheard.pack())?;
    }
    Ok(())
}

fn attempt(
    on: &Connection,
    key: &GuardKey,
    intent_at: Timestamp,
    came_to: CameTo,
) -> Result<(), Failure> {
    let Some(packed) = windows_of(on, key)? else { return Ok(()) };
    let unread = |source| unreadable("guard_windows", "windows", source);
    let mut attempts = Attempts::read(&packed).map_err(unread)?;
    if attempts.learn(intent_at, came_to) {
        rewrite(on, key, &attempts.pack())?;
    }
    Ok(())
}

/// Writes the windows of a row that is there.
fn rewrite(on: &Connection, key: &GuardKey, windows: &[u8]) -> Result<(), Failure> {
    let sql = "UPDATE guard_windows SET windows = ?2 WHERE key = ?1";
    on.prepare_cached(sql)?.execute(params![key, windows])?;
    Ok(())
}

/// Puts up a bar. One that stands already stays as long as the longer of the two.
pub(super) fn put(on: &Connection, bar: &Bar) -> Result<(), Failure> {
    let sql = "INSERT INTO guard_bars (key, rule, app, subject, reason, created_at, until) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (key) DO UPDATE SET \
               reason = excluded.reason, until = CASE \
               WHEN until IS NULL OR excluded.until IS NULL THEN NULL \
               ELSE max(until, excluded.until) END";
    on.prepare_cached(sql)?.execute(params![
        bar.key,
        bar.rule.as_str(),
        bar.app.as_ref().map(Name::as_str),
        &*bar.subject,
        bar.reason.as_deref(),
        nanoseconds(bar.created_at),
        bar.until.map(nanoseconds),
    ])?;
    Ok(())
}

const BAR: &str = "SELECT * FROM guard_bars WHERE key = ?1";

fn bar(on: &Connection, key: &GuardKey) -> Result<Option<Bar>, Failure> {
    first(on, BAR, [key], read)
}

/// The same of many keys, in their order.
fn bars_of<'k>(
    on: &Connection,
    keys: impl IntoIterator<Item = &'k GuardKey>,
) -> Result<Vec<Option<Bar>>, Failure> {
    let mut statement = on.prepare_cached(BAR)?;
    let mut of = |key| statement.query([key])?.next()?.map(read).transpose();
    keys.into_iter().map(&mut of).collect()
}

const WINDOWS: &str = "SELECT windows FROM guard_windows WHERE key = ?1";

pub(super) fn windows_of(on: &Connection, key: &GuardKey) -> Result<Option<Vec<u8>>, Failure> {
    first(on, WINDOWS, [key], |row| column(row, "guard_windows", "windows"))
}

/// The same of all that is counted, in its order.
fn all_windows_of(on: &Connection, counts: &[Count]) -> Result<Vec<Option<Vec<u8>>>, Failure> {
    if counts.is_empty() {
        return Ok(Vec::new());
    }
    let mut statement = on.prepare_cached(WINDOWS)?;
    let mut of = |count: &Count| {
        let mut rows = statement.query([&count.key])?;
        rows.next()?.map(|row| column(row, "guard_windows", "windows")).transpose()
    };
    counts.iter().map(&mut of).collect()
}

fn list(
    on: &Connection,
    rule: Rule,
    after: Option<GuardKey>,
    limit: u16,
    now: Timestamp,
) -> Result<Vec<Bar>, Failure> {
    let sql = "SELECT * FROM guard_bars WHERE rule = ?1 AND key > ?2 \
               AND (until IS NULL OR until > ?3) ORDER BY key LIMIT ?4";
    // No key is empty.
    let after = after.as_ref().map_or(&[][..], |key| &key[..]);
    rows(on, sql, params![rule.as_str(), after, nanoseconds(now), limit], read)
}

fn read(row: &Row<'_>) -> Result<Bar, Failure> {
    let app: Option<String> = column(row, "guard_bars", "app")?;
    let until: Option<i64> = column(row, "guard_bars", "until")?;
    Ok(Bar {
        key: column(row, "guard_bars", "key")?,
        rule: rule(row, "guard_bars")?,
        app: app.map(|_| name(row, "guard_bars", "app")).transpose()?,
        subject: column(row, "guard_bars", "subject")?,
        reason: column(row, "guard_bars", "reason")?,
        created_at: time(row, "guard_bars", "created_at")?,
        until: until.map(|_| time(row, "guard_bars", "until")).transpose()?,
    })
}

fn rule(row: &Row<'_>, table: &'static str) -> Result<Rule, Failure> {
    let word: String = column(row, table, "rule")?;
    Rule::parse(&word).ok_or_else(|| unreadable(table, "rule", Unreadable("it is no rule")))
}

fn totals(on: &Connection) -> Result<Vec<RuleTotal>, Failure> {
    let sql = "SELECT rule, mode, total FROM guard_totals ORDER BY rule, mode";
    rows(on, sql, [], |row| {
        let word: String = column(row, "guard_totals", "mode")?;
        let mode = Mode::ALL.into_iter().find(|mode| mode.as_str() == word);
        let no_mode = || unreadable("guard_totals", "mode", Unreadable("it is no mode"));
        Ok(RuleTotal {
            rule: rule(row, "guard_totals")?,
            mode: mode.ok_or_else(no_mode)?,
            total: column::<i64>(row, "guard_totals", "total")?.unsigned_abs(),
        })
    })
}

fn expired(on: &Connection, after: GuardKey, now: i64) -> Result<Vec<GuardKey>, Failure> {
    let sql = "SELECT key FROM guard_windows WHERE key > ?1 AND expires_at <= ?2 \
               ORDER BY key LIMIT ?3";
    rows(on, sql, params![after, now, AT_ONCE], |row| column(row, "guard_windows", "key"))
}

fn forget(on: &Connection, keys: &[GuardKey], now: i64) -> Result<u64, Failure> {
    let sql = "DELETE FROM guard_windows WHERE key = ?1 AND expires_at <= ?2";
    let mut statement = on.prepare_cached(sql)?;
    keys.iter()
        .try_fold(0, |removed, key| Ok(removed + statement.execute(params![key, now])? as u64))
}
