//! The hot path: a new version and its journal row, two row writes.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::columns::{Failure, nanoseconds};
use super::writer::Work;
use super::{deliveries, guard};
use crate::domain::VerificationId;
use crate::store::change::JournalRow;
use crate::store::record::{outcome_code, status_code};
use crate::store::{Change, Committed};

impl Work for Change {
    type Done = bool;
    type Answer = Committed;

    fn run(&mut self, on: &Connection) -> Result<bool, Failure> {
        let expected = self.expected();
        let mut journaled = None;
        if let Some(row) = &self.journal {
            journaled = insert(on, row, Some(expected))?;
            if journaled.is_none() {
                return Ok(false);
            }
        }
        let sql = "UPDATE verifications SET version = ?1, status = ?2, outcome = ?3, due_at = ?4, \
                   journaled = ifnull(?5, journaled), record = ?6 WHERE id = ?7 AND version = ?8";
        let updated = on.prepare_cached(sql)?.execute(params![
            self.version,
            status_code(self.status),
            self.outcome.map(outcome_code),
            self.due_at.map(nanoseconds),
            journaled,
            &*self.record,
            self.id.as_bytes(),
            expected,
        ])?;
        if updated == 0 {
            return Ok(false);
        }
        remind(on, self.id, self.due_at)?;
        deliveries::insert(on, &self.deliveries)?;
        guard::learn(on, &self.learned)?;
        Ok(true)
    }

    fn answer(self, stored: bool) -> Committed {
        if stored { Committed::Stored { packed: self.record } } else { Committed::Conflict }
    }
}

/// Adds a row to the journal, and makes it the newest of its verification.
pub(super) fn journal(on: &Connection, row: &JournalRow) -> Result<(), Failure> {
    let sequence = insert(on, row, None)?;
    if let Some(id) = &row.verification {
        let sql = "UPDATE verifications SET journaled = ?1 WHERE id = ?2";
        on.prepare_cached(sql)?.execute(params![sequence, id.as_bytes()])?;
    }
    Ok(())
}

/// Adds a row to the journal behind the one before it, unless its verification
/// has another version than expected; its place.
pub(super) fn insert(
    on: &Connection,
    row: &JournalRow,
    expected: Option<u32>,
) -> Result<Option<i64>, Failure> {
    let sql = "INSERT INTO journal (previous, at, verification_id, entries, account, event, \
               verdict, number_hash, masked, body, signature) \
               SELECT (SELECT journaled FROM verifications WHERE id = ?2), \
               ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10 \
               WHERE ?11 IS NULL OR ?11 = (SELECT version FROM verifications WHERE id = ?2)";
    let notification = row.notification.as_ref();
    let inserted = on.prepare_cached(sql)?.execute(params![
        nanoseconds(row.at),
        row.verification.as_ref().map(VerificationId::as_bytes),
        row.entries.as_deref(),
        notification.map(|row| row.account.as_str()),
        notification.map(|row| &*row.event),
        notification.map(|row| row.verdict),
        notification.and_then(|row| row.number_hash.as_ref()),
        notification.and_then(|row| row.masked.as_deref()),
        notification.and_then(|row| row.body.as_deref()),
        notification.and_then(|row| row.signature.as_deref()),
        expected,
    ])?;
    Ok((inserted > 0).then(|| on.last_insert_rowid()))
}

/// Notes when to look at a verification again. A note of another time stays
/// until that time comes.
pub(super) fn remind(
    on: &Connection,
    id: VerificationId,
    due_at: Option<Timestamp>,
) -> Result<(), Failure> {
    let Some(due_at) = due_at else { return Ok(()) };
    let sql = "INSERT OR IGNORE INTO due (at, verification_id) VALUES (?1, ?2)";
    on.prepare_cached(sql)?.execute(params![nanoseconds(due_at), id.as_bytes()])?;
    Ok(())
}
