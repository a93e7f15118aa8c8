//! One question put to one person, and its newest version.

use jiff::{SignedDuration, Timestamp};

use super::attempt::later;
use super::{
    Attempt, Channel, Dispatch, Entry, EntryKind, Key, Name, Outcome, PhoneNumber, Status,
    VerificationId,
};

/// One verification. What was asked never changes; attempts and state move by
/// [`Verification::apply`] only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verification {
    /// Its id.
    pub id: VerificationId,
    /// The app that asked.
    pub app: Name,
    /// Who is asked.
    pub to: PhoneNumber,
    /// Whether the numbering plan of its country knows the number as one in use.
    pub known_valid: bool,
    /// The app's own reference, at most 256 bytes.
    pub reference: Option<Box<str>>,
    /// The app's own data: JSON text, at most 4 KiB.
    pub metadata: Option<Box<str>>,
    /// Where the app wants its status changes told, beside its endpoints.
    pub callback_url: Option<Box<str>>,
    /// When it was stored.
    pub created_at: Timestamp,
    /// When it ends if nothing ends it before.
    pub expires_at: Timestamp,
    /// What to try, in order. Never empty.
    pub plan: Vec<Step>,
    /// What has been tried.
    pub attempts: Vec<Attempt>,
    /// Where it stands.
    pub state: State,
    /// Counts the changes; stores compare it before they write.
    pub version: u32,
    /// How many timeline entries have been made.
    pub entries: u32,
}

/// One step of a plan: a button call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The provider account that places the call.
    pub account: Name,
    /// The number that the call comes from, if the app or the account names one.
    pub from: Option<PhoneNumber>,
    /// The key that the person is asked to press.
    pub press: Key,
    /// Whether the key was drawn at random, for the app to show.
    pub random_key: bool,
    /// What the call plays.
    pub sounds: Sounds,
}

impl Step {
    /// Its channel.
    #[must_use]
    pub const fn channel(&self) -> Channel {
        Channel::CallButton
    }
}

/// What a button call plays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sounds {
    /// A prompt of the configuration, in one of its languages.
    Prompt {
        /// The prompt.
        name: Name,
        /// The language, as in the configuration.
        language: Name,
    },
    /// Three sounds of the provider, by their ids there.
    Given {
        /// Played when the call is answered.
        greeting: Box<str>,
        /// Played after the key.
        confirmed: Box<str>,
        /// Played after another key or none.
        fallback: Box<str>,
    },
}

/// Where a verification stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing is decided yet.
    Pending,
    /// Decided for good.
    Final(Conclusion),
}

/// How a verification ended. Outcome and time never change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conclusion {
    /// Why it ended.
    pub outcome: Outcome,
    /// When.
    pub at: Timestamp,
    /// Whether a later report contradicted the one that decided.
    pub disputed: bool,
    /// When the app redeemed it.
    pub redeemed_at: Option<Timestamp>,
}

/// The spans that decide, from the configuration; see design of the numbers in ARCHITECTURE.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// From a button call's intent until waiting for its result ends.
    pub result_window: SignedDuration,
    /// From a button call's intent until its claims are released in any case.
    pub call_lost_after: SignedDuration,
    /// From an end without a key until it counts.
    pub result_grace: SignedDuration,
    /// How far the PBX's clock may be off.
    pub clock_tolerance: SignedDuration,
    /// From the end of a verification until it can no longer be redeemed.
    pub redeem_within: SignedDuration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            result_window: SignedDuration::from_secs(180),
            call_lost_after: SignedDuration::from_secs(600),
            result_grace: SignedDuration::from_secs(10),
            clock_tolerance: SignedDuration::from_secs(30),
            redeem_within: SignedDuration::from_secs(600),
        }
    }
}

impl Verification {
    /// Begins the first step: makes the attempt whose intent is about to be
    /// stored, and the timeline's first entries.
    ///
    /// INVARIANT: called once, on a verification without attempts.
    #[must_use]
    pub fn begin(mut self, now: Timestamp) -> (Self, Vec<Entry>) {
        let press = self.plan.first().map_or(Key::ONE, |step| step.press);
        self.attempts.push(Attempt::intended(0, 0, press, now));
        let kinds = [EntryKind::Requested, EntryKind::CallRequested { attempt: 0 }];
        let entries: Vec<Entry> = kinds.into_iter().map(|kind| self.entry(now, kind)).collect();
        (self, entries)
    }

    /// Numbers a new timeline entry.
    pub(super) const fn entry(&mut self, at: Timestamp, kind: EntryKind) -> Entry {
        self.entries += 1;
        Entry { number: self.entries, at, kind }
    }

    /// Its status.
    #[must_use]
    pub const fn status(&self) -> Status {
        match &self.state {
            State::Pending => Status::Pending,
            State::Final(end) => end.outcome.status(),
        }
    }

    /// How it ended, if it did.
    #[must_use]
    pub const fn conclusion(&self) -> Option<&Conclusion> {
        match &self.state {
            State::Pending => None,
            State::Final(end) => Some(end),
        }
    }

    /// The step that an attempt carries out.
    #[must_use]
    pub fn step_of(&self, attempt: &Attempt) -> Option<&Step> {
        self.plan.get(usize::from(attempt.step))
    }

    /// When time alone will change it next; never for a final one.
    #[must_use]
    pub fn due_at(&self, timing: &Timing) -> Option<Timestamp> {
        if self.status() != Status::Pending {
            return None;
        }
        let gives_up = self.attempts.last().map(|attempt| attempt.gives_up_at(timing));
        Some(gives_up.map_or(self.expires_at, |at| at.min(self.expires_at)))
    }

    /// Until when it must be found by notifications: while it is pending, and
    /// while an attempt of it holds claims.
    #[must_use]
    pub fn live_until(&self, timing: &Timing) -> Timestamp {
        let held = self.attempts.iter().map(|attempt| attempt.claims_held_until(timing)).max();
        let held = held.unwrap_or(self.created_at);
        match self.status() {
            Status::Pending => held.max(later(self.expires_at, timing.result_grace)),
            Status::Verified | Status::Failed | Status::Expired | Status::Canceled => held,
        }
    }

    /// Why the provider refused, if that ended it.
    #[must_use]
    pub fn refusal(&self) -> Option<super::RefusalReason> {
        match self.attempts.last()?.dispatch {
            Dispatch::Refused { reason, .. } => Some(reason),
            Dispatch::Intended | Dispatch::Accepted | Dispatch::Unknown => None,
        }
    }
}
