//! A new verification, ready to be admitted.

use jiff::Timestamp;

use super::{Admission, Bar, NewDelivery};
use crate::domain::{Claim, Entry, Name, Refusal, Verification, VerificationId};

/// A new verification whose first attempt is intended.
pub struct Start {
    /// The verification.
    pub verification: Verification,
    /// The timeline's first entries.
    pub entries: Vec<Entry>,
    /// What its last attempt is to hold.
    pub claims: Vec<Claim>,
    /// The app's key against starting twice.
    pub idempotency: Option<IdempotencyKey>,
    /// What apps are told of it.
    pub deliveries: Vec<NewDelivery>,
    /// Whether its number takes no second verification that is to be alone.
    pub alone: bool,
    /// What it must pass, and what it counts.
    pub admission: Admission,
}

/// An app's key against starting twice.
#[derive(Clone)]
pub struct IdempotencyKey {
    /// The key as the app sent it.
    pub key: Box<str>,
    /// A digest of the request that came with it.
    pub fingerprint: [u8; 32],
}

/// What became of a start.
#[derive(Debug, PartialEq, Eq)]
pub enum Started {
    /// It is on disk.
    Stored {
        /// As stored: the attempt may have learned of an earlier call.
        verification: Verification,
        /// Its packed record.
        packed: Box<[u8]>,
        /// What would have refused it, were it enforced.
        noted: Vec<Refusal>,
    },
    /// A rule of the guard refuses it; what it would have counted is not counted.
    Refused {
        /// The rule that holds longest.
        refusal: Refusal,
        /// That one, and what would have refused it too.
        noted: Vec<Refusal>,
        /// What is blocked from now on.
        blocked: Vec<Bar>,
    },
    /// Another attempt in flight holds one of the claims.
    ClaimHeld {
        /// Until when, if nothing comes before.
        until: Timestamp,
    },
    /// Another verification of the number runs, and both were to be alone.
    Running {
        /// The one that runs.
        id: VerificationId,
        /// Its app.
        app: Name,
    },
    /// The same request was stored before under its idempotency key.
    Replayed(VerificationId),
    /// Another request was stored before under the idempotency key.
    KeyReused,
}
