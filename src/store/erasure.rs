//! Erasing what is stored of one number or address.
//!
//! Its verifications go as at the end of their retention: with timelines, notifications,
//! deliveries and claims, leaving their counts. So do the notifications that matched no
//! attempt and have one of the number's keyed hashes. Nothing is erased while something of
//! it may still be called, or while a claim is what tells a new call from a replay of
//! an old one's notification: a lost erasure can be asked for again, a wrong "verified" not.

use jiff::Timestamp;

use super::{Audited, GuardKey, Store, StoreError, adapter};
use crate::domain::Recipient;

/// What is to be erased.
#[derive(Clone, Debug)]
pub struct Erasure {
    /// Whose data.
    pub of: Recipient,
    /// The keyed hashes under which notifications may have kept the number.
    pub hashes: Vec<[u8; 16]>,
    /// Under what the guard counts and blocks starts to it, and nothing else.
    pub guarded: Vec<GuardKey>,
    /// What is appended to the audit log if it is erased.
    pub audited: Audited,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Erased {
    /// Everything is gone.
    Done {
        /// How many verifications went.
        verifications: u64,
        /// How many notifications went that had matched none.
        notifications: u64,
    },
    /// Something still runs; nothing was erased.
    Running {
        /// When it may be asked for again, if nothing begins anew.
        until: Timestamp,
    },
}

impl Store {
    /// Erases what is stored of a number or address, of every app, in one transaction.
    ///
    /// # Errors
    /// When nothing was erased, see [`StoreError`].
    pub async fn erase(&self, erasure: Erasure, now: Timestamp) -> Result<Erased, StoreError> {
        let to = self.look_ups.recipient(&erasure.of);
        adapter!(self.erase(erasure, to, now))
    }
}
