//! What the stored form of a verification gains with tests and with rules of its
//! own for codes. It stands behind everything else, and only where it is needed.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::extra::span;
use super::{Span, Unreadable, after, since};
use crate::domain::{CodeRules, Typed, Verification};

#[derive(Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Later<'a> {
    test: bool,
    checks_each: Option<u8>,
    life: Option<Span>,
    keeps_typed: bool,
    newest_used: u8,
    #[serde(borrow)]
    typed: Vec<StoredTyped<'a>>,
}

#[derive(PartialEq, Serialize, Deserialize)]
struct StoredTyped<'a> {
    at: Span,
    correct: bool,
    sealed: &'a [u8],
}

impl<'a> Later<'a> {
    pub(super) fn of(verification: &'a Verification) -> Self {
        let base = verification.created_at;
        let Some(codes) = verification.codes.as_deref() else {
            return Self { test: verification.test, ..Self::default() };
        };
        let typed = codes.typed.iter().map(|typed| StoredTyped {
            at: since(base, typed.at),
            correct: typed.correct,
            sealed: &typed.sealed,
        });
        let rules = &codes.rules;
        Self {
            test: verification.test,
            checks_each: rules.checks_each,
            life: rules.life.map(|life| life.as_nanos()),
            keeps_typed: rules.keeps_typed,
            newest_used: codes.newest_used,
            typed: typed.collect(),
        }
    }

    /// Whether nothing of it is needed.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Completes what stands before it.
    pub(super) fn complete(self, verification: &mut Verification) -> Result<(), Unreadable> {
        let base: Timestamp = verification.created_at;
        verification.test = self.test;
        let Some(codes) = verification.codes.as_deref_mut() else { return Ok(()) };
        codes.rules = CodeRules {
            checks_each: self.checks_each,
            life: self.life.map(span).transpose()?,
            keeps_typed: self.keeps_typed,
        };
        codes.newest_used = self.newest_used;
        let typed = self.typed.into_iter().map(|typed| {
            let at = after(base, typed.at)?;
            Ok(Typed { at, correct: typed.correct, sealed: typed.sealed.into() })
        });
        codes.typed = typed.collect::<Result<_, Unreadable>>()?;
        Ok(())
    }
}
