//! The truth: what apps asked, which calls were placed, who pressed what, and
//! who knows of it.

use jiff::Timestamp;

use super::numbers::share_a_form;
use super::pbx::{Millis, Notice};
use super::story::Story;
use super::world::instant;
use crate::domain::{CallResult, Key, Outcome, Timing};
use crate::zadarma::notification::CallEvent;

/// A button call: what an app asked, and what really happened.
pub(super) struct Call {
    /// Its place among the calls, which is that of its verification in the store.
    pub(super) index: usize,
    pub(super) number: usize,
    pub(super) press: Key,
    pub(super) intent_at: Millis,
    pub(super) expires_at: Millis,
    pub(super) story: Story,
    /// The outcome that is due, since it was told by somebody who knows, in time.
    pub(super) told_in_time: Option<Outcome>,
    /// Whether what was told may have been lost for a reason that the design accepts.
    pub(super) forgiven: Option<Excuse>,
    pub(super) ended_without_key_at: Option<Millis>,
    pub(super) canceled: bool,
    pub(super) redeemed: u32,
}

/// Whose notification it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The PBX's, of a button call.
    Button { call: usize },
    /// The PBX's, of another call.
    Other,
    /// The adversary's.
    Forged,
}

/// Why a true result may be lost, as the design accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Excuse {
    /// A restart has forgotten the offset before the change.
    OffsetForgotten,
    /// An earlier call to the number was accepted in the first pass of the hour.
    HourRepeats,
}

impl Call {
    pub(super) fn is_confirmed_by_person(&self) -> bool {
        self.story.placed
            && self.story.ending.result == CallResult::Answered
            && self.story.pressed == self.press.digit().to_string()
    }

    pub(super) fn shares_a_form_with(&self, other: &Self) -> bool {
        share_a_form(self.number, other.number)
    }

    pub(super) const fn ends_at(&self) -> Millis {
        self.intent_at + self.story.ends_after
    }

    pub(super) fn window_ends_at(&self, timing: &Timing) -> Timestamp {
        instant(self.intent_at) + timing.result_window
    }

    /// What a report that tells the key means.
    fn outcome(&self) -> Outcome {
        match self.story.ending.result {
            CallResult::Answered if self.is_confirmed_by_person() => Outcome::Confirmed,
            CallResult::Answered if self.story.pressed.is_empty() => Outcome::NoKey,
            CallResult::Answered => Outcome::WrongKey,
            result => result.outcome_without_key(),
        }
    }

    /// Takes note that a report arrives, before the world hears of it.
    pub(super) fn is_told(&mut self, now: Millis, notice: &Notice, timing: &Timing) {
        if !matches!(notice.event, CallEvent::End | CallEvent::OutEnd) {
            return;
        }
        let window = timing.result_window.as_millis();
        let mut until = self.expires_at.min(self.intent_at + i64::try_from(window).unwrap());
        if let Some(ended) = self.ended_without_key_at {
            until = until.min(ended + i64::try_from(timing.result_grace.as_millis()).unwrap());
        }
        let decides =
            notice.callback_dtmf.is_some() && self.story.ending.result != CallResult::Other;
        if decides && now < until && !self.canceled && self.told_in_time.is_none() {
            self.told_in_time = Some(self.outcome());
        } else if !decides {
            self.ended_without_key_at.get_or_insert(now);
        }
    }
}
