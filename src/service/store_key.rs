//! What is made with the store's key.

use subtle::ConstantTimeEq;

use crate::domain::{Secret, VerificationId};
use crate::store::StoreKey;

impl StoreKey {
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
}
