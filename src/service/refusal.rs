//! Why a start is refused: by what it asks, by the app's own hook, by the provider's
//! state, or by ours.

use jiff::Timestamp;

use crate::domain::{Channel, Level, Name, VerificationId};
use crate::outbound::CallbackRefusal;
use crate::provider::NoRoom;
use crate::store::StoreError;

use super::Guarded;
use super::admission::MOST_STEPS;

/// Why nothing was started and nobody called. Nothing is stored.
#[derive(Debug, thiserror::Error)]
pub enum StartRefusal {
    /// No account has that name.
    #[error("there is no account {0:?} in the configuration")]
    UnknownAccount(Name),
    /// No prompt has that name or suits the key.
    #[error("there is no such prompt; there are: {known}")]
    UnknownPrompt {
        /// The prompts there are.
        known: String,
    },
    /// The prompt's greeting names another key.
    #[error("the prompt's greeting asks for {declared}; leave press out or choose another prompt")]
    PressMismatch {
        /// The key that the greeting names.
        declared: String,
    },
    /// A sound of the prompt is not known at the provider.
    #[error("the provider has no sound {0:?}; upload it or mend the prompt")]
    SoundMissing(String),
    /// No plan has that name.
    #[error("there is no such plan; the configuration has: {known}")]
    UnknownPlan {
        /// The plans there are.
        known: String,
    },
    /// A plan has no step, or too many.
    #[error("a plan has 1 to {MOST_STEPS} steps")]
    PlanLength,
    /// A step cannot reach whom it is to reach.
    #[error("a step by {} cannot reach this recipient", .0.as_str())]
    ChannelMismatch(Channel),
    /// A step cannot bring the evidence that is demanded.
    #[error("{}", unproved(.demanded, .channel, .reaches.as_ref()))]
    Evidence {
        /// What is demanded.
        demanded: Level,
        /// The step's channel.
        channel: Channel,
        /// What the step reaches; codes have no evidence.
        reaches: Option<Level>,
    },
    /// Every step is an SMS, and the number is a landline.
    #[error("the number is a landline, which takes no SMS; choose another channel")]
    Landline,
    /// The provider does not speak that language.
    #[error("the provider says codes in these languages only: {known}")]
    UnknownCodeLanguage {
        /// The languages there are.
        known: String,
    },
    /// The text of an e-mail has no place for the code.
    #[error("the e-mail's text must hold the marker {marker}, which the code replaces")]
    NoMarker {
        /// The marker.
        marker: &'static str,
    },
    /// The digits of a code are out of range.
    #[error("a code has 4 to 10 digits")]
    CodeLength,
    /// A code or its length is given, and no step sends one.
    #[error("no step sends a code")]
    CodeUnused,
    /// A step asks for a new code, but the app has given the code itself.
    #[error("a new code cannot be made when the request gives the code")]
    NewOwnCode,
    /// The number belongs to the account itself.
    #[error("this number belongs to the provider account itself and cannot be called")]
    OwnNumber,
    /// The lifetime is out of range.
    #[error("expires_in must be from 10 to {max} seconds")]
    Lifetime {
        /// The longest.
        max: i64,
    },
    /// A code would count longer than it may.
    #[error("a code may count for at most {max} seconds")]
    CodeLife {
        /// The longest.
        max: i64,
    },
    /// Another verification of this number runs, and both were to be alone.
    #[error("another verification of this number is running")]
    Running {
        /// The one that runs, if it is this app's.
        id: Option<VerificationId>,
    },
    /// Another call with this number, or one written alike, is in flight.
    #[error("a call to this number is still in flight")]
    NumberBusy {
        /// When it surely is over.
        until: Timestamp,
    },
    /// A rule of the guard refuses it.
    #[error(transparent)]
    Guarded(#[from] Guarded),
    /// The provider's queue is full.
    #[error("the provider's limit of requests leaves no room now")]
    NoRoom(NoRoom),
    /// The provider's clock is not known, so that no result could be believed.
    #[error(
        "the provider has not told its clock yet, without which no result can be believed; is it reachable?"
    )]
    ProviderUnknown,
    /// The callback address is not taken.
    #[error(transparent)]
    Callback(CallbackRefusal),
    /// The app was asked, and does not want this person called.
    #[error("the app's pre-send hook denies this start{}", reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default())]
    Denied {
        /// The app's words.
        reason: Option<String>,
    },
    /// The app was asked, and gave no usable answer in time.
    #[error("the app's pre-send hook gave no usable answer in time, so nobody is called")]
    Unasked,
    /// The app was asked, and wants what cannot be.
    #[error("the app's pre-send hook asks for {what}, which is not to be had")]
    Unheard {
        /// What it wants.
        what: String,
    },
    /// The key was used for another request.
    #[error("this Idempotency-Key was used for another request")]
    IdempotencyMismatch,
    /// The first request with this key is still being worked on.
    #[error("the first request with this Idempotency-Key is still running")]
    IdempotencyRunning,
    /// The service is shutting down.
    #[error("the service is shutting down")]
    Closing,
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What to change so that a step brings the evidence that is demanded.
fn unproved(demanded: &Level, channel: &Channel, reaches: Option<&Level>) -> String {
    let change = match reaches {
        None => "its proof is a code, not a notification; demand evidence of call_button only",
        Some(Level::Weak) => "the account does not require the source address; set require_source",
        Some(Level::Partial | Level::Strong) => {
            "its key is a fixed one; start it with press \"random\""
        }
    };
    format!("a step by {} cannot bring {} evidence: {change}", channel.as_str(), demanded.as_str())
}
