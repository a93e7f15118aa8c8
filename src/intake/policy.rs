//! What one account requires of its notifications.

use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};
use subtle::ConstantTimeEq;
use tokio::sync::Mutex;

use crate::domain::{Check, Evidence, Name, Network, Secret};

/// The provider is asked on behalf of notifications at most once in this span.
const ASK_GAP: SignedDuration = SignedDuration::from_secs(60);

/// The account's settings, as checked by the configuration.
pub struct Policy {
    /// The account.
    pub account: Name,
    /// The notification URL's tokens: the current one and previous ones.
    pub tokens: Vec<Secret>,
    /// The API's secrets: the current one first, then previous ones.
    pub secrets: Vec<Secret>,
    /// Where notifications come from.
    pub sources: Vec<Network>,
    /// Whether notifications from elsewhere are refused.
    pub require_source: bool,
    /// What `called_did` says in the result of a button call.
    pub result_called_did: Vec<String>,
    /// When the provider was last asked for its clock on behalf of a notification.
    pub clock_asked_at: Mutex<Option<Timestamp>>,
    /// When it was last asked for its extensions on behalf of a notification.
    pub extensions_asked_at: Mutex<Option<Timestamp>>,
}

impl Policy {
    /// Whether one of the tokens is `token`; in constant time for each.
    pub(super) fn takes_token(&self, token: &str) -> bool {
        self.tokens.iter().any(|known| known.expose().as_bytes().ct_eq(token.as_bytes()).into())
    }

    pub(super) fn takes_source(&self, source: IpAddr) -> bool {
        !self.require_source || self.sources.iter().any(|network| network.contains(source))
    }

    /// What has been checked once a notification has passed token, source and signature.
    pub(super) const fn evidence(&self, secret_index: usize) -> Evidence {
        let signature = if secret_index == 0 { Check::Signature } else { Check::PreviousSecret };
        let evidence = Evidence::from_bits(0).with(Check::Token).with(signature);
        if self.require_source { evidence.with(Check::Source) } else { evidence }
    }

    /// When the provider may be asked again that was last asked at `last`.
    pub(super) fn may_ask_again_at(last: Timestamp) -> Timestamp {
        last.checked_add(ASK_GAP).unwrap_or(Timestamp::MAX)
    }
}

/// Whether a `zd_echo` value may be sent back: 1 to 128 characters of `A-Z`,
/// `a-z`, `0-9`, `-` and `_`. Anything else would make a mirror of us.
#[must_use]
pub fn is_echo(value: &str) -> bool {
    (1..=128).contains(&value.len())
        && value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}
