//! The provider of calls: what may be asked of it, in our words.
//!
//! A call is dialled at most once, by whoever holds a [`Slot`]; nothing here
//! repeats a request, stores anything, or decides about a verification. Adapters
//! are private: [`build`] is the door.

mod queue;
#[cfg(test)]
mod tests;
mod zadarma;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::clock::Clock;
use crate::domain::{
    Code, CodeBy, Money, Name, PbxTime, PhoneNumber, Recipient, RefusalReason, Secret,
};
use zadarma::Zadarma;

pub use queue::{NoRoom, SharedLine, Slot};

/// An account at a provider. Cheap to clone; clones share connections and the
/// line of requests.
#[derive(Clone)]
pub struct Provider(Arc<Zadarma>);

/// Makes the client of an account. Nothing is connected to yet. Replicas share the
/// provider's limit by `shared`, if there are several.
///
/// # Errors
/// When the settings cannot work, see [`BuildError`].
pub fn build(
    settings: Settings,
    clock: Clock,
    shared: Option<Arc<dyn SharedLine>>,
) -> Result<Provider, BuildError> {
    Zadarma::new(settings, clock, shared.as_ref()).map(|account| Provider(Arc::new(account)))
}

/// What an account needs.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The account's name in the configuration, for logs.
    pub name: Name,
    /// Scheme and host of the provider; `http` for this machine only.
    pub base_url: String,
    /// The account's key.
    pub key: String,
    /// The secret that signs requests.
    pub secret: Secret,
    /// Requests that the provider allows in a minute.
    pub requests_per_minute: u32,
    /// Requests for statistics that the provider allows in a minute.
    pub statistics_per_minute: u32,
    /// How long a request may wait for its place.
    pub queue_deadline: Duration,
    /// How long connecting may take, name look-up and TLS included.
    pub connect_timeout: Duration,
    /// How long a request may take in all.
    pub request_timeout: Duration,
}

/// Why the settings cannot work. The address itself is not repeated: it may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// The address is no address.
    #[error("the provider's address is not a URL")]
    NotAUrl,
    /// The address has more than scheme, host and port, and what is signed would not be what is requested.
    #[error("the provider's address must be scheme, host and port only")]
    NotAnOrigin,
    /// Calls would be asked for in the open.
    #[error("the provider's address must begin with https:// (http:// is for loopback only)")]
    Insecure,
    /// The key cannot be written into a header.
    #[error("the provider's key is empty or has characters that no key has")]
    UnusableKey,
}

/// A call that asks for a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ButtonCall {
    /// Whom to call.
    pub to: PhoneNumber,
    /// The account's number to call from, where it has several.
    pub from: Option<PhoneNumber>,
    /// The sound played on answer, by the provider's id.
    pub greeting: String,
    /// The sound played after the key.
    pub confirmed: String,
    /// The sound played after no key or another one.
    pub fallback: String,
}

/// A code to be told to somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeMessage {
    /// To whom.
    pub to: Recipient,
    /// The code; the provider makes one and checks it unless given.
    pub code: Option<Code>,
    /// The language of what is said around it, one of [`Provider::code_languages`].
    pub language: Option<Name>,
    /// How it travels.
    pub by: CodeBy,
}

/// What a provider says of a code that it made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeCheck {
    /// It is the one that was sent.
    Right,
    /// It is another.
    Wrong,
    /// The provider knows the message no more.
    Gone,
}

/// What became of a call or a message that was asked for. Logged by whoever handles it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dispatched {
    /// The provider took it.
    Accepted,
    /// The provider took a message with a code, which it knows by this.
    AcceptedAs(Box<str>),
    /// It was not placed, and surely not.
    Refused {
        /// Why, to act on.
        reason: RefusalReason,
        /// The provider's text or what stood in the way, for the operator; long numbers masked.
        message: Option<String>,
    },
    /// It may have been placed. Never repeat it.
    Unknown {
        /// What happened, for the operator.
        message: String,
    },
}

/// Why the provider did not answer what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// It understood and declined.
    #[error("the provider refused: {message}")]
    Refused {
        /// Its text for people, long numbers masked.
        message: String,
    },
    /// Its limit, or our line that keeps it, is exhausted.
    #[error("too many requests to the provider")]
    RateLimited,
    /// It does not accept the account's key or signature.
    #[error("the provider does not accept the account's key and secret")]
    Unauthorized,
    /// There was no connection, so nothing was sent.
    #[error("the provider cannot be reached")]
    Unreachable {
        /// What stood in the way.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The request was sent, and no answer that can be read came back.
    #[error("the provider's answer is unknown: {message}")]
    Unknown {
        /// What came instead.
        message: String,
        /// What broke, if something did.
        source: Option<Box<dyn Error + Send + Sync>>,
    },
}

/// A call that the provider's statistics list. They never tell which key was pressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinishedCall {
    /// The number called, as the provider writes it.
    pub to: String,
    /// When it began, on the PBX's clock.
    pub started_at: PbxTime,
    /// Whether somebody picked up.
    pub answered: bool,
}

/// A sound stored at the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sound {
    /// The provider's id.
    pub id: String,
    /// As given at upload.
    pub name: String,
}

/// Money left at the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Balance {
    /// A decimal number.
    pub amount: String,
    /// ISO 4217.
    pub currency: String,
}

/// Where the provider tells what became of calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotificationSettings {
    /// The one address that it notifies, if there is one.
    pub url: Option<String>,
    /// Notifications that we need and that are off, by the provider's names.
    pub off: Vec<String>,
}

impl Provider {
    /// The account's name.
    #[must_use]
    pub fn name(&self) -> &Name {
        self.0.name()
    }

