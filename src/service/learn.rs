//! What the guard learns from what happened: that a person wants to be left alone, that
//! calls are heard of, and which attempts proved somebody.

use jiff::{SignedDuration, Timestamp};

use crate::domain::{
    Asks, Attempt, CallResult, Dispatch, Entry, EntryKind, Outcome, Rule, Step, Verification,
};
use crate::guard::Scope;
use crate::store::{Bar, CameTo, Learned};

use super::{Service, Suppression};

/// Why a number is suppressed that pressed the key for it.
const PRESSED: &str = "pressed the key for never being called again";

impl Service {
    /// What a change brings the guard.
    pub(super) fn learned(&self, next: &Verification, entries: &[Entry]) -> Vec<Learned> {
        if next.test {
            return Vec::new();
        }
        let learned = entries.iter().flat_map(|entry| self.learned_of(next, entry));
        learned.chain(entries.iter().flat_map(|entry| self.attempted(next, entry))).collect()
    }

    /// What became of attempts, for the rule on proofs; nothing while that is off.
    fn attempted(&self, next: &Verification, entry: &Entry) -> Vec<Learned> {
        let mut learned = Vec::new();
        for attempt in &next.attempts {
            let Some(came_to) = came_to(attempt, entry) else { continue };
            let Some(step) = next.step_of(attempt) else { continue };
            let keys = self.guard.attempts_of(&next.app, &next.to, step.channel());
            let intent_at = attempt.intent_at;
            let of = |key| Learned::Attempt { key, intent_at, came_to };
            learned.extend(keys.into_iter().map(of));
        }
        learned
    }

    fn learned_of(&self, next: &Verification, entry: &Entry) -> Vec<Learned> {
        let (index, result) = match &entry.kind {
            EntryKind::KeyReported { attempt, result, .. }
            | EntryKind::CallEnded { attempt, result } => (*attempt, Some(*result)),
            EntryKind::CallRefused { attempt, .. } => (*attempt, None),
            _ => return Vec::new(),
        };
        let Some(attempt) = next.attempts.get(usize::from(index)) else { return Vec::new() };
        let Some(step) = next.step_of(attempt) else { return Vec::new() };
        let mut learned = Vec::new();
        if step.button().is_some() {
            let key = self.guard.calls(&step.account);
            learned.push(match result {
                Some(_) => Learned::Heard(key),
                None => Learned::NotPlaced { key, intent_at: attempt.intent_at },
            });
        }
        let reports_key = matches!(entry.kind, EntryKind::KeyReported { .. });
        if reports_key && is_not_me(attempt, step) {
            learned.push(Learned::Bar(self.never_again(next)));
            learned.extend(self.cooldown(next, self.guard.cooldown_after_not_me(), entry.at));
        }
        if result == Some(CallResult::Rejected) {
            learned.extend(self.cooldown(next, self.guard.cooldown_after_rejected(), entry.at));
        }
        learned
    }

    fn never_again(&self, next: &Verification) -> Bar {
        let app = (!self.guard.never_again_for_all()).then(|| next.app.clone());
        let (to, reason) = (next.to.clone(), Some(PRESSED.into()));
        self.suppression_bar(Suppression { to, app, reason })
    }

    fn cooldown(
        &self,
        next: &Verification,
        span: Option<SignedDuration>,
        at: Timestamp,
    ) -> Option<Learned> {
        let until = at.checked_add(span?).ok()?;
        Some(Learned::Bar(Bar {
            key: self.guard.keys().of_recipient(Rule::Cooldown, Scope::All, &next.to),
            rule: Rule::Cooldown,
            app: None,
            subject: format!("{:?}", next.to).into(),
            reason: None,
            created_at: at,
            until: Some(until),
        }))
    }
}

/// Whether the key that was asked for was pressed.
fn is_confirmed(attempt: &Attempt) -> bool {
    let Asks::Key(asked) = attempt.asks else { return false };
    let report = attempt.key_report.as_ref();
    report.is_some_and(|report| report.outcome(asked, None) == Outcome::Confirmed)
}

/// Whether the provider surely did not send it, which is known of it already.
const fn is_refused(attempt: &Attempt) -> bool {
    matches!(attempt.dispatch, Dispatch::Refused { .. })
}

/// What an entry says became of an attempt, if it says anything.
fn came_to(attempt: &Attempt, entry: &Entry) -> Option<CameTo> {
    let (came_to, is_meant) = match entry.kind {
        EntryKind::CallRefused { attempt: index, .. }
        | EntryKind::CodeRefused { attempt: index, .. }
        // Money or lines were missing at the provider, so nobody's phone rang.
        | EntryKind::CallEnded { attempt: index, result: CallResult::ProviderRefused } => {
            (CameTo::NotPlaced, attempt.index == index)
        }
        EntryKind::KeyReported { attempt: index, result: CallResult::ProviderRefused, .. } => {
            (CameTo::NotPlaced, attempt.index == index && attempt.call_end.is_none())
        }
        EntryKind::Concluded { outcome: Outcome::Confirmed } => {
            (CameTo::Proved, is_confirmed(attempt))
        }
        // Which of several messages brought the code, nobody can tell.
        EntryKind::Concluded { outcome: Outcome::CodeCorrect } => {
            (CameTo::Proved, attempt.asks.is_code() && !is_refused(attempt))
        }
        _ => return None,
    };
    is_meant.then_some(came_to)
}

/// Whether the key that says "I did not ask for this" was pressed.
fn is_not_me(attempt: &Attempt, step: &Step) -> bool {
    let Asks::Key(asked) = attempt.asks else { return false };
    let refuse = step.button().and_then(|button| button.refuse);
    attempt
        .key_report
        .as_ref()
        .is_some_and(|report| report.outcome(asked, refuse) == Outcome::NotMe)
}
