//! The journal's notifications, for operators.

use crate::store::{Journaled, NotificationPage, NotificationRow, NotificationSearch, StoreError};

use super::Service;

/// The most on a page.
const MOST: u16 = 100;

impl Service {
    /// One page of notifications, newest first; `search.limit` is at most 100.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn list_notifications(
        &self,
        mut search: NotificationSearch,
    ) -> Result<NotificationPage, StoreError> {
        search.limit = search.limit.clamp(1, MOST);
        self.store.list_notifications(search).await
    }

    /// The notification at a place of the journal.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn show_notification(&self, sequence: i64) -> Result<Option<Journaled>, StoreError> {
        self.store.notification(sequence).await
    }

    /// Journals a replay, which changes no verification; what was journaled.
    ///
    /// # Errors
    /// When the store does not take it.
    pub async fn journal_replay(
        &self,
        row: NotificationRow,
        replay_of: i64,
    ) -> Result<Option<Journaled>, StoreError> {
        let sequence = self.store.journal_replay(row, replay_of).await?;
        self.store.notification(sequence).await
    }
}
