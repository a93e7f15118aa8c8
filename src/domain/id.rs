//! Ids of what apps are shown: a word and a UUID made elsewhere, since this room
//! has neither clock nor randomness.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// Makes one kind of id, and the error of a text that is none.
macro_rules! id {
    ($(#[$doc:meta])* $id:ident, $prefix:literal, $(#[$invalid_doc:meta])* $invalid:ident, $message:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $id(Uuid);

        $(#[$invalid_doc])*
        #[derive(Debug, thiserror::Error, PartialEq, Eq)]
        #[error($message)]
        pub struct $invalid;

        impl $id {
            /// Takes a UUID of version 7.
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

        impl fmt::Display for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0.as_simple())
            }
        }

        impl fmt::Debug for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $id {
            type Err = $invalid;

            fn from_str(text: &str) -> Result<Self, $invalid> {
                text.strip_prefix($prefix).and_then(canonical).map(Self).ok_or($invalid)
            }
        }
    };
}

id!(
    /// Names one verification. Shown as 32 lower-case hexadecimal digits after
    /// `ver_`; ids made later sort later (UUID version 7).
    VerificationId,
    "ver_",
    /// A text that is no verification's id.
    InvalidId,
    "a verification id is \"ver_\" and 32 hexadecimal digits"
);

id!(
    /// Names one delivery over all its retries; receivers tell repeats by it. Shown
    /// as 32 lower-case hexadecimal digits after `msg_`; ids made later sort later.
    DeliveryId,
    "msg_",
    /// A text that is no delivery's id.
    InvalidDeliveryId,
    "a delivery id is \"msg_\" and 32 hexadecimal digits"
);

/// A UUID in the one way in which it is shown.
fn canonical(hex: &str) -> Option<Uuid> {
    let is_canonical =
        hex.len() == 32 && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    if is_canonical { Uuid::try_parse(hex).ok() } else { None }
}
