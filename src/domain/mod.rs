//! What a verification is and how it moves. Pure: no clock, no randomness, no
//! input or output, no serialization. Times, ids and keys come in as arguments,
//! so that thousands of random histories can be run against it.

mod apply;
mod attempt;
mod claim;
mod code;
mod draft;
mod evidence;
mod id;
mod line;
mod money;
mod names;
mod network;
mod numbering;
mod outcome;
mod phone;
mod recipient;
mod redeem;
mod rule;
mod secret;
mod signing_secret;
mod step;
#[cfg(test)]
mod tests;
mod timeline;
mod verification;
mod walk;
mod webhook_url;

pub use apply::{Applied, Effect, Event, ProviderCheck, Why};
pub use attempt::{Asks, Attempt, CallEnd, Dispatch, KeyReport};
pub use claim::{Claim, WrittenForm};
pub use code::{Code, CodeRules, Codes, InvalidCode, Typed};
pub use evidence::{Check, Evidence, Level};
pub use id::{DeliveryId, InvalidDeliveryId, InvalidId, VerificationId};
pub use line::{LINE_WINDOW, earliest_place};
pub use money::{Currency, InvalidMoney, Money};
pub use names::{Channel, InvalidName, Key, Name, PbxTime, is_language};
pub use network::{Network, is_public};
pub use numbering::{Country, NumberType};
pub use outcome::{CallResult, Outcome, RefusalReason, Status};
pub use phone::{InvalidNumber, Numbering, PhoneNumber};
pub use recipient::{EmailAddress, InvalidAddress, Recipient};
pub use redeem::RedeemRefusal;
pub use rule::{Conversion, Limit, Mode, Refusal, Rule};
pub use secret::Secret;
pub use signing_secret::{InvalidSigningSecret, SigningSecret};
pub use step::{Button, By, CodeBy, CodeSource, CodeStep, MARKER, Sounds, Step};
pub use timeline::{Entry, EntryKind};
pub use verification::{Conclusion, State, Timing, Verification};
pub use walk::NoNext;
pub use webhook_url::{InvalidWebhookUrl, WebhookUrl};
