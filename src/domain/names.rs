//! Small words: names of apps, accounts and prompts, channels, keys, PBX times.

use std::fmt;

/// The name of an app, an account or a prompt: 1 to 64 characters of
/// `a-z`, `0-9`, `-` and `_`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(Box<str>);

/// A text that cannot be a name.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a name has 1 to 64 characters of a-z, 0-9, \"-\" and \"_\"")]
pub struct InvalidName;

impl Name {
    /// Checks `text`.
    ///
    /// # Errors
    /// When it is empty, too long or has other characters.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let fits = (1..=64).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_');
        if fits { Ok(Self(text.into())) } else { Err(InvalidName) }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Whether a name is one of a language: two or three letters, then perhaps a region or
/// the like, as in `pt-br`.
#[must_use]
pub fn is_language(text: &str) -> bool {
    let mut parts = text.split('-');
    let first = parts.next().unwrap_or_default();
    (2..=3).contains(&first.len())
        && first.bytes().all(|b| b.is_ascii_lowercase())
        && parts.all(|part| {
            (2..=8).contains(&part.len())
                && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        })
}

/// How a person is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Channel {
    /// A call that asks for a key.
    CallButton,
    /// A call that says a code.
    CallCode,
    /// A code by SMS.
    Sms,
    /// A code by e-mail.
    Email,
}

impl Channel {
    /// Every channel.
    pub const ALL: [Self; 4] = [Self::CallButton, Self::CallCode, Self::Sms, Self::Email];

    /// The word used in the API, the configuration and the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CallButton => "call_button",
            Self::CallCode => "call_code",
            Self::Sms => "sms",
            Self::Email => "email",
        }
    }

    /// The channel of a word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.as_str() == text)
    }
}

/// A key of the phone that may be asked for: a single digit.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key(u8);

impl Key {
    /// The key that is asked for unless the app says otherwise.
    pub const ONE: Self = Self(1);

    /// The key of a digit from 0 to 9.
    #[must_use]
    pub const fn new(digit: u8) -> Option<Self> {
        if digit <= 9 { Some(Self(digit)) } else { None }
    }

    /// Its digit, 0 to 9.
    #[must_use]
    pub const fn digit(self) -> u8 {
        self.0
    }

    /// Whether what was reported is this key and nothing else.
    #[must_use]
    pub fn is_exactly(self, reported: &str) -> bool {
        reported.as_bytes() == [b'0' + self.0]
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(•)")
    }
}

/// A civil time as the PBX writes it, without its zone: seconds since
/// 1970-01-01 00:00:00 of the same zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PbxTime(pub i64);
