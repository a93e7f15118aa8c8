//! Watches what is set at the provider: without its notifications no call has a result,
//! and with somebody else's address there results go astray.

use crate::provider::NotificationSettings;
use crate::service::AccountIndex;
use crate::telemetry;

use super::Intake;
use super::policy::Policy;

impl Intake {
    /// Asks the provider where it sends notifications and which, and raises an alarm if
    /// results do not come here; whether it did.
    pub async fn watch_settings(&self, account: AccountIndex) -> bool {
        let index = usize::from(account.0);
        let found = self.policies.get(index).zip(self.service.accounts().get(index));
        let Some((policy, account)) = found else { return false };
        match account.provider.notification_settings().await {
            Ok(settings) => {
                let wrong = wrong_with(&settings, policy);
                wrong.map(|wrong| telemetry::alarm("notification_settings", wrong)).is_some()
            }
            Err(error) => {
                tracing::warn!(
                    account.name = %policy.account, error = %error,
                    "the provider did not tell where it sends notifications",
                );
                false
            }
        }
    }
}

/// What is wrong with the provider's settings. The address is not repeated, since a
/// token is in it.
fn wrong_with(settings: &NotificationSettings, policy: &Policy) -> Option<String> {
    let account = &policy.account;
    let url = settings.url.as_deref().unwrap_or_default();
    let token = url.rsplit('/').next().unwrap_or_default();
    if url.is_empty() {
        return Some(format!(
            "the account {account} sends no notifications: no address is set at the provider; no call will have a result"
        ));
    }
    if !policy.takes_token(token) {
        return Some(format!(
            "the account {account} sends its notifications to another address: it does not end in accounts.{account}.notification_token; set the address at the provider again, and change the provider's password if nobody of you did this"
        ));
    }
    if !settings.off.is_empty() {
        let off = settings.off.join(", ");
        return Some(format!(
            "the account {account} does not tell how calls end: {off} is off at the provider; switch it on"
        ));
    }
    None
}
