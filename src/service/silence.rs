//! Silence: button calls that bring no notification are noticed by the clock, without
//! anybody having to start another one in vain, and it is said when they are heard of again.

use std::sync::atomic::{AtomicBool, Ordering};

use jiff::SignedDuration;

use crate::domain::{Mode, Name};
use crate::store::{Silence, StoreError};
use crate::telemetry;
use crate::telemetry::metrics::accounts_degraded;

use super::{AccountIndex, Service};

/// How often it is looked at: a small part of the shortest `result_window`.
const LOOK_EVERY: SignedDuration = SignedDuration::from_secs(5);

/// Which accounts' button calls bring nothing, as last seen here.
pub(super) struct Silent(Box<[AtomicBool]>);

impl Silent {
    pub(super) fn new(accounts: usize) -> Self {
        Self((0..accounts).map(|_| AtomicBool::new(false)).collect())
    }
}

impl Service {
    /// The accounts whose button calls bring no notifications, as seen a few seconds ago.
    #[must_use]
    pub fn degraded_accounts(&self) -> Vec<Name> {
        let all = self.accounts.iter().zip(&self.silent.0);
        let degraded = all.filter(|(_, silent)| silent.load(Ordering::Relaxed));
        degraded.map(|(account, _)| account.name.clone()).collect()
    }

    /// Looks every few seconds whether an account's button calls are heard of. It ends at
    /// once if no rule counts their silence.
    pub async fn keep_listening(&self, account: AccountIndex) {
        let index = usize::from(account.0);
        let Some(found) = self.accounts.get(index) else { return };
        if self.guard.calling(&found.name).is_none() {
            return;
        }
        loop {
            if let Err(error) = self.listen(index).await {
                tracing::warn!(
                    account.name = %found.name, error = %error,
                    "the store did not tell whether button calls are heard of",
                );
            }
            self.clock.sleep(LOOK_EVERY.unsigned_abs()).await;
        }
    }

    async fn listen(&self, index: usize) -> Result<(), StoreError> {
        let name = &self.accounts[index].name;
        let Some(calling) = self.guard.calling(name) else { return Ok(()) };
        let silence = self.store.notice_silence(calling, self.clock.now()).await?;
        let is_silent = silence != Silence::Heard;
        let was_silent = self.silent.0[index].swap(is_silent, Ordering::Relaxed);
        if silence == Silence::Noticed {
            telemetry::alarm("degraded", words(name, calling.mode));
        }
        if was_silent && !is_silent {
            tracing::info!(
                account.name = %name,
                "button calls of account {name} are heard of again; starts by call_button go on",
            );
        }
        let silent = self.degraded_accounts().len();
        accounts_degraded(u32::try_from(silent).unwrap_or(u32::MAX));
        Ok(())
    }
}

fn words(account: &Name, mode: Mode) -> String {
    let follows = match mode {
        Mode::Enforce => "starts by call_button are refused, but for one a minute",
        Mode::Shadow | Mode::Off => "the rule degraded would refuse starts by call_button",
    };
    format!(
        "five button calls in a row of account {account} brought no notification: {follows}; \
         check the notification URL and its toggles at the provider"
    )
}
