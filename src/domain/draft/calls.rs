//! What is told of calls: dispatches, ends, keys.

use super::Draft;
use crate::domain::{
    Asks, CallEnd, CallResult, Dispatch, Effect, EntryKind, KeyReport, PbxTime, RefusalReason,
    State, Why,
};

impl Draft {
    pub(super) fn accepted(&mut self, attempt: u8, request: Option<Box<str>>) -> Result<(), Why> {
        let found = self.attempt(attempt)?;
        match found.dispatch {
            Dispatch::Intended | Dispatch::Unknown => {
                found.dispatch = Dispatch::Accepted;
                found.request = request;
                let is_code = found.asks.is_code();
                self.note(if is_code {
                    EntryKind::CodeAccepted { attempt }
                } else {
                    EntryKind::CallAccepted { attempt }
                });
                Ok(())
            }
            Dispatch::Accepted | Dispatch::Refused { .. } => Err(Why::Repeated),
        }
    }

    pub(super) fn refused(&mut self, attempt: u8, reason: RefusalReason) -> Result<(), Why> {
        let now = self.now;
        let found = self.attempt(attempt)?;
        if found.dispatch != Dispatch::Intended {
            return Err(Why::Repeated);
        }
        if found.key_report.is_some() || found.call_end.is_some() {
            // A result outranks a later answer of the API.
            return self.accepted(attempt, None);
        }
        if found.ringing_at.is_some() || found.answered_at.is_some() {
            // The phone rang all the same: nobody knows, and the claims must hold.
            return self.unknown(attempt);
        }
        found.dispatch = Dispatch::Refused { at: now, reason };
        let is_code = found.asks.is_code();
        self.note(if is_code {
            EntryKind::CodeRefused { attempt, reason }
        } else {
            EntryKind::CallRefused { attempt, reason }
        });
        self.conclude_if_exhausted();
        Ok(())
    }

    pub(super) fn unknown(&mut self, attempt: u8) -> Result<(), Why> {
        let found = self.attempt(attempt)?;
        if found.dispatch != Dispatch::Intended {
            return Err(Why::Repeated);
        }
        found.dispatch = Dispatch::Unknown;
        let is_code = found.asks.is_code();
        self.note(if is_code {
            EntryKind::CodeUnknown { attempt }
        } else {
            EntryKind::CallUnknown { attempt }
        });
        Ok(())
    }

    pub(super) fn ringing(&mut self, attempt: u8) -> Result<(), Why> {
        self.if_pending()?;
        let now = self.now;
        if self.attempt(attempt)?.ringing_at.replace(now).is_some() {
            return Err(Why::Repeated);
        }
        self.note(EntryKind::Ringing { attempt });
        Ok(())
    }

    pub(super) fn answered(&mut self, attempt: u8) -> Result<(), Why> {
        self.if_pending()?;
        let now = self.now;
        if self.attempt(attempt)?.answered_at.replace(now).is_some() {
            return Err(Why::Repeated);
        }
        self.note(EntryKind::Answered { attempt });
        Ok(())
    }

    /// Recorded on a final verification too, since it releases the claims.
    pub(super) fn call_ended(&mut self, attempt: u8, end: CallEnd) -> Result<(), Why> {
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

    pub(super) fn other_call_ended(&mut self, attempt: u8, result: CallResult) -> Result<(), Why> {
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

    pub(super) fn key_reported(&mut self, attempt: u8, report: KeyReport) -> Result<(), Why> {
        if report.result == CallResult::Other {
            let end =
                CallEnd { at: report.at, result: report.result, call_start: report.call_start };
            return self.call_ended(attempt, end);
        }
        let index = usize::from(attempt);
        let refuse = self.next.attempts.get(index).and_then(|found| self.next.refuse_key(found));
        let found = self.attempt(attempt)?;
        if let Some(first) = &found.key_report {
            let same = first.pressed == report.pressed && first.result == report.result;
            let later = self.started_later(attempt, report.call_start);
            return if same { later } else { self.dispute(attempt, report.pressed).or(later) };
        }
        let Asks::Key(asked) = found.asks else { return Err(Why::NoSuchAttempt) };
        let outcome = report.outcome(asked, refuse);
        found.key_report = Some(report.clone());
        let KeyReport { result, pressed, evidence, .. } = report;
        self.note(EntryKind::KeyReported { attempt, result, pressed, evidence });
        if result == CallResult::ProviderRefused {
            self.effects.push(Effect::AlarmProviderRefused);
        }
        if self.if_pending().is_ok() && outcome.is_decided_by_person() {
            self.conclude(outcome, self.now);
        }
        self.conclude_if_exhausted();
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
}

/// The earlier in the list of results wins, so that order does not matter.
fn more_telling(one: CallResult, other: CallResult) -> CallResult {
    CallResult::ALL.into_iter().find(|result| *result == one || *result == other).unwrap_or(one)
}
