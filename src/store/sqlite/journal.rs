//! The journal as operators read it. Each read looks through a bounded stretch of it, so
//! that a rare verdict among millions of rows costs many small reads, never one long one.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, Row, ToSql, params, params_from_iter};

use super::Sqlite;
use super::change;
use super::columns::{
    Failure, column, first, name, nanoseconds, of_chain, rows, time, unreadable, verification,
};
use crate::domain::VerificationId;
use crate::store::change::JournalRow;
use crate::store::record::unpack_entries;
use crate::store::{
    FeedPage, FeedRow, JournalCursor, Journaled, Notification, NotificationPage, NotificationRow,
    NotificationSearch, StoreError,
};

/// How many places of the journal one read looks through.
const STRETCH: i64 = 20_000;

/// Rows are in order of time but for this: one may have waited so long to be written.
const DISORDER: SignedDuration = SignedDuration::from_mins(15);

impl Sqlite {
    pub(in crate::store) async fn list_notifications(
        &self,
        search: NotificationSearch,
    ) -> Result<NotificationPage, StoreError> {
        self.readers.read(move |on| list(on, &search)).await
    }

    pub(in crate::store) async fn notification(
        &self,
        sequence: i64,
    ) -> Result<Option<Journaled>, StoreError> {
        let sql = "SELECT journal.*, replay_of FROM journal LEFT JOIN replays USING (sequence) \
                   WHERE sequence = ?1 AND event IS NOT NULL";
        self.readers.read(move |on| first(on, sql, [sequence], journaled)).await
    }

    pub(in crate::store) async fn journal_replay(
        &self,
        row: NotificationRow,
        replay_of: i64,
    ) -> Result<i64, StoreError> {
        let row = JournalRow::of_notification(row);
        self.write(move |on| {
            change::journal(on, &row)?;
            let sequence = on.last_insert_rowid();
            let sql = "INSERT INTO replays (sequence, replay_of) VALUES (?1, ?2)";
            on.prepare_cached(sql)?.execute([sequence, replay_of])?;
            Ok(sequence)
        })
        .await
    }

    pub(in crate::store) async fn feed(
        &self,
        after: Option<JournalCursor>,
        limit: u16,
    ) -> Result<FeedPage, StoreError> {
        self.readers.read(move |on| feed(on, after, limit)).await
    }
}

/// The first and the last place of the journal; of an empty one 1 and 0.
fn ends(on: &Connection) -> Result<(i64, i64), Failure> {
    let sql = "SELECT ifnull((SELECT min(sequence) FROM journal), 1), \
               ifnull((SELECT max(sequence) FROM journal), 0)";
    Ok(on.prepare_cached(sql)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?)
}

fn list(on: &Connection, search: &NotificationSearch) -> Result<NotificationPage, Failure> {
    // All of one moment.
    let on = &*on.unchecked_transaction()?;
    match search.verification {
        Some(id) => list_of_verification(on, search, id),
        None => list_of_all(on, search),
    }
}

/// A verification has a few dozen rows at most, which its chain names.
fn list_of_verification(
    on: &Connection,
    search: &NotificationSearch,
    id: VerificationId,
) -> Result<NotificationPage, Failure> {
    let sql = of_chain!(
        "SELECT journal.*, replay_of FROM journal NATURAL JOIN chain \
         LEFT JOIN replays USING (sequence) WHERE event IS NOT NULL"
    );
    let first: Box<dyn ToSql> = Box::new(*id.as_bytes());
    let notifications = select(on, sql, vec![first], search)?;
    let is_full = notifications.len() == usize::from(search.limit);
    let next = notifications.last().filter(|_| is_full).map(|last| last.notification.sequence);
    Ok(NotificationPage { notifications, next })
}

fn list_of_all(on: &Connection, search: &NotificationSearch) -> Result<NotificationPage, Failure> {
    let (oldest, newest) = ends(on)?;
    let mut until = search.before.unwrap_or(i64::MAX).min(newest.saturating_add(1));
    if let Some(received) = search.received_until.and_then(|at| at.checked_add(DISORDER).ok()) {
        until = until.min(first_at(on, received, (oldest, newest))?);
    }
    let mut last = oldest;
    if let Some(received) = search.received_from.and_then(|at| at.checked_sub(DISORDER).ok()) {
        last = last.max(first_at(on, received, (oldest, newest))?);
    }
    let from = last.max(until.saturating_sub(STRETCH));
    let sql = "SELECT journal.*, replay_of FROM journal LEFT JOIN replays USING (sequence) \
               WHERE sequence >= ? AND sequence < ? AND event IS NOT NULL";
    let notifications = select(on, sql, vec![Box::new(from), Box::new(until)], search)?;
    let is_full = notifications.len() == usize::from(search.limit);
    let looked_to = notifications.last().filter(|_| is_full);
    let looked_to = looked_to.map_or(from, |last| last.notification.sequence);
    Ok(NotificationPage { notifications, next: (looked_to > last).then_some(looked_to) })
}

