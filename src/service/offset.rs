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

    /// The instants, in seconds, that a civil time of the provider may stand
    /// for when judged at `at`: one, or two within two hours of a change, or
    /// none before the first measurement.
    pub fn instants(self, time: PbxTime, at: Timestamp) -> impl Iterator<Item = i64> {
        let recent = |(_, changed): &(i64, Timestamp)| {
            at.as_second() - changed.as_second() <= PREVIOUS_COUNTS_SECONDS
        };
        let previous = self.previous.filter(recent).map(|(offset, _)| offset);
        self.current.into_iter().chain(previous).map(move |offset| time.0 - offset)
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
    fn jitter_is_no_change() {
        let first = Offsets::default().measured(PbxTime(100), at(100));
        assert_eq!(first.measured(PbxTime(202), at(200)).instants(PbxTime(0), at(200)).count(), 1);
    }
}
