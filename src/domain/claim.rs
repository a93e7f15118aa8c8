//! Written forms of a number, and the claims that attempts hold on them.

use super::{Name, PhoneNumber};

/// The fewest digits that a form must have to be claimed or looked up.
pub(super) const FEWEST_DIGITS: usize = 7;
/// The most digits: an international number after "011" has 18.
const MOST_DIGITS: usize = 18;

/// One way of writing a number: its digits, without an international prefix
/// (00 or 011, where enough digits follow). Two texts are the same form if, and only if, these digits are equal.
///
/// Kept as one integer, the digits behind a leading 1 that keeps their zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WrittenForm(u64);

/// What an attempt holds so that a notification finds it: a written form at an account.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Claim {
    /// The provider account that placed the call.
    pub account: Name,
    /// The form.
    pub form: WrittenForm,
}

impl WrittenForm {
    /// The form of a text such as `+380 99 999-99-99`; `None` if it has other
    /// characters than digits and the usual separators, or fewer than 7 digits.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let mut digits = [0_u8; MOST_DIGITS];
        let mut count = 0;
        for byte in text.bytes() {
            match byte {
                b'0'..=b'9' if count < MOST_DIGITS => {
                    digits[count] = byte;
                    count += 1;
                }
                b'+' | b' ' | b'-' | b'(' | b')' | b'.' => {}
                _ => return None,
            }
        }
        Self::of_digits(&digits[..count])
    }

    fn of_digits(digits: &[u8]) -> Option<Self> {
        if digits.len() < FEWEST_DIGITS {
            return None;
        }
        // A national number may begin like an international prefix: 01 123 456 in Lebanon.
        let stripped = digits.strip_prefix(b"00").or_else(|| digits.strip_prefix(b"011"));
        let digits = stripped.filter(|rest| rest.len() >= FEWEST_DIGITS).unwrap_or(digits);
        Some(Self(digits.iter().fold(1, |value, digit| value * 10 + u64::from(digit - b'0'))))
    }

    /// The last nine digits, for the alarm on numbers that share only their ending.
    #[must_use]
    pub const fn ending(self) -> u32 {
        (self.0 % 1_000_000_000) as u32
    }

    /// The integer that stores keep.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// From the integer that stores keep.
    #[must_use]
    pub const fn from_u64(value: u64) -> Self {
        Self(value)
    }

    /// Every way in which `number` may be written, each once: international,
    /// national, national with its trunk prefix, and in libphonenumber's
    /// national format.
    #[must_use]
    pub fn all_of(number: PhoneNumber) -> Vec<Self> {
        let (national, formatted) = number.national_forms();
        let mut forms = vec![number.digits(), national.clone(), formatted.clone()];
        let prefix = formatted.strip_suffix(&national).unwrap_or(&formatted);
        if let Some(trunk @ ('0' | '8')) = prefix.chars().next() {
            forms.push(format!("{trunk}{national}"));
        }
        let mut forms: Vec<Self> = forms.iter().filter_map(|form| Self::read(form)).collect();
        forms.sort_unstable();
        forms.dedup();
        forms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_written_form_of_a_ukrainian_number_is_one_of_its_forms() {
        let forms = WrittenForm::all_of(PhoneNumber::parse("+380999999999").unwrap());
        for text in [
            "380999999999",
            "+380999999999",
            "00380999999999",
            "011380999999999",
            "0999999999",
            "999999999",
        ] {
            assert!(forms.contains(&WrittenForm::read(text).unwrap()), "{text}");
        }
        assert_eq!(forms.len(), 3);
    }

    #[test]
    fn fillers_names_and_short_numbers_are_no_form() {
        for text in [
            "",
            "0",
            "100",
            "anonymous",
            "123456",
            "499499-100x",
            "Paulina 101 (101)",
            "1234567890123456789",
        ] {
            assert_eq!(WrittenForm::read(text), None, "{text}");
        }
    }

    #[test]
    fn leading_zeros_distinguish_forms() {
        assert_ne!(WrittenForm::read("0612345678"), WrittenForm::read("612345678"));
    }
}
