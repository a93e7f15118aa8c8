//! Phone numbers, E.164.

use std::fmt;

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat, PhoneNumberType, Region};

use super::claim::FEWEST_DIGITS;
use super::numbering::{Country, NumberType};

/// Calling codes of satellite networks.
const SATELLITE: [&str; 4] = ["870", "881", "882", "883"];

/// A phone number that may be called: a calling code and a national number, at
/// most 15 digits. Its `Display` is E.164; its `Debug` is masked.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PhoneNumber(u64);

/// Why a text is refused as a phone number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidNumber {
    /// It does not begin with a plus sign and a calling code.
    #[error(
        "write the number in E.164: a plus sign, the calling code and the national number, as in +380991234567"
    )]
    NotInternational,
    /// No country has that calling code.
    #[error("no country has this calling code; write the number in E.164, as in +380991234567")]
    UnknownCallingCode,
    /// It carries an extension.
    #[error("the number has an extension, which cannot be called here; leave it out")]
    Extension,
    /// It is a short number or has too few digits.
    #[error(
        "the number is too short for its calling code; short numbers and services cannot be called"
    )]
    TooShort,
    /// It has too many digits.
    #[error("the number is too long for its calling code")]
    TooLong,
    /// It holds something else than a number.
    #[error("this is not a phone number; write it in E.164, as in +380991234567")]
    NotANumber,
}

impl PhoneNumber {
    /// Reads a number in international form; spaces, dashes, dots and parentheses are allowed.
    ///
    /// # Errors
    /// Says what to change, see [`InvalidNumber`].
    pub fn parse(text: &str) -> Result<Self, InvalidNumber> {
        let text = text.trim();
        if !text.starts_with('+') {
            return Err(InvalidNumber::NotInternational);
        }
        Self::read(text, None)
    }

    /// Reads a number as people of `country`, two letters of ISO 3166, write it; one in
    /// international form is taken as it is.
    ///
    /// # Errors
    /// As [`parse`](Self::parse) does.
    pub fn parse_in(text: &str, country: &str) -> Result<Self, InvalidNumber> {
        let region = country.parse().map_err(|_| InvalidNumber::UnknownCallingCode)?;
        Self::read(text.trim(), Some(region))
    }

    fn read(text: &str, region: Option<Region>) -> Result<Self, InvalidNumber> {
        if text.len() > 64 || text.contains(|c: char| !c.is_ascii() || c.is_ascii_control()) {
            return Err(InvalidNumber::NotANumber);
        }
        let parsed =
            rlibphonenumber::PhoneNumber::parse(text, region).map_err(|error| invalid(&error))?;
        if !parsed.extension().is_empty() {
            return Err(InvalidNumber::Extension);
        }
        if text.contains(|c: char| !(c.is_ascii_digit() || "+ -().".contains(c))) {
            return Err(InvalidNumber::NotANumber);
        }
        if let Err(why) = parsed.is_possible_with_reason() {
            return Err(impossible(why));
        }
        let e164 = parsed.format_as(PhoneNumberFormat::E164);
        // A trunk prefix behind the calling code, as in +43 (0)1, has been left out. If
        // another one would be left out of the rest, it is the number of nobody.
        let again = rlibphonenumber::PhoneNumber::parse(&e164, None);
        if !again.is_ok_and(|again| again.format_as(PhoneNumberFormat::E164) == e164) {
            return Err(InvalidNumber::NotANumber);
        }
        if e164.len() <= FEWEST_DIGITS {
            // No notification could name it.
            return Err(InvalidNumber::TooShort);
        }
        e164[1..].parse().map(Self).map_err(|_| InvalidNumber::TooLong)
    }

    /// From the integer that stores keep: the digits of E.164.
    #[must_use]
    pub const fn from_u64(digits: u64) -> Self {
        Self(digits)
    }

    /// The integer that stores keep.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// The digits of E.164, without the plus sign.
    #[must_use]
    pub fn digits(self) -> String {
        self.0.to_string()
    }

