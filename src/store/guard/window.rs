//! Sliding windows: how much of something happened in the last so many seconds.
//!
//! One row holds the windows of one key. A limit of up to [`EXACT`] is kept as the
//! instants themselves, so it is exact to the millisecond. Beyond that, instants are put
//! together in slots of a sixteenth of the span, and a slot leaves as a whole, with its
//! last instant: never more than the limit in any span, and at most a sixteenth too long.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::domain::Limit;
use crate::store::record::Unreadable;

/// Up to which limit each instant is kept.
const EXACT: u64 = 16;
/// Into how many slots a longer window is cut.
const SLOTS: i64 = 16;

/// The windows of one key, one for each span.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Windows(Vec<Window>);

#[derive(Serialize, Deserialize)]
struct Window {
    /// In milliseconds.
    span: i64,
    slots: Vec<Slot>,
}

/// So much, at this instant at the latest: milliseconds since 1970.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Slot {
    at: i64,
    amount: u64,
}

/// What stands against adding to a window.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full {
    /// When there will be room; `None` if there never will.
    pub(super) until: Option<Timestamp>,
}

impl Windows {
    pub(super) fn read(packed: &[u8]) -> Result<Self, Unreadable> {
        postcard::from_bytes(packed).map_err(|_| Unreadable("it is no list of windows"))
    }

    pub(super) fn pack(&self) -> Box<[u8]> {
        // Writing to memory does not fail; an empty row reads as an error, never as room.
        postcard::to_stdvec(self).unwrap_or_default().into_boxed_slice()
    }

    /// Whether `amount` more would be too much.
    pub(super) fn full(&self, limit: &Limit, amount: u64, now: Timestamp) -> Option<Full> {
        let span = milliseconds(limit.per);
        let now = ceiling(now);
        let room = limit.max.checked_sub(amount);
        let Some(room) = room else { return Some(Full { until: None }) };
        let slots = self.0.iter().find(|window| window.span == span)?.slots.iter();
        let inside = slots.filter(|slot| slot.at.saturating_add(span) > now);
        let mut used = inside.clone().fold(0_u64, |sum, slot| sum.saturating_add(slot.amount));
        if used <= room {
            return None;
        }
        let leaves = inside.map(|slot| {
            used = used.saturating_sub(slot.amount);
            (used, slot.at.saturating_add(span))
        });
        let at = leaves.into_iter().find(|(left, _)| *left <= room).map(|(_, at)| at);
        Some(Full { until: at.and_then(|at| Timestamp::from_millisecond(at).ok()) })
    }

    /// How much the window of `span` milliseconds holds at `now`, in milliseconds since 1970.
    pub(super) fn used(&self, span: i64, now: i64) -> u64 {
        let windows = self.0.iter().filter(|window| window.span == span);
        let slots = windows.flat_map(|window| &window.slots);
        let inside = slots.filter(|slot| slot.at.saturating_add(span) > now);
        inside.fold(0, |sum, slot| sum.saturating_add(slot.amount))
    }

    /// Adds, and drops what has left its window.
    pub(super) fn add(&mut self, limit: &Limit, amount: u64, now: Timestamp) {
        let (span, now) = (milliseconds(limit.per), ceiling(now));
        let at = if limit.max <= EXACT { now } else { slot_end(now, slot_width(span)) };
        let place = self.0.iter().position(|window| window.span == span);
        let place = place.unwrap_or_else(|| {
            self.0.push(Window { span, slots: Vec::new() });
            self.0.len() - 1
        });
        let slots = &mut self.0[place].slots;
        slots.retain(|slot| slot.at.saturating_add(span) > now);
        match slots.last_mut() {
            // Another replica's clock may be a little ahead; instants must not go back.
            Some(last) if last.at >= at => last.amount = last.amount.saturating_add(amount),
            Some(_) | None => slots.push(Slot { at, amount }),
        }
    }

    /// Keeps only the windows of these spans, since limits may be taken out.
    pub(super) fn keep(&mut self, limits: &[Limit]) {
        self.0.retain(|window| limits.iter().any(|limit| milliseconds(limit.per) == window.span));
    }

    /// When nothing of it counts any more.
    pub(super) fn expires_at(&self) -> Timestamp {
        let ends = self.0.iter().filter_map(|window| Some(window.slots.last()?.at + window.span));
        let last = ends.max().and_then(|at| Timestamp::from_millisecond(at).ok());
        last.unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

pub(super) fn milliseconds(span: SignedDuration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX).max(1)
}

/// The whole millisecond at or after an instant.
pub(super) fn ceiling(at: Timestamp) -> i64 {
    at.as_millisecond() + i64::from(at.subsec_nanosecond() % 1_000_000 != 0)
}

/// How long the slots of a window are.
pub(super) fn slot_width(span: i64) -> i64 {
    (span / SLOTS).max(1)
}

/// The last instant of the slot that holds `now`.
pub(super) fn slot_end(now: i64, width: i64) -> i64 {
    (now.div_euclid(width) + 1).saturating_mul(width) - 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(millisecond: i64) -> Timestamp {
        Timestamp::from_millisecond(1_790_000_000_000 + millisecond).unwrap()
    }

    fn limit(max: u64, seconds: i64) -> Limit {
        Limit { max, per: SignedDuration::from_secs(seconds) }
    }

    proptest! {
        #[test]
        fn no_span_holds_more_than_the_limit_and_every_refusal_names_a_time_that_is_right(
            max in 1_u64..40,
            steps in prop::collection::vec((0_i64..30_000, 1_u64..4), 1..300),
        ) {
            let limit = limit(max, 60);
            let (mut windows, mut now, mut admitted) = (Windows::default(), 0, Vec::new());
            for (pause, amount) in steps {
                now += pause;
                match windows.full(&limit, amount, at(now)) {
                    None => {
                        windows.add(&limit, amount, at(now));
                        windows = Windows::read(&windows.pack()).unwrap();
                        admitted.push((now, amount));
                    }
                    Some(Full { until: None }) => prop_assert!(amount > max),
                    Some(Full { until: Some(until) }) => {
                        prop_assert!(until > at(now) && windows.full(&limit, amount, until).is_none());
                        let inside = admitted.iter().filter(|(then, _)| now - then < 60_000 + 3_750);
                        let used: u64 = inside.map(|(_, amount)| amount).sum();
                        prop_assert!(used + amount > max, "refused though only {used} were used");
                    }
                }
                let inside = admitted.iter().filter(|(then, _)| now - then < 60_000);
                prop_assert!(inside.map(|(_, amount)| amount).sum::<u64>() <= max);
            }
        }
    }

    #[test]
    fn a_small_limit_is_exact_and_a_row_stays_short() {
        let (few, many) = (limit(5, 600), limit(100_000, 86_400));
        let mut windows = Windows::default();
        for start in 0..5 {
            assert_eq!(windows.full(&few, 1, at(start)), None);
            windows.add(&few, 1, at(start));
        }
        assert_eq!(windows.full(&few, 1, at(599_999)), Some(Full { until: Some(at(600_000)) }));
        assert_eq!(windows.full(&few, 1, at(600_000)), None);
        (0..200_000).for_each(|start| windows.add(&many, 1, at(start * 1_000)));
        assert!(windows.pack().len() < 400, "{}", windows.pack().len());
        assert!(windows.expires_at() >= at(200_000_000));
    }

    #[test]
    fn what_is_unreadable_is_said_and_never_taken_for_room() {
        assert!(Windows::read(b"").is_err() && Windows::read(&[9, 1, 2]).is_err());
    }
}
