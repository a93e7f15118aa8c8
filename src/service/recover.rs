//! Recover: what a start of the process finds in the store.

use std::sync::{Arc, mpsc};

use crate::domain::{Attempt, Claim, Dispatch, Event, Verification, VerificationId, WrittenForm};
use crate::store::{StoreError, record};

use super::{Judgement, ResolveError, Service};

impl Service {
    /// Holds every verification that is in flight, so that notifications find
    /// it. A call whose intent is stored but whose answer is not may have been
    /// placed: it counts as unknown and is never asked for again.
    ///
    /// With several replicas there is nothing to recover: the store is asked for each
    /// notification, and whose call was interrupted is known when its lease is over.
    pub(super) async fn recover(self: &Arc<Self>) -> Result<(), StoreError> {
        if self.store.is_shared() {
            return Ok(());
        }
        let now = self.clock.now();
        let (report, found) = mpsc::channel();
        let service = Arc::clone(self);
        let visit = move |verification: Verification, claims: Vec<Claim>| {
            for interrupted in service.hold_again(&verification, &claims) {
                let _ = report.send(interrupted);
            }
        };
        self.store.in_flight(now, visit).await?;
        let interrupted: Vec<(VerificationId, u8)> = found.into_iter().collect();
        for (id, attempt) in &interrupted {
            let event = Event::Unknown { attempt: *attempt };
            let judge = move |_: &_| Judgement { event: Some(event.clone()), at: now, row: None };
            match self.resolve(*id, judge).await {
                Ok(_)
                | Err(ResolveError::NotFound | ResolveError::Contended | ResolveError::Resting) => {
                }
                Err(ResolveError::Store(error)) => return Err(error),
            }
        }
        let held = self.live.len();
        if held > 0 {
            tracing::info!(
                verifications = held,
                unknown = interrupted.len(),
                "went on with {held} verifications in flight, {} of them with a call that may have been placed",
                interrupted.len(),
            );
        }
        Ok(())
    }

    /// Holds one verification; its id with each attempt whose dispatch was interrupted.
    pub(super) fn hold_again(
        &self,
        verification: &Verification,
        claims: &[Claim],
    ) -> Vec<(VerificationId, u8)> {
        let packed = record::pack(verification);
        match claims.first() {
            // The claims are the forms: nothing has to be computed for a million calls.
            Some(claim) => self.hold_by_claims(verification, claim, claims, &packed),
            None => self.hold_unclaimed(verification, &packed),
        }
        let intended = |attempt: &&Attempt| attempt.dispatch == Dispatch::Intended;
        let interrupted = verification.attempts.iter().filter(intended);
        interrupted.map(|attempt| (verification.id, attempt.index)).collect()
    }

    fn hold_by_claims(
        &self,
        verification: &Verification,
        first: &Claim,
        claims: &[Claim],
        packed: &[u8],
    ) {
        let Some((account, _)) = self.account_named(&first.account) else {
            tracing::warn!(
                verification.id = %verification.id,
                "its account is not in the configuration any more; its notifications will not be found",
            );
            return;
        };
        let claimed: Vec<_> = claims.iter().map(|claim| claim.form).collect();
        let forms = WrittenForm::finding(&claimed);
        let until = verification.live_until(self.timing());
        self.live.hold(verification.id, verification.version, until, account, &forms, packed);
    }
}
