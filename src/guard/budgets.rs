//! The days' budgets of apps: what each may spend, and under which key it is counted.
//!
//! Those of prefixes are not here: the keys of their rows are hashes, which name no prefix.

use jiff::{SignedDuration, Timestamp};

use super::money::{DAY, budget_subject};
use super::{Guard, Scope};
use crate::domain::{Mode, Money, Name, Rule};
use crate::store::GuardKey;

/// What an app may spend in a day of UTC.
#[derive(Clone, Debug)]
pub struct AppBudget {
    /// Under what its spending of the day is counted.
    pub key: GuardKey,
    /// Whose spending.
    pub app: Name,
    /// Whether the rule is the app's own, not all apps'.
    pub is_own: bool,
    /// How strictly it holds.
    pub mode: Mode,
    /// How much.
    pub most: Money,
}

impl AppBudget {
    /// Over how long its key counts: what was counted within the day.
    pub const PER: SignedDuration = DAY;
}

impl Guard {
    /// What holds for each of these apps on the day of `now`.
    #[must_use]
    pub fn app_budgets(&self, apps: &[Name], now: Timestamp) -> Vec<AppBudget> {
        let of = |app: &Name| {
            let set = self.rules_of(app).filter_map(|(scope, rules)| {
                let (mode, most) = rules.money.app_budget.set()?;
                let subject = budget_subject(app.as_str(), most.currency(), now);
                Some(AppBudget {
                    key: self.keys.of(Rule::AppBudget, scope, &subject),
                    app: app.clone(),
                    is_own: scope != Scope::All,
                    mode,
                    most,
                })
            });
            set.collect::<Vec<_>>()
        };
        apps.iter().flat_map(of).collect()
    }
}
