//! The guard's rows as operators see them: bars that are listed, put up and taken down, and
//! what the rules refused. What a start counts is beside, in `windows`.

use std::collections::BTreeMap;

use deadpool_postgres::Object;
use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::columns::{Failure, column, name, text, time, time_if, unreadable};
use super::insert::run;
use super::known::ask as rows;
use super::sweep::is_ours;
use super::windows::Guarded;
use super::{Postgres, ask};
use crate::domain::{Mode, Name, Refusal, Rule};
use crate::store::guard::Decision;
use crate::store::kept::nanoseconds;
use crate::store::record::Unreadable;
use crate::store::{Admission, Bar, Barring, GuardKey, RuleTotal, StoreError};

/// How many windows the sweep looks at in one transaction.
const AT_ONCE: i64 = 4096;

/// A bar that stands already stays as long as the longer of the two.
const PUT: &str = "\
    INSERT INTO guard_bars (key, rule, app, subject, reason, created_at, until) \
    SELECT * FROM unnest($1::bytea[], $2::text[], $3::text[], $4::text[], $5::text[], \
    $6::int8[], $7::int8[]) ON CONFLICT (key) DO UPDATE SET reason = excluded.reason, \
    until = CASE WHEN guard_bars.until IS NULL OR excluded.until IS NULL THEN NULL \
    ELSE greatest(guard_bars.until, excluded.until) END";

impl Postgres {
    pub(in crate::store) async fn put_bar(&self, bar: Bar) -> Result<(), StoreError> {
        ask!(self, on => put(on, std::slice::from_ref(&bar)))
    }

    pub(in crate::store) async fn lift_bar(
        &self,
        key: GuardKey,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        ask!(self, on => lift(on, key, nanoseconds(now)))
    }

    pub(in crate::store) async fn find_bar(
        &self,
        key: GuardKey,
    ) -> Result<Option<Bar>, StoreError> {
        Ok(ask!(self, on => bars_of(on, vec![key]))?.pop())
    }

    pub(in crate::store) async fn bars(
        &self,
        rule: Rule,
        after: Option<GuardKey>,
        limit: u16,
        now: Timestamp,
    ) -> Result<Vec<Bar>, StoreError> {
        ask!(self, on => list(on, rule, after, limit, now))
    }

    pub(in crate::store) async fn standing(
        &self,
        bars: Vec<Barring>,
        now: Timestamp,
    ) -> Result<Option<Refusal>, StoreError> {
        let admission = Admission { bars, ..Admission::default() };
        ask!(self, on => standing(on, &admission, now))
    }

    pub(in crate::store) async fn note_refusals(
        &self,
        refusals: Vec<Refusal>,
    ) -> Result<(), StoreError> {
        ask!(self, on => note(on, &refusals))
    }

    pub(in crate::store) async fn rule_totals(&self) -> Result<Vec<RuleTotal>, StoreError> {
        ask!(self, on => totals(on))
    }

    /// Removes what counts no more: windows, and bars whose time is over.
    pub(super) async fn sweep_guard(&self, now: Timestamp) -> Result<(), StoreError> {
        let now = nanoseconds(now);
        ask!(self, on => forget_bars(on, now))?;
        // No key is empty.
        let mut after = Some(Vec::new());
        while let Some(key) = after {
            after = ask!(self, on => forget_windows(on, &key, now))?;
        }
        Ok(())
    }
}

/// Puts up bars, each key once, in the order in which others lock them: sorted.
pub(super) async fn put(on: &Object, bars: &[Bar]) -> Result<(), Failure> {
    if bars.is_empty() {
        return Ok(());
    }
    let key: Vec<&[u8]> = bars.iter().map(|bar| bar.key.as_slice()).collect();
    let rule: Vec<&str> = bars.iter().map(|bar| bar.rule.as_str()).collect();
    let app: Vec<_> = bars.iter().map(|bar| bar.app.as_ref().map(Name::as_str)).collect();
    let subject: Vec<_> = bars.iter().map(|bar| text(&bar.subject)).collect();
    let reason: Vec<_> = bars.iter().map(|bar| bar.reason.as_deref().map(text)).collect();
    let created: Vec<i64> = bars.iter().map(|bar| nanoseconds(bar.created_at)).collect();
    let until: Vec<_> = bars.iter().map(|bar| bar.until.map(nanoseconds)).collect();
    let parameters: [&(dyn ToSql + Sync); 7] =
        [&key, &rule, &app, &subject, &reason, &created, &until];
    run(on, PUT, &parameters).await.map(drop)
}

async fn lift(on: &Object, key: GuardKey, now: i64) -> Result<bool, Failure> {
    let sql = "DELETE FROM guard_bars WHERE key = $1 RETURNING until";
    let rows = rows(on, sql, &[&key.as_slice()]).await?;
    let Some(row) = rows.first() else { return Ok(false) };
    let until: Option<i64> = column(row, "guard_bars", "until")?;
    Ok(until.is_none_or(|until| until > now))
}

/// Those of the keys that are there, in no particular order.
pub(super) async fn bars_of(on: &Object, keys: Vec<GuardKey>) -> Result<Vec<Bar>, Failure> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let keys: Vec<&[u8]> = keys.iter().map(GuardKey::as_slice).collect();
    let sql = "SELECT * FROM guard_bars WHERE key = ANY ($1::bytea[])";
    rows(on, sql, &[&keys]).await?.iter().map(bar).collect()
}

