//! Recover: what a start of the process finds in the store.

use crate::domain::{Dispatch, Event, Status};
use crate::store::{StoreError, record};

use super::{AccountIndex, Judgement, ResolveError, Service};

impl Service {
    /// Holds every verification that is in flight, so that notifications find
    /// it. A call whose intent is stored but whose answer is not may have been
    /// placed: it counts as unknown and is never asked for again.
    pub(super) async fn recover(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let mut interrupted = Vec::new();
        let mut held = 0_usize;
        for (verification, claims) in self.store.in_flight().await? {
            let until = verification.live_until(self.timing());
            if until < now && verification.status() != Status::Pending {
                continue;
            }
            let account = claims.first().and_then(|claim| {
                let index = self.accounts.iter().position(|account| account.name == claim.account)?;
                u16::try_from(index).ok()
            });
            let Some(account) = account else {
                tracing::warn!(verification.id = %verification.id, "its account is not in the configuration any more; its notifications will not be found");
                continue;
            };
            let forms: Vec<_> = claims.iter().map(|claim| claim.form).collect();
            let packed = record::pack(&verification);
            self.live.hold(verification.id, verification.version, until, AccountIndex(account), &forms, &packed);
            held += 1;
            let last = verification.attempts.last();
            if let Some(attempt) = last.filter(|attempt| attempt.dispatch == Dispatch::Intended) {
                interrupted.push((verification.id, attempt.index));
            }
        }
        for (id, attempt) in &interrupted {
            let event = Event::Unknown { attempt: *attempt };
            let judge = move |_: &_| Judgement { event: Some(event.clone()), at: now, row: None };
            match self.resolve(*id, judge).await {
                Ok(_) | Err(ResolveError::NotFound | ResolveError::Contended) => {}
                Err(ResolveError::Store(error)) => return Err(error),
            }
        }
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
}
