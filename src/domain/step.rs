//! One step of a plan: a channel with its options.

use jiff::SignedDuration;

use super::{Channel, Key, Name, PhoneNumber};

/// One step of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The provider account that carries it out.
    pub account: Name,
    /// How long it may take before the next step begins; the configuration's unless given.
    pub wait: Option<SignedDuration>,
    /// Whether it is passed over: an SMS to a landline reaches nobody.
    pub skipped: bool,
    /// How the person is reached.
    pub by: By,
}

/// How a step reaches the person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// A call that asks for a key.
    Button(Button),
    /// A code that the person reads or hears. Boxed, since most steps are calls.
    Code(Box<CodeStep>),
}

/// A call that asks for a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Button {
    /// The number that the call comes from, if the app or the account names one.
    pub from: Option<PhoneNumber>,
    /// The key that the person is asked to press.
    pub press: Key,
    /// Whether the key was drawn at random, for the app to show.
    pub random_key: bool,
    /// The key by which the person says never to be called again, if the greeting names one.
    pub refuse: Option<Key>,
    /// What the call plays.
    pub sounds: Sounds,
}

/// What a button call plays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sounds {
    /// A prompt of the configuration, in one of its languages.
    Prompt {
        /// The prompt.
        name: Name,
        /// The language, as in the configuration.
        language: Name,
    },
    /// Three sounds of the provider, by their ids there.
    Given {
        /// Played when the call is answered.
        greeting: Box<str>,
        /// Played after the key.
        confirmed: Box<str>,
        /// Played after another key or none.
        fallback: Box<str>,
    },
}

/// A code on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeStep {
    /// Who makes and checks the code.
    pub source: CodeSource,
    /// Whether the code differs from the one sent before, which is then worth nothing.
    pub new_code: bool,
    /// The language of what the provider says around it.
    pub language: Option<Name>,
    /// How it travels.
    pub by: CodeBy,
}

/// Who makes and checks a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CodeSource {
    /// This service.
    Own,
    /// The provider.
    Provider,
}

/// What the code replaces in a text of our own.
pub const MARKER: &str = "{#code#}";

/// How a code travels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CodeBy {
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
    /// An SMS with a text of its own, which only a code made here can stand in.
    PlainSms {
        /// The sender that the phone shows.
        sender: Option<Box<str>>,
        /// The text, with [`MARKER`] where the code is to stand.
        text: Box<str>,
    },
    /// An e-mail.
    Email {
        /// The sender's address.
        from: Option<Box<str>>,
        /// Its subject.
        subject: Option<Box<str>>,
        /// Its text, with the marker that the code replaces.
        body: Option<Box<str>>,
    },
}

impl Step {
    /// Its channel.
    #[must_use]
    pub const fn channel(&self) -> Channel {
        match &self.by {
            By::Button(_) => Channel::CallButton,
            By::Code(code) => match code.by {
                CodeBy::Call { .. } => Channel::CallCode,
                CodeBy::Sms { .. } | CodeBy::PlainSms { .. } => Channel::Sms,
                CodeBy::Email { .. } => Channel::Email,
            },
        }
    }

    /// Its button call, if it is one.
    #[must_use]
    pub const fn button(&self) -> Option<&Button> {
        match &self.by {
            By::Button(button) => Some(button),
            By::Code(_) => None,
        }
    }

    /// Its code, if it sends one.
    #[must_use]
    pub fn code(&self) -> Option<&CodeStep> {
        match &self.by {
            By::Button(_) => None,
            By::Code(code) => Some(code),
        }
    }
}
