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

    /// Its digits, leading zeros included.
    #[must_use]
    pub fn digits(self) -> String {
        // A one stands before them, so that zeros count.
        self.0.to_string().split_off(1)
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

    /// What an attempt claims whose number is written in `forms`: these, and each
    /// with a 0 behind it. A provider that signs a number and a filler 0 joined,
    /// with nothing between, has also signed that longer number, so the two must
    /// not be called at once (+4930123456 and +49301234560).
    #[must_use]
    pub fn claimed_with(forms: &[Self]) -> Vec<Self> {
        let mut claimed: Vec<Self> =
            forms.iter().flat_map(|form| [*form, form.with_zero()]).collect();
        claimed.sort_unstable();
        claimed.dedup();
        claimed
    }

    /// The forms behind the claims that [`claimed_with`](Self::claimed_with) made
    /// of them: those by which a notification finds the attempt.
    #[must_use]
    pub fn finding(claimed: &[Self]) -> Vec<Self> {
        let is_longer = |form: &Self| claimed.iter().any(|other| other.with_zero() == *form);
        claimed.iter().copied().filter(|form| !is_longer(form)).collect()
    }

    /// INVARIANT: a claimed form has at most 17 digits, since 15 are the most of
    /// a number and 2 those of a trunk prefix.
    const fn with_zero(self) -> Self {
        Self(self.0.saturating_mul(10))
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
    fn a_number_that_no_plan_knows_has_its_countrys_trunk_prefix_too() {
        let forms = |text| WrittenForm::all_of(PhoneNumber::parse(text).unwrap());
        for (number, national) in [
            ("+44207946095", "0207946095"),
            ("+49150123456", "0150123456"),
            ("+78005553535", "88005553535"),
        ] {
            assert!(forms(number).contains(&WrittenForm::read(national).unwrap()), "{number}");
        }
        assert_eq!(forms("+34911234567").len(), 2);
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
    fn a_number_and_the_same_with_a_zero_behind_it_cannot_both_be_claimed() {
        let [short, long] = ["+4930123456", "+49301234560"]
            .map(|text| WrittenForm::all_of(PhoneNumber::parse(text).unwrap()));
        assert!(short.iter().all(|form| !long.contains(form)));
        let [claimed, others] = [&short, &long].map(|forms| WrittenForm::claimed_with(forms));
        assert!(claimed.iter().any(|form| others.contains(form)));
        assert_eq!(WrittenForm::finding(&claimed), short);
        assert_eq!(WrittenForm::finding(&others), long);
    }

    #[test]
    fn leading_zeros_distinguish_forms() {
        assert_ne!(WrittenForm::read("0612345678"), WrittenForm::read("612345678"));
    }
}
