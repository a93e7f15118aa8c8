//! What a verification is and how it moves. Pure: no clock, no randomness, no
//! input or output, no serialization. Times, ids and keys come in as arguments,
//! so that thousands of random histories can be run against it.

mod apply;
mod attempt;
mod claim;
mod delivery;
mod evidence;
mod id;
mod names;
mod network;
mod outcome;
mod phone;
mod redeem;
mod secret;
mod signing_secret;
#[cfg(test)]
mod tests;
mod timeline;
mod verification;
mod webhook_url;

pub use apply::{Applied, Effect, Event, Why};
pub use attempt::{Attempt, CallEnd, Dispatch, KeyReport};
pub use claim::{Claim, WrittenForm};
pub use delivery::{DeliveryId, InvalidDeliveryId};
pub use evidence::{Check, Evidence, Level};
pub use id::{InvalidId, VerificationId};
pub use names::{Channel, InvalidName, Key, Name, PbxTime};
pub use network::{Network, is_public};
pub use outcome::{CallResult, Outcome, RefusalReason, Status};
pub use phone::{InvalidNumber, PhoneNumber};
pub use redeem::RedeemRefusal;
pub use secret::Secret;
pub use signing_secret::{InvalidSigningSecret, SigningSecret};
pub use timeline::{Entry, EntryKind};
pub use verification::{Conclusion, Sounds, State, Step, Timing, Verification};
pub use webhook_url::{InvalidWebhookUrl, WebhookUrl};
