//! The life of a key: its secret's rotation, and when it was last used.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::domain::Secret;
use crate::store::PreviousSecret;

use super::key::told;
use super::{Actor, Administered, KeyRefusal, Service, StoreError};

/// The longest that an old secret stays good.
pub const MAX_OVERLAP: SignedDuration = SignedDuration::from_hours(30 * 24);

/// A key with a new secret.
#[derive(Clone, Debug)]
pub struct RotatedKey {
    /// `ID.SECRET`, what callers send from now on. Shown once.
    pub key: Secret,
    /// Until when the old secret is good.
    pub old_until: Timestamp,
}

impl Service {
    /// Gives a key a new secret. The one that it had is good for `overlap` more, one
    /// before that no longer. Its signature secret, scopes and the rest stay.
    ///
    /// # Errors
    /// When there is none in force with this id, or the store does not answer.
    pub async fn rotate_key(
        &self,
        id: &str,
        overlap: SignedDuration,
        by: &Actor,
    ) -> Result<RotatedKey, KeyRefusal> {
        let before = self.keys.find(id).ok_or(KeyRefusal::NotFound)?;
        let (secret, hash) = super::key::new_secret();
        let now = self.clock.now();
        let old_until = now.checked_add(overlap.min(MAX_OVERLAP)).unwrap_or(Timestamp::MAX);
        let mut after = told(&before);
        after["old_secret_until"] = json!(old_until.to_string());
        let done = Administered {
            action: "key.rotated",
            subject: id.to_owned(),
            before: Some(told(&before)),
            after: Some(after),
        };
        let audited = self.audited(by, done);
        if !self.store.rotate_key(id, hash, old_until, audited).await? {
            return Err(KeyRefusal::NotFound);
        }
        self.keys.rotated(id, hash, old_until);
        Ok(RotatedKey { key: Secret::new(format!("{id}.{secret}")), old_until })
    }

    /// Has the store learn which keys were used since it last did.
    ///
    /// # Errors
    /// When the store does not answer; the next call tells it.
    pub async fn note_key_uses(&self) -> Result<(), StoreError> {
        let used = self.keys.unnoted();
        if used.is_empty() {
            return Ok(());
        }
        self.store.used_keys(used.clone()).await?;
        self.keys.noted(&used);
        Ok(())
    }
}

impl super::in_force::Keys {
    fn rotated(&self, id: &str, hash: [u8; 32], until: Timestamp) {
        self.change(id, |row| {
            row.previous = Some(PreviousSecret { hash: row.secret_hash, until });
            row.secret_hash = hash;
        });
    }

    fn noted(&self, used: &[(Box<str>, Timestamp)]) {
        for (id, at) in used {
            self.change(id, |row| row.last_used_at = Some(*at));
        }
    }
}
