//! Cancel: the app takes a verification back. The phone may go on ringing, and
//! its claims hold until the call is over.

use crate::domain::{Event, Name, Status, Verification, VerificationId};

use super::{Judgement, ResolveError, Service, ShowRefusal};

/// Why a verification is not canceled.
#[derive(Debug, thiserror::Error)]
pub enum CancelRefusal {
    /// There is none with this id, or it is another app's; or the store does not answer.
    #[error(transparent)]
    Show(#[from] ShowRefusal),
    /// It has ended in another way.
    #[error("the verification has already ended: {}", .0.as_str())]
    AlreadyEnded(Status),
    /// Others changed it at every try.
    #[error(transparent)]
    Resolve(ResolveError),
}

impl Service {
    /// Cancels a pending verification; canceling it again changes nothing.
    ///
    /// # Errors
    /// See [`CancelRefusal`].
    pub async fn cancel(
        &self,
        app: &Name,
        id: VerificationId,
    ) -> Result<Verification, CancelRefusal> {
        self.require_store().map_err(ShowRefusal::Store)?;
        self.show(app, id).await?;
        let at = self.clock.now();
        let judge = move |_: &_| Judgement { event: Some(Event::CancelAsked), at, row: None };
        self.resolve(id, judge).await.map_err(CancelRefusal::Resolve)?;
        let verification = self.show(app, id).await?;
        match verification.status() {
            Status::Canceled => Ok(verification),
            status @ (Status::Pending | Status::Verified | Status::Failed | Status::Expired) => {
                Err(CancelRefusal::AlreadyEnded(status))
            }
        }
    }
}
