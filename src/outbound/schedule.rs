//! When a delivery that was not taken is tried again.

use jiff::fmt::rfc2822::DateTimeParser;
use jiff::{SignedDuration, Timestamp};

/// The waits before each try, as Standard Webhooks advises: the first at once, the tenth
/// and last after about three days.
const WAITS: [SignedDuration; 10] = [
    SignedDuration::ZERO,
    SignedDuration::from_secs(5),
    SignedDuration::from_mins(5),
    SignedDuration::from_mins(30),
    SignedDuration::from_hours(2),
    SignedDuration::from_hours(5),
    SignedDuration::from_hours(10),
    SignedDuration::from_hours(14),
    SignedDuration::from_hours(20),
    SignedDuration::from_hours(24),
];

/// The part of a wait that chance adds at most, so that what failed together is not tried together.
const JITTER: f64 = 0.2;

/// The longest that a receiver may put us off.
const LONGEST_RETRY_AFTER: SignedDuration = SignedDuration::from_hours(24);

/// When to try again after `tries` in vain, `chance` being from 0 to 1; never after the last.
pub(super) fn next(
    tries: u32,
    now: Timestamp,
    retry_after: Option<SignedDuration>,
    chance: f64,
) -> Option<Timestamp> {
    let wait = *WAITS.get(usize::try_from(tries).ok()?)?;
    let wait = wait + SignedDuration::from_secs_f64(wait.as_secs_f64() * JITTER * chance);
    let wait = retry_after.map_or(wait, |asked| wait.max(asked.min(LONGEST_RETRY_AFTER)));
    now.checked_add(wait).ok()
}

/// What a `Retry-After` asks for, in seconds or as a date.
pub(super) fn retry_after(text: &str, now: Timestamp) -> Option<SignedDuration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(SignedDuration::from_secs(seconds.into()));
    }
    static DATES: DateTimeParser = DateTimeParser::new();
    let at = DATES.parse_timestamp(text).ok()?;
    Some(at.duration_since(now).max(SignedDuration::ZERO))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn ten_tries_follow_the_schedule_and_there_is_no_eleventh() {
        let waits = (1..10).map(|tries| next(tries, at(0), None, 0.0).unwrap().as_second());
        let expected = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
        assert_eq!(waits.collect::<Vec<_>>(), expected);
        assert_eq!(next(10, at(0), None, 0.0), None);
    }

    #[test]
    fn a_retry_after_is_read_as_seconds_or_as_a_date() {
        let read = |text| retry_after(text, at(784_111_770)).map(|span| span.as_secs());
        assert_eq!(read("120"), Some(120));
        assert_eq!(read(" Sun, 06 Nov 1994 08:49:37 GMT"), Some(7));
        assert_eq!(read("Sun, 06 Nov 1994 08:00:00 GMT"), Some(0));
        for wrong in ["", "-1", "soon", "1.5", "99999999999999999999"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn a_wait_is_never_shorter_than_scheduled_or_asked_for_nor_much_longer(
            tries in 0..12_u32, chance in 0.0..=1.0, asked in proptest::option::of(0..1_000_000_i64),
        ) {
            let asked = asked.map(SignedDuration::from_secs);
            let Some(found) = next(tries, at(0), asked, chance) else {
                prop_assert!(tries >= 10);
                return Ok(());
            };
            let scheduled = WAITS[tries as usize];
            let asked = asked.unwrap_or_default().min(LONGEST_RETRY_AFTER);
            let wait = found.duration_since(at(0));
            prop_assert!(wait >= scheduled && wait >= asked);
            prop_assert!(wait <= asked.max(scheduled * 6 / 5 + SignedDuration::from_millis(1)));
        }
    }
}
