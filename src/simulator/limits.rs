//! The request limits, per minute of the clock.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How an exceeded limit is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RateLimitMode {
    #[serde(rename = "http_429")]
    Http429,
    #[serde(rename = "http_200")]
    Http200,
    Off,
}

/// Requests counted in the current minute.
#[derive(Debug, Default)]
pub(super) struct Window {
    minute: i64,
    used: u32,
}

/// What a request met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Passage {
    pub allowed: bool,
    pub limit: u32,
    pub remaining: u32,
    /// Unix time at which the minute ends.
    pub resets_at: i64,
}

impl Window {
    pub fn pass(&mut self, limit: u32, now: Timestamp) -> Passage {
        let minute = now.as_second().div_euclid(60);
        if minute != self.minute {
            *self = Self { minute, used: 0 };
        }
        let allowed = self.used < limit;
        if allowed {
            self.used += 1;
        }
        let remaining = limit.saturating_sub(self.used);
        Passage { allowed, limit, remaining, resets_at: (minute + 1) * 60 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_admits_as_many_as_its_limit() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut window = Window::default();
        let met: Vec<bool> = (0..4).map(|_| window.pass(3, at(119)).allowed).collect();
        assert_eq!(met, [true, true, true, false]);
        let next = window.pass(3, at(120));
        assert_eq!((next.allowed, next.remaining, next.resets_at), (true, 2, 180));
    }
}
