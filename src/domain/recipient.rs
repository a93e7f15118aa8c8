//! Who is asked: a phone number or an e-mail address.

use std::fmt;

use super::PhoneNumber;

/// The longest address, as mail servers take it.
const LONGEST: usize = 254;
/// The longest part before the `@`.
const LONGEST_LOCAL: usize = 64;

/// Who is asked. Its `Display` is whole; its `Debug` is masked.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Recipient {
    /// By phone or SMS.
    Phone(PhoneNumber),
    /// By e-mail.
    Email(EmailAddress),
}

impl Recipient {
    /// The number, unless it is an address.
    #[must_use]
    pub const fn phone(&self) -> Option<PhoneNumber> {
        match self {
            Self::Phone(number) => Some(*number),
            Self::Email(_) => None,
        }
    }
}

impl From<PhoneNumber> for Recipient {
    fn from(number: PhoneNumber) -> Self {
        Self::Phone(number)
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Phone(number) => fmt::Display::fmt(number, f),
            Self::Email(address) => f.write_str(address.as_str()),
        }
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Phone(number) => fmt::Debug::fmt(number, f),
            Self::Email(address) => fmt::Debug::fmt(address, f),
        }
    }
}

/// An e-mail address, its domain in lower case. Its `Debug` is masked.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EmailAddress(Box<str>);

/// A text that is no e-mail address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "this is not an e-mail address; write it as in name@example.com, in at most 254 ASCII characters"
)]
pub struct InvalidAddress;

impl EmailAddress {
    /// Checks the shape of `text`; whether anybody reads it is not known.
    ///
    /// # Errors
    /// When it is no address.
    pub fn parse(text: &str) -> Result<Self, InvalidAddress> {
        let (local, domain) = text.trim().rsplit_once('@').ok_or(InvalidAddress)?;
        let atom = |c: u8| c.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&c);
        let local_fits = (1..=LONGEST_LOCAL).contains(&local.len())
            && local.split('.').all(|part| !part.is_empty() && part.bytes().all(atom));
        let label = |part: &str| {
            !part.is_empty()
                && part.len() <= 63
                && !part.starts_with('-')
                && !part.ends_with('-')
                && part.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-')
        };
        let domain_fits = domain.contains('.') && domain.split('.').all(label);
        if !local_fits || !domain_fits || local.len() + domain.len() + 1 > LONGEST {
            return Err(InvalidAddress);
        }
        Ok(Self(format!("{local}@{}", domain.to_ascii_lowercase()).into()))
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.0.chars().next().unwrap_or('•');
        let domain = self.0.rsplit_once('@').map_or("", |(_, domain)| domain);
        write!(f, "{first}•••@{domain}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_other_texts() {
        for text in ["a@b.co", "first.last+tag@mail.example.com", " x@y.example "] {
            assert!(EmailAddress::parse(text).is_ok(), "{text}");
        }
        for text in [
            "",
            "a",
            "@b.co",
            "a@",
            "a@b",
            "a b@c.de",
            "a@b..co",
            "a@-b.co",
            ".a@b.co",
            "a@b@c.de,",
            "a@b.co\r\nBcc: x@y.de",
            "ä@b.co",
            "<a@b.co>",
        ] {
            assert_eq!(EmailAddress::parse(text), Err(InvalidAddress), "{text}");
        }
    }

    #[test]
    fn debug_is_masked() {
        let address = EmailAddress::parse("person@Example.com").unwrap();
        assert_eq!(format!("{address:?}"), "p•••@example.com");
    }
}
