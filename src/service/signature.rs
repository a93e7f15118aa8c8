//! Signed requests: who signs proves to have a key's signature secret without sending
//! it. The secret is kept sealed, since a hash of it would verify nothing.

use std::net::IpAddr;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};
use subtle::ConstantTimeEq;

use crate::domain::Secret;

use super::{Caller, KeyRefusal, Service};

/// How far the time stamp of a signed request may be off.
pub const SIGNED_WITHIN: SignedDuration = SignedDuration::from_mins(5);

/// What the seal of a signature secret is for.
const PURPOSE: &str = "signature secrets";

/// How a key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureMethod {
    /// MD5 of the text and the secret behind it.
    Md5Hash,
    /// HMAC-MD5, as the following are HMACs.
    Md5,
    /// HMAC-SHA-1.
    Sha1,
    /// HMAC-SHA-256.
    Sha256,
    /// HMAC-SHA-512.
    Sha512,
}

impl SignatureMethod {
    /// Every method.
    pub const ALL: [Self; 5] = [Self::Md5Hash, Self::Md5, Self::Sha1, Self::Sha256, Self::Sha512];

    /// The word that clients use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Md5Hash => "md5hash",
            Self::Md5 => "md5",
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    /// The method of a word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str() == text)
    }

    /// The signature of a text, in lower-case hexadecimal digits.
    #[must_use]
    pub fn sign(self, text: &str, secret: &Secret) -> String {
        let key = secret.expose().as_bytes();
        match self {
            Self::Md5Hash => {
                let digest = Md5::new().chain_update(text).chain_update(key).finalize();
                const_hex::encode(digest)
            }
            Self::Md5 => mac(Hmac::<Md5>::new_from_slice(key), text),
            Self::Sha1 => mac(Hmac::<Sha1>::new_from_slice(key), text),
            Self::Sha256 => mac(Hmac::<Sha256>::new_from_slice(key), text),
            Self::Sha512 => mac(Hmac::<Sha512>::new_from_slice(key), text),
        }
    }
}

/// HMAC takes keys of any length.
fn mac<M: Mac, E>(mac: Result<M, E>, text: &str) -> String {
    let mac = mac.ok().map(|mac| mac.chain_update(text).finalize().into_bytes());
    mac.map(const_hex::encode).unwrap_or_default()
}

impl Service {
    /// Who signed this text at `at`. A signature is accepted once.
    ///
    /// # Errors
    /// `NotAccepted`, whatever is wrong with it; or the store does not answer.
    pub async fn signer(
        &self,
        key_id: &str,
        text: &str,
        signature: &str,
        at: Timestamp,
        source: IpAddr,
    ) -> Result<Caller, KeyRefusal> {
        let row = self.keys.find(key_id).ok_or(KeyRefusal::NotAccepted)?;
        let sealed = row.signature_secret.as_ref().ok_or(KeyRefusal::NotAccepted)?;
        let (method, secret) =
            self.signing_secret(key_id, sealed).ok_or(KeyRefusal::NotAccepted)?;
        let (now, signature) = (self.clock.now(), signature.to_ascii_lowercase());
        let fresh = now.duration_since(at).abs() <= SIGNED_WITHIN;
        let right = method.sign(text, &secret).as_bytes().ct_eq(signature.as_bytes());
        if !bool::from(right) || !fresh {
            return Err(KeyRefusal::NotAccepted);
        }
        self.keys.use_from(&row, source, now)?;
        let digest = Sha256::digest(format!("{key_id} {signature}")).into();
        if !self.store.use_signature(digest, now).await? {
            return Err(KeyRefusal::NotAccepted);
        }
        Ok(Caller::of(&row))
    }

    /// A new signature secret for a key, and the same sealed with its method.
    pub(super) fn new_signing_secret(
        &self,
        key_id: &str,
        method: SignatureMethod,
    ) -> (Secret, Box<[u8]>) {
        let secret = BASE64_URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
        let text = format!("{} {secret}", method.as_str());
        (Secret::new(secret), self.store_key().seal(PURPOSE, key_id.as_bytes(), &text))
    }

    fn signing_secret(&self, key_id: &str, sealed: &[u8]) -> Option<(SignatureMethod, Secret)> {
        let text = self.store_key().open(PURPOSE, key_id.as_bytes(), sealed)?;
        let (method, secret) = text.expose().split_once(' ')?;
        Some((SignatureMethod::parse(method)?, Secret::new(secret)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_method_signs_as_others_do() {
        let secret = Secret::new("secret");
        let sign = |method: SignatureMethod| method.sign("&a=1", &secret);
        assert_eq!(sign(SignatureMethod::Md5Hash).len(), 32);
        assert_ne!(sign(SignatureMethod::Md5Hash), sign(SignatureMethod::Md5));
        assert_eq!(
            SignatureMethod::Sha256.sign("", &Secret::new("key")),
            "5d5d139563c95b5967b9bd9a8c9b233a9dedb45072794cd232dc1b74832607d0",
        );
        for method in SignatureMethod::ALL {
            assert_eq!(SignatureMethod::parse(method.as_str()), Some(method));
        }
    }
}
