//! A new version whose last attempt is a later step of the plan.

use jiff::Timestamp;

use super::{Admission, Bar, NewDelivery};
use crate::domain::{Claim, Entry, Refusal, Verification};

/// A new version whose last attempt is intended and may hold claims.
pub struct Intent {
    /// The new version.
    pub verification: Verification,
    /// What the timeline gains.
    pub entries: Vec<Entry>,
    /// What its last attempt is to hold.
    pub claims: Vec<Claim>,
    /// What its app is told of it.
    pub deliveries: Vec<NewDelivery>,
    /// What it must pass, and what it counts.
    pub admission: Admission,
}

/// What became of an intent.
#[derive(Debug, PartialEq, Eq)]
pub enum Intended {
    /// It is on disk.
    Stored {
        /// As stored: the attempt may have learned of an earlier call.
        verification: Verification,
        /// Its packed record.
        packed: Box<[u8]>,
        /// What would have refused it, were it enforced.
        noted: Vec<Refusal>,
    },
    /// A rule of the guard refuses it.
    Refused {
        /// The rule that holds longest.
        refusal: Refusal,
        /// That one, and what would have refused it too.
        noted: Vec<Refusal>,
        /// What is blocked from now on.
        blocked: Vec<Bar>,
    },
    /// An attempt in flight holds one of the claims.
    ClaimHeld {
        /// Until when, if nothing comes before.
        until: Timestamp,
    },
    /// The store holds another version; nothing was written.
    Conflict,
}
