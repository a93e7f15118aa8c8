//! Verifications and timeline entries as bytes, the same for every adapter.

use crate::domain::{Entry, Verification};

/// Bytes that are no record of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(pub(super) &'static str);

/// Packs a verification.
#[must_use]
pub fn pack(_verification: &Verification) -> Box<[u8]> {
    unimplemented!()
}

/// Reads a packed verification; any bytes are answered.
///
/// # Errors
/// When nobody here wrote them.
pub fn unpack(_bytes: &[u8]) -> Result<Verification, Unreadable> {
    unimplemented!()
}

/// Packs timeline entries.
#[must_use]
pub fn pack_entries(_entries: &[Entry]) -> Box<[u8]> {
    unimplemented!()
}

/// Reads packed timeline entries; any bytes are answered.
///
/// # Errors
/// When nobody here wrote them.
pub fn unpack_entries(_bytes: &[u8]) -> Result<Vec<Entry>, Unreadable> {
    unimplemented!()
}
