//! Show: one verification, its timeline.

use crate::domain::{Entry, Name, Verification, VerificationId};
use crate::store::StoreError;

use super::Service;

/// Why a verification is not shown.
#[derive(Debug, thiserror::Error)]
pub enum ShowRefusal {
    /// There is none with this id, or it is another app's.
    #[error("there is no such verification")]
    NotFound,
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Service {
    /// The newest version of an app's verification.
    ///
    /// # Errors
    /// When there is none, or it is another app's.
    pub async fn show(&self, app: &Name, id: VerificationId) -> Result<Verification, ShowRefusal> {
        self.show_any(id).await.and_then(|verification| of_app(verification, app))
    }

    /// The newest version for the bearer of its wait token, or for an operator.
    ///
    /// # Errors
    /// When there is none.
    pub async fn show_any(&self, id: VerificationId) -> Result<Verification, ShowRefusal> {
        self.newest(id).await?.ok_or(ShowRefusal::NotFound)
    }

    /// The timeline entries after number `after`, oldest first.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn timeline(&self, id: VerificationId, after: u32) -> Result<Vec<Entry>, StoreError> {
        self.store.timeline(id, after).await
    }
}

pub(super) fn of_app(verification: Verification, app: &Name) -> Result<Verification, ShowRefusal> {
    if verification.app == *app { Ok(verification) } else { Err(ShowRefusal::NotFound) }
}
