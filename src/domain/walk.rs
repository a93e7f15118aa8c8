//! Walking a plan: which step comes next and when, and when none can help any more.
//!
//! Everything follows from the attempts, so that nothing has to be kept beside
//! them: a step moves on when it failed for a reason that another can cure, when
//! its time is over, or when the app asks.

use jiff::{SignedDuration, Timestamp};

use super::attempt::later;
use super::{Asks, Attempt, Channel, Dispatch, Key, Outcome, Status, Step, Timing, Verification};

/// How much time a step that comes by itself must have left.
const LEAST_USE: SignedDuration = SignedDuration::from_secs(10);

/// Why no further step can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoNext {
    /// The plan ends here, and its last step is a call that cannot be repeated.
    #[error("the plan has no further step")]
    EndOfPlan,
    /// As many codes have been sent as may be.
    #[error("as many codes have been sent as may be")]
    SendLimit,
    /// It has ended.
    #[error("the verification has ended")]
    Ended,
}

impl Verification {
    /// The step that comes by itself, and from when on: the attempt before it has
    /// failed or had its time, and what protects the person from too much allows it.
    #[must_use]
    pub fn next_step_at(&self, timing: &Timing) -> Option<(u8, Timestamp)> {
        // Nearly every plan is one call, and this is asked at each change.
        if self.plan.len() < 2 || self.status() != Status::Pending {
            return None;
        }
        let last = self.attempts.last()?;
        let step = self.step_after(last)?;
        let wanted = self.not_before.unwrap_or_else(|| self.moves_on_at(last, timing));
        let at = wanted.max(self.permitted_at(step, timing));
        // Too late to be of use it would only wake somebody.
        (later(at, LEAST_USE) <= self.expires_at).then_some((step, at))
    }

    /// What the app's asking for the next step begins, and from when on it is
    /// allowed. Behind the plan's last step its code is sent again.
    ///
    /// # Errors
    /// When there is nothing to begin.
    pub fn asked_step_at(&self, timing: &Timing) -> Result<(u8, Timestamp), NoNext> {
        if self.status() != Status::Pending {
            return Err(NoNext::Ended);
        }
        let last = self.attempts.last().ok_or(NoNext::EndOfPlan)?;
        let again = || self.can_send().then_some(last.step).filter(|_| last.asks.is_code());
        let step = self.step_after(last).or_else(again).ok_or_else(|| {
            if self.can_send() || self.codes.is_none() {
                NoNext::EndOfPlan
            } else {
                NoNext::SendLimit
            }
        })?;
        Ok((step, self.permitted_at(step, timing)))
    }

    /// Codes that may have cost money.
    #[must_use]
    pub fn sends(&self) -> usize {
        let sent = |attempt: &&Attempt| {
            attempt.asks.is_code() && !matches!(attempt.dispatch, Dispatch::Refused { .. })
        };
        self.attempts.iter().filter(sent).count()
    }

    /// When no attempt can bring a proof any more and no step follows; `None` if
    /// only the end of its time will tell, since a code may still be entered.
    #[must_use]
    pub fn exhausted_at(&self, timing: &Timing) -> Option<Timestamp> {
        let last = self.attempts.last()?;
        if self.plan.len() > 1 && self.step_after(last).is_some() {
            return None;
        }
        let closed = self.attempts.iter().map(|attempt| attempt.closed_at(timing));
        closed.reduce(|one, other| Some(one?.max(other?))).flatten()
    }

    /// The outcome when no attempt can bring a proof any more: that of the last one.
    #[must_use]
    pub fn outcome_without_proof(&self) -> Outcome {
        let of = |attempt: &Attempt| attempt.outcome_without_proof(self.refuse_key(attempt));
        self.attempts.last().map_or(Outcome::Expired, of)
    }

    /// The channel to try next: what asking for the next step would begin, or what
    /// another start may reach the person by when this one did not.
    #[must_use]
    pub fn advised_channel(&self, timing: &Timing) -> Option<Channel> {
        if let Ok((step, _)) = self.asked_step_at(timing) {
            return self.plan.get(usize::from(step)).map(Step::channel);
        }
        let number = self.to.phone()?;
        let missed = match self.conclusion()?.outcome {
            Outcome::NoKey
            | Outcome::NoAnswer
            | Outcome::Busy
            | Outcome::Rejected
            | Outcome::ProviderLost
            | Outcome::Expired => true,
            Outcome::Confirmed
            | Outcome::CodeCorrect
            | Outcome::WrongKey
            | Outcome::TooManyChecks
            | Outcome::NotMe
            | Outcome::Unreachable
            | Outcome::ProviderRefused
            | Outcome::Canceled => false,
        };
        let tried = |channel: &Channel| self.plan.iter().any(|step| step.channel() == *channel);
        let takes = |channel: &Channel| *channel != Channel::Sms || !number.is_landline();
        let by_phone = [Channel::Sms, Channel::CallCode, Channel::CallButton].into_iter();
        by_phone.filter(|_| missed).find(|channel| takes(channel) && !tried(channel))
    }

