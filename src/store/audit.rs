//! The audit log: what administrators did, each entry chained to the one before
//! by a hash, and how the chain is checked.
//!
//! An entry is appended in the transaction that does what it tells of, which
//! also reads the last hash; so the chain is one, however many processes append.
//! The log's head, its count and last hash, is kept apart from the entries and is
//! logged with each append: an end that is cut off is missed by the one, and a
//! store that is rewritten as a whole by whoever kept the other. Entries carry no
//! number, no secret and nothing of a verification, since they are never removed.

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::{Store, StoreError, adapter};
use crate::telemetry::metrics::AUDIT_ENTRIES;

/// How many entries are read at once while the chain is checked.
const PAGE: u16 = 500;

/// Something that was done, about to be appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audited {
    /// When.
    pub at: Timestamp,
    /// Who: the id of the key that asked, or `local` for whoever holds the store's file.
    pub actor: Box<str>,
    /// What, as in `key.created`.
    pub action: Box<str>,
    /// To what: an id or a name.
    pub subject: Box<str>,
    /// What was so before, JSON; none if nothing was.
    pub before: Option<Box<str>>,
    /// What is so since, JSON; none if nothing is.
    pub after: Option<Box<str>>,
}

/// An entry of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its place, from 1, without gaps.
    pub sequence: u64,
    /// What was done.
    pub audited: Audited,
    /// The hash of this entry and, by the one before, of all before it.
    pub hash: [u8; 32],
}

/// Where the log ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditHead {
    /// How many entries there are.
    pub count: u64,
    /// The last one's hash.
    pub hash: [u8; 32],
}

/// Why the log is not the one that was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuditFault {
    /// An entry, or one before it, is not as it was written.
    #[error("entry {0} was changed, or one before it was: its hash does not follow")]
    Changed(u64),
    /// An entry is gone.
    #[error("entry {0} is missing")]
    Missing(u64),
    /// The log ends before its head.
    #[error("the log ends at entry {found}, but {expected} were written: its end was removed")]
    Truncated {
        /// The last entry.
        found: u64,
        /// How many there were by the head.
        expected: u64,
    },
    /// The log goes on behind its head, or has another hash there.
    #[error(
        "the log's head does not fit its entries: {0} entries were written by it, and they end otherwise"
    )]
    OtherHead(u64),
    /// The log does not contain the head that was noted elsewhere.
    #[error(
        "the noted head does not fit: entry {0} has another hash today, so the log was rewritten"
    )]
    Rewritten(u64),
}

/// Why a chain is not found whole.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// It is not whole.
    #[error(transparent)]
    Fault(#[from] AuditFault),
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AuditHead {
    /// Of a log without entries.
    pub const EMPTY: Self = Self { count: 0, hash: [0; 32] };

    /// Tells whoever keeps logs and metrics where the log ends since the last commit.
    pub(super) fn announce(self) {
        metrics::gauge!(AUDIT_ENTRIES).set(self.count as f64);
        tracing::info!(audit.head = %self, "the audit log has {} entries", self.count);
    }

    /// The head after one more entry.
    #[must_use]
    pub fn then(self, audited: &Audited) -> Self {
        let count = self.count + 1;
        Self { count, hash: chained(&self.hash, count, audited) }
    }
}

impl std::fmt::Display for AuditHead {
    /// `COUNT:HASH`, what is logged and can be compared later.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.count, const_hex::encode(self.hash))
    }
}

/// A text is no head.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("a head is COUNT:HASH as `ringproof audit verify` prints it")]
pub struct NoHead;

impl std::str::FromStr for AuditHead {
    type Err = NoHead;

    fn from_str(text: &str) -> Result<Self, NoHead> {
        let (count, hash) = text.split_once(':').ok_or(NoHead)?;
        let count = count.parse().map_err(|_| NoHead)?;
        Ok(Self { count, hash: const_hex::decode_to_array(hash).map_err(|_| NoHead)? })
    }
}

