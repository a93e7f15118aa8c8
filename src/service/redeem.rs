//! Redeem: an app uses a verified verification up before it acts on it.

use crate::domain::{Name, Recipient, RedeemRefusal, Verification, VerificationId};
use crate::store::{Change, Committed, StoreError};

use super::{ResolveError, Service, ShowRefusal};

/// Why a verification is not redeemed.
#[derive(Debug, thiserror::Error)]
pub enum RedeemError {
    /// There is none with this id, or it is another app's; or the store does not answer.
    #[error(transparent)]
    Show(#[from] ShowRefusal),
    /// It cannot be redeemed.
    #[error(transparent)]
    Refused(#[from] RedeemRefusal),
    /// Others changed it at every try.
    #[error(transparent)]
    Contended(ResolveError),
}

impl From<StoreError> for RedeemError {
    fn from(error: StoreError) -> Self {
        Self::Show(error.into())
    }
}

impl Service {
    /// Redeems a verification: of any number of equal requests exactly one succeeds.
    ///
    /// # Errors
    /// See [`RedeemError`].
    pub async fn redeem(
        &self,
        app: &Name,
        id: VerificationId,
        to: &Recipient,
        reference: Option<&str>,
    ) -> Result<Verification, RedeemError> {
        self.require_store()?;
        loop {
            let verification = self.show(app, id).await?;
            let (next, entry) =
                verification.redeem(to, reference, self.clock.now(), self.timing())?;
            let entries = [entry];
            let deliveries = self.outbound.deliveries(&next, &entries);
            let tells = !deliveries.is_empty();
            let change =
                Change::new(&next, self.timing(), &entries, None).with_deliveries(deliveries);
            // Each conflict is another change that got in, of which a final verification sees few.
            if let Committed::Stored { packed } = self.noting(self.store.change(change).await)? {
                self.live.put(id, next.version, next.live_until(self.timing()), &packed);
                self.live.wake(&next);
                if tells {
                    self.outbound.wake();
                }
                return Ok(next);
            }
        }
    }
}
