//! The journal as operators read it. Each read looks through a bounded stretch of it, so
//! that a rare verdict among millions of rows costs many small reads, never one long one.
//!
//! Places are given before the commit, so a row may appear before others that are there
//! already. The feed is therefore in the order of transactions, and ends before the oldest
//! one that is under way: behind that nothing can appear any more.

use std::time::Duration;

use deadpool_postgres::Object;
use jiff::{SignedDuration, Timestamp};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::columns::{Failure, column, time, unreadable, uuid, verification};
use super::find::notification as read;
use super::insert;
use super::question::Question;
use super::{Postgres, ask, moving};
use crate::domain::VerificationId;
use crate::store::change::JournalRow;
use crate::store::kept::nanoseconds;
use crate::store::record::unpack_entries;
use crate::store::{
    FeedPage, FeedRow, JournalCursor, Journaled, NotificationPage, NotificationRow,
    NotificationSearch, StoreError,
};

/// How many places of the journal one read looks through.
const STRETCH: i64 = 20_000;

/// Rows are in order of time but for this: one may have waited so long to be written.
const DISORDER: SignedDuration = SignedDuration::from_mins(15);

/// How often, and how long apart, the feed is read again that a transaction under way cuts short.
const TURNS: u32 = 50;
const TURN: Duration = Duration::from_millis(10);

/// The rows of the feed after a cursor, with what they are about.
const FEED: &str = "\
    SELECT journal.transaction::text AS transaction, sequence, entries, record, \
    journal.transaction < pg_snapshot_xmin(pg_current_snapshot()) AS settled \
    FROM journal JOIN verifications ON id = verification_id WHERE entries IS NOT NULL";

impl Postgres {
    pub(in crate::store) async fn list_notifications(
        &self,
        search: NotificationSearch,
    ) -> Result<NotificationPage, StoreError> {
        ask!(self, on => list(on, &search))
    }

    pub(in crate::store) async fn notification(
        &self,
        sequence: i64,
    ) -> Result<Option<Journaled>, StoreError> {
        ask!(self, on => notification(on, sequence))
    }

    pub(in crate::store) async fn journal_replay(
        &self,
        row: NotificationRow,
        replay_of: i64,
    ) -> Result<i64, StoreError> {
        let row = JournalRow::of_notification(row);
        ask!(self, on => replay(on, &row, replay_of))
    }

    /// What is committed by now is in the page, unless another transaction stays under way
    /// for half a second; then it comes with a later one.
    pub(in crate::store) async fn feed(
        &self,
        after: Option<JournalCursor>,
        limit: u16,
    ) -> Result<FeedPage, StoreError> {
        for _ in 1..TURNS {
            let (page, is_cut) = ask!(self, on => feed(on, after, limit))?;
            if !is_cut {
                return Ok(page);
            }
            tokio::time::sleep(TURN).await;
        }
        ask!(self, on => feed(on, after, limit)).map(|(page, _)| page)
    }
}

async fn notification(on: &Object, sequence: i64) -> Result<Option<Journaled>, Failure> {
    let sql = "SELECT * FROM journal WHERE sequence = $1 AND event IS NOT NULL";
    let row = on.query_opt(&on.prepare_cached(sql).await?, &[&sequence]).await?;
    row.as_ref().map(journaled).transpose()
}

async fn replay(on: &mut Object, row: &JournalRow, replay_of: i64) -> Result<i64, Failure> {
    let on = on.transaction().await?;
    let (sql, columns) = insert::journal_statement(&[row]);
    let sql = format!("{sql} RETURNING sequence");
    let values: Vec<&(dyn ToSql + Sync)> =
        columns.iter().map(|value| &**value as &(dyn ToSql + Sync)).collect();
    let inserted = on.query_one(&on.prepare_cached(&sql).await?, &values).await?;
    let sequence: i64 = column(&inserted, "journal", "sequence")?;
    let sql = "UPDATE journal SET replay_of = $2 WHERE sequence = $1";
    on.execute(&on.prepare_cached(sql).await?, &[&sequence, &replay_of]).await?;
    on.commit().await?;
    Ok(sequence)
}

async fn list(on: &mut Object, search: &NotificationSearch) -> Result<NotificationPage, Failure> {
    match search.verification {
        Some(id) => list_of_verification(on, search, id).await,
        None => list_of_all(on, search).await,
    }
}

/// A verification has a few dozen rows at most, which an index names.
async fn list_of_verification(
    on: &Object,
    search: &NotificationSearch,
    id: VerificationId,
) -> Result<NotificationPage, Failure> {
    let question =
        Question::new("SELECT * FROM journal WHERE ", "verification_id = ?", Box::new(uuid(id)));
    let notifications = select(on, question, search).await?;
    let is_full = notifications.len() == usize::from(search.limit);
    let next = notifications.last().filter(|_| is_full).map(|last| last.notification.sequence);
    Ok(NotificationPage { notifications, next })
}

