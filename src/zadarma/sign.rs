//! Signatures of requests and notifications.
//!
//! Both are base64 over the forty *hex characters* of an HMAC-SHA1, hence always
//! 56 characters; base64 over the twenty raw bytes (28 characters) is the usual
//! mistake and is never accepted.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use sha1::Sha1;

use super::Secret;

/// Characters of a signature.
pub const SIGNATURE_LENGTH: usize = 56;

/// The `Authorization` header of a request: `KEY:SIGNATURE`.
///
/// `path` is the path as requested, slash included; `query` is the text made by
/// [`form`](super::form), empty if there are no parameters.
#[must_use]
pub fn authorization(key: &str, secret: &Secret, path: &str, query: &str) -> String {
    let digest = const_hex::encode(Md5::digest(query.as_bytes()));
    format!("{key}:{}", signature(secret, &[path, query, &digest]))
}

/// The signature over `text_parts`, joined with nothing between.
#[must_use]
pub fn signature(secret: &Secret, text_parts: &[&str]) -> String {
    signature_bytes(secret, text_parts).iter().copied().map(char::from).collect()
}

/// The same without touching the heap.
pub(super) fn signature_bytes(secret: &Secret, text_parts: &[&str]) -> [u8; SIGNATURE_LENGTH] {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret.expose().as_bytes())
        .expect("HMAC takes a key of any length");
    for part in text_parts {
        mac.update(part.as_bytes());
    }
    let digest = mac.finalize().into_bytes();
    let mut hex = [0; 40];
    const_hex::encode_to_slice(digest, &mut hex).expect("twenty bytes are forty hex characters");
    let mut signature = [0; SIGNATURE_LENGTH];
    STANDARD.encode_slice(hex, &mut signature).expect("forty bytes are 56 base64 characters");
    signature
}
