//! A new version of one verification, ready to be written.

use jiff::Timestamp;

use super::{Learned, NewDelivery, NotificationRow, record};
use crate::domain::{Entry, Outcome, Status, Timing, Verification, VerificationId};

/// A new version of one verification, with what the timeline gains and the
/// notification that caused it: one transaction. Packed where it is made, so
/// that the one writer does not spend its time on it.
pub struct Change {
    pub(super) id: VerificationId,
    pub(super) version: u32,
    pub(super) status: Status,
    pub(super) outcome: Option<Outcome>,
    pub(super) due_at: Option<Timestamp>,
    pub(super) record: Box<[u8]>,
    pub(super) journal: Option<JournalRow>,
    pub(super) deliveries: Vec<NewDelivery>,
    pub(super) learned: Vec<Learned>,
}

/// One row of the journal.
pub(super) struct JournalRow {
    pub(super) at: Timestamp,
    pub(super) verification: Option<VerificationId>,
    pub(super) entries: Option<Box<[u8]>>,
    pub(super) notification: Option<NotificationRow>,
}

/// What became of a change.
#[derive(Debug, PartialEq, Eq)]
pub enum Committed {
    /// It is on disk.
    Stored {
        /// The packed record of the new version.
        packed: Box<[u8]>,
    },
    /// The store holds another version than the one that the change was made
    /// from, or none; nothing was written.
    Conflict,
}

impl Change {
    /// Packs a new version. The store must still hold the one before it.
    #[must_use]
    pub fn new(
        next: &Verification,
        timing: &Timing,
        entries: &[Entry],
        notification: Option<NotificationRow>,
    ) -> Self {
        Self {
            id: next.id,
            version: next.version,
            status: next.status(),
            outcome: next.conclusion().map(|end| end.outcome),
            due_at: next.due_at(timing),
            record: record::pack(next),
            journal: JournalRow::of(next.id, entries, notification),
            deliveries: Vec::new(),
            learned: Vec::new(),
        }
    }

    /// The same with what apps are told of it, stored in the same transaction.
    #[must_use]
    pub fn with_deliveries(mut self, deliveries: Vec<NewDelivery>) -> Self {
        self.deliveries = deliveries;
        self
    }

    /// The same with what the guard learns from it, stored in the same transaction.
    #[must_use]
    pub fn with_learned(mut self, learned: Vec<Learned>) -> Self {
        self.learned = learned;
        self
    }

    /// The version that the store must hold.
    pub(super) const fn expected(&self) -> u32 {
        self.version.saturating_sub(1)
    }
}

impl JournalRow {
    /// The row that carries both, or none if there is neither.
    pub(super) fn of(
        verification: VerificationId,
        entries: &[Entry],
        notification: Option<NotificationRow>,
    ) -> Option<Self> {
        let received_at = notification.as_ref().map(|row| row.received_at);
        let at = received_at.or_else(|| entries.first().map(|entry| entry.at))?;
        let entries = (!entries.is_empty()).then(|| record::pack_entries(entries));
        Some(Self { at, verification: Some(verification), entries, notification })
    }

    /// The row of a notification that changed nothing.
    pub(super) fn of_notification(notification: NotificationRow) -> Self {
        Self {
            at: notification.received_at,
            verification: notification.verification,
            entries: None,
            notification: Some(notification),
        }
    }
}
