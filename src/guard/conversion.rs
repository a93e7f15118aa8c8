//! The conversion guard: a prefix that is reached by a channel again and again and proves
//! next to nobody brings somebody money, or rings people who asked for nothing.
//!
//! What is counted and decided is in `store::guard`; here is what is counted together, and
//! under which keys operators exempt from it.

use super::{Asked, Guard, Scope, prefix_of};
use crate::domain::{Channel, Mode, Name, PhoneNumber, Recipient, Rule};
use crate::store::{Barring, Converting, GuardKey};

/// The most digits of a prefix: a number has 15, and its last four are none of it.
pub const LONGEST_PREFIX: usize = 11;

/// What the rule leaves alone: a prefix, by one channel or by all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exemption {
    /// Digits of the international form, 1 to 11.
    pub prefix: Box<str>,
    /// By every channel if none.
    pub channel: Option<Channel>,
}

impl Exemption {
    /// The exemption of what numbers begin with in international form.
    #[must_use]
    pub fn parse(prefix: &str, channel: Option<Channel>) -> Option<Self> {
        let digits = prefix.strip_prefix('+')?;
        let fits = (1..=LONGEST_PREFIX).contains(&digits.len())
            && !digits.starts_with('0')
            && digits.bytes().all(|byte| byte.is_ascii_digit());
        // An e-mail address has no prefix.
        let applies = channel != Some(Channel::Email);
        (fits && applies).then(|| Self { prefix: digits.into(), channel })
    }

    /// Under what it is kept. No hash: an attempt asks for a key of every length of its
    /// prefix, and a prefix names nobody.
    #[must_use]
    pub fn key(&self) -> GuardKey {
        key_of(&self.prefix, self.channel)
    }

    /// As operators are shown it.
    #[must_use]
    pub fn subject(&self) -> String {
        let channel = self.channel.map_or("every channel", Channel::as_str);
        format!("+{} by {channel}", self.prefix)
    }
}

impl Guard {
    /// What the store judges an attempt by, beside the bars and counts; and the bars that
    /// may block it.
    pub(super) fn converting(&self, asked: &Asked<'_>) -> (Vec<Converting>, Vec<Barring>) {
        let Some(number) = asked.to.phone() else { return (Vec::new(), Vec::new()) };
        let mut converting = Vec::new();
        for (scope, rules) in self.rules_of(asked.app) {
            let set = rules.conversion.and_then(crate::config::ConversionRule::set);
            let Some((mode, conversion)) = set else { continue };
            let app = match scope {
                Scope::All => None,
                Scope::App(name) => Some(name.clone()),
            };
            let prefix = prefix_of(number);
            let key = self.attempts(scope, &prefix, asked.channel);
            let subject = format!("+{prefix} by {}", asked.channel.as_str()).into();
            converting.push(Converting { key, mode, conversion, app, subject });
        }
        let rule = Rule::Conversion;
        let bar = |one: &Converting| Barring { key: one.key, rule, mode: one.mode };
        let bars = converting.iter().map(bar).collect();
        (converting, bars)
    }

    /// Under which keys attempts to reach somebody by a channel are counted; none while no
    /// rule looks at them.
    #[must_use]
    pub fn attempts_of(&self, app: &Name, to: &Recipient, channel: Channel) -> Vec<GuardKey> {
        let Some(number) = to.phone() else { return Vec::new() };
        let counts = |rules: &crate::config::Guard| {
            rules.conversion.is_some_and(|rule| rule.mode != Mode::Off)
        };
        let scopes = self.rules_of(app).filter(|(_, rules)| counts(rules));
        scopes.map(|(scope, _)| self.attempts(scope, &prefix_of(number), channel)).collect()
    }

    fn attempts(&self, scope: Scope<'_>, prefix: &str, channel: Channel) -> GuardKey {
        self.keys.of(Rule::Conversion, scope, &format!("{prefix}\0{}", channel.as_str()))
    }
}

/// The keys of every exemption that would hold for a number by a channel.
pub(super) fn exemptions(number: PhoneNumber, channel: Channel) -> Vec<GuardKey> {
    let prefix = prefix_of(number);
    let lengths = 1..=prefix.len();
    lengths
        .flat_map(|length| [None, Some(channel)].map(|by| key_of(&prefix[..length], by)))
        .collect()
}

/// A letter, the channel, the digits, and zeros to the end: fits, as a prefix is short.
fn key_of(prefix: &str, channel: Option<Channel>) -> GuardKey {
    let by = match channel {
        None => b'*',
        Some(Channel::CallButton) => b'b',
        Some(Channel::CallCode) => b'c',
        Some(Channel::Sms) => b's',
        Some(Channel::Email) => b'e',
    };
    let mut key = GuardKey::default();
    let bytes = [b'x', by].into_iter().chain(prefix.bytes());
    key.iter_mut().zip(bytes).for_each(|(place, byte)| *place = byte);
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exemption_is_found_by_every_number_that_begins_so_and_by_no_other() {
        let number = PhoneNumber::parse("+380991234567").unwrap();
        let other = PhoneNumber::parse("+380981234567").unwrap();
        for (prefix, channel, holds) in [
            ("+3", None, true),
            ("+38099", Some(Channel::Sms), true),
            ("+38099123", Some(Channel::Sms), true),
            ("+38099", Some(Channel::CallButton), false),
            ("+380991234", None, false),
        ] {
            let key = Exemption::parse(prefix, channel).unwrap().key();
            assert_eq!(exemptions(number, Channel::Sms).contains(&key), holds, "{prefix}");
            assert!(prefix == "+3" || !exemptions(other, Channel::Sms).contains(&key));
        }
    }

    #[test]
    fn what_is_no_prefix_exempts_nothing() {
        for bad in ["", "+", "380", "+0380", "+38x", "+380991234567", "+३८०"] {
            assert_eq!(Exemption::parse(bad, None), None, "{bad}");
        }
        assert_eq!(Exemption::parse("+380", Some(Channel::Email)), None);
    }
}
