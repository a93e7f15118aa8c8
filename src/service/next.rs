//! Next: the app goes to the next step of the plan now, or has the last code sent again.

use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::{Name, NoNext, Status, Verification, VerificationId};

use super::start::ANSWER_WITHIN;
use super::walk::{Walked, Wish};
use super::{Guarded, ResolveError, Service, ShowRefusal};

/// Why the next step does not begin.
#[derive(Debug, thiserror::Error)]
pub enum NextRefusal {
    /// There is none with this id, or it is another app's; or the store does not answer.
    #[error(transparent)]
    Show(#[from] ShowRefusal),
    /// It has ended.
    #[error("the verification has already ended: {}", .0.as_str())]
    AlreadyEnded(Status),
    /// There is nothing to begin.
    #[error(transparent)]
    NoStep(NoNext),
    /// A code was just sent, or a phone still rings.
    #[error("the next step may not begin yet")]
    TooSoon {
        /// When it may.
        until: Timestamp,
    },
    /// The provider's limit leaves no room.
    #[error("the provider's limit of requests leaves no room now")]
    NoRoom {
        /// When to ask again.
        until: Timestamp,
    },
    /// A rule of the guard refuses it.
    #[error(transparent)]
    Guarded(Guarded),
    /// Another call with this number is in flight.
    #[error("a call to this number is still in flight")]
    NumberBusy {
        /// When it surely is over.
        until: Timestamp,
    },
    /// Others changed it at every try.
    #[error(transparent)]
    Resolve(ResolveError),
}

impl Service {
    /// Begins the next step of a pending verification, and waits up to a second
    /// for the provider's answer. Behind the last step its code is sent again.
    ///
    /// # Errors
    /// See [`NextRefusal`]. Nothing was begun then.
    pub async fn next(
        self: &Arc<Self>,
        app: &Name,
        id: VerificationId,
    ) -> Result<Verification, NextRefusal> {
        self.require_store().map_err(ShowRefusal::Store)?;
        self.show(app, id).await?;
        let until = self.clock.now() + ANSWER_WITHIN;
        match self.walk(id, Wish::Asked).await.map_err(NextRefusal::Resolve)? {
            Walked::Begun(sent) => {
                self.wait_for_answer(id, sent, until).await;
                Ok(self.show(app, id).await?)
            }
            Walked::NoStep(NoNext::Ended) => {
                let verification = self.show(app, id).await?;
                Err(match verification.status() {
                    // Its time is over, and the worker will say so.
                    Status::Pending => NextRefusal::AlreadyEnded(Status::Expired),
                    status => NextRefusal::AlreadyEnded(status),
                })
            }
            Walked::NoStep(why) => Err(NextRefusal::NoStep(why)),
            Walked::TooSoon(until) => Err(NextRefusal::TooSoon { until }),
            Walked::NoRoom(until) => Err(NextRefusal::NoRoom { until }),
            Walked::Guarded(guarded) => Err(NextRefusal::Guarded(guarded)),
            Walked::NumberBusy(until) => Err(NextRefusal::NumberBusy { until }),
        }
    }
}
