//! Calls of which nothing was heard: when so many in a row brought no notification, calling
//! on would ring people in vain.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::GuardKey;
use crate::domain::{Mode, Refusal, Rule};
use crate::store::record::Unreadable;

/// After how many calls in vain the channel is degraded.
const IN_VAIN: usize = 5;
/// How often a call passes all the same, to see whether it is over.
const PROBE_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// A button call that is about to be intended, and whose account's silence counts.
#[derive(Clone, Copy, Debug)]
pub struct Calling {
    /// The key of the account's calls.
    pub key: GuardKey,
    /// How strictly silence counts.
    pub mode: Mode,
    /// How long a call has to bring its result.
    pub result_window: SignedDuration,
}

/// The oldest calls of an account since it was last heard of, in milliseconds since 1970.
#[derive(Default, Serialize, Deserialize)]
pub(in crate::store) struct Unheard {
    intents: Vec<i64>,
    probed_at: Option<i64>,
}

/// Whether an account's button calls are heard of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// They are, or too few were placed to tell.
    Heard,
    /// Too many in a row brought nothing, and nobody had noticed before.
    Noticed,
    /// The same, and it is known.
    Known,
}

impl Unheard {
    pub(in crate::store) fn read(packed: &[u8]) -> Result<Self, Unreadable> {
        postcard::from_bytes(packed).map_err(|_| Unreadable("it is no list of calls"))
    }

    pub(in crate::store) fn pack(&self) -> Box<[u8]> {
        postcard::to_stdvec(self).unwrap_or_default().into_boxed_slice()
    }

    /// Judges another call, and counts it if it may be; whether there is something to write.
    pub(super) fn call(&mut self, calling: &Calling, now: Timestamp) -> (bool, Option<Refusal>) {
        let at = now.as_millisecond();
        if self.intents.len() < IN_VAIN {
            self.intents.push(at);
            return (true, None);
        }
        let window = milliseconds(calling.result_window);
        // Each of them has had its time only when the youngest has.
        if self.intents.iter().any(|intent| intent.saturating_add(window) > at) {
            return (false, None);
        }
        let again = self.probed_at.map(|probed| probed.saturating_add(milliseconds(PROBE_EVERY)));
        let against = |mode| Refusal {
            rule: Rule::Degraded,
            mode,
            until: again.and_then(|again| Timestamp::from_millisecond(again).ok()),
            limit: None,
        };
        if again.is_some_and(|again| again > at) {
            let refused = (calling.mode == Mode::Enforce).then(|| against(Mode::Enforce));
            return (false, refused);
        }
        self.probed_at = Some(at);
        // It passes, and is told of as what would have been refused.
        (true, Some(Refusal { until: None, ..against(Mode::Shadow) }))
    }

    /// Notices that calls bring nothing, once until they are heard of again. The next call
    /// still passes at once, to see whether it is over.
    pub(in crate::store) fn notice(&mut self, calling: &Calling, now: Timestamp) -> Silence {
        let (at, window) = (now.as_millisecond(), milliseconds(calling.result_window));
        let has_time = |intent: &i64| intent.saturating_add(window) > at;
        if self.intents.len() < IN_VAIN || self.intents.iter().any(has_time) {
            return Silence::Heard;
        }
        if self.probed_at.is_some() {
            return Silence::Known;
        }
        self.probed_at = Some(at.saturating_sub(milliseconds(PROBE_EVERY)));
        Silence::Noticed
    }

    /// Takes out a call that was surely not placed; whether it was there.
    pub(in crate::store) fn not_placed(&mut self, intent_at: Timestamp) -> bool {
        let place = self.intents.iter().position(|at| *at == intent_at.as_millisecond());
        let was_there = place.map(|place| self.intents.remove(place)).is_some();
        if was_there {
            // One more is needed again, which is then news.
            self.probed_at = None;
        }
        was_there
    }
}

fn milliseconds(span: SignedDuration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALLING: Calling = Calling {
        key: [0; 16],
        mode: Mode::Enforce,
        result_window: SignedDuration::from_secs(180),
    };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + seconds).unwrap()
    }

    #[test]
    fn five_calls_in_vain_degrade_once_their_time_is_over_and_one_a_minute_passes() {
        let mut unheard = Unheard::default();
        for call in 0..5 {
            assert_eq!(unheard.call(&CALLING, at(call)), (true, None));
        }
        assert_eq!(unheard.call(&CALLING, at(183)), (false, None), "the fifth has a second left");
        let (written, told) = unheard.call(&CALLING, at(184));
        assert!(written && told.is_some_and(|told| told.mode == Mode::Shadow), "a probe passes");
        let refused = unheard.call(&CALLING, at(185)).1.unwrap();
        assert_eq!((refused.mode, refused.until), (Mode::Enforce, Some(at(244))));
        let mut unheard = Unheard::read(&unheard.pack()).unwrap();
        assert_eq!(unheard.call(&CALLING, at(243)).1.map(|said| said.mode), Some(Mode::Enforce));
        assert_eq!(unheard.call(&CALLING, at(244)).1.map(|said| said.mode), Some(Mode::Shadow));
    }

    #[test]
    fn silence_is_noticed_once_when_the_time_of_the_youngest_call_is_over() {
        let mut unheard = Unheard::default();
        assert_eq!(unheard.notice(&CALLING, at(0)), Silence::Heard);
        assert!((0..5).all(|call| unheard.call(&CALLING, at(call)).0));
        assert_eq!(unheard.notice(&CALLING, at(183)), Silence::Heard);
        assert_eq!(unheard.notice(&CALLING, at(184)), Silence::Noticed);
        assert_eq!(unheard.notice(&CALLING, at(185)), Silence::Known);
        // A probe passes at once, and then one a minute.
        let passes = |(_, told): (bool, Option<Refusal>)| told.unwrap().mode == Mode::Shadow;
        assert!(passes(unheard.call(&CALLING, at(185))));
        assert!(!passes(unheard.call(&CALLING, at(186))));
        assert_eq!(unheard.notice(&CALLING, at(187)), Silence::Known);
        // Silence that ended is news when it comes back.
        assert!(unheard.not_placed(at(3)));
        assert_eq!(unheard.notice(&CALLING, at(188)), Silence::Heard);
        assert!(unheard.call(&CALLING, at(189)).0);
        assert_eq!(unheard.notice(&CALLING, at(369)), Silence::Noticed);
    }

    #[test]
    fn a_call_that_was_not_placed_rang_nobody() {
        let mut unheard = Unheard::default();
        assert!((0..5).all(|call| unheard.call(&CALLING, at(call)).0));
        assert!(unheard.not_placed(at(2)) && !unheard.not_placed(at(2)));
        assert_eq!(unheard.call(&CALLING, at(1000)), (true, None), "the fifth");
        assert_eq!(unheard.call(&CALLING, at(1001)), (false, None));
    }
}
