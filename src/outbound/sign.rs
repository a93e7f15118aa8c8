//! Signatures as in Standard Webhooks: HMAC-SHA256 over id, seconds and body.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;

use crate::domain::SigningSecret;

/// The header `webhook-signature`: one signature by each secret, so that receivers may
/// still have the old one while a change is under way.
pub(super) fn signatures(
    secrets: &[SigningSecret],
    id: &str,
    at: Timestamp,
    body: &[u8],
) -> String {
    let one = |secret: &SigningSecret| {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(secret.expose()).expect("HMAC takes keys of any length");
        mac.update(format!("{id}.{}.", at.as_second()).as_bytes());
        mac.update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    };
    secrets.iter().map(one).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_elses_library_signs_the_same_with_each_secret() {
        let texts =
            ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"];
        let secrets = texts.map(|text| SigningSecret::parse(text).unwrap());
        let (id, body) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", b"{\"test\": 2432232314}");
        let at = Timestamp::from_second(1_614_265_330).unwrap();
        let theirs = texts.map(|text| {
            let webhook = standardwebhooks::Webhook::new(text).unwrap();
            webhook.sign(id, at.as_second(), body).unwrap()
        });
        assert_eq!(theirs[0], "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!(signatures(&secrets, id, at, body), theirs.join(" "));
    }
}
