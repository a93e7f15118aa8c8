//! Wait: the newest version once it is final, or when the caller's time ends.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;

use crate::domain::{Status, Verification, VerificationId};
use crate::live::Subscription;

use super::{Service, ShowRefusal};

impl Service {
    /// Waits until a verification is final, at most for `longest`; then, or
    /// when the service closes, answers with what is known. Access is checked
    /// by the caller, by `show`, before it waits.
    ///
    /// # Errors
    /// When there is no such verification or the store does not answer.
    pub async fn wait(
        &self,
        id: VerificationId,
        longest: Duration,
    ) -> Result<Arc<Verification>, ShowRefusal> {
        let longest = SignedDuration::try_from(longest).unwrap_or(SignedDuration::ZERO);
        let deadline = self.clock.now() + longest;
        // Subscribe first, then read, then wait, so that no change slips between.
        let mut subscription = self.live.subscribe(id);
        {
            // Gone before the wait: ten thousand may wait at once.
            let verification = self.show_any(id).await?;
            if verification.status() != Status::Pending {
                return Ok(Arc::new(verification));
            }
        }
        let ended = async {
            loop {
                let newest = subscription.changed().await;
                if newest.status() != Status::Pending {
                    return newest;
                }
            }
        };
        tokio::select! {
            newest = ended => return Ok(newest),
            () = self.clock.sleep_until(deadline) => {}
            () = self.closing.cancelled() => {}
        }
        self.show_any(id).await.map(Arc::new)
    }

    /// Listens for changes of a verification, for event streams.
    #[must_use]
    pub fn subscribe(&self, id: VerificationId) -> Subscription<'_> {
        self.live.subscribe(id)
    }
}