    /// What numbering plans tell of it. Takes tens of microseconds.
    #[must_use]
    pub fn numbering(self) -> Numbering {
        let digits = self.digits();
        let is_satellite = SATELLITE.iter().any(|code| digits.starts_with(code));
        let satellite = is_satellite.then_some(NumberType::Satellite);
        let Some(number) = self.parsed() else {
            return Numbering { number_type: satellite, ..Numbering::default() };
        };
        let found = number.get_type();
        let number_type = match found {
            PhoneNumberType::PremiumRate => Some(NumberType::PremiumRate),
            PhoneNumberType::SharedCost => Some(NumberType::SharedCost),
            PhoneNumberType::VoIP => Some(NumberType::Voip),
            PhoneNumberType::FixedLine
            | PhoneNumberType::Mobile
            | PhoneNumberType::FixedLineOrMobile
            | PhoneNumberType::TollFree
            | PhoneNumberType::PersonalNumber
            | PhoneNumberType::Pager
            | PhoneNumberType::UAN
            | PhoneNumberType::VoiceMail
            | PhoneNumberType::Unknown => None,
        };
        let main = || PHONE_NUMBER_UTIL.get_region_for_country_code(number.country_code);
        let region = number.get_region_code().or_else(main);
        Numbering {
            // The numbering plans' regions are two letters, but for networks of no country.
            country: region.and_then(|region| Country::of((region as u16).to_be_bytes())),
            number_type: satellite.or(number_type),
            // A valid number is one whose kind is found, as a test holds.
            is_known_valid: found != PhoneNumberType::Unknown,
            is_landline: found == PhoneNumberType::FixedLine,
        }
    }

    /// Whether the numbering plan knows it as a fixed line and nothing else, which takes no SMS.
    #[must_use]
    pub fn is_landline(self) -> bool {
        self.numbering().is_landline
    }

    /// The national significant number, and the digits of libphonenumber's national format;
    /// where that writes no trunk prefix, as for numbers that no plan knows, with its
    /// country's in front.
    pub(super) fn national_forms(self) -> (String, String) {
        let Some(number) = self.parsed() else { return (String::new(), String::new()) };
        let formatted = number.format_as(PhoneNumberFormat::National);
        let digits: String = formatted.chars().filter(char::is_ascii_digit).collect();
        let national = number.get_national_significant_number();
        if digits != national {
            return (national, digits);
        }
        (national.clone(), trunk_prefix(number.country_code) + &national)
    }

    fn parsed(self) -> Option<rlibphonenumber::PhoneNumber> {
        rlibphonenumber::PhoneNumber::parse(self.to_string(), None).ok()
    }
}

/// What numbering plans tell of a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Numbering {
    /// Its country; of a number whose calling code several share and whose plan does not know
    /// it, the main one of these. `None` for networks that belong to no country.
    pub country: Option<Country>,
    /// What kind of number it is, as far as its plan tells.
    pub number_type: Option<NumberType>,
    /// Whether its plan knows it to be in use.
    pub is_known_valid: bool,
    /// Whether its plan knows it as a fixed line and nothing else.
    pub is_landline: bool,
}

/// What is dialled before a national number within a country, as an example of its numbers
/// shows; empty where nothing is.
fn trunk_prefix(country_code: i32) -> String {
    let region = PHONE_NUMBER_UTIL.get_region_for_country_code(country_code);
    let example = region.and_then(|region| PHONE_NUMBER_UTIL.get_example_number(region).ok());
    let Some(example) = example else { return String::new() };
    let formatted = example.format_as(PhoneNumberFormat::National);
    let digits: String = formatted.chars().filter(char::is_ascii_digit).collect();
    let national = example.get_national_significant_number();
    digits.strip_suffix(national.as_str()).unwrap_or_default().to_owned()
}

fn invalid(error: &rlibphonenumber::ParseError) -> InvalidNumber {
    use rlibphonenumber::ParseError;
    match error {
        ParseError::InvalidCountryCode => InvalidNumber::UnknownCallingCode,
        ParseError::NotANumber(_) => InvalidNumber::NotANumber,
        ParseError::TooShortAfterIdd | ParseError::TooShortNsn => InvalidNumber::TooShort,
        ParseError::TooLongNsn => InvalidNumber::TooLong,
    }
}

