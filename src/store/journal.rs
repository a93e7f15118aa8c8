//! The journal as operators read it: notifications in pages, and what happened to all
//! verifications, in the order in which it was stored.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use super::{Notification, NotificationRow, Store, StoreError, adapter};
use crate::domain::{Entry, Name, Verification, VerificationId};

/// Which notifications to list. Every filter that is given must pass.
#[derive(Clone, Debug, Default)]
pub struct NotificationSearch {
    /// The account whose path they came to.
    pub account: Option<Name>,
    /// What was made of them.
    pub verdict: Option<Box<str>>,
    /// The verification that they were matched with.
    pub verification: Option<VerificationId>,
    /// Received then or later.
    pub received_from: Option<Timestamp>,
    /// Received before.
    pub received_until: Option<Timestamp>,
    /// Only those journaled before this place.
    pub before: Option<i64>,
    /// At most so many.
    pub limit: u16,
}

/// A notification with its place among the others.
#[derive(Clone, PartialEq, Eq)]
pub struct Journaled {
    /// What was received.
    pub notification: Notification,
    /// The verification that it was matched with.
    pub verification: Option<VerificationId>,
    /// The place of the one that it is a replay of.
    pub replay_of: Option<i64>,
}

/// One page of notifications, newest first.
pub struct NotificationPage {
    /// As many as were found in the part of the journal that was looked through, which is
    /// bounded: a page may hold fewer than were asked for, and another may follow.
    pub notifications: Vec<Journaled>,
    /// What the next page is `before`, if there may be one.
    pub next: Option<i64>,
}

/// A place in the journal's order. Reading on from it misses no row, however late the row
/// was committed; what the two numbers mean is the adapter's business.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct JournalCursor {
    pub(super) major: u64,
    pub(super) minor: u64,
}

/// A text that is no cursor.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("this is no cursor")]
pub struct InvalidCursor;

impl fmt::Display for JournalCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}.{:x}", self.major, self.minor)
    }
}

impl FromStr for JournalCursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let (major, minor) = text.split_once('.').ok_or(InvalidCursor)?;
        let number = |digits: &str| {
            let is_hex = (1..=16).contains(&digits.len())
                && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
            if is_hex { u64::from_str_radix(digits, 16).ok() } else { None }
        };
        let (major, minor) = number(major).zip(number(minor)).ok_or(InvalidCursor)?;
        Ok(Self { major, minor })
    }
}

/// What one change added to a verification's timeline.
#[derive(Clone, Debug)]
pub struct FeedRow {
    /// The row's place.
    pub cursor: JournalCursor,
    /// The verification, in its newest version.
    pub verification: Verification,
    /// What happened, oldest first.
    pub entries: Vec<Entry>,
}

/// One page of what happened, oldest first.
#[derive(Clone, Debug)]
pub struct FeedPage {
    /// The rows.
    pub rows: Vec<FeedRow>,
    /// Where to read on. It may lie behind the last row, never before it.
    pub end: JournalCursor,
    /// Whether more is stored already.
    pub more: bool,
}

impl Store {
    /// One page of notifications, newest first.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn list_notifications(
        &self,
        search: NotificationSearch,
    ) -> Result<NotificationPage, StoreError> {
        adapter!(self.list_notifications(search))
    }

    /// The notification at a place of the journal.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn notification(&self, sequence: i64) -> Result<Option<Journaled>, StoreError> {
        adapter!(self.notification(sequence))
    }

    /// Keeps the replay of the notification at `replay_of`, which changes no verification;
    /// the replay's own place.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn journal_replay(
        &self,
        row: NotificationRow,
        replay_of: i64,
    ) -> Result<i64, StoreError> {
        adapter!(self.journal_replay(row, replay_of))
    }

    /// What happened after a place, at most `limit` rows; without a place the newest ones.
    /// Verifications past their retention are left out.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn feed(
        &self,
        after: Option<JournalCursor>,
        limit: u16,
    ) -> Result<FeedPage, StoreError> {
        adapter!(self.feed(after, limit))
    }
}
