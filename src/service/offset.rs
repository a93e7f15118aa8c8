//! How far the provider's civil time is from ours.

use jiff::Timestamp;

use crate::domain::PbxTime;

/// An offset that moves by more than this is a change of zone, not jitter.
const JITTER_SECONDS: i64 = 60;
/// How long the offset before a change still counts.
const PREVIOUS_COUNTS_SECONDS: i64 = 2 * 3600;

/// The measured offsets, in seconds: the provider's civil time, read as UTC, minus our clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offsets {
    current: Option<i64>,
    /// The one before the last change, and when the change was seen.
    previous: Option<(i64, Timestamp)>,
}

impl Offsets {
    /// The same after a new measurement at `now`.
    #[must_use]
    pub fn measured(self, pbx: PbxTime, now: Timestamp) -> Self {
        let offset = pbx.0 - now.as_second();
        match self.current {
            Some(old) if (old - offset).abs() > JITTER_SECONDS => {
                Self { current: Some(offset), previous: Some((old, now)) }
            }
            _ => Self { current: Some(offset), previous: self.previous },
        }
    }

    /// Whether they have ever been measured.
    #[must_use]
    pub const fn are_known(self) -> bool {
        self.current.is_some()
    }

    /// The instants, in seconds, that a civil time of the provider may stand
    /// for when judged at `at`: one, or two within two hours of a change, or
    /// none before the first measurement. The offset before a change does not
    /// count for times after it: where the clock skipped an hour, it would give
    /// each call a second time an hour later.
    pub fn instants(self, time: PbxTime, at: Timestamp) -> impl Iterator<Item = i64> {
        let recent = |(_, changed): &(i64, Timestamp)| {
            at.as_second() - changed.as_second() <= PREVIOUS_COUNTS_SECONDS
        };
        let previous = self.previous.filter(recent).and_then(|(offset, changed)| {
            let instant = time.0 - offset;
            (instant <= changed.as_second() + JITTER_SECONDS).then_some(instant)
        });
        self.current.map(|offset| time.0 - offset).into_iter().chain(previous)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn nothing_is_known_before_the_first_measurement() {
        assert_eq!(Offsets::default().instants(PbxTime(5), at(5)).count(), 0);
    }

    #[test]
    fn the_offset_before_a_change_counts_for_two_hours() {
        let summer = Offsets::default().measured(PbxTime(10_000 + 10_800), at(10_000));
        let winter = summer.measured(PbxTime(20_000 + 7_200), at(20_000));
        let both: Vec<i64> = winter.instants(PbxTime(30_000), at(20_100)).collect();
        assert_eq!(both, [22_800, 19_200]);
        assert_eq!(winter.instants(PbxTime(30_000), at(20_000 + 7_201)).count(), 1);
    }

    #[test]
    fn the_offset_before_a_change_does_not_count_for_times_after_it() {
        let winter = Offsets::default().measured(PbxTime(10_000 + 7_200), at(10_000));
        let summer = winter.measured(PbxTime(20_000 + 10_800), at(20_000));
        let call_before = PbxTime(19_900 + 7_200);
        assert!(summer.instants(call_before, at(20_100)).any(|instant| instant == 19_900));
        let call_after = PbxTime(20_700 + 10_800);
        assert_eq!(summer.instants(call_after, at(24_400)).collect::<Vec<_>>(), [20_700]);
    }

    #[test]
    fn jitter_is_no_change() {
        let first = Offsets::default().measured(PbxTime(100), at(100));
        assert_eq!(first.measured(PbxTime(202), at(200)).instants(PbxTime(0), at(200)).count(), 1);
    }
}
