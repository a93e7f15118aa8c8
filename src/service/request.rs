//! What an app asks when it starts a verification.

use std::net::IpAddr;

use jiff::SignedDuration;

use crate::domain::{
    Channel, Code, CodeRules, EmailAddress, Key, Level, Name, PhoneNumber, Recipient, Verification,
};

/// The longest id of an SMS template, in bytes.
pub const MAX_TEMPLATE: usize = 64;

/// What an app asks.
#[derive(Clone, Debug)]
pub struct StartRequest {
    /// The app.
    pub app: Name,
    /// Who is to be reached.
    pub to: Recipient,
    /// The account that calls and sends; the first one unless named.
    pub account: Option<Name>,
    /// What to try.
    pub plan: WantedPlan,
    /// The language of steps that name none.
    pub language: Option<Name>,
    /// The app's own code in place of one made here.
    pub code: Option<Code>,
    /// Digits of a code made here.
    pub code_length: Option<u8>,
    /// How long the verification lasts.
    pub expires_in: Option<SignedDuration>,
    /// The app's own reference.
    pub reference: Option<Box<str>>,
    /// The app's own data, JSON text.
    pub metadata: Option<Box<str>>,
    /// Where its status changes are told, beside the app's endpoints.
    pub callback_url: Option<Box<str>>,
    /// What makes a repeated request harmless.
    pub idempotency: Option<Idempotency>,
    /// What is asked of codes beyond the configuration's limits.
    pub rules: CodeRules,
    /// Codes that it may send in all, if fewer than the configuration allows.
    pub max_sends: Option<u8>,
    /// Whether a number that one such start is verifying takes no second one.
    pub alone: bool,
    /// How long the start waits for the provider's answer.
    pub answer_within: SignedDuration,
    /// Whether the key is one for tests.
    pub test: bool,
    /// The least evidence with which it may be verified, if the app demands some.
    pub evidence: Option<Level>,
    /// The end user's address, for the guard to count by.
    pub client_ip: Option<IpAddr>,
    /// Keys of the app's own for the guard to count by: a session, a device, a user.
    pub rate_keys: Vec<Box<str>>,
}

/// What to try.
#[derive(Clone, Debug)]
pub enum WantedPlan {
    /// These steps, in order.
    Steps(Vec<WantedStep>),
    /// A plan of the configuration.
    Named(Name),
}

/// One step as an app or the configuration wants it.
#[derive(Clone, Debug)]
pub struct WantedStep {
    /// How long it may take before the next one begins.
    pub wait: Option<SignedDuration>,
    /// How the person is reached.
    pub by: WantedBy,
}

/// How a step is to reach the person.
#[derive(Clone, Debug)]
pub enum WantedBy {
    /// A call that asks for a key.
    Button {
        /// The number that the call comes from.
        from: Option<PhoneNumber>,
        /// What the call plays.
        sounds: WantedSounds,
        /// The key to ask for; the prompt's own unless given.
        press: Option<Press>,
    },
    /// A code.
    Code {
        /// Whether it differs from the one sent before.
        new_code: bool,
        /// The language of what is said around it.
        language: Option<Name>,
        /// How it travels.
        by: WantedCode,
    },
}

impl WantedBy {
    /// Its channel.
    pub(super) const fn channel(&self) -> Channel {
        match self {
            Self::Button { .. } => Channel::CallButton,
            Self::Code { by: WantedCode::Call { .. }, .. } => Channel::CallCode,
            Self::Code { by: WantedCode::Sms { .. } | WantedCode::PlainSms { .. }, .. } => {
                Channel::Sms
            }
            Self::Code { by: WantedCode::Email { .. }, .. } => Channel::Email,
        }
    }
}

/// How a code is to travel.
#[derive(Clone, Debug)]
pub enum WantedCode {
    /// A call that says it.
    Call {
        /// The number that the call comes from.
        from: Option<PhoneNumber>,
    },
    /// An SMS.
    Sms {
        /// A template of the provider's account.
        template: Option<Box<str>>,
        /// The sender that the phone shows.
        sender: Option<Box<str>>,
    },
    /// An SMS with a text of its own.
    PlainSms {
        /// The sender that the phone shows.
        sender: Option<Box<str>>,
        /// The text, with the marker that the code replaces.
        text: Box<str>,
    },
    /// An e-mail.
    Email {
        /// The sender's address.
        from: Option<EmailAddress>,
        /// Its subject.
        subject: Option<Box<str>>,
        /// Its text, with the marker that the code replaces.
        body: Option<Box<str>>,
    },
}

/// What an app wants a call to play.
#[derive(Clone, Debug)]
pub enum WantedSounds {
    /// A prompt of the configuration.
    Prompt {
        /// Its name; the one that fits the key unless given, `default` first.
        name: Option<Name>,
        /// Its language; English unless given, or the prompt's first.
        language: Option<Name>,
    },
    /// Three sounds of the provider, by id or name.
    Given {
        /// Played when the call is answered.
        greeting: Box<str>,
        /// Played after the key.
        confirmed: Box<str>,
        /// Played after another key or none.
        fallback: Box<str>,
    },
}

/// The key to ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Press {
    /// This one.
    Fixed(Key),
    /// One drawn at random, for the app to show.
    Random,
}

/// An `Idempotency-Key` and what its request said.
#[derive(Clone, Debug)]
pub struct Idempotency {
    /// The key, 1 to 255 characters.
    pub key: Box<str>,
    /// A hash of the request.
    pub fingerprint: [u8; 32],
}

/// A verification that runs.
#[derive(Clone, Debug)]
pub struct Started {
    /// Its newest version.
    pub verification: Verification,
    /// Whether an earlier request with the same key started it.
    pub replayed: bool,
}
