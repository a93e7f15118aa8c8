//! The hot path: a new version and its journal row, two row writes.

use rusqlite::{Connection, params};

use super::columns::{Failure, nanoseconds};
use super::deliveries;
use super::writer::Work;
use crate::domain::VerificationId;
use crate::store::change::JournalRow;
use crate::store::record::{outcome_code, status_code};
use crate::store::{Change, Committed};

impl Work for Change {
    type Done = bool;
    type Answer = Committed;

    fn run(&mut self, on: &Connection) -> Result<bool, Failure> {
        let sql = "UPDATE verifications SET version = ?1, status = ?2, outcome = ?3, due_at = ?4, \
                   record = ?5 WHERE id = ?6 AND version = ?7";
        let updated = on.prepare_cached(sql)?.execute(params![
            self.version,
            status_code(self.status),
            self.outcome.map(outcome_code),
            self.due_at.map(nanoseconds),
            &*self.record,
            self.id.as_bytes(),
            self.expected(),
        ])?;
        if updated == 0 {
            return Ok(false);
        }
        if let Some(row) = &self.journal {
            insert(on, row)?;
        }
        deliveries::insert(on, &self.deliveries)?;
        Ok(true)
    }

    fn answer(self, stored: bool) -> Committed {
        if stored { Committed::Stored { packed: self.record } } else { Committed::Conflict }
    }
}

/// Adds a row to the journal.
pub(super) fn insert(on: &Connection, row: &JournalRow) -> Result<(), Failure> {
    let sql = "INSERT INTO journal (at, verification_id, entries, account, event, verdict, \
               number_hash, masked, body, signature) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    let notification = row.notification.as_ref();
    on.prepare_cached(sql)?.execute(params![
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
    ])?;
    Ok(())
}