    /// Now, by the clock of the line of requests.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.0.now()
    }

    /// Takes a place in the line of requests, before anything is stored.
    ///
    /// # Errors
    /// [`NoRoom`] when the request would miss its deadline; then nothing happened.
    pub async fn reserve(&self) -> Result<Slot, NoRoom> {
        self.0.reserve().await
    }

    /// Waits for the slot's instant and dials once. When the slot's deadline has
    /// passed by then, it does not dial and says rate limited.
    ///
    /// Run it to its end: dropped halfway, nobody knows whether the call was asked for.
    pub async fn call_button(&self, slot: Slot, call: &ButtonCall) -> Dispatched {
        self.0.call_button(slot, call).await
    }

    /// Waits for the slot's instant and has a code told once, as [`call_button`](Self::call_button)
    /// does with a call.
    pub async fn send_code(&self, slot: Slot, message: &CodeMessage) -> Dispatched {
        self.0.send_code(slot, message).await
    }

    /// Waits for the slot's instant and asks whether `code` is the one that the
    /// provider made for `request`.
    ///
    /// # Errors
    /// See [`ProviderError`]. After [`ProviderError::Unknown`] it may have been compared.
    pub async fn check_code(
        &self,
        slot: Slot,
        request: &str,
        code: &Secret,
    ) -> Result<CodeCheck, ProviderError> {
        self.0.check_code(slot, request, code).await
    }

    /// The languages in which it says codes, as ISO 639-1 has them.
    #[must_use]
    pub const fn code_languages(&self) -> &'static [&'static str] {
        zadarma::CODE_LANGUAGES
    }

    /// The marker in an e-mail's text that the code replaces.
    #[must_use]
    pub const fn code_marker(&self) -> &'static str {
        zadarma::CODE_MARKER
    }

    /// The PBX's clock, to be compared with ours when this returns.
    ///
    /// # Errors
    /// See [`ProviderError`], as for everything below.
    pub async fn pbx_clock(&self) -> Result<PbxTime, ProviderError> {
        self.0.pbx_clock().await
    }

    /// The account's own numbers, as the provider writes them.
    ///
    /// # Errors
    /// See [`ProviderError`].
    pub async fn own_numbers(&self) -> Result<Vec<String>, ProviderError> {
        self.0.own_numbers().await
    }

    /// Own numbers that cannot be used at present, each with the provider's word for why.
    ///
    /// # Errors
    /// See [`ProviderError`].
    pub async fn numbers_not_on(&self) -> Result<Vec<(String, String)>, ProviderError> {
        self.0.numbers_not_on().await
    }

    /// The PBX's extensions.
    ///
    /// # Errors
    /// See [`ProviderError`].
    pub async fn extensions(&self) -> Result<Vec<String>, ProviderError> {
        self.0.extensions().await
    }

    /// The stored sounds.
    ///
    /// # Errors
    /// See [`ProviderError`].
    pub async fn sounds(&self) -> Result<Vec<Sound>, ProviderError> {
        self.0.sounds().await
    }

    /// Stores a sound under a name. The provider tells no id: list the sounds to find it.
    ///
    /// # Errors
    /// See [`ProviderError`]. After [`ProviderError::Unknown`] it may be there.
    pub async fn upload_sound(&self, name: &str, wav: Vec<u8>) -> Result<(), ProviderError> {
        self.0.upload_sound(name, wav).await
    }

    /// Removes a sound by its id.
    ///
    /// # Errors
    /// See [`ProviderError`]. After [`ProviderError::Unknown`] it may be gone.
    pub async fn delete_sound(&self, id: &str) -> Result<(), ProviderError> {
        self.0.delete_sound(id).await
    }

    /// The money left.
    ///
    /// # Errors
    /// See [`ProviderError`].
    pub async fn balance(&self) -> Result<Balance, ProviderError> {
        self.0.balance().await
    }

    /// What a minute of a call to a number costs, from one of the account's numbers if that
    /// is given; never below zero.
    ///
    /// # Errors
    /// See [`ProviderError`].
    pub async fn price(
        &self,
        to: PhoneNumber,
        from: Option<PhoneNumber>,
    ) -> Result<Money, ProviderError> {
        self.0.price(to, from).await
    }

    /// The outgoing calls that began between two times of the PBX and have ended,
    /// one entry a leg. Few requests a minute are allowed.
    ///
    /// # Errors
    /// See [`ProviderError`].
    pub async fn finished_calls(
        &self,
        from: PbxTime,
        until: PbxTime,
    ) -> Result<Vec<FinishedCall>, ProviderError> {
        self.0.finished_calls(from, until).await
    }

    /// Where the provider tells what became of calls.
    ///
    /// # Errors
    /// See [`ProviderError`].
    pub async fn notification_settings(&self) -> Result<NotificationSettings, ProviderError> {
        self.0.notification_settings().await
    }

    /// Sets the one address that the provider notifies; it asks that address first, so that
    /// success says that the address answers from outside.
    ///
    /// # Errors
    /// See [`ProviderError`].
    pub async fn set_notification_url(&self, url: &str) -> Result<(), ProviderError> {
        self.0.set_notification_url(url).await
    }

    /// Turns on the notifications that results come in.
    ///
    /// # Errors
    /// See [`ProviderError`].
    pub async fn turn_on_notifications(&self) -> Result<(), ProviderError> {
        self.0.turn_on_notifications().await
    }

    /// What the provider last said is left of its requests in this minute.
    #[must_use]
    pub fn requests_left(&self) -> Option<usize> {
        self.0.requests_left()
    }
}
