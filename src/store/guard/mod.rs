//! What the guard keeps: windows that count, and bars that stand in the way.
//!
//! Whoever starts says what to look at; the adapter reads those rows, [`Admission::decide`]
//! says what follows, and the adapter writes that, all within the transaction of the start.
//! So the limits are exact over all replicas, and no adapter knows what a limit is. Keys
//! are keyed hashes: no row says whose it is, but for the text that operators are shown.

mod attempts;
mod calls;
mod decide;
mod in_windows;
mod learned;
mod window;

use jiff::Timestamp;

use super::{Store, StoreError, adapter};
use crate::domain::{Limit, Mode, Name, Refusal, Rule};

pub(super) use attempts::Attempts;
pub use attempts::{CameTo, Converting};
pub(super) use calls::Unheard;
pub use calls::{Calling, Silence};
pub(super) use in_windows::held;
pub use learned::Learned;

pub(super) use decide::{Decision, Found, Written};

/// Under what a row is kept: a keyed hash.
pub type GuardKey = [u8; 16];

/// What a start, or a later step, must pass within its transaction.
#[derive(Clone, Debug, Default)]
pub struct Admission {
    /// Bars that may stand in the way.
    pub bars: Vec<Barring>,
    /// What it adds to, and how much there may be.
    pub counts: Vec<Count>,
    /// The account's button calls, if it is one.
    pub calling: Option<Calling>,
    /// What is judged by how many of its prefix are proved.
    pub converting: Vec<Converting>,
    /// Keys under any of which a bar exempts it from that.
    pub exemptions: Vec<GuardKey>,
    /// What needs no row and would have refused it, to be counted with the rest.
    pub noted: Vec<Refusal>,
}

/// A bar that may stand in the way.
#[derive(Clone, Copy, Debug)]
pub struct Barring {
    /// Its key.
    pub key: GuardKey,
    /// The rule that it stands for.
    pub rule: Rule,
    /// How strictly.
    pub mode: Mode,
}

/// What is added to windows under one key.
#[derive(Clone, Debug)]
pub struct Count {
    /// The key.
    pub key: GuardKey,
    /// The rule whose limits these are.
    pub rule: Rule,
    /// How strictly they hold.
    pub mode: Mode,
    /// How much: 1 for a start, millionths of a currency for money.
    pub amount: u64,
    /// The limits, each with another span.
    pub limits: Vec<Limit>,
}

/// A bar: until it is lifted or its time is over, it stands in the way of what asks for its key.
/// One of [`Rule::Conversion`] that has no end is an exemption from that rule instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bar {
    /// Its key.
    pub key: GuardKey,
    /// The rule that it stands for.
    pub rule: Rule,
    /// The app that it is for; every app's if none.
    pub app: Option<Name>,
    /// What it bars, as operators are shown it. Numbers are masked.
    pub subject: Box<str>,
    /// Why, in somebody's words.
    pub reason: Option<Box<str>>,
    /// Since when.
    pub created_at: Timestamp,
    /// Until when; `None` is until it is lifted.
    pub until: Option<Timestamp>,
}

/// What a rule refused, or would have, since counting began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleTotal {
    /// The rule.
    pub rule: Rule,
    /// `Enforce` for what was refused, `Shadow` for what would have been.
    pub mode: Mode,
    /// How often.
    pub total: u64,
}

impl Store {
    /// Puts up a bar. One that stands already under its key then stands as long as the
    /// longer of the two.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn put_bar(&self, bar: Bar) -> Result<(), StoreError> {
        adapter!(self.put_bar(bar))
    }

    /// Takes a bar down; whether it stood at `now`.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn lift_bar(&self, key: GuardKey, now: Timestamp) -> Result<bool, StoreError> {
        adapter!(self.lift_bar(key, now))
    }

    /// A bar, whether it stands or its time is over.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn find_bar(&self, key: GuardKey) -> Result<Option<Bar>, StoreError> {
        adapter!(self.find_bar(key))
    }

    /// The bars of a rule that stand at `now`, at most `limit`, in the order of their keys
    /// behind `after`.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn bars(
        &self,
        rule: Rule,
        after: Option<GuardKey>,
        limit: u16,
        now: Timestamp,
    ) -> Result<Vec<Bar>, StoreError> {
        adapter!(self.bars(rule, after, limit, now))
    }

    /// What stands in the way at `now`, of all that may; nothing is counted.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn standing(
        &self,
        bars: Vec<Barring>,
        now: Timestamp,
    ) -> Result<Option<Refusal>, StoreError> {
        adapter!(self.standing(bars, now))
    }

    /// Whether the button calls of an account are heard of at `now`. That they are not is
    /// news to one caller only, over all replicas, until they are heard of again.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn notice_silence(
        &self,
        calling: Calling,
        now: Timestamp,
    ) -> Result<Silence, StoreError> {
        adapter!(self.notice_silence(calling, now))
    }

    /// Counts what rules refused that need no row.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn note_refusals(&self, refusals: Vec<Refusal>) -> Result<(), StoreError> {
        adapter!(self.note_refusals(refusals))
    }

    /// What each rule refused, or would have, since counting began.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn rule_totals(&self) -> Result<Vec<RuleTotal>, StoreError> {
        adapter!(self.rule_totals())
    }
}
