//! A new version in the making: one event, applied to a copy.
//!
//! What an event does to calls is in `calls`, what it does to codes and to the
//! plan in `codes`; here is what both stand on.

mod calls;
mod codes;

use jiff::Timestamp;

use super::{
    Applied, Attempt, Conclusion, Effect, Entry, EntryKind, Event, Outcome, State, Status, Timing,
    Verification, Why,
};

/// A new version in the making.
pub(super) struct Draft {
    pub(super) next: Verification,
    pub(super) changed: bool,
    now: Timestamp,
    timing: Timing,
    effects: Vec<Effect>,
    entries: Vec<Entry>,
}

impl Draft {
    pub(super) fn of(verification: &Verification, now: Timestamp, timing: &Timing) -> Self {
        Self {
            next: verification.clone(),
            changed: false,
            now,
            timing: *timing,
            effects: Vec::new(),
            entries: Vec::new(),
        }
    }

    pub(super) fn finish(mut self) -> Applied {
        self.next.version += 1;
        Applied::Moved { next: Box::new(self.next), effects: self.effects, entries: self.entries }
    }

    pub(super) fn happen(&mut self, event: Event) -> Result<(), Why> {
        match event {
            Event::Accepted { attempt } => self.accepted(attempt, None),
            Event::AcceptedAs { attempt, request } => self.accepted(attempt, Some(request)),
            Event::Refused { attempt, reason } => self.refused(attempt, reason),
            Event::Unknown { attempt } => self.unknown(attempt),
            Event::Ringing { attempt } => self.ringing(attempt),
            Event::Answered { attempt } => self.answered(attempt),
            Event::CallEnded { attempt, end } => self.call_ended(attempt, end),
            Event::OtherCallEnded { attempt, result } => self.other_call_ended(attempt, result),
            Event::KeyReported { attempt, report } => self.key_reported(attempt, report),
            Event::StepDue => self.step_due(),
            Event::NoRoom { until } => self.no_room(until),
            Event::NextAsked => self.next_asked(),
            Event::CodeChecked { correct, typed } => self.code_checked(correct, typed),
            Event::Scripted(outcome) => self.scripted(outcome),
            Event::CheckBegun => self.check_begun(),
            Event::CheckAnswered(check) => self.check_answered(check),
            Event::CancelAsked => {
                self.if_pending()?;
                self.conclude(Outcome::Canceled, self.now);
                Ok(())
            }
            Event::TimePassed => Err(Why::NotDue),
        }
    }

    /// What time alone changes: a dispatch whose replica has gone is unknown, an end
    /// without key counts after its grace, an attempt without result is lost, a
    /// verification expires. The earliest wins.
    pub(super) fn pass_time(&mut self) {
        if self.next.status() != Status::Pending {
            return;
        }
        if let Some((attempt, at)) = self.next.dispatch_lost(&self.timing)
            && at <= self.now
        {
            // Its answer may still come from whoever was only slow.
            let _ = self.unknown(attempt);
        }
        let due = self.next.ends_at(&self.timing).filter(|due| *due <= self.now);
        let Some(due) = due else { return };
        if due < self.next.expires_at {
            return self.conclude(self.next.outcome_without_proof(), due);
        }
        self.conclude(Outcome::Expired, due);
    }

    /// When the last hope has gone, there is nothing to wait for.
    fn conclude_if_exhausted(&mut self) {
        let exhausted = self.next.exhausted_at(&self.timing);
        if self.if_pending().is_ok() && exhausted.is_some_and(|at| at <= self.now) {
            self.conclude(self.next.outcome_without_proof(), self.now);
        }
    }

    /// INVARIANT: only a test ends so; anything else needs a proof.
    fn scripted(&mut self, outcome: Outcome) -> Result<(), Why> {
        self.if_pending()?;
        if !self.next.test {
            return Err(Why::NoTest);
        }
        self.conclude(outcome, self.now);
        Ok(())
    }

    fn attempt(&mut self, index: u8) -> Result<&mut Attempt, Why> {
        self.next.attempts.get_mut(usize::from(index)).ok_or(Why::NoSuchAttempt)
    }

    fn if_pending(&self) -> Result<(), Why> {
        if self.next.status() == Status::Pending { Ok(()) } else { Err(Why::Final) }
    }

    fn note(&mut self, kind: EntryKind) {
        let entry = self.next.entry(self.now, kind);
        self.entries.push(entry);
        self.changed = true;
    }

    /// INVARIANT: called on a pending verification only; final states absorb.
    fn conclude(&mut self, outcome: Outcome, at: Timestamp) {
        self.next.state =
            State::Final(Conclusion { outcome, at, disputed: false, redeemed_at: None });
        self.note(EntryKind::Concluded { outcome });
        self.effects.push(Effect::Conclude(outcome));
    }
}
