//! Ids of deliveries: what an app is told, once to each address.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// Names one delivery over all its retries; receivers tell repeats by it. Shown
/// as 32 lower-case hexadecimal digits after `msg_`; ids made later sort later.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeliveryId(Uuid);

/// A text that is no delivery's id.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a delivery id is \"msg_\" and 32 hexadecimal digits")]
pub struct InvalidDeliveryId;

impl DeliveryId {
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

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "msg_{}", self.0.as_simple())
    }
}

impl fmt::Debug for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for DeliveryId {
    type Err = InvalidDeliveryId;

    fn from_str(text: &str) -> Result<Self, InvalidDeliveryId> {
        let hex = text.strip_prefix("msg_").ok_or(InvalidDeliveryId)?;
        let canonical = hex.len() == 32
            && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if !canonical {
            return Err(InvalidDeliveryId);
        }
        Uuid::try_parse(hex).map(Self).map_err(|_| InvalidDeliveryId)
    }
}
