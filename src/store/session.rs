//! Sessions of the console: who is signed in. Kept here so that every replica
//! knows them and a restart ends none. How long one lasts is the service's business.

use jiff::{SignedDuration, Timestamp};

use super::{Store, StoreError, adapter};

/// From its opening until a session's row is swept: longer than any session lasts.
pub const SESSIONS_KEPT: SignedDuration = SignedDuration::from_hours(24);

/// A session as kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// A keyed hash of what the browser sends.
    pub hash: [u8; 32],
    /// The key that opened it.
    pub key_id: Box<str>,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When it was last used, to the minute.
    pub seen_at: Timestamp,
}

impl Store {
    /// Keeps a new session.
    ///
    /// # Errors
    /// See [`StoreError`]; also when the hash is taken.
    pub async fn open_session(&self, session: SessionRow) -> Result<(), StoreError> {
        adapter!(self.open_session(session))
    }

    /// A session that has not been closed, however old.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn session(&self, hash: [u8; 32]) -> Result<Option<SessionRow>, StoreError> {
        adapter!(self.session(hash))
    }

    /// Notes that a session was used; a later note stays. One that was closed stays closed.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn see_session(&self, hash: [u8; 32], at: Timestamp) -> Result<(), StoreError> {
        adapter!(self.see_session(hash, at))
    }

    /// Closes a session; whether there was one.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn close_session(&self, hash: [u8; 32]) -> Result<bool, StoreError> {
        adapter!(self.close_session(hash))
    }

    /// Closes every session that a key opened; how many those are.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn close_sessions(&self, key_id: &str) -> Result<u64, StoreError> {
        adapter!(self.close_sessions(key_id))
    }
}
