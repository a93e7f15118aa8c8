//! Resolve: one event happens to one verification; stored, then made known.

use jiff::Timestamp;

use crate::domain::{
    Applied, Claim, Effect, Event, Status, Verification, VerificationId, WrittenForm,
};
use crate::store::{self, Change, Committed, NotificationRow, StoreError};
use crate::telemetry;
use crate::telemetry::metrics::Counters;

use super::{AccountIndex, Found, Service};

/// How often a change is tried again when another got in first.
pub(super) const MOST_TRIES: usize = 16;

/// What a caller makes of the newest version of a verification.
pub struct Judgement {
    /// What happens to it; `None` changes nothing.
    pub event: Option<Event>,
    /// When that happened: for a notification, when it was received.
    pub at: Timestamp,
    /// The notification to be journaled with it.
    pub row: Option<NotificationRow>,
}

/// What became of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolved {
    /// This new version is stored.
    Moved(Box<Verification>),
    /// Nothing changed.
    Unchanged,
}

/// Why an event could not be resolved.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// There is no such verification.
    #[error("there is no such verification")]
    NotFound,
    /// Others changed it at every try.
    #[error("the verification changed at each of {MOST_TRIES} tries")]
    Contended,
    /// It is overdue, and what was received before may still have to be applied to it.
    #[error("the verification is overdue, and rests until what was received before is applied")]
    Resting,
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Service {
    /// The verification that claims this form of a number at this account.
    ///
    /// With several replicas the store alone knows: asked after the notification came,
    /// it cannot name an earlier claim than the call's own. Then its version is taken into
    /// memory too, for who looks next.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn find_claim(
        &self,
        account: AccountIndex,
        form: WrittenForm,
    ) -> Result<Found, StoreError> {
        if !self.store.is_shared() {
            return Ok(self.live.find(account, form));
        }
        let name = self.accounts[usize::from(account.0)].name.clone();
        match self.store.claiming(&Claim { account: name, form }).await? {
            Some((verification, claims)) => {
                self.hold_again(&verification, &claims);
                Ok(Found::Exact(verification.id))
            }
            None => match self.live.find(account, form) {
                // Of a call that says a code, which claims nothing.
                Found::Exact(id) => Ok(Found::Exact(id)),
                Found::NearMiss(_) | Found::Nothing => Ok(Found::Nothing),
            },
        }
    }

    /// The newest version: from memory where this process is the only one that writes,
    /// otherwise from the store.
    pub(super) async fn newest(
        &self,
        id: VerificationId,
    ) -> Result<Option<Verification>, StoreError> {
        if self.store.is_shared() {
            return self.stored(id).await;
        }
        self.remembered(id).await
    }

    /// A version that may be a moment old, since another replica may have stored a newer one.
    async fn remembered(&self, id: VerificationId) -> Result<Option<Verification>, StoreError> {
        match self.live.newest(id) {
            Some(newest) => store::record::unpack(&newest.packed).map(Some).map_err(|source| {
                StoreError::Unreadable { table: "verifications", column: "record", source }
            }),
            None => self.store.find(id).await,
        }
    }

    /// The newest version from the store, made known in memory: who has met it must
    /// not read an older one there afterwards.
    pub(super) async fn stored(
        &self,
        id: VerificationId,
    ) -> Result<Option<Verification>, StoreError> {
        let stored = self.store.find(id).await?;
        if let Some(verification) = &stored {
            let until = verification.live_until(self.timing());
            let packed = store::record::pack(verification);
            self.live.put(id, verification.version, until, &packed);
        }
        Ok(stored)
    }

    /// Lets `judge` say what happens to the newest version, stores the outcome
    /// with its notification in one transaction, and wakes whoever waits. When
    /// another change got in first, `judge` is asked again.
    ///
    /// # Errors
    /// See [`ResolveError`]. Nothing is stored then.
    pub async fn resolve(
        &self,
        id: VerificationId,
        judge: impl FnMut(&Verification) -> Judgement + Send,
    ) -> Result<Resolved, ResolveError> {
        let newest = self.newest(id).await.map_err(ResolveError::Store);
        self.noting_resolved(self.resolve_unless_resting(id, newest, judge).await)
    }

    /// The same for what [`find_claim`](Self::find_claim) has just found, which took the
    /// newest version into memory.
    ///
    /// # Errors
    /// See [`ResolveError`]. Nothing is stored then.
    pub async fn resolve_found(
        &self,
        id: VerificationId,
        judge: impl FnMut(&Verification) -> Judgement + Send,
    ) -> Result<Resolved, ResolveError> {
        let newest = self.remembered(id).await.map_err(ResolveError::Store);
        self.noting_resolved(self.resolve_unless_resting(id, newest, judge).await)
    }

    /// Notes an absence of the store.
    fn noting_resolved(
        &self,
        resolved: Result<Resolved, ResolveError>,
    ) -> Result<Resolved, ResolveError> {
        match resolved {
            Err(ResolveError::Store(error)) => self.noting(Err(error)).map_err(ResolveError::Store),
            other => other,
        }
    }

    async fn resolve_unless_resting(
        &self,
        id: VerificationId,
        newest: Result<Option<Verification>, ResolveError>,
        mut judge: impl FnMut(&Verification) -> Judgement + Send,
    ) -> Result<Resolved, ResolveError> {
        let mut verification = newest?.ok_or(ResolveError::NotFound)?;
        for _ in 0..MOST_TRIES {
            let Judgement { event, at, row } = judge(&verification);
            if event.is_some() && self.must_rest(&verification, at).await? {
                return Err(ResolveError::Resting);
            }
            let applied = event.map(|event| verification.apply(event, at, self.timing()));
            let Some(Applied::Moved { next, effects, entries }) = applied else {
                if let Some(row) = row {
                    self.store.journal(row).await?;
                }
                return Ok(Resolved::Unchanged);
            };
            let deliveries = self.outbound.deliveries(&next, &entries);
            let tells = !deliveries.is_empty();
            let learned = self.learned(&next, &entries);
            let change = Change::new(&next, self.timing(), &entries, row)
                .with_deliveries(deliveries)
                .with_learned(learned);
            match self.store.change(change).await? {
                Committed::Conflict => {
                    verification = self.stored(id).await?.ok_or(ResolveError::NotFound)?;
                }
                Committed::Stored { packed } => {
                    self.live.put(id, next.version, next.live_until(self.timing()), &packed);
                    self.live.wake(&next);
                    if tells {
                        self.outbound.wake();
                    }
                    carry_out(&self.outcomes, &next, &effects);
                    return Ok(Resolved::Moved(next));
                }
            }
        }
        Err(ResolveError::Contended)
    }
}

/// What is done once a new version is stored. A dispatch is done by who has the place for it.
pub(super) fn carry_out(outcomes: &Counters, verification: &Verification, effects: &[Effect]) {
    for effect in effects {
        match effect {
            Effect::Conclude(outcome) => {
                outcomes.increment(outcome.as_str());
                tracing::debug!(
                    verification.id = %verification.id, app.name = %verification.app, outcome = outcome.as_str(),
                    to = ?verification.to, "verification ended: {}", outcome.as_str(),
                );
            }
            Effect::Dispatch { .. } => {}
            Effect::AlarmDisputed => {
                let was = verification.conclusion().map(|end| end.outcome.status());
                let was = was.unwrap_or(Status::Pending).as_str();
                telemetry::alarm(
                    "disputed",
                    format!(
                        "{}: a later report contradicts the one that decided ({was})",
                        verification.id
                    ),
                );
            }
            Effect::AlarmProviderRefused => telemetry::alarm(
                "provider_refused",
                format!(
                    "{}: money or a limit at the provider stopped a call; look at its balance",
                    verification.id
                ),
            ),
        }
    }
}
