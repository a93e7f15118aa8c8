//! Ids of verifications.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// Names one verification. Shown as 32 lower-case hexadecimal digits after
/// `ver_`; ids made later sort later (UUID version 7).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VerificationId(Uuid);

/// A text that is no verification's id.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a verification id is \"ver_\" and 32 hexadecimal digits")]
pub struct InvalidId;

impl VerificationId {
    /// Takes a UUID made elsewhere, since this room has neither clock nor randomness.
    #[must_use]
    pub const fn new(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The 16 bytes that stores keep.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// From the 16 bytes that stores keep.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }
}

impl fmt::Display for VerificationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ver_{}", self.0.as_simple())
    }
}

impl fmt::Debug for VerificationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for VerificationId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let hex = text.strip_prefix("ver_").ok_or(InvalidId)?;
        let canonical = hex.len() == 32
            && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if !canonical {
            return Err(InvalidId);
        }
        Uuid::try_parse(hex).map(Self).map_err(|_| InvalidId)
    }
}