fn impossible(why: rlibphonenumber::ValidationError) -> InvalidNumber {
    use rlibphonenumber::ValidationError;
    match why {
        ValidationError::InvalidCountryCode => InvalidNumber::UnknownCallingCode,
        ValidationError::TooLong => InvalidNumber::TooLong,
        ValidationError::TooShort | ValidationError::InvalidLength => InvalidNumber::TooShort,
    }
}

impl fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{}", self.0)
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

impl PhoneNumber {
    /// The number with its middle hidden, for logs and lists: `+380•••••••99`.
    #[must_use]
    pub fn masked(self) -> String {
        let digits = self.digits();
        let (head, tail) =
            (digits.len().min(3), digits.len().saturating_sub(2).max(3.min(digits.len())));
        format!("+{}{}{}", &digits[..head], "•".repeat(tail - head), &digits[tail..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_are_read_and_the_number_is_e164() {
        assert_eq!(PhoneNumber::parse("+380 (99) 999-99.99").unwrap().to_string(), "+380999999999");
    }

    #[test]
    fn bad_numbers_are_refused_by_name() {
        for (text, why) in [
            ("", InvalidNumber::NotInternational),
            ("0999999999", InvalidNumber::NotInternational),
            ("380999999999", InvalidNumber::NotInternational),
            ("+999123456789", InvalidNumber::UnknownCallingCode),
            ("+380441234567 ext. 5", InvalidNumber::Extension),
            ("+380441234567;ext=5", InvalidNumber::Extension),
            ("+38044", InvalidNumber::TooShort),
            ("+1911", InvalidNumber::TooShort),
            ("+989601", InvalidNumber::TooShort),
            ("+43000000", InvalidNumber::NotANumber),
            ("+3804412345678901234", InvalidNumber::TooLong),
            ("+1800FLOWERS", InvalidNumber::NotANumber),
            ("+", InvalidNumber::NotANumber),
            ("+٣٨٠٩٩٩٩٩٩٩٩٩", InvalidNumber::NotANumber),
        ] {
            assert_eq!(PhoneNumber::parse(text), Err(why), "{text}");
        }
    }

    #[test]
    fn a_fixed_line_is_told_from_a_mobile_one() {
        let is_landline = |text: &str| PhoneNumber::parse(text).unwrap().is_landline();
        assert!(is_landline("+380441234567") && is_landline("+442079460018"));
        // In the USA nobody can tell, and a mobile number must get its SMS.
        assert!(!is_landline("+380991234567") && !is_landline("+12125550123"));
    }

    #[test]
    fn country_and_type_are_read_from_the_numbering_plan() {
        for (text, country, number_type) in [
            ("+380991234567", Some("UA"), None),
            ("+12125550123", Some("US"), None),
            ("+18765550123", Some("JM"), None),
            ("+15555555555", Some("US"), None),
            ("+77011234567", Some("KZ"), None),
            ("+449098790123", Some("GB"), Some(NumberType::PremiumRate)),
            ("+4918012345678", Some("DE"), Some(NumberType::SharedCost)),
            ("+445612345678", Some("GB"), Some(NumberType::Voip)),
            ("+870773123456", None, Some(NumberType::Satellite)),
            ("+881612345678", None, Some(NumberType::Satellite)),
            ("+88213300655", None, Some(NumberType::Satellite)),
            ("+883510012345", None, Some(NumberType::Satellite)),
        ] {
            let number = PhoneNumber::parse(text).unwrap();
            let numbering = number.numbering();
            let found = numbering.country.map(|country| country.to_string());
            assert_eq!((found.as_deref(), numbering.number_type), (country, number_type), "{text}");
        }
    }

    #[test]
    fn debug_is_masked() {
        assert_eq!(format!("{:?}", PhoneNumber::parse("+380991234567").unwrap()), "+380•••••••67");
    }
}
