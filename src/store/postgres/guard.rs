//! The guard's rows.

use std::sync::Arc;

use jiff::Timestamp;

use super::Postgres;
use crate::domain::{Refusal, Rule};
use crate::store::{Admission, Bar, Barring, GuardKey, RuleTotal, StoreError};

/// Rules that need rows are refused, not passed over.
#[derive(Debug, thiserror::Error)]
#[error("the guard's rows are not kept in PostgreSQL yet")]
struct NotYet;

pub(super) fn not_yet() -> StoreError {
    StoreError::Unavailable { source: Arc::new(NotYet) }
}

/// What needs the guard's rows is refused.
pub(super) fn refuse(admission: &Admission) -> Result<(), StoreError> {
    let needs = !admission.bars.is_empty() || !admission.counts.is_empty();
    if needs || admission.calling.is_some() { Err(not_yet()) } else { Ok(()) }
}

impl Postgres {
    pub(in crate::store) async fn put_bar(&self, _: Bar) -> Result<(), StoreError> {
        Err(not_yet())
    }

    pub(in crate::store) async fn lift_bar(
        &self,
        _: GuardKey,
        _: Timestamp,
    ) -> Result<bool, StoreError> {
        Err(not_yet())
    }

    pub(in crate::store) async fn find_bar(&self, _: GuardKey) -> Result<Option<Bar>, StoreError> {
        Err(not_yet())
    }

    pub(in crate::store) async fn bars(
        &self,
        _: Rule,
        _: Option<GuardKey>,
        _: u16,
        _: Timestamp,
    ) -> Result<Vec<Bar>, StoreError> {
        Err(not_yet())
    }

    pub(in crate::store) async fn standing(
        &self,
        bars: Vec<Barring>,
        _: Timestamp,
    ) -> Result<Option<Refusal>, StoreError> {
        if bars.is_empty() { Ok(None) } else { Err(not_yet()) }
    }

    pub(in crate::store) async fn note_refusals(
        &self,
        refusals: Vec<Refusal>,
    ) -> Result<(), StoreError> {
        if refusals.is_empty() { Ok(()) } else { Err(not_yet()) }
    }

    pub(in crate::store) async fn rule_totals(&self) -> Result<Vec<RuleTotal>, StoreError> {
        Err(not_yet())
    }
}
