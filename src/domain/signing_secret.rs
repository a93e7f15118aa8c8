//! The secrets that sign what is sent to apps, in the form of Standard Webhooks.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// What the text of a secret begins with.
const PREFIX: &str = "whsec_";
/// The fewest and the most bytes of a secret, as Standard Webhooks asks.
const BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// The key of a signature, 24 to 64 bytes. Prints as dots.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningSecret(Box<[u8]>);

/// A text that is no such secret. It does not repeat the text.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "must be \"whsec_\" and the base64 of 24 to 64 random bytes; `echo whsec_$(openssl rand -base64 32)` makes one"
)]
pub struct InvalidSigningSecret;

impl SigningSecret {
    /// Reads `whsec_` and base64.
    ///
    /// # Errors
    /// When it is anything else, or too short or long.
    pub fn parse(text: &str) -> Result<Self, InvalidSigningSecret> {
        let encoded = text.strip_prefix(PREFIX).ok_or(InvalidSigningSecret)?;
        let bytes = STANDARD.decode(encoded).map_err(|_| InvalidSigningSecret)?;
        if BYTES.contains(&bytes.len()) {
            Ok(Self(bytes.into()))
        } else {
            Err(InvalidSigningSecret)
        }
    }

    /// The bytes of the key.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("••••••")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_documented_form_is_a_secret() {
        let text = |bytes: usize| format!("whsec_{}", STANDARD.encode(vec![7; bytes]));
        assert_eq!(SigningSecret::parse(&text(24)).unwrap().expose(), [7; 24]);
        assert_eq!(SigningSecret::parse(&text(64)).unwrap().expose().len(), 64);
        for wrong in [text(23), text(65), String::new(), "whsec_".into(), "whsec_not base64".into()]
        {
            assert_eq!(SigningSecret::parse(&wrong), Err(InvalidSigningSecret), "{wrong}");
        }
        let bare = text(24).replace("whsec_", "");
        assert!(SigningSecret::parse(&bare).is_err());
    }
}