fn select(
    on: &Connection,
    sql: &str,
    mut values: Vec<Box<dyn ToSql>>,
    search: &NotificationSearch,
) -> Result<Vec<Journaled>, Failure> {
    let mut sql = sql.to_owned();
    let mut add = |condition: &str, value: Option<Box<dyn ToSql>>| {
        if let Some(value) = value {
            sql.push_str(condition);
            values.push(value);
        }
    };
    let account = search.account.as_ref().map(|name| name.as_str().to_owned());
    add(" AND account = ?", account.map(|name| Box::new(name) as _));
    add(" AND verdict = ?", search.verdict.clone().map(|verdict| Box::new(verdict) as _));
    add(" AND at >= ?", search.received_from.map(|at| Box::new(nanoseconds(at)) as _));
    add(" AND at < ?", search.received_until.map(|at| Box::new(nanoseconds(at)) as _));
    add(" AND sequence < ?", search.before.map(|before| Box::new(before) as _));
    add(" ORDER BY sequence DESC LIMIT ?", Some(Box::new(search.limit)));
    rows(on, &sql, params_from_iter(values), journaled)
}

/// The first place whose row is of `at` or later, by halving: rows are in order of time.
fn first_at(on: &Connection, at: Timestamp, (oldest, newest): (i64, i64)) -> Result<i64, Failure> {
    let sql = "SELECT at FROM journal WHERE sequence >= ?1 ORDER BY sequence LIMIT 1";
    let (mut low, mut high) = (oldest, newest.saturating_add(1));
    while low < high {
        let middle = low + (high - low) / 2;
        let found: Option<i64> = first(on, sql, [middle], |row| column(row, "journal", "at"))?;
        if found.is_some_and(|found| found < nanoseconds(at)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

fn journaled(row: &Row<'_>) -> Result<Journaled, Failure> {
    let verification: Option<[u8; 16]> = column(row, "journal", "verification_id")?;
    let bytes = |column: Option<Vec<u8>>| column.map(Vec::into_boxed_slice);
    Ok(Journaled {
        notification: Notification {
            sequence: column(row, "journal", "sequence")?,
            received_at: time(row, "journal", "at")?,
            account: name(row, "journal", "account")?,
            event: column(row, "journal", "event")?,
            verdict: column(row, "journal", "verdict")?,
            number_hash: column(row, "journal", "number_hash")?,
            masked: column(row, "journal", "masked")?,
            body: bytes(column(row, "journal", "body")?),
            signature: bytes(column(row, "journal", "signature")?),
        },
        verification: verification.map(VerificationId::from_bytes),
        replay_of: column(row, "replays", "replay_of")?,
    })
}

fn feed(on: &Connection, after: Option<JournalCursor>, limit: u16) -> Result<FeedPage, Failure> {
    // All of one moment: what is committed meanwhile comes behind the page's end.
    let on = &*on.unchecked_transaction()?;
    let (oldest, newest) = ends(on)?;
    let Some(after) = after else {
        let from = newest.saturating_sub(STRETCH).max(0);
        let mut rows = feed_rows(on, (from, newest), "DESC", limit)?;
        rows.reverse();
        return Ok(FeedPage { rows, end: cursor(newest), more: false });
    };
    let after = i64::try_from(after.minor).unwrap_or(i64::MAX).max(oldest - 1);
    let until = after.saturating_add(STRETCH).min(newest);
    let rows = feed_rows(on, (after, until), "ASC", limit)?;
    let is_full = rows.len() == usize::from(limit);
    let end = rows.last().filter(|_| is_full).map_or(cursor(until.max(after)), |row| row.cursor);
    Ok(FeedPage { rows, end, more: end < cursor(newest) })
}

/// The rows with entries after the first place, up to the second.
fn feed_rows(
    on: &Connection,
    (after, until): (i64, i64),
    order: &str,
    limit: u16,
) -> Result<Vec<FeedRow>, Failure> {
    // Of a cross join the first table is the outer one.
    let sql = format!(
        "SELECT sequence, entries, record FROM journal CROSS JOIN verifications \
         ON id = verification_id WHERE sequence > ?1 AND sequence <= ?2 \
         AND entries IS NOT NULL ORDER BY sequence {order} LIMIT ?3"
    );
    rows(on, &sql, params![after, until, limit], |row| {
        let packed: Vec<u8> = column(row, "journal", "entries")?;
        let entries =
            unpack_entries(&packed).map_err(|source| unreadable("journal", "entries", source))?;
        let sequence = column(row, "journal", "sequence")?;
        Ok(FeedRow { cursor: cursor(sequence), verification: verification(row)?, entries })
    })
}

/// One process writes, in the order of the places: no row comes late, so the place is enough.
pub(super) fn cursor(sequence: i64) -> JournalCursor {
    JournalCursor { major: 0, minor: u64::try_from(sequence).unwrap_or(0) }
}
