//! Attempts to reach a prefix by a channel, and how many of them proved somebody.
//!
//! An attempt is counted in the slot of its own instant, and its proof in the same slot
//! however late it comes. So a slot that is old enough tells the truth about itself, and one
//! that is not is left out: attempts that may still be proved speak against nobody.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::window::{ceiling, milliseconds, slot_end, slot_width};
use super::{Bar, GuardKey};
use crate::domain::{Conversion, Mode, Name, Rule};
use crate::store::record::Unreadable;

/// An attempt that is about to be intended, and whose prefix is judged by its proofs.
#[derive(Clone, Debug)]
pub struct Converting {
    /// The key of the prefix's attempts by the channel, and of the bar that blocks them.
    pub key: GuardKey,
    /// How strictly.
    pub mode: Mode,
    /// When it is blocked.
    pub conversion: Conversion,
    /// The app whose own rule it is.
    pub app: Option<Name>,
    /// Prefix and channel, as operators are shown them.
    pub subject: Box<str>,
}

/// What became of an attempt that is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CameTo {
    /// It proved somebody.
    Proved,
    /// It surely reached nobody.
    NotPlaced,
}

/// The attempts of one prefix by one channel.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::store) struct Attempts {
    /// What was tried by then counts no more: milliseconds since 1970.
    since: i64,
    /// How long a slot is, in milliseconds.
    width: i64,
    /// In the order of time.
    slots: Vec<Slot>,
}

/// What was tried up to this instant, in milliseconds since 1970, and after the slot before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Slot {
    at: i64,
    tried: u32,
    proved: u32,
}

impl Attempts {
    pub(in crate::store) fn read(packed: &[u8]) -> Result<Self, Unreadable> {
        postcard::from_bytes(packed).map_err(|_| Unreadable("it is no list of attempts"))
    }

    pub(in crate::store) fn pack(&self) -> Box<[u8]> {
        postcard::to_stdvec(self).unwrap_or_default().into_boxed_slice()
    }

    /// Nothing tried, from now on.
    pub(super) fn afresh(now: Timestamp) -> Self {
        Self { since: ceiling(now), ..Self::default() }
    }

    /// How many were tried and proved, of those that are old enough to tell and no older
    /// than the window.
    pub(super) fn settled(&self, conversion: &Conversion, now: Timestamp) -> (u64, u64) {
        let (now, settle) = (ceiling(now), milliseconds(conversion.settle));
        let window = milliseconds(conversion.window);
        let age = |slot: &&Slot| now.saturating_sub(slot.at);
        let tells = |slot: &&Slot| age(slot) >= settle && age(slot) < settle.saturating_add(window);
        let slots = self.slots.iter().filter(tells);
        slots.fold((0, 0), |(tried, proved), slot| {
            (tried + u64::from(slot.tried), proved + u64::from(slot.proved))
        })
    }

    /// Counts one more. Under another window than before, counting begins afresh.
    pub(super) fn add(&mut self, conversion: &Conversion, now: Timestamp) {
        let width = slot_width(milliseconds(conversion.window));
        if self.width != width {
            self.slots.clear();
            self.width = width;
        }
        let now = ceiling(now);
        let kept = milliseconds(kept(conversion));
        self.slots.retain(|slot| slot.at.saturating_add(kept) > now);
        let at = slot_end(now, width);
        match self.slots.binary_search_by_key(&at, |slot| slot.at) {
            Ok(place) => self.slots[place].tried = self.slots[place].tried.saturating_add(1),
            Err(place) => self.slots.insert(place, Slot { at, tried: 1, proved: 0 }),
        }
    }

    /// Notes what became of an attempt; whether it counts here.
    pub(in crate::store) fn learn(&mut self, intent_at: Timestamp, came_to: CameTo) -> bool {
        let intent_at = ceiling(intent_at);
        if intent_at <= self.since || self.width == 0 {
            return false;
        }
        let at = slot_end(intent_at, self.width);
        let Ok(place) = self.slots.binary_search_by_key(&at, |slot| slot.at) else { return false };
        let slot = &mut self.slots[place];
        // What is proved or gone already was not this one.
        if slot.tried == slot.proved {
            return false;
        }
        match came_to {
            CameTo::Proved => slot.proved += 1,
            CameTo::NotPlaced => slot.tried -= 1,
        }
        true
    }
}

impl Converting {
    /// When nothing of what is counted now counts any more.
    pub(super) fn expires_at(&self, now: Timestamp) -> Timestamp {
        // The slot ends a little later.
        later(now, kept(&self.conversion).saturating_add(self.conversion.window))
    }

    /// The bar that blocks the prefix from now on.
    pub(super) fn bar(&self, (tried, proved): (u64, u64), now: Timestamp) -> Bar {
        Bar {
            key: self.key,
            rule: Rule::Conversion,
            app: self.app.clone(),
            subject: self.subject.clone(),
            reason: Some(format!("{proved} of {tried} attempts were proved").into()),
            created_at: now,
            until: Some(later(now, self.conversion.block_for)),
        }
    }
}

