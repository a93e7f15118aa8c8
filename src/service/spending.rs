//! What apps have spent on this day, as the guard counts it.
//!
//! An estimate: each attempt counts with the price that was known before it, a call as one
//! minute, and nothing is given back. It is counted only where a budget holds.

use crate::domain::{Mode, Money, Name};
use crate::guard::AppBudget;
use crate::store::StoreError;

use super::Service;

/// What an app has spent on this day of UTC, and what it may.
#[derive(Clone, Debug)]
pub struct SpentToday {
    /// The app.
    pub app: Name,
    /// Whether the budget is the app's own, not all apps'.
    pub is_own: bool,
    /// How strictly the budget holds.
    pub mode: Mode,
    /// What is spent, in the currency of the budget.
    pub spent: Money,
    /// What may be spent.
    pub budget: Money,
}

impl Service {
    /// What each app with a budget has spent on this day, those that spent most first.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn spent_today(&self) -> Result<Vec<SpentToday>, StoreError> {
        let now = self.clock.now();
        let apps = self.store.app_names().await?;
        let budgets = self.guard.app_budgets(&apps, now);
        let keys = budgets.iter().map(|budget| budget.key).collect();
        let counted = self.store.in_windows(keys, AppBudget::PER, now).await?;
        let spent = budgets.into_iter().zip(counted).map(|(budget, micros)| SpentToday {
            app: budget.app,
            is_own: budget.is_own,
            mode: budget.mode,
            spent: Money::of(i64::try_from(micros).unwrap_or(i64::MAX), budget.most.currency()),
            budget: budget.most,
        });
        let mut spent: Vec<SpentToday> = spent.collect();
        spent.sort_by_key(|one| std::cmp::Reverse(one.spent.micros()));
        Ok(spent)
    }
}
