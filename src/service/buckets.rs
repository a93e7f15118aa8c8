//! Token buckets by key: how often something may happen, in this process. What they
//! hold may be lost at any moment, and replicas count by themselves.

use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};

use dashmap::DashMap;
use jiff::{SignedDuration, Timestamp};

/// Beyond so many, those that are full again are forgotten.
const MANY: usize = 50_000;

/// How often something may happen: `burst` times at once, then once in each span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// The span; zero is no limit.
    pub every: SignedDuration,
    /// How often at once, 1 or more.
    pub burst: u32,
}

impl Rate {
    /// So often in a second, and `seconds` worth of it at once; 0 is no limit.
    #[must_use]
    pub const fn per_second(times: u32, seconds: u32) -> Self {
        let every = match times {
            0 => SignedDuration::ZERO,
            times => SignedDuration::from_nanos(1_000_000_000 / times as i64),
        };
        Self { every, burst: times.saturating_mul(seconds) }
    }
}

/// A bucket for each key.
pub struct Buckets<K> {
    rate: Rate,
    /// By the instant when each is full again, which says all of it. Written on each
    /// request; no entry lives across an await.
    full_at: DashMap<K, Timestamp>,
}

/// The bucket is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Empty {
    /// The rate that was passed.
    pub rate: Rate,
    /// When it may happen again.
    pub until: Timestamp,
}

impl<K: Eq + Hash> Buckets<K> {
    /// Full buckets.
    #[must_use]
    pub fn new(rate: Rate) -> Self {
        Self { rate, full_at: DashMap::new() }
    }

    /// Takes one from the bucket of `key`.
    ///
    /// # Errors
    /// When it is empty.
    pub fn take(&self, key: K, now: Timestamp) -> Result<(), Empty> {
        let Rate { every: one, burst } = self.rate;
        if one.is_zero() {
            return Ok(());
        }
        let whole = one.saturating_mul(i32::try_from(burst.max(1)).unwrap_or(i32::MAX));
        self.forget(now);
        let mut full_at = self.full_at.entry(key).or_insert(now);
        // A clock that was set back must not keep anybody out.
        let from = if *full_at > later(now, whole) { now } else { now.max(*full_at) };
        let then = later(from, one);
        let over = then.duration_since(now) - whole;
        if over > SignedDuration::ZERO {
            *full_at = from;
            return Err(Empty { rate: self.rate, until: later(now, over) });
        }
        *full_at = then;
        Ok(())
    }

    fn forget(&self, now: Timestamp) {
        if self.full_at.len() > MANY {
            self.full_at.retain(|_, full_at| *full_at > now);
        }
    }
}

/// What stands for an address: itself, or the network of an IPv6 site, since one
/// site has more addresses than can be counted.
#[must_use]
pub fn site(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = u128::from(address) >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from(network))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

fn later(at: Timestamp, span: SignedDuration) -> Timestamp {
    at.checked_add(span).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(1_790_000_000_000 + millis).unwrap()
    }

    #[test]
    fn a_burst_passes_then_one_by_one_and_each_key_by_itself() {
        let rate = Rate { every: SignedDuration::from_millis(500), burst: 3 };
        let buckets = Buckets::new(rate);
        for _ in 0..3 {
            assert_eq!(buckets.take("a", at(0)), Ok(()));
        }
        assert_eq!(buckets.take("a", at(0)), Err(Empty { rate, until: at(500) }));
        assert_eq!(buckets.take("b", at(0)), Ok(()));
        assert_eq!(buckets.take("a", at(500)), Ok(()));
        assert_eq!(buckets.take("a", at(999)), Err(Empty { rate, until: at(1000) }));
        let passed = (0..10).filter(|_| buckets.take("a", at(60_000)).is_ok()).count();
        assert_eq!(passed, 3);
    }

    #[test]
    fn a_clock_that_was_set_back_keeps_nobody_out() {
        let buckets = Buckets::new(Rate::per_second(1, 1));
        assert_eq!(buckets.take("a", at(3_600_000)), Ok(()));
        assert_eq!(buckets.take("a", at(0)), Ok(()));
        assert!(buckets.take("a", at(0)).is_err());
    }

    #[test]
    fn nothing_is_limited_without_a_rate_and_a_site_counts_as_one() {
        let buckets = Buckets::new(Rate::per_second(0, 10));
        assert!((0..1_000).all(|_| buckets.take((), at(0)).is_ok()));
        let site = |text: &str| site(text.parse().unwrap()).to_string();
        assert_eq!(site("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!((&*site("::ffff:10.1.2.3"), &*site("10.1.2.3")), ("10.1.2.3", "10.1.2.3"));
    }
}
