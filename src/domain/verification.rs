//! One question put to one person, and its newest version.

use jiff::{SignedDuration, Timestamp};

use super::attempt::later;
use super::{
    Asks, Attempt, By, Codes, Dispatch, Entry, EntryKind, Key, Level, Name, Outcome, Recipient,
    Status, Step, VerificationId,
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
    pub to: Recipient,
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
    /// What is known of its codes; only if its plan sends some. Boxed, since most do not.
    pub codes: Option<Box<Codes>>,
    /// The next step does not begin before, since there was no room for it.
    pub not_before: Option<Timestamp>,
    /// Whether a key for tests started it with a test number: no provider is ever asked.
    pub test: bool,
    /// The least evidence that its app demanded at the start. Steps that cannot bring it are
    /// refused there; it is kept so that it is on record what was asked for.
    pub demanded: Option<Level>,
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
    /// From a code that was sent until the next one may be.
    pub resend_gap: SignedDuration,
    /// The longest that a phone rings: for so long no second call of ours goes to it.
    pub ring_max: SignedDuration,
    /// From a code that was sent until the next step, unless its step says otherwise.
    pub step_wait: SignedDuration,
    /// From an attempt's intent until the replica that carries it out counts as gone.
    pub dispatch_lease: SignedDuration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            result_window: SignedDuration::from_secs(180),
            call_lost_after: SignedDuration::from_secs(600),
            result_grace: SignedDuration::from_secs(10),
            clock_tolerance: SignedDuration::from_secs(30),
            redeem_within: SignedDuration::from_secs(600),
            resend_gap: SignedDuration::from_secs(60),
            ring_max: SignedDuration::from_secs(60),
            step_wait: SignedDuration::from_secs(60),
            dispatch_lease: SignedDuration::MAX,
        }
    }
}

impl Verification {
    /// Begins the first step that is not skipped: makes the attempt whose intent
    /// is about to be stored, and the timeline's first entries.
    ///
    /// INVARIANT: called once, on a verification without attempts.
    #[must_use]
    pub fn begin(mut self, now: Timestamp) -> (Self, Vec<Entry>) {
        let mut entries = vec![self.entry(now, EntryKind::Requested)];
        let first = self.plan.iter().position(|step| !step.skipped).unwrap_or(0);
        let kind = self.intend(u8::try_from(first).unwrap_or(u8::MAX), now);
        entries.push(self.entry(now, kind));
        (self, entries)
    }

    /// Adds the attempt that carries out a step; what the timeline says of it.
    pub(super) fn intend(&mut self, step: u8, now: Timestamp) -> EntryKind {
        let attempt = u8::try_from(self.attempts.len()).unwrap_or(u8::MAX);
        let found = self.plan.get(usize::from(step));
        let (asks, kind) = match found.map(|found| (&found.by, found.channel())) {
            None => (Asks::Key(Key::ONE), EntryKind::CallRequested { attempt }),
            Some((By::Button(button), _)) => {
                (Asks::Key(button.press), EntryKind::CallRequested { attempt })
            }
            Some((By::Code(code), channel)) => {
                let sent_before = self.attempts.iter().any(|attempt| attempt.asks.is_code());
                let generation = self.codes.as_mut().map_or(0, |codes| {
                    if code.new_code && sent_before {
                        codes.renew();
                    }
                    codes.generation
                });
                (Asks::Code(generation), EntryKind::CodeRequested { attempt, channel })
            }
        };
        self.attempts.push(Attempt::intended(attempt, step, asks, now));
        self.not_before = None;
        kind
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

    /// Until when the newest code counts, if its start set a limit.
    #[must_use]
    pub fn code_until(&self) -> Option<Timestamp> {
        let codes = self.codes.as_deref()?;
        let newest = Asks::Code(codes.generation);
        let first = self.attempts.iter().find(|attempt| attempt.asks == newest)?;
        Some(later(first.intent_at, codes.rules.life?))
    }

    /// The step that is being carried out, or was last.
    #[must_use]
    pub fn current_step(&self) -> Option<&Step> {
        self.attempts.last().map_or_else(|| self.plan.first(), |attempt| self.step_of(attempt))
    }

    /// When time alone will change it next; never for a final one.
    #[must_use]
    pub fn due_at(&self, timing: &Timing) -> Option<Timestamp> {
        if self.status() != Status::Pending {
            return None;
        }
        let next = self.next_step_at(timing).map(|(_, at)| at);
        let exhausted = next.or_else(|| self.exhausted_at(timing));
        let lost = self.dispatch_lost(timing).map(|(_, at)| at);
        Some([exhausted, lost].into_iter().flatten().fold(self.expires_at, Timestamp::min))
    }

    /// The attempt that nobody told the provider's answer of, and from when on whoever
    /// carried it out counts as gone.
    pub(super) fn dispatch_lost(&self, timing: &Timing) -> Option<(u8, Timestamp)> {
        let last = self.attempts.last()?;
        let lost_at = later(last.intent_at, timing.dispatch_lease);
        let is_lost = last.dispatch == Dispatch::Intended && lost_at != Timestamp::MAX;
        is_lost.then_some((last.index, lost_at))
    }

    /// When time alone will end it, if nothing else happens; never for a final one.
    #[must_use]
    pub fn ends_at(&self, timing: &Timing) -> Option<Timestamp> {
        let exhausted = self.exhausted_at(timing).unwrap_or(Timestamp::MAX);
        (self.status() == Status::Pending).then(|| exhausted.min(self.expires_at))
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