async fn list(
    on: &Object,
    rule: Rule,
    after: Option<GuardKey>,
    limit: u16,
    now: Timestamp,
) -> Result<Vec<Bar>, Failure> {
    let sql = "SELECT * FROM guard_bars WHERE rule = $1 AND key > $2 \
               AND (until IS NULL OR until > $3) ORDER BY key LIMIT $4";
    // No key is empty.
    let after = after.as_ref().map_or(&[][..], |key| &key[..]);
    let (now, limit) = (nanoseconds(now), i64::from(limit));
    rows(on, sql, &[&rule.as_str(), &after, &now, &limit]).await?.iter().map(bar).collect()
}

async fn standing(
    on: &Object,
    admission: &Admission,
    now: Timestamp,
) -> Result<Option<Refusal>, Failure> {
    let keys = admission.bars.iter().map(|asked| asked.key).collect();
    match Guarded::of_bars(bars_of(on, keys).await?).judge(admission, now)? {
        Decision::Refused { refusal, .. } => Ok(Some(refusal)),
        Decision::Admitted { .. } => Ok(None),
    }
}

/// Counts what rules refused, or would have. Many do, so nothing is waited for behind this.
pub(super) async fn note(on: &Object, refusals: &[Refusal]) -> Result<(), Failure> {
    let mut more = BTreeMap::<(&str, &str), i64>::new();
    for refusal in refusals {
        *more.entry((refusal.rule.as_str(), refusal.mode.as_str())).or_default() += 1;
    }
    if more.is_empty() {
        return Ok(());
    }
    let sql = "INSERT INTO guard_totals (rule, mode, total) \
               SELECT * FROM unnest($1::text[], $2::text[], $3::int8[]) \
               ON CONFLICT (rule, mode) DO UPDATE SET \
               total = guard_totals.total + excluded.total";
    let (of, total): (Vec<_>, Vec<i64>) = more.into_iter().unzip();
    let (rule, mode): (Vec<&str>, Vec<&str>) = of.into_iter().unzip();
    run(on, sql, &[&rule, &mode, &total]).await.map(drop)
}

async fn totals(on: &Object) -> Result<Vec<RuleTotal>, Failure> {
    let sql = "SELECT rule, mode, total FROM guard_totals ORDER BY rule, mode";
    let total = |row: &Row| {
        let word: &str = column(row, "guard_totals", "mode")?;
        let mode = Mode::ALL.into_iter().find(|mode| mode.as_str() == word);
        let no_mode = || unreadable("guard_totals", "mode", Unreadable("it is no mode"));
        Ok(RuleTotal {
            rule: rule(row, "guard_totals")?,
            mode: mode.ok_or_else(no_mode)?,
            total: column::<i64>(row, "guard_totals", "total")?.unsigned_abs(),
        })
    };
    rows(on, sql, &[]).await?.iter().map(total).collect()
}

fn bar(row: &Row) -> Result<Bar, Failure> {
    let key: &[u8] = column(row, "guard_bars", "key")?;
    let no_key = |_| unreadable("guard_bars", "key", Unreadable("it is no key"));
    let app: Option<&str> = column(row, "guard_bars", "app")?;
    Ok(Bar {
        key: key.try_into().map_err(no_key)?,
        rule: rule(row, "guard_bars")?,
        app: app.map(|_| name(row, "guard_bars", "app")).transpose()?,
        subject: column::<&str>(row, "guard_bars", "subject")?.into(),
        reason: column::<Option<&str>>(row, "guard_bars", "reason")?.map(Into::into),
        created_at: time(row, "guard_bars", "created_at")?,
        until: time_if(row, "guard_bars", "until")?,
    })
}

fn rule(row: &Row, table: &'static str) -> Result<Rule, Failure> {
    let word: &str = column(row, table, "rule")?;
    Rule::parse(word).ok_or_else(|| unreadable(table, "rule", Unreadable("it is no rule")))
}

async fn forget_bars(on: &mut Object, now: i64) -> Result<(), Failure> {
    let sql = "DELETE FROM guard_bars WHERE key IN \
               (SELECT key FROM guard_bars WHERE until <= $1 FOR UPDATE SKIP LOCKED)";
    run(on, sql, &[&now]).await.map(drop)
}

/// Looks at the next windows; where to go on, if this replica is the one that sweeps. What a
/// start is counting in is left to the next time.
async fn forget_windows(
    on: &mut Object,
    after: &[u8],
    now: i64,
) -> Result<Option<Vec<u8>>, Failure> {
    let on = on.transaction().await?;
    if !is_ours(&on).await? {
        return Ok(None);
    }
    let sql = "SELECT key, expires_at <= $2 AS is_over FROM guard_windows WHERE key > $1 \
               ORDER BY key LIMIT $3";
    let page = on.query(&on.prepare_cached(sql).await?, &[&after, &now, &AT_ONCE]).await?;
    let mut over = Vec::new();
    for row in &page {
        if column(row, "guard_windows", "is_over")? {
            over.push(column::<&[u8]>(row, "guard_windows", "key")?);
        }
    }
    if !over.is_empty() {
        let sql = "DELETE FROM guard_windows WHERE key IN (SELECT key FROM guard_windows \
                   WHERE key = ANY ($1::bytea[]) AND expires_at <= $2 FOR UPDATE SKIP LOCKED)";
        on.execute(&on.prepare_cached(sql).await?, &[&over, &now]).await?;
    }
    on.commit().await?;
    page.last().map(|row| column(row, "guard_windows", "key")).transpose()
}
