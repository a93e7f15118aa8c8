//! The rows that callers hand over and get back.

use jiff::Timestamp;

use crate::domain::{Name, Network, VerificationId};

/// A notification as received, with its verdict, about to be journaled.
pub struct NotificationRow {
    /// When it was received.
    pub received_at: Timestamp,
    /// The account whose path it came to.
    pub account: Name,
    /// The event that it names.
    pub event: Box<str>,
    /// What was made of it.
    pub verdict: &'static str,
    /// The verification that it was matched with.
    pub verification: Option<VerificationId>,
    /// A keyed hash of its number.
    pub number_hash: Option<[u8; 16]>,
    /// Its number, masked.
    pub masked: Option<Box<str>>,
    /// Its body; only of a matched one.
    pub body: Option<Box<[u8]>>,
    /// Its signature; only of a matched one.
    pub signature: Option<Box<[u8]>>,
}

/// A notification read back from the journal.
#[derive(Clone, PartialEq, Eq)]
pub struct Notification {
    /// Its place in the journal.
    pub sequence: i64,
    /// When it was received.
    pub received_at: Timestamp,
    /// The account whose path it came to.
    pub account: Name,
    /// The event that it names.
    pub event: Box<str>,
    /// What was made of it.
    pub verdict: Box<str>,
    /// A keyed hash of its number.
    pub number_hash: Option<[u8; 16]>,
    /// Its number, masked.
    pub masked: Option<Box<str>>,
    /// Its body.
    pub body: Option<Box<[u8]>>,
    /// Its signature.
    pub signature: Option<Box<[u8]>>,
}

/// A key of an app, as kept: its secret only as a hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRow {
    /// Its public id.
    pub id: Box<str>,
    /// The app that it belongs to.
    pub app: Name,
    /// The hash of its secret.
    pub secret_hash: [u8; 32],
    /// What it may do; words without spaces.
    pub scopes: Vec<Box<str>>,
    /// Whether test numbers act for it.
    pub test: bool,
    /// What verifies requests that it signs, sealed; only if it may sign.
    pub signature_secret: Option<Box<[u8]>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Timestamp>,
    /// When it ends by itself, if it does.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// The secret before the present one, while it is still good.
    pub previous: Option<PreviousSecret>,
    /// From where it counts; from everywhere if there are none.
    pub networks: Vec<Network>,
}

/// A key's secret before its rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PreviousSecret {
    /// The hash of it.
    pub hash: [u8; 32],
    /// It is good before this instant.
    pub until: Timestamp,
}

/// What a sweep removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Verifications past their retention, with their timelines and notifications.
    pub verifications: u64,
    /// Notifications that had matched no attempt.
    pub notifications: u64,
    /// Claims long dead.
    pub claims: u64,
    /// Idempotency keys older than a day.
    pub idempotency_keys: u64,
}