/// How long a slot counts.
fn kept(conversion: &Conversion) -> SignedDuration {
    conversion.window.saturating_add(conversion.settle)
}

fn later(now: Timestamp, span: SignedDuration) -> Timestamp {
    now.checked_add(span).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RULE: Conversion = Conversion {
        min_percent: 20,
        min_volume: 10,
        window: SignedDuration::from_mins(16),
        settle: SignedDuration::from_mins(5),
        block_for: SignedDuration::from_hours(1),
    };

    fn at(millisecond: i64) -> Timestamp {
        Timestamp::from_millisecond(1_790_000_000_000 + millisecond).unwrap()
    }

    #[test]
    fn it_is_too_low_below_the_share_and_not_before_the_volume() {
        for (tried, proved, low) in [
            (9, 0, false),
            (10, 0, true),
            (10, 1, true),
            (10, 2, false),
            (11, 2, true),
            (0, 0, false),
        ] {
            assert_eq!(RULE.is_too_low(tried, proved), low, "{proved} of {tried}");
        }
    }

    #[test]
    fn an_attempt_counts_once_it_is_old_enough_to_tell_until_it_leaves_the_window() {
        let mut attempts = Attempts::default();
        attempts.add(&RULE, at(0));
        let told = |second| attempts.settled(&RULE, at(second * 1_000)).0;
        let counted: Vec<i64> = (0..2_000).filter(|second| told(*second) == 1).collect();
        let (first, last) = (counted[0], *counted.last().unwrap());
        // Its slot ends within a minute.
        assert!((300..=360).contains(&first) && last - first == 959, "{first} {last}");
    }

    #[test]
    fn what_was_tried_before_counting_began_afresh_is_not_proved_of_what_came_after() {
        let mut attempts = Attempts::afresh(at(10));
        assert!(!attempts.learn(at(5), CameTo::Proved));
        attempts.add(&RULE, at(11));
        assert!(
            !attempts.learn(at(5), CameTo::Proved) && !attempts.learn(at(10), CameTo::NotPlaced)
        );
        assert!(attempts.learn(at(11), CameTo::Proved));
        assert!(!attempts.learn(at(11), CameTo::Proved), "there was only one");
        assert_eq!(attempts.settled(&RULE, at(400_000)), (1, 1));
    }

    #[test]
    fn another_window_begins_afresh_and_what_is_unreadable_is_said() {
        let mut attempts = Attempts::default();
        attempts.add(&RULE, at(0));
        let wider = Conversion { window: SignedDuration::from_mins(32), ..RULE };
        attempts.add(&wider, at(1));
        assert_eq!(attempts.settled(&wider, at(500_000)).0, 1);
        assert!(Attempts::read(b"").is_err() && Attempts::read(&[9, 1]).is_err());
    }

    proptest! {
        #[test]
        fn however_late_a_proof_comes_each_counts_with_its_own_attempt(
            steps in prop::collection::vec((0_i64..120_000, 0_u8..4, 0_i64..290_000), 1..200),
        ) {
            let (mut attempts, mut now, mut all) = (Attempts::default(), 0, Vec::new());
            let mut later: Vec<(i64, i64, CameTo)> = Vec::new();
            for (pause, fate, delay) in steps {
                now += pause;
                let due = |(at, _, _): &(i64, i64, CameTo)| *at <= now;
                for (_, intent, came_to) in later.extract_if(.., |one| due(one)) {
                    prop_assert!(attempts.learn(at(intent), came_to));
                }
                attempts.add(&RULE, at(now));
                attempts = Attempts::read(&attempts.pack()).unwrap();
                prop_assert!(attempts.pack().len() < 400);
                let came_to = [Some(CameTo::Proved), Some(CameTo::NotPlaced)].get(usize::from(fate)).copied().flatten();
                later.extend(came_to.map(|came_to| (now + delay, now, came_to)));
                all.push((now, came_to));
                // Everybody who was to be heard of has been once an attempt is old enough.
                let (tried, proved) = attempts.settled(&RULE, at(now));
                let width = 60_000;
                let end = |intent: i64| slot_end(ceiling(at(intent)), width) - 1_790_000_000_000;
                let tells = all.iter().filter(|(intent, _)| {
                    (300_000..300_000 + 960_000).contains(&(now - end(*intent)))
                });
                let placed = tells.clone().filter(|(_, came_to)| *came_to != Some(CameTo::NotPlaced));
                let right = tells.filter(|(_, came_to)| *came_to == Some(CameTo::Proved));
                prop_assert_eq!((tried, proved), (placed.count() as u64, right.count() as u64));
            }
        }
    }
}
