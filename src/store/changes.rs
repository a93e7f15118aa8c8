//! What other processes over the same store changed.

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::{Adapter, Store};
use crate::domain::VerificationId;

/// Something was changed, by this process or by another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    /// These verifications have these versions, or newer ones by now. It may be told twice.
    These(Vec<(VerificationId, u32)>),
    /// Something may have been missed: what is kept in memory has to be asked for.
    Missed,
}

/// What is changed from now on.
pub struct Changes(Option<broadcast::Receiver<Changed>>);

impl Changes {
    /// The next change. Waits for ever where no other process can change anything.
    pub async fn next(&mut self) -> Changed {
        let Some(changes) = &mut self.0 else { return std::future::pending().await };
        match changes.recv().await {
            Ok(changed) => changed,
            Err(RecvError::Lagged(_)) => Changed::Missed,
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

impl Store {
    /// What is changed from now on: within milliseconds, or, when a connection broke, a second.
    #[must_use]
    pub fn changes(&self) -> Changes {
        match &*self.adapter {
            Adapter::Sqlite(_) => Changes(None),
            Adapter::Postgres(store) => Changes(Some(store.changes())),
        }
    }
}
