//! The audit log: who administered what, when, and how it was before and after.
//!
//! Every verb that administers takes an [`Actor`]. Where the store itself changes,
//! it appends the entry in the same transaction; for anything else there is
//! [`Service::audit`], whose error the verb passes on.

use serde_json::Value;

use crate::store::{AuditEntry, AuditError, AuditHead, Audited};

use super::{Service, StoreError};

/// Who administers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The holder of the key with this id.
    Key(Box<str>),
    /// Whoever may open the store's file or has started the process.
    Local,
}

/// What was done to what. Never with a whole number, a secret or a code.
#[derive(Clone, Debug)]
pub struct Administered {
    /// What, in the past tense behind its subject's kind, as in `key.created`.
    pub action: &'static str,
    /// An id or a name.
    pub subject: String,
    /// What was so before, if anything was.
    pub before: Option<Value>,
    /// What is so since, if anything is.
    pub after: Option<Value>,
}

/// One page of the log.
pub struct AuditPage {
    /// The entries, newest first.
    pub entries: Vec<AuditEntry>,
    /// What the next page begins before, if there is one.
    pub next: Option<u64>,
}

impl Service {
    /// Appends what was administered outside the store, or in it by a verb that
    /// does not append by itself. Call it before what cannot be undone.
    ///
    /// # Errors
    /// When nothing was appended; then the action is to be refused.
    pub async fn audit(&self, by: &Actor, done: Administered) -> Result<AuditHead, StoreError> {
        self.store.audit(self.audited(by, done)).await
    }

    /// The same for a change of the store that appends it.
    pub(super) fn audited(&self, by: &Actor, done: Administered) -> Audited {
        let actor = match by {
            Actor::Key(id) => format!("key:{id}"),
            Actor::Local => "local".to_owned(),
        };
        Audited {
            at: self.clock.now(),
            actor: actor.into(),
            action: done.action.into(),
            subject: done.subject.into(),
            before: done.before.map(|value| value.to_string().into()),
            after: done.after.map(|value| value.to_string().into()),
        }
    }

    /// One page of the log, newest first, of at most `limit` entries before `before`.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn list_audit(
        &self,
        before: Option<u64>,
        limit: u16,
    ) -> Result<AuditPage, StoreError> {
        let mut entries = self.store.audit_log(before, limit + 1).await?;
        let more = entries.len() > usize::from(limit);
        entries.truncate(usize::from(limit));
        let next = entries.last().filter(|_| more).map(|last| last.sequence);
        Ok(AuditPage { entries, next })
    }

    /// Whether the log is whole; its head. `noted` is a head of an earlier time.
    ///
    /// # Errors
    /// The first fault found, or the store does not answer.
    pub async fn verify_audit(&self, noted: Option<AuditHead>) -> Result<AuditHead, AuditError> {
        self.store.verify_audit(noted).await
    }
}
