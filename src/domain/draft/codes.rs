//! What happens to codes and to the plan: steps, checks.

use jiff::Timestamp;

use super::Draft;
use crate::domain::{Codes, Effect, EntryKind, Outcome, ProviderCheck, Typed, Why};

impl Draft {
    /// INVARIANT: the step that is due is looked for here, so that of two workers
    /// with a place each only one begins it.
    pub(super) fn step_due(&mut self) -> Result<(), Why> {
        let due = self.next.next_step_at(&self.timing).filter(|(_, at)| *at <= self.now);
        let (step, _) = due.ok_or(Why::NotDue)?;
        self.begin_step(step);
        Ok(())
    }

    pub(super) fn no_room(&mut self, until: Timestamp) -> Result<(), Why> {
        self.if_pending()?;
        if self.next.not_before == Some(until) {
            return Err(Why::Repeated);
        }
        self.next.not_before = Some(until);
        self.changed = true;
        Ok(())
    }

    pub(super) fn next_asked(&mut self) -> Result<(), Why> {
        self.if_pending()?;
        let asked = self.next.asked_step_at(&self.timing).ok();
        let (step, _) = asked.filter(|(_, at)| *at <= self.now).ok_or(Why::NotDue)?;
        self.note(EntryKind::NextAsked);
        self.begin_step(step);
        Ok(())
    }

    /// A local check counts and decides in one change.
    pub(super) fn code_checked(
        &mut self,
        correct: bool,
        typed: Option<Box<[u8]>>,
    ) -> Result<(), Why> {
        let at = self.now;
        let codes = self.use_check()?;
        let kept = typed.filter(|_| codes.rules.keeps_typed);
        codes.typed.extend(kept.map(|sealed| Typed { at, correct, sealed }));
        self.note(EntryKind::CodeChecked { correct });
        self.judge_code(correct);
        Ok(())
    }

    /// A check by the provider is counted before it is asked, so that no more
    /// guesses than allowed ever reach it.
    pub(super) fn check_begun(&mut self) -> Result<(), Why> {
        self.use_check()?.checks_open += 1;
        self.changed = true;
        Ok(())
    }

    pub(super) fn check_answered(&mut self, check: ProviderCheck) -> Result<(), Why> {
        self.if_pending()?;
        let codes = self.next.codes.as_mut().filter(|codes| codes.checks_open > 0);
        let codes = codes.ok_or(Why::NoCheck)?;
        codes.checks_open -= 1;
        self.changed = true;
        match check {
            ProviderCheck::Right | ProviderCheck::Wrong => {
                let correct = check == ProviderCheck::Right;
                self.note(EntryKind::CodeChecked { correct });
                self.judge_code(correct);
            }
            ProviderCheck::NotAsked => {
                codes.checks_used = codes.checks_used.saturating_sub(1);
                codes.newest_used = codes.newest_used.saturating_sub(1);
            }
            ProviderCheck::Unknown => self.judge_code(false),
        }
        Ok(())
    }

    fn begin_step(&mut self, step: u8) {
        let kind = self.next.intend(step, self.now);
        self.note(kind);
        if let Some(attempt) = self.next.attempts.last() {
            self.effects.push(Effect::Dispatch { attempt: attempt.index });
        }
    }

    fn use_check(&mut self) -> Result<&mut Codes, Why> {
        self.if_pending()?;
        let codes = self.next.codes.as_mut().filter(|codes| codes.checks_left() > 0);
        let codes = codes.ok_or(Why::NoCheck)?;
        codes.checks_used += 1;
        codes.newest_used += u8::from(codes.rules.checks_each.is_some());
        Ok(codes)
    }

    fn judge_code(&mut self, correct: bool) {
        let spent = |codes: &Codes| codes.checks_left() == 0 && codes.checks_open == 0;
        if correct {
            self.conclude(Outcome::CodeCorrect, self.now);
        } else if self.next.codes.as_ref().is_some_and(|codes| spent(codes)) {
            self.conclude(Outcome::TooManyChecks, self.now);
        }
    }
}
