//! What the guard refused, or would have, as a metric.

use metrics::counter;

use super::metrics::{GUARD_REFUSALS_TOTAL, install};
use crate::domain::{Mode, Refusal, Rule};

/// Counts by rule and mode. Every one is there from the beginning, so that a first refusal
/// is seen as a rise.
pub struct Refusals(());

impl Default for Refusals {
    fn default() -> Self {
        install();
        for rule in Rule::ALL {
            for mode in [Mode::Shadow, Mode::Enforce] {
                Self::counter(rule, mode).absolute(0);
            }
        }
        Self(())
    }
}

impl Refusals {
    /// Counts one.
    pub fn increment(&self, refusal: &Refusal) {
        Self::counter(refusal.rule, refusal.mode).increment(1);
    }

    fn counter(rule: Rule, mode: Mode) -> metrics::Counter {
        counter!(GUARD_REFUSALS_TOTAL, "rule" => rule.as_str(), "mode" => mode.as_str())
    }
}
