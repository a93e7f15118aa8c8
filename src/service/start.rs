//! Start: check, reserve a place at the provider, store, call.

use std::sync::Arc;

use dashmap::DashSet;
use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinHandle;

use crate::domain::{Name, VerificationId};
use crate::provider::Slot;
use crate::store::{self, Admission};

use super::admission::Admitted;
use super::compose::claims_of;
use super::guarding::{advised, tell_blocked};
use super::refusal::StartRefusal;
use super::{Guarded, Idempotency, Service, StartRequest, Started, WantedBy};

/// The longest that a start waits for the provider's answer once it is stored.
pub const ANSWER_WITHIN: SignedDuration = SignedDuration::from_secs(1);

/// How long a start waits for what must be known of the provider.
const KNOWN_WITHIN: SignedDuration = SignedDuration::from_secs(3);

/// The idempotency keys of requests that are being worked on by this process.
#[derive(Default)]
pub(super) struct Starting(DashSet<(Name, Box<str>)>);

/// Takes the key out again, however the request ends.
struct Running<'a>(&'a Starting, (Name, Box<str>));

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.0.remove(&self.1);
    }
}

impl Service {
    /// Starts a verification: returns once it is durable and the provider has
    /// answered, or a second later.
    ///
    /// # Errors
    /// See [`StartRefusal`]; nothing is stored then and nobody is called.
    pub async fn start(self: &Arc<Self>, request: StartRequest) -> Result<Started, StartRefusal> {
        if self.closing.is_cancelled() {
            return Err(StartRefusal::Closing);
        }
        self.require_store()?;
        let _running = match &request.idempotency {
            None => None,
            Some(idempotency) => {
                let running = (request.app.clone(), idempotency.key.clone());
                if !self.starting.0.insert(running.clone()) {
                    return Err(StartRefusal::IdempotencyRunning);
                }
                let running = Running(&self.starting, running);
                if let Some(replayed) = self.replay(&request.app, idempotency).await? {
                    return Ok(replayed);
                }
                Some(running)
            }
        };
        let (request, admitted) = self.admit_and_ask(request).await?;
        let provider = &self.accounts[usize::from(admitted.account.0)].provider;
        let tested = self.tested(&request).is_some();
        let admission = self.guard_start(&request, &admitted).await?;
        let slot = if tested { None } else { Some(provider.reserve().await) };
        let slot = slot.transpose().map_err(StartRefusal::NoRoom)?;
        self.store_and_send(request, admitted, admission, slot).await
    }

    /// Admits a start once that is known of the provider which it needs.
    pub(super) async fn admit_once_known(
        &self,
        request: &StartRequest,
    ) -> Result<Admitted, StartRefusal> {
        let steps = self.wanted_steps(request)?;
        let calls = steps.iter().any(|step| matches!(step.by, WantedBy::Button { .. }));
        if calls && self.tested(request).is_none() {
            self.wait_for_provider(request).await?;
        }
        self.admit(request, steps)
    }

    /// After a start of the process the provider's clock and sounds are asked
    /// for first. Nobody is called whose result could not be believed.
    async fn wait_for_provider(&self, request: &StartRequest) -> Result<(), StartRefusal> {
        let (_, account) = self.account_of(request)?;
        let deadline = self.clock.now() + KNOWN_WITHIN;
        tokio::select! {
            () = account.known() => {}
            () = self.clock.sleep_until(deadline) => {}
            () = self.closing.cancelled() => return Err(StartRefusal::Closing),
        }
        if account.facts().offsets.are_known() {
            Ok(())
        } else {
            Err(StartRefusal::ProviderUnknown)
        }
    }

    async fn replay(
        &self,
        app: &Name,
        idempotency: &Idempotency,
    ) -> Result<Option<Started>, StartRefusal> {
        let Some((fingerprint, id)) = self.store.idempotency(app, &idempotency.key).await? else {
            return Ok(None);
        };
        if fingerprint != idempotency.fingerprint {
            return Err(StartRefusal::IdempotencyMismatch);
        }
        let verification = self.newest(id).await?;
        Ok(verification.map(|verification| Started { verification, replayed: true }))
    }

    async fn store_and_send(
        self: &Arc<Self>,
        request: StartRequest,
        admitted: Admitted,
        admission: Admission,
        slot: Option<Slot>,
    ) -> Result<Started, StartRefusal> {
        let (now, account, app) = (self.clock.now(), admitted.account, request.app.clone());
        let (alone, until) = (request.alone, now + request.answer_within);
        let idempotency = request.idempotency.clone().map(|idempotency| store::IdempotencyKey {
            key: idempotency.key,
            fingerprint: idempotency.fingerprint,
        });
        let verification = self.verification(request, admitted, now);
        let (verification, entries) = verification.begin(now);
        let attempt = verification.attempts.last().ok_or(StartRefusal::PlanLength)?;
        let sending = match slot {
            Some(slot) => Some((slot, self.sending(&verification, attempt)?)),
            None => None,
        };
        let claims = claims_of(&verification);
        let deliveries = self.outbound.deliveries(&verification, &entries);
        let tells = !deliveries.is_empty();
        let to = verification.to.clone();
        let start = store::Start {
            verification,
            entries,
            claims,
            idempotency,
            deliveries,
            alone,
            admission,
        };
        let (stored, packed) = match self.noting(self.store.start(start, now).await)? {
            store::Started::Stored { verification, packed, noted } => {
                self.tell(&noted, &app, &to);
                (verification, packed)
            }
            store::Started::Refused { refusal, noted, blocked } => {
                self.tell(&noted, &app, &to);
                tell_blocked(&blocked);
                return Err(advised(refusal, &to).into());
            }
            other => return self.not_stored(other, &app).await,
        };
        if tells {
            self.outbound.wake();
        }
        self.hold(&stored, &packed);
        let id = stored.id;
        let sent = match sending {
            Some((slot, sending)) => self.send_in_background(account, id, 0, slot, sending),
            None => self.play_in_background(&stored, 0),
        };
        self.wait_for_answer(id, sent, until).await;
        let verification = self.newest(id).await?.unwrap_or(stored);
        Ok(Started { verification, replayed: false })
    }

    /// What a start comes to that the store did not take as a new one.
    async fn not_stored(
        &self,
        answer: store::Started,
        app: &Name,
    ) -> Result<Started, StartRefusal> {
        match answer {
            store::Started::Stored { verification, .. } => {
                Ok(Started { verification, replayed: false })
            }
            store::Started::Running { id, app: of } => {
                Err(StartRefusal::Running { id: Some(id).filter(|_| of == *app) })
            }
            store::Started::Refused { refusal, .. } => Err(Guarded::from(refusal).into()),
            store::Started::ClaimHeld { until } => Err(StartRefusal::NumberBusy { until }),
            store::Started::KeyReused => Err(StartRefusal::IdempotencyMismatch),
            store::Started::Replayed(id) => {
                let verification =
                    self.newest(id).await?.ok_or(StartRefusal::IdempotencyRunning)?;
                Ok(Started { verification, replayed: true })
            }
        }
    }

    /// Waits for the provider's answer until `until`.
    pub(super) async fn wait_for_answer(
        &self,
        id: VerificationId,
        sent: JoinHandle<()>,
        until: Timestamp,
    ) {
        tokio::select! {
            ended = sent => {
                if let Err(error) = ended {
                    tracing::error!(verification.id = %id, error = %error, "the task that calls has failed; the call counts as unknown");
                }
            }
            () = self.clock.sleep_until(until) => {}
        }
    }
}
