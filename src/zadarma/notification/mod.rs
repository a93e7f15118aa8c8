//! Notifications of the PBX: from raw bytes to what they say.
//!
//! Three steps, each a type: [`Decoded`] has been read once, [`Authentic`] has
//! been signed by the provider, [`Notification`] is what it means. The HMAC and
//! the meaning read the same decoded values. Correlation and judgement are not
//! done here.

mod authenticate;
mod decode;
mod interpret;

pub use authenticate::{Authentic, Unauthentic, signed_fields};
pub use decode::{Decoded, MAX_FIELDS, Malformed};
pub use interpret::{CallEvent, CallNotification, Notification};

pub use super::parse_call_start;
