//! The server key, and what is made with it.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::domain::{Secret, VerificationId};
use crate::store::LookUps;

/// 32 random bytes that live outside the store, the same on all replicas.
/// Whoever has them can make wait tokens.
#[derive(Clone)]
pub struct ServerKey([u8; 32]);

impl ServerKey {
    /// Takes the bytes as read from the key file.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A new key from the system's randomness.
    #[must_use]
    pub fn random() -> Self {
        Self(rand::random())
    }

    /// The bytes, for the key file.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Tells keys apart without giving them away; kept in the store.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 32] {
        // It differs from that of stores in whose columns numbers stood in clear.
        self.mac("fingerprint, look-ups keyed", b"")
    }

    /// The token with which a browser may show and await this one verification.
    #[must_use]
    pub fn wait_token(&self, id: VerificationId) -> Secret {
        let mac = self.mac("wait token", id.as_bytes());
        Secret::new(format!("wait_{}", const_hex::encode(&mac[..20])))
    }

    /// Whether `token` is the wait token of `id`; in constant time.
    #[must_use]
    pub fn is_wait_token(&self, id: VerificationId, token: &str) -> bool {
        self.wait_token(id).expose().as_bytes().ct_eq(token.as_bytes()).into()
    }

    /// Tells requests apart that came with an Idempotency-Key.
    #[must_use]
    pub fn fingerprint_of(&self, request: &[u8]) -> [u8; 32] {
        self.mac("request", request)
    }

    /// The hash under which a number is kept that must not be kept itself.
    #[must_use]
    pub fn number_hash(&self, digits: &str) -> [u8; 16] {
        let mut hash = [0; 16];
        hash.copy_from_slice(&self.mac("number", digits.as_bytes())[..16]);
        hash
    }

    /// What the store finds numbers by.
    #[must_use]
    pub fn look_ups(&self) -> LookUps {
        LookUps::new(&self.mac("look-ups", b""))
    }

    pub(super) fn mac(&self, purpose: &str, message: &[u8]) -> [u8; 32] {
        // HMAC takes keys of any length, so this cannot fail; the digest stands in for nothing.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else {
            return Sha256::digest(self.0).into();
        };
        mac.update(purpose.as_bytes());
        mac.update(&[0]);
        mac.update(message);
        mac.finalize().into_bytes().into()
    }
}
