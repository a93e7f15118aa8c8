//! The steps of a plan and what became of them, as answers show them.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{Attempt, Channel, Dispatch, Evidence, Step, Verification};

use super::words;

/// What is always true of the evidence, and must not be overlooked.
const NEVER_SIGNED: &str = "the pressed key itself is never signed";

/// One step of the plan.
#[derive(Serialize, ToSchema)]
#[schema(as = Step)]
pub struct StepView {
    /// How it reaches the person.
    #[schema(schema_with = words::channel)]
    channel: &'static str,
    /// Seconds until the next step begins; null is the configuration's.
    wait: Option<i64>,
    /// Whether it is passed over: an SMS to a landline reaches nobody.
    skipped: bool,
}

/// One call or message.
#[derive(Serialize, ToSchema)]
#[schema(as = Attempt)]
pub struct AttemptView {
    /// Counts from 1.
    number: u8,
    /// How the person is reached.
    #[schema(schema_with = words::channel)]
    channel: &'static str,
    /// The step of the plan that it carries out, counted from 1.
    step: u8,
    /// What became of asking the provider; `unknown` may have been placed.
    #[schema(schema_with = words::dispatch)]
    dispatch: &'static str,
    /// How the call ended.
    #[schema(schema_with = words::result)]
    result: Option<&'static str>,
    /// The keys that were reported; empty when none was pressed, null before a report.
    pressed: Option<String>,
    /// What was checked of the notification that reported the key.
    evidence: Option<EvidenceView>,
}

/// What was checked of a notification.
#[derive(Serialize, ToSchema)]
#[schema(as = Evidence)]
pub struct EvidenceView {
    /// How far it can be trusted.
    #[schema(schema_with = words::level)]
    level: &'static str,
    /// The checks that held.
    #[schema(schema_with = checks)]
    checks: Vec<&'static str>,
    /// What no check covers.
    note: &'static str,
}

fn checks() -> utoipa::openapi::schema::Array {
    utoipa::openapi::schema::ArrayBuilder::new().items(words::check()).build()
}

impl AttemptView {
    pub(super) fn new(verification: &Verification, attempt: &Attempt) -> Self {
        let step = verification.step_of(attempt);
        let report = attempt.key_report.as_ref();
        let result = report.map(|report| report.result).or(attempt.call_end.map(|end| end.result));
        Self {
            number: attempt.index.saturating_add(1),
            channel: step.map_or(Channel::CallButton, Step::channel).as_str(),
            step: attempt.step.saturating_add(1),
            dispatch: match attempt.dispatch {
                Dispatch::Intended => "intended",
                Dispatch::Accepted => "accepted",
                Dispatch::Refused { .. } => "refused",
                Dispatch::Unknown => "unknown",
            },
            result: result.map(|result| result.as_str()),
            pressed: report.map(|report| report.pressed.to_string()),
            evidence: report.map(|report| EvidenceView::new(report.evidence)),
        }
    }
}

impl EvidenceView {
    /// What was checked, in words.
    #[must_use]
    pub fn new(evidence: Evidence) -> Self {
        Self {
            level: evidence.level().as_str(),
            checks: evidence.checks().map(|check| check.as_str()).collect(),
            note: NEVER_SIGNED,
        }
    }
}

impl StepView {
    pub(super) fn new(step: &Step) -> Self {
        Self {
            channel: step.channel().as_str(),
            wait: step.wait.map(|wait| wait.as_secs()),
            skipped: step.skipped,
        }
    }
}
