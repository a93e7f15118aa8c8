//! Forward: a notification that was taken is passed on to whoever else wants it.

use std::sync::Arc;

use crate::domain::Name;

use super::{Forwarded, Service};

impl Service {
    /// Whether an account's notifications are passed on.
    #[must_use]
    pub fn forwards(&self, account: &Name) -> bool {
        self.outbound.forwards(account)
    }

    /// Passes a notification on, beside everything else; a stop ends that.
    pub fn forward(&self, account: Name, forwarded: Forwarded) {
        let (outbound, closing) = (Arc::clone(&self.outbound), self.closing());
        self.spawn(async move {
            tokio::select! {
                () = outbound.forward(&account, forwarded) => {}
                () = closing.cancelled() => {}
            }
        });
    }
}