    /// The key of an attempt's call that says never to call again.
    pub(super) fn refuse_key(&self, attempt: &Attempt) -> Option<Key> {
        self.step_of(attempt)?.button()?.refuse
    }

    fn can_send(&self) -> bool {
        self.codes.as_ref().is_some_and(|codes| self.sends() < usize::from(codes.sends_limit))
    }

    fn step_after(&self, last: &Attempt) -> Option<u8> {
        let can_send = self.can_send();
        let possible = |step: &Step| !step.skipped && (step.button().is_some() || can_send);
        let begin = usize::from(last.step) + 1;
        let found = self.plan.get(begin..)?.iter().position(possible)?;
        u8::try_from(begin + found).ok()
    }

    /// When the step of an attempt has had its chance.
    fn moves_on_at(&self, attempt: &Attempt, timing: &Timing) -> Timestamp {
        if let Dispatch::Refused { at, .. } = attempt.dispatch {
            return at;
        }
        let wait = self.step_of(attempt).and_then(|step| step.wait);
        match attempt.asks {
            Asks::Key(_) => {
                let waited = wait.map_or(Timestamp::MAX, |wait| later(attempt.intent_at, wait));
                let reported = attempt.key_report.as_ref().map(|report| report.at);
                reported.unwrap_or_else(|| attempt.gives_up_at(timing)).min(waited)
            }
            Asks::Code(_) => {
                let waited = later(attempt.intent_at, wait.unwrap_or(timing.step_wait));
                let unheard = attempt.call_end.filter(|end| end.result.is_unanswered());
                unheard.map_or(waited, |end| end.at.min(waited))
            }
        }
    }

    /// From when on a step may begin without two calls to one phone at once, a
    /// second claim on it, or codes one after the other.
    fn permitted_at(&self, step: u8, timing: &Timing) -> Timestamp {
        let Some(step) = self.plan.get(usize::from(step)) else { return self.created_at };
        let channel = step.channel();
        let is_call = matches!(channel, Channel::CallButton | Channel::CallCode);
        let after = |attempt: &Attempt| {
            let mut at = self.created_at;
            let earlier = self.step_of(attempt).map(Step::channel);
            if channel != Channel::CallButton && attempt.may_have_told_code() {
                at = at.max(later(attempt.intent_at, timing.resend_gap));
            }
            let called = matches!(earlier, Some(Channel::CallButton | Channel::CallCode));
            if is_call && called && attempt.is_unreported() {
                at = at.max(later(attempt.intent_at, timing.ring_max));
            }
            if channel == Channel::CallButton {
                at = at.max(attempt.claims_held_until(timing));
            }
            at
        };
        self.attempts.iter().map(after).max().unwrap_or(self.created_at)
    }
}

impl Attempt {
    /// From when on it can bring no proof; `None` if it may until the end.
    fn closed_at(&self, timing: &Timing) -> Option<Timestamp> {
        if let Dispatch::Refused { at, .. } = self.dispatch {
            return Some(at);
        }
        match self.asks {
            Asks::Key(_) => Some(
                self.key_report
                    .as_ref()
                    .map_or_else(|| self.gives_up_at(timing), |report| report.at),
            ),
            // Told by a notification that may be of another call with the number, so
            // that only the time in which the call surely is over makes it count.
            Asks::Code(_) => self
                .call_end
                .filter(|end| end.result.is_unanswered())
                .map(|_| later(self.intent_at, timing.result_window)),
        }
    }

    fn outcome_without_proof(&self, refuse: Option<Key>) -> Outcome {
        if let Dispatch::Refused { .. } = self.dispatch {
            return Outcome::ProviderRefused;
        }
        if let (Some(report), Asks::Key(asked)) = (&self.key_report, self.asks) {
            return report.outcome(asked, refuse);
        }
        let result = self.call_end.map(|end| end.result).or(self.hint);
        result.map_or(Outcome::ProviderLost, super::CallResult::outcome_without_key)
    }
}
