//! The one function that decides.
//!
//! Total and pure: an event that does not apply is an answer, not an error,
//! since providers repeat, delay and reorder.

use jiff::Timestamp;

use super::{
    Attempt, CallEnd, CallResult, Conclusion, Dispatch, Entry, EntryKind, KeyReport, Outcome,
    PbxTime, RefusalReason, State, Status, Timing, Verification,
};

/// What happened to a verification, or was asked of it. `attempt` counts from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The provider accepted an attempt.
    Accepted {
        /// The attempt.
        attempt: u8,
    },
    /// The provider did not place an attempt, and surely did not.
    Refused {
        /// The attempt.
        attempt: u8,
        /// Why.
        reason: RefusalReason,
    },
    /// An attempt may have reached the provider.
    Unknown {
        /// The attempt.
        attempt: u8,
    },
    /// The phone rings.
    Ringing {
        /// The attempt.
        attempt: u8,
    },
    /// The call was answered.
    Answered {
        /// The attempt.
        attempt: u8,
    },
    /// The call ended, without a word about keys.
    CallEnded {
        /// The attempt.
        attempt: u8,
        /// How and when.
        end: CallEnd,
    },
    /// Another call with the number ended.
    OtherCallEnded {
        /// The attempt.
        attempt: u8,
        /// How.
        result: CallResult,
    },
    /// The call ended, and the keys were reported by a notification that passed every required check.
    KeyReported {
        /// The attempt.
        attempt: u8,
        /// The report.
        report: KeyReport,
    },
    /// The app takes the verification back.
    CancelAsked,
    /// Nothing but time.
    TimePassed,
}

/// What one event did to a verification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It has a new version.
    Moved {
        /// The new version.
        next: Box<Verification>,
        /// What is to be done once the version is stored.
        effects: Vec<Effect>,
        /// What the timeline gains.
        entries: Vec<Entry>,
    },
    /// It stays as it is.
    Ignored(Why),
}

/// What is to be done once a new version is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Count the outcome; whoever waits is answered.
    Conclude(Outcome),
    /// Raise the alarm that a report contradicts an earlier one.
    AlarmDisputed,
    /// Raise the alarm that money or a limit at the provider stopped a call.
    AlarmProviderRefused,
}

/// Why an event changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The verification has ended.
    Final,
    /// The same was known.
    Repeated,
    /// Nothing is due yet.
    NotDue,
    /// There is no such attempt.
    NoSuchAttempt,
}

impl Verification {
    /// Lets an event happen at `now`. What time alone had to change by then
    /// happens first, so that a late worker decides nothing.
    #[must_use]
    pub fn apply(&self, event: Event, now: Timestamp, timing: &Timing) -> Applied {
        let mut draft = Draft {
            next: self.clone(),
            now,
            timing: *timing,
            effects: Vec::new(),
            entries: Vec::new(),
            changed: false,
        };
        draft.pass_time();
        let ignored = draft.happen(event).err();
        match ignored {
            Some(why) if !draft.changed => Applied::Ignored(why),
            _ => {
                draft.next.version += 1;
                Applied::Moved {
                    next: Box::new(draft.next),
                    effects: draft.effects,
                    entries: draft.entries,
                }
            }
        }
    }
}

/// A new version in the making.
struct Draft {
    next: Verification,
    now: Timestamp,
    timing: Timing,
    effects: Vec<Effect>,
    entries: Vec<Entry>,
    changed: bool,
}

impl Draft {
    fn happen(&mut self, event: Event) -> Result<(), Why> {
        match event {
            Event::Accepted { attempt } => self.accepted(attempt),
            Event::Refused { attempt, reason } => self.refused(attempt, reason),
            Event::Unknown { attempt } => self.unknown(attempt),
            Event::Ringing { attempt } => self.ringing(attempt),
            Event::Answered { attempt } => self.answered(attempt),
            Event::CallEnded { attempt, end } => self.call_ended(attempt, end),
            Event::OtherCallEnded { attempt, result } => self.other_call_ended(attempt, result),
            Event::KeyReported { attempt, report } => self.key_reported(attempt, report),
            Event::CancelAsked => {
                self.if_pending()?;
                self.conclude(Outcome::Canceled, self.now);
                Ok(())
            }
            Event::TimePassed => Err(Why::NotDue),
        }
    }

    /// What time alone changes: an end without key counts after its grace, an
    /// attempt without result is lost, a verification expires. The earliest wins.
    fn pass_time(&mut self) {
        let Some(due) = self.next.due_at(&self.timing).filter(|due| *due <= self.now) else {
            return;
        };
        if due == self.next.expires_at {
            return self.conclude(Outcome::Expired, due);
        }
        let result = self
            .next
            .attempts
            .last()
            .and_then(|last| last.call_end.map(|end| end.result).or(last.hint));
        let outcome = result.map_or(Outcome::ProviderLost, CallResult::outcome_without_key);
        self.conclude(outcome, due);
    }

    fn accepted(&mut self, attempt: u8) -> Result<(), Why> {
        match self.attempt(attempt)?.dispatch {
            Dispatch::Intended | Dispatch::Unknown => {
                self.attempt(attempt)?.dispatch = Dispatch::Accepted;
                self.note(EntryKind::CallAccepted { attempt });
                Ok(())
            }
            Dispatch::Accepted | Dispatch::Refused { .. } => Err(Why::Repeated),
        }
    }

