// hmac = "0.13", sha2 = "0.11", base64 = "0.22"
use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use std::time::{SystemTime, UNIX_EPOCH};

/// Whether Ringproof sent these bytes within the last five minutes.
pub fn verify(secret: &str, id: &str, sent: &str, offered: &str, body: &[u8]) -> bool {
    let Ok(now) = SystemTime::now().duration_since(UNIX_EPOCH) else { return false };
    if !sent.parse().is_ok_and(|sent: u64| now.as_secs().abs_diff(sent) <= 300) {
        return false;
    }
    let Ok(key) = STANDARD.decode(secret.trim_start_matches("whsec_")) else { return false };
    offered.split(' ').filter_map(|one| one.strip_prefix("v1,")).any(|one| {
        let Ok(mut mac) = Hmac::<sha2::Sha256>::new_from_slice(&key) else { return false };
        mac.update(format!("{id}.{sent}.").as_bytes());
        mac.update(body);
        // Compares in constant time.
        STANDARD.decode(one).is_ok_and(|signature| mac.verify_slice(&signature).is_ok())
    })
}
