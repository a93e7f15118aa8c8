//! Credit: whether a refusal by the provider may be for want of money. Its texts tell
//! nothing reliably, its balance does.

use crate::domain::Verification;

use super::Service;

impl Service {
    /// Whether the account of the last step has no money left; false if that is not known.
    pub async fn is_out_of_credit(&self, verification: &Verification) -> bool {
        let step = verification.current_step();
        let Some((_, account)) = step.and_then(|step| self.account_named(&step.account)) else {
            return false;
        };
        match account.provider.balance().await {
            Ok(balance) => balance.amount.parse::<f64>().is_ok_and(|amount| amount <= 0.0),
            Err(error) => {
                tracing::warn!(account.name = %account.name, error = %error, "the provider did not tell its balance");
                false
            }
        }
    }
}