async fn list_of_all(
    on: &Object,
    search: &NotificationSearch,
) -> Result<NotificationPage, Failure> {
    let (oldest, newest) = ends(on).await?;
    let mut until = search.before.unwrap_or(i64::MAX).min(newest.saturating_add(1));
    if let Some(received) = search.received_until.and_then(|at| at.checked_add(DISORDER).ok()) {
        until = until.min(first_at(on, received, (oldest, newest)).await?);
    }
    let mut last = oldest;
    if let Some(received) = search.received_from.and_then(|at| at.checked_sub(DISORDER).ok()) {
        last = last.max(first_at(on, received, (oldest, newest)).await?);
    }
    let from = last.max(until.saturating_sub(STRETCH));
    let mut question =
        Question::new("SELECT * FROM journal WHERE ", "sequence >= ?", Box::new(from));
    question.and("sequence < ?", Some(until));
    let notifications = select(on, question, search).await?;
    let is_full = notifications.len() == usize::from(search.limit);
    let looked_to = notifications.last().filter(|_| is_full);
    let looked_to = looked_to.map_or(from, |last| last.notification.sequence);
    Ok(NotificationPage { notifications, next: (looked_to > last).then_some(looked_to) })
}

async fn select(
    on: &Object,
    mut question: Question,
    search: &NotificationSearch,
) -> Result<Vec<Journaled>, Failure> {
    question.and("account = ?", search.account.as_ref().map(|name| name.as_str().to_owned()));
    question.and("verdict = ?", search.verdict.clone().map(String::from));
    question.and("at >= ?", search.received_from.map(nanoseconds));
    question.and("at < ?", search.received_until.map(nanoseconds));
    question.and("sequence < ?", search.before);
    question.push(
        " AND event IS NOT NULL ORDER BY sequence DESC LIMIT ?",
        Box::new(i64::from(search.limit)),
    );
    question.ask(on).await?.iter().map(journaled).collect()
}

/// The first and the last place of the journal; of an empty one 1 and 0.
async fn ends(on: &Object) -> Result<(i64, i64), Failure> {
    let sql = "SELECT coalesce(min(sequence), 1) AS oldest, coalesce(max(sequence), 0) AS newest \
               FROM journal";
    let row = on.query_one(&on.prepare_cached(sql).await?, &[]).await?;
    Ok((column(&row, "journal", "oldest")?, column(&row, "journal", "newest")?))
}

/// The first place whose row is of `at` or later, by halving: rows are in order of time.
async fn first_at(
    on: &Object,
    at: Timestamp,
    (oldest, newest): (i64, i64),
) -> Result<i64, Failure> {
    let sql = "SELECT at FROM journal WHERE sequence >= $1 ORDER BY sequence LIMIT 1";
    let statement = on.prepare_cached(sql).await?;
    let (mut low, mut high) = (oldest, newest.saturating_add(1));
    while low < high {
        let middle = low + (high - low) / 2;
        let row = on.query_opt(&statement, &[&middle]).await?;
        let found = row.as_ref().map(|row| time(row, "journal", "at")).transpose()?;
        if found.is_some_and(|found| found < at) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

fn journaled(row: &Row) -> Result<Journaled, Failure> {
    let verification: Option<uuid::Uuid> = column(row, "journal", "verification_id")?;
    Ok(Journaled {
        notification: read(row)?,
        verification: verification.map(VerificationId::new),
        replay_of: column(row, "journal", "replay_of")?,
    })
}

/// A page, and whether a transaction under way cut it short.
async fn feed(
    on: &Object,
    after: Option<JournalCursor>,
    limit: u16,
) -> Result<(FeedPage, bool), Failure> {
    // One more than asked for tells whether there are more.
    let wanted = i64::from(limit) + 1;
    let rows = match after {
        None => {
            let sql = format!("{FEED} ORDER BY transaction DESC, sequence DESC LIMIT $1");
            let sql = sql.replace("ORDER BY transaction", "ORDER BY journal.transaction");
            let mut rows = on.query(&on.prepare_cached(&sql).await?, &[&wanted]).await?;
            rows.reverse();
            rows
        }
        Some(after) => {
            let after = moving::place(on, after).await?;
            let sql = format!(
                "{FEED} AND (journal.transaction, sequence) > ($2::text::xid8, $3) \
                 ORDER BY journal.transaction, sequence LIMIT $1"
            );
            let place = i64::try_from(after.minor).unwrap_or(i64::MAX);
            let major = after.major.to_string();
            on.query(&on.prepare_cached(&sql).await?, &[&wanted, &major, &place]).await?
        }
    };
    let mut settled = Vec::with_capacity(rows.len());
    for row in &rows {
        if !column::<bool>(row, "journal", "settled")? {
            break;
        }
        settled.push(feed_row(row)?);
    }
    let is_cut = settled.len() < rows.len() && settled.len() <= usize::from(limit);
    let is_more = settled.len() > usize::from(limit);
    if is_more && after.is_none() {
        settled.remove(0);
    }
    settled.truncate(usize::from(limit));
    let end = settled.last().map_or(after.unwrap_or_default(), |row| row.cursor);
    Ok((FeedPage { rows: settled, end, more: is_more && after.is_some() }, is_cut))
}

fn feed_row(row: &Row) -> Result<FeedRow, Failure> {
    let packed: &[u8] = column(row, "journal", "entries")?;
    let entries =
        unpack_entries(packed).map_err(|source| unreadable("journal", "entries", source))?;
    let transaction: &str = column(row, "journal", "transaction")?;
    let sequence: i64 = column(row, "journal", "sequence")?;
    let cursor = JournalCursor {
        major: transaction.parse().unwrap_or(u64::MAX),
        minor: u64::try_from(sequence).unwrap_or(0),
    };
    Ok(FeedRow { cursor, verification: verification(row)?, entries })
}
