//! Under what the store counts and bars: keyed hashes, so that its rows tell no number to
//! whoever reads them without the store's key.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::domain::{Channel, Name, PhoneNumber, Recipient, Rule};
use crate::store::GuardKey;

/// The last digits that a prefix leaves off: blocks of ten thousand numbers.
const TAIL: usize = 4;

/// Makes the keys.
pub struct Keys(Hmac<Sha256>);

/// Whom a rule or a bar is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope<'a> {
    /// Every app.
    All,
    /// One app.
    App(&'a Name),
}

impl Scope<'_> {
    fn text(&self) -> &str {
        match self {
            Self::All => "",
            Self::App(name) => name.as_str(),
        }
    }
}

impl Keys {
    pub(super) fn new(secret: [u8; 32]) -> Self {
        // HMAC fills a key up to its block with zeros.
        let mut block = [0; 64];
        block[..secret.len()].copy_from_slice(&secret);
        Self(Hmac::new(&block.into()))
    }

    /// The key of what a rule counts or bars of `subject`, for all apps or for one.
    #[must_use]
    pub fn of(&self, rule: Rule, scope: Scope<'_>, subject: &str) -> GuardKey {
        let mut mac = self.0.clone();
        for part in [rule.as_str(), scope.text(), subject] {
            mac.update(part.as_bytes());
            mac.update(&[0]);
        }
        let digest = mac.finalize().into_bytes();
        let mut key = GuardKey::default();
        // Rows of a rule are neighbours: those that every start meets then share few pages.
        key[0] = rule.as_str().bytes().fold(0, u8::wrapping_add);
        key[1..].copy_from_slice(&digest[..15]);
        key
    }

    /// The key of the switch that stops a channel, or all of them.
    #[must_use]
    pub fn switch(&self, scope: Scope<'_>, channel: Option<Channel>) -> GuardKey {
        self.of(Rule::KillSwitch, scope, channel.map_or("", Channel::as_str))
    }

    /// The key of what a rule counts or bars of a recipient.
    #[must_use]
    pub fn of_recipient(&self, rule: Rule, scope: Scope<'_>, to: &Recipient) -> GuardKey {
        self.of(rule, scope, &subject_of(to))
    }

    /// The key under which a person is not to be called.
    #[must_use]
    pub fn suppression(&self, scope: Scope<'_>, to: &Recipient) -> GuardKey {
        self.of_recipient(Rule::Suppression, scope, to)
    }
}

/// A recipient as it is hashed.
pub(super) fn subject_of(to: &Recipient) -> String {
    match to {
        Recipient::Phone(number) => number.digits(),
        Recipient::Email(address) => address.as_str().to_lowercase(),
    }
}

/// The prefix of a number: its digits without the last four.
#[must_use]
pub fn prefix_of(number: PhoneNumber) -> String {
    let mut digits = number.digits();
    digits.truncate(digits.len().saturating_sub(TAIL));
    digits
}
