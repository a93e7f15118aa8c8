//! Sign-ins that were refused, counted by address, so that nobody tries keys at speed.
//! A key cannot be guessed; this bounds the noise. Each replica counts for itself.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

/// How many refused sign-ins an address has in one window.
const MOST: u32 = 10;
/// How long refused sign-ins count.
const WINDOW: SignedDuration = SignedDuration::from_mins(5);
/// How many addresses are told apart in one window; those that come then share a count.
const ADDRESSES: usize = 10_000;

/// What was refused in the present window.
#[derive(Default)]
pub struct Attempts(Mutex<Window>);

#[derive(Default)]
struct Window {
    since: Option<Timestamp>,
    refused: HashMap<IpAddr, u32>,
}

impl Attempts {
    /// Whether an address may try, and if not, when it may.
    ///
    /// # Errors
    /// With the instant at which the window ends.
    pub fn admit(&self, address: IpAddr, now: Timestamp) -> Result<(), Timestamp> {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let until = window.until(now);
        let bucket = window.bucket(address);
        let refused = window.refused.get(&bucket).copied().unwrap_or(0);
        if refused < MOST { Ok(()) } else { Err(until) }
    }

    /// Counts a refused sign-in.
    pub fn note(&self, address: IpAddr, now: Timestamp) {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        window.until(now);
        let bucket = window.bucket(address);
        let refused = window.refused.entry(bucket).or_default();
        *refused = refused.saturating_add(1);
    }
}

impl Window {
    /// When the window of `now` ends; begins a new one if the last is over.
    fn until(&mut self, now: Timestamp) -> Timestamp {
        let since = self.since.filter(|since| now.duration_since(*since) < WINDOW);
        let since = since.unwrap_or_else(|| {
            self.refused.clear();
            now
        });
        self.since = Some(since);
        since + WINDOW
    }

    fn bucket(&self, address: IpAddr) -> IpAddr {
        let network = match address {
            IpAddr::V4(_) => address,
            // One subscriber has a whole /64.
            IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from(u128::from(v6) & (u128::MAX << 64))),
        };
        let has_room = self.refused.len() < ADDRESSES || self.refused.contains_key(&network);
        if has_room { network } else { IpAddr::V6(Ipv6Addr::UNSPECIFIED) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_is_stopped_until_its_window_ends_and_others_are_not() {
        let attempts = Attempts::default();
        let start = Timestamp::UNIX_EPOCH;
        for _ in 0..MOST {
            assert_eq!(attempts.admit(address("10.0.0.1"), start), Ok(()));
            attempts.note(address("10.0.0.1"), start);
        }
        assert_eq!(attempts.admit(address("10.0.0.1"), start), Err(start + WINDOW));
        assert_eq!(attempts.admit(address("10.0.0.2"), start), Ok(()));
        assert_eq!(attempts.admit(address("10.0.0.1"), start + WINDOW), Ok(()));
    }

    #[test]
    fn addresses_of_one_ipv6_subscriber_count_together() {
        let attempts = Attempts::default();
        let start = Timestamp::UNIX_EPOCH;
        for host in 1..=MOST {
            attempts.note(address(&format!("2001:db8::{host:x}")), start);
        }
        assert!(attempts.admit(address("2001:db8::ffff"), start).is_err());
        assert!(attempts.admit(address("2001:db8:0:1::1"), start).is_ok());
    }

    #[test]
    fn strangers_beyond_the_table_share_a_count() {
        let attempts = Attempts::default();
        let start = Timestamp::UNIX_EPOCH;
        for number in 0..ADDRESSES as u32 + MOST {
            attempts.note(IpAddr::V4(number.into()), start);
        }
        assert!(attempts.admit(address("203.0.113.9"), start).is_err());
        assert!(attempts.admit(address("0.0.0.1"), start).is_ok());
    }
}
