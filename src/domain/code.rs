//! Codes: what may be one, and what a verification knows of its own.
//!
//! The digits themselves are not here: they are derived where the server key is,
//! and what this room is told of a check is whether it was right.

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
    /// Drawn once; with the server key, the id and the generation it makes each code.
    pub seed: [u8; 16],
    /// Digits of a code.
    pub length: u8,
    /// The app's own code, sealed with the server key.
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
}

impl Codes {
    /// Checks that are left.
    #[must_use]
    pub const fn checks_left(&self) -> u8 {
        self.checks_limit.saturating_sub(self.checks_used)
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
