//! Keys of apps, by the port.

use jiff::Timestamp;

use super::{Audited, KeyRow, Store, StoreError, adapter};

impl Store {
    /// Keeps a new key, and appends `audited` in the same transaction.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn create_key(&self, key: KeyRow, audited: Audited) -> Result<(), StoreError> {
        adapter!(self.create_key(key, audited))
    }

    /// Every key, revoked ones included, in order of creation.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn keys(&self) -> Result<Vec<KeyRow>, StoreError> {
        adapter!(self.keys())
    }

    /// Revokes a key; whether there was one that had not been revoked. If so,
    /// `audited` is appended in the same transaction.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn revoke_key(
        &self,
        id: &str,
        at: Timestamp,
        audited: Audited,
    ) -> Result<bool, StoreError> {
        adapter!(self.revoke_key(id, at, audited))
    }

    /// Gives a key that is not revoked the secret with the hash `to`; the present one
    /// becomes the previous one, good before `until`. Whether there was such a key; if
    /// so, `audited` is appended in the same transaction.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn rotate_key(
        &self,
        id: &str,
        to: [u8; 32],
        until: Timestamp,
        audited: Audited,
    ) -> Result<bool, StoreError> {
        adapter!(self.rotate_key(id, to, until, audited))
    }

    /// Notes when keys were last used; an earlier use than the one known changes nothing.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn used_keys(&self, used: Vec<(Box<str>, Timestamp)>) -> Result<(), StoreError> {
        adapter!(self.used_keys(used))
    }
}