    fn refused(&mut self, attempt: u8, reason: RefusalReason) -> Result<(), Why> {
        let now = self.now;
        let found = self.attempt(attempt)?;
        if found.dispatch != Dispatch::Intended {
            return Err(Why::Repeated);
        }
        if found.key_report.is_some() || found.call_end.is_some() {
            // A result outranks a later answer of the API.
            return self.accepted(attempt);
        }
        if found.ringing_at.is_some() || found.answered_at.is_some() {
            // The phone rang all the same: nobody knows, and the claims must hold.
            return self.unknown(attempt);
        }
        found.dispatch = Dispatch::Refused { at: now, reason };
        self.note(EntryKind::CallRefused { attempt, reason });
        if self.if_pending().is_ok() {
            self.conclude(Outcome::ProviderRefused, now);
        }
        Ok(())
    }

    fn unknown(&mut self, attempt: u8) -> Result<(), Why> {
        let found = self.attempt(attempt)?;
        if found.dispatch != Dispatch::Intended {
            return Err(Why::Repeated);
        }
        found.dispatch = Dispatch::Unknown;
        self.note(EntryKind::CallUnknown { attempt });
        Ok(())
    }

    fn ringing(&mut self, attempt: u8) -> Result<(), Why> {
        self.if_pending()?;
        let now = self.now;
        if self.attempt(attempt)?.ringing_at.replace(now).is_some() {
            return Err(Why::Repeated);
        }
        self.note(EntryKind::Ringing { attempt });
        Ok(())
    }

    fn answered(&mut self, attempt: u8) -> Result<(), Why> {
        self.if_pending()?;
        let now = self.now;
        if self.attempt(attempt)?.answered_at.replace(now).is_some() {
            return Err(Why::Repeated);
        }
        self.note(EntryKind::Answered { attempt });
        Ok(())
    }

    /// Recorded on a final verification too, since it releases the claims.
    fn call_ended(&mut self, attempt: u8, end: CallEnd) -> Result<(), Why> {
        if self.attempt(attempt)?.key_report.is_some() {
            return self.started_later(attempt, end.call_start);
        }
        let found = self.attempt(attempt)?;
        let better = match found.call_end {
            None => end,
            // Of two ends of one call the more telling result counts, whichever came first.
            Some(known) => CallEnd {
                at: known.at,
                result: more_telling(known.result, end.result),
                call_start: known.call_start.max(end.call_start),
            },
        };
        if found.call_end == Some(better) {
            return Err(Why::Repeated);
        }
        found.call_end = Some(better);
        self.note(EntryKind::CallEnded { attempt, result: end.result });
        if end.result == CallResult::ProviderRefused {
            self.effects.push(Effect::AlarmProviderRefused);
        }
        Ok(())
    }

    fn other_call_ended(&mut self, attempt: u8, result: CallResult) -> Result<(), Why> {
        self.if_pending()?;
        let found = self.attempt(attempt)?;
        let better = found.hint.map_or(result, |known| more_telling(known, result));
        if found.hint == Some(better) {
            return Err(Why::Repeated);
        }
        found.hint = Some(better);
        self.note(EntryKind::OtherCallEnded { attempt, result });
        Ok(())
    }

    fn key_reported(&mut self, attempt: u8, report: KeyReport) -> Result<(), Why> {
        if report.result == CallResult::Other {
            let end =
                CallEnd { at: report.at, result: report.result, call_start: report.call_start };
            return self.call_ended(attempt, end);
        }
        let found = self.attempt(attempt)?;
        if let Some(first) = &found.key_report {
            let same = first.pressed == report.pressed && first.result == report.result;
            let later = self.started_later(attempt, report.call_start);
            return if same { later } else { self.dispute(attempt, report.pressed).or(later) };
        }
        let outcome = judge(found.press, &report);
        found.key_report = Some(report.clone());
        let KeyReport { result, pressed, evidence, .. } = report;
        self.note(EntryKind::KeyReported { attempt, result, pressed, evidence });
        if result == CallResult::ProviderRefused {
            self.effects.push(Effect::AlarmProviderRefused);
        }
        if self.if_pending().is_ok() {
            self.conclude(outcome, self.now);
        }
        Ok(())
    }

    /// A repeated result of another leg says when that leg began. It is kept, so
    /// that its signed text is not accepted for a later attempt either.
    fn started_later(&mut self, attempt: u8, call_start: PbxTime) -> Result<(), Why> {
        match &mut self.attempt(attempt)?.key_report {
            Some(first) if first.call_start < call_start => {
                first.call_start = call_start;
                self.changed = true;
                Ok(())
            }
            _ => Err(Why::Repeated),
        }
    }

    fn dispute(&mut self, attempt: u8, pressed: Box<str>) -> Result<(), Why> {
        let State::Final(end) = &mut self.next.state else { return Err(Why::Repeated) };
        if end.disputed {
            return Err(Why::Repeated);
        }
        end.disputed = true;
        self.note(EntryKind::Disputed { attempt, pressed });
        self.effects.push(Effect::AlarmDisputed);
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

/// The outcome of a first key report.
fn judge(asked: super::Key, report: &KeyReport) -> Outcome {
    match report.result {
        CallResult::Answered if asked.is_exactly(&report.pressed) => Outcome::Confirmed,
        CallResult::Answered if report.pressed.is_empty() => Outcome::NoKey,
        CallResult::Answered => Outcome::WrongKey,
        CallResult::Busy
        | CallResult::NoAnswer
        | CallResult::Rejected
        | CallResult::Unreachable
        | CallResult::ProviderRefused
        | CallResult::Other => report.result.outcome_without_key(),
    }
}

/// The earlier in the list of results wins, so that order does not matter.
fn more_telling(one: CallResult, other: CallResult) -> CallResult {
    CallResult::ALL.into_iter().find(|result| *result == one || *result == other).unwrap_or(one)
}
