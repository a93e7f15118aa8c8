//! What one account requires of its notifications.

use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use subtle::ConstantTimeEq;

use crate::domain::{Check, Evidence, Name, Network, Secret};

/// The provider is asked on behalf of notifications at most once in this span.
const ASK_GAP: SignedDuration = SignedDuration::from_secs(60);
/// How soon it is asked again when it did not answer.
const RETRY_GAP: SignedDuration = SignedDuration::from_secs(5);
/// How many notifications wait for its answer; one more is left at its verdict.
const MOST_WAITING: usize = 1_000;

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
    /// Whether the extensions are the provider's to tell, not the configuration's.
    pub asks_extensions: bool,
    /// Asking for the clock on behalf of notifications.
    pub clock: Asking,
    /// Asking for the extensions on behalf of notifications.
    pub extensions: Asking,
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
}

/// When the provider was asked on behalf of notifications. Written and read by
/// those that wait for its answer; held only to look.
#[derive(Default)]
pub struct Asking(Mutex<Asked>);

#[derive(Clone, Copy, Default)]
struct Asked {
    /// The last time that it was asked and did not fail to answer.
    at: Option<Timestamp>,
    /// Until when nobody else asks.
    not_before: Option<Timestamp>,
    waiting: usize,
}

/// A place among those that wait.
pub(super) struct Waiting<'a>(&'a Asking);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.asked().waiting -= 1;
    }
}

impl Asking {
    /// A place among those that wait, if there is one.
    pub(super) fn wait(&self) -> Option<Waiting<'_>> {
        let mut asked = self.asked();
        if asked.waiting >= MOST_WAITING {
            return None;
        }
        asked.waiting += 1;
        Some(Waiting(self))
    }

    /// Whether the provider has answered since `at`.
    pub(super) fn has_answered_since(&self, at: Timestamp) -> bool {
        self.asked().at.is_some_and(|answered| answered >= at)
    }

    /// Takes the turn to ask at `now`; `Err` is when to try again.
    pub(super) fn take_turn(&self, now: Timestamp) -> Result<(), Timestamp> {
        let mut asked = self.asked();
        match asked.not_before.filter(|until| *until > now) {
            Some(until) => Err(until),
            None => {
                asked.not_before = Some(later(now, ASK_GAP));
                Ok(())
            }
        }
    }

    /// Notes an answer that was asked for at `asked_at`.
    pub(super) fn answered(&self, asked_at: Timestamp) {
        let mut asked = self.asked();
        asked.at = asked.at.max(Some(asked_at));
    }

    /// Notes at `now` that it did not answer: the next turn comes sooner.
    pub(super) fn failed(&self, now: Timestamp) {
        self.asked().not_before = Some(later(now, RETRY_GAP));
    }

    fn asked(&self) -> MutexGuard<'_, Asked> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn later(at: Timestamp, span: SignedDuration) -> Timestamp {
    at.checked_add(span).unwrap_or(Timestamp::MAX)
}

/// Whether a `zd_echo` value may be sent back: 1 to 128 characters of `A-Z`,
/// `a-z`, `0-9`, `-` and `_`. Anything else would make a mirror of us.
#[must_use]
pub fn is_echo(value: &str) -> bool {
    (1..=128).contains(&value.len())
        && value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}
