//! The vendor's protocol, pure: how a request is encoded and signed, what its
//! answers and notifications mean as Zadarma documents them.
//!
//! The client and the simulator are both built on this room, so that they share
//! the protocol and nothing else. It makes no requests, keeps no state and
//! decides nothing about verifications.

pub mod form;
pub mod notification;
pub mod sign;
pub mod wire;

mod disposition;
#[cfg(test)]
mod tests;

pub use crate::domain::Secret;
pub use disposition::Disposition;

/// The provider's name for an ISO 639-1 language, if it speaks that language.
///
/// It writes Ukrainian as `ua`, which is a country.
#[must_use]
pub fn language(code: &str) -> Option<&'static str> {
    Some(match code {
        "en" => "en",
        "es" => "es",
        "de" => "de",
        "pl" => "pl",
        "ru" => "ru",
        "uk" | "ua" => "ua",
        "fr" => "fr",
        _ => return None,
    })
}

/// Reads a `call_start` or `datetime`: exactly `YYYY-MM-DD HH:MM:SS`, in the account's zone.
///
/// The exact length matters: signed fields are joined without a separator, so a
/// longer or shorter text may be another field's end.
#[must_use]
pub fn parse_call_start(text: &str) -> Option<jiff::civil::DateTime> {
    const SHAPE: &[u8; 19] = b"0000-00-00 00:00:00";
    let bytes = text.as_bytes();
    let shaped = bytes.len() == SHAPE.len()
        && bytes.iter().zip(SHAPE).all(|(byte, shape)| match shape {
            b'0' => byte.is_ascii_digit(),
            separator => byte == separator,
        });
    if !shaped {
        return None;
    }
    let pair = |at: usize| ((bytes[at] - b'0') * 10 + (bytes[at + 1] - b'0')).cast_signed();
    let year = i16::from(pair(0)) * 100 + i16::from(pair(2));
    jiff::civil::DateTime::new(year, pair(5), pair(8), pair(11), pair(14), pair(17), 0).ok()
}
