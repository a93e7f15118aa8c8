//! Codes: what may be one, and what a verification knows of its own.
//!
//! The digits themselves are not here: they are derived where the store's key is,
//! and what this room is told of a check is whether it was right.

use jiff::{SignedDuration, Timestamp};

use super::Secret;

/// A code: 4 to 10 digits without a leading zero, since the provider reads it as
/// an integer. Prints as dots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code(Secret);

/// A text that cannot be a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a code has 4 to 10 digits and does not begin with 0")]
pub struct InvalidCode;

impl Code {
    /// The fewest digits.
    pub const SHORTEST: u8 = 4;
    /// The most digits.
    pub const LONGEST: u8 = 10;

    /// Checks `text`.
    ///
    /// # Errors
    /// When it cannot be a code.
    pub fn parse(text: &str) -> Result<Self, InvalidCode> {
        let fits = (usize::from(Self::SHORTEST)..=usize::from(Self::LONGEST)).contains(&text.len())
            && !text.starts_with('0')
            && text.bytes().all(|byte| byte.is_ascii_digit());
        if fits { Ok(Self(Secret::new(text))) } else { Err(InvalidCode) }
    }

    /// The digits. Never log them.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

/// What a verification whose plan sends codes knows of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Codes {
    /// Drawn once; with the store's key, the id and the generation it makes each code.
    pub seed: [u8; 16],
    /// Digits of a code.
    pub length: u8,
    /// The app's own code, sealed with the store's key.
    pub sealed: Option<Box<[u8]>>,
    /// Which code is the newest, counted from 0.
    pub generation: u8,
    /// Checks used up. INVARIANT: never more than `checks_limit`.
    pub checks_used: u8,
    /// Those of them whose answer the provider has not given yet.
    pub checks_open: u8,
    /// Checks allowed in all, whatever is sent.
    pub checks_limit: u8,
    /// Codes that may be sent in all.
    pub sends_limit: u8,
    /// What its start asked beyond the configuration's limits.
    pub rules: CodeRules,
    /// Checks used up on the newest code; counted only where `checks_each` limits them.
    pub newest_used: u8,
    /// What was typed, if the rules keep it.
    pub typed: Vec<Typed>,
}

/// What a start asks of codes beyond the configuration's limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CodeRules {
    /// Checks of one code; a new one has as many again. Only the total counts unless given.
    pub checks_each: Option<u8>,
    /// How long a code counts, from its first dispatch; as long as its verification unless given.
    pub life: Option<SignedDuration>,
    /// Whether what people type is kept, sealed.
    pub keeps_typed: bool,
}

/// What somebody typed when a code was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Typed {
    /// When.
    pub at: Timestamp,
    /// Whether it was the code.
    pub correct: bool,
    /// The text, sealed with the store's key.
    pub sealed: Box<[u8]>,
}

impl Codes {
    /// Checks that are left now: in all, and of the newest code.
    #[must_use]
    pub fn checks_left(&self) -> u8 {
        let in_all = self.checks_limit.saturating_sub(self.checks_used);
        let each = self.rules.checks_each.map(|each| each.saturating_sub(self.newest_used));
        each.map_or(in_all, |each| each.min(in_all))
    }

    /// The next code from now on.
    pub(super) const fn renew(&mut self) {
        self.generation += 1;
        self.newest_used = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_four_to_ten_digits_that_an_integer_keeps() {
        for text in ["1000", "123456", "9999999999"] {
            assert_eq!(Code::parse(text).unwrap().expose(), text);
        }
        for text in ["", "123", "0123", "012345", "12345678901", "12a456", "-1234", "١٢٣٤", " 1234"]
        {
            assert_eq!(Code::parse(text), Err(InvalidCode), "{text}");
        }
        assert_eq!(format!("{:?}", Code::parse("123456").unwrap()), "Code(••••••)");
    }
}
