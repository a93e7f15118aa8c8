//! The first step: the fields of a notification, decoded once and in order.

use std::borrow::Cow;

use crate::zadarma::form;

/// More fields than any documented notification has; more are refused.
pub const MAX_FIELDS: usize = 64;

/// Signed fields that hold numbers and times. `result` is signed as well, but is
/// free text (an SMS may hold any digits).
const SIGNED: [&str; 7] = [
    "caller_id",
    "called_did",
    "call_start",
    "internal",
    "destination",
    "pbx_call_id",
    "call_id_with_rec",
];

/// The fields of a notification, not yet authenticated.
#[derive(Clone, Debug)]
pub struct Decoded<'a> {
    fields: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

/// Why a body is no notification at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// A name or value is not UTF-8.
    #[error("the notification is not UTF-8")]
    NotUtf8,
    /// A name occurs twice, so that two readers could see two different values.
    #[error("the notification repeats a field name")]
    RepeatedField,
    /// A signed field holds a digit outside 0-9, which number parsers may read as one.
    #[error("a signed field of the notification holds a digit outside 0-9")]
    ForeignDigit,
    /// More than [`MAX_FIELDS`] fields.
    #[error("the notification has more than {MAX_FIELDS} fields")]
    TooManyFields,
}

impl<'a> Decoded<'a> {
    /// Decodes an `application/x-www-form-urlencoded` body.
    ///
    /// # Errors
    /// See [`Malformed`].
    pub fn from_urlencoded(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut decoded = Self { fields: Vec::with_capacity(16) };
        for field in form::decode(body) {
            let (name, value) = field.map_err(|form::NotUtf8| Malformed::NotUtf8)?;
            decoded.push(name, value)?;
        }
        Ok(decoded)
    }

    /// Takes the text parts of a `multipart/form-data` body.
    ///
    /// # Errors
    /// See [`Malformed`].
    pub fn from_pairs(pairs: Vec<(String, String)>) -> Result<Decoded<'static>, Malformed> {
        let mut decoded = Decoded { fields: Vec::with_capacity(pairs.len().min(MAX_FIELDS)) };
        for (name, value) in pairs {
            decoded.push(Cow::Owned(name), Cow::Owned(value))?;
        }
        Ok(decoded)
    }

    /// The value of a field; `None` if it is absent, empty text if it is empty.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| &**value)
    }

    fn push(&mut self, name: Cow<'a, str>, value: Cow<'a, str>) -> Result<(), Malformed> {
        if self.fields.len() == MAX_FIELDS {
            return Err(Malformed::TooManyFields);
        }
        if self.field(&name).is_some() {
            return Err(Malformed::RepeatedField);
        }
        let foreign = |c: char| c.is_numeric() && !c.is_ascii_digit();
        if SIGNED.contains(&&*name) && !value.is_ascii() && value.chars().any(foreign) {
            return Err(Malformed::ForeignDigit);
        }
        self.fields.push((name, value));
        Ok(())
    }
}