/// The hash of an entry behind another. Every part is preceded by its length, so
/// that no two entries read alike.
fn chained(previous: &[u8; 32], sequence: u64, audited: &Audited) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"ringproof audit 1");
    hash.update(previous);
    hash.update(sequence.to_be_bytes());
    // As stores keep it: nanoseconds of this era.
    hash.update(audited.at.as_nanosecond().to_be_bytes());
    for part in [&audited.actor, &audited.action, &audited.subject] {
        add(&mut hash, Some(part));
    }
    add(&mut hash, audited.before.as_deref());
    add(&mut hash, audited.after.as_deref());
    hash.finalize().into()
}

fn add(hash: &mut Sha256, part: Option<&str>) {
    hash.update([u8::from(part.is_some())]);
    let text = part.unwrap_or_default();
    hash.update((text.len() as u64).to_be_bytes());
    hash.update(text);
}

impl Store {
    /// Appends an entry for something that changed nothing else in the store, or
    /// that an adapter changes by itself. The next hash is computed from the last
    /// one within the transaction, under a lock that holds off every other append.
    ///
    /// # Errors
    /// When nothing was stored, see [`StoreError`].
    pub async fn audit(&self, audited: Audited) -> Result<AuditHead, StoreError> {
        adapter!(self.audit(audited))
    }

    /// The entries before `before`, or the last ones, newest first, at most `limit`.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn audit_log(
        &self,
        before: Option<u64>,
        limit: u16,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        adapter!(self.audit_log(before, limit))
    }

    /// The entries after `after`, oldest first, at most `limit`.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn audit_after(&self, after: u64, limit: u16) -> Result<Vec<AuditEntry>, StoreError> {
        adapter!(self.audit_after(after, limit))
    }

    /// Where the log ends, as kept apart from it.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn audit_head(&self) -> Result<AuditHead, StoreError> {
        adapter!(self.audit_head())
    }

    /// Checks every entry's hash, that none is missing, that the log ends where
    /// its head says, and that it contains `noted`, a head of an earlier time.
    /// Returns the head. Others may append meanwhile.
    ///
    /// # Errors
    /// The first fault found, or the store does not answer.
    pub async fn verify_audit(&self, noted: Option<AuditHead>) -> Result<AuditHead, AuditError> {
        let mut seen = AuditHead::EMPTY;
        let mut head = self.audit_head().await?;
        loop {
            // Read after the head, so there are at least as many.
            seen = self.follow(seen, noted).await?;
            if seen.count < head.count {
                let (found, expected) = (seen.count, head.count);
                return Err(AuditFault::Truncated { found, expected }.into());
            }
            // Read after the entries, so it is at least as far.
            head = self.audit_head().await?;
            if head == seen {
                break;
            }
            if head.count <= seen.count {
                return Err(AuditFault::OtherHead(head.count).into());
            }
        }
        match noted {
            Some(noted) if noted.count > seen.count => {
                let (found, expected) = (seen.count, noted.count);
                Err(AuditFault::Truncated { found, expected }.into())
            }
            _ => Ok(seen),
        }
    }

    /// Follows the chain from `seen` to its end.
    async fn follow(
        &self,
        mut seen: AuditHead,
        noted: Option<AuditHead>,
    ) -> Result<AuditHead, AuditError> {
        loop {
            let page = self.audit_after(seen.count, PAGE).await?;
            if page.is_empty() {
                return Ok(seen);
            }
            for entry in page {
                let next = seen.then(&entry.audited);
                if entry.sequence != next.count {
                    return Err(AuditFault::Missing(next.count).into());
                }
                if entry.hash != next.hash {
                    return Err(AuditFault::Changed(next.count).into());
                }
                if noted.is_some_and(|noted| noted.count == next.count && noted.hash != next.hash) {
                    return Err(AuditFault::Rewritten(next.count).into());
                }
                seen = next;
            }
        }
    }
}
