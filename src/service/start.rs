//! Start: check, reserve a place at the provider, store, call.

use std::sync::Arc;

use dashmap::DashSet;
use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::domain::{
    Claim, Codes, Name, PhoneNumber, State, Verification, VerificationId, WrittenForm,
};
use crate::provider::Slot;
use crate::store;

use super::admission::Admitted;
use super::refusal::StartRefusal;
use super::{Idempotency, Service, StartRequest, Started, WantedBy};

/// The longest that a start waits for the provider's answer once it is stored.
pub(super) const ANSWER_WITHIN: SignedDuration = SignedDuration::from_secs(1);

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
        let slot = self.accounts[usize::from(admitted.account.0)]
            .provider
            .reserve()
            .map_err(StartRefusal::NoRoom)?;
        self.store_and_send(request, admitted, slot).await
    }

    /// Admits a start once that is known of the provider which it needs.
    pub(super) async fn admit_once_known(
        &self,
        request: &StartRequest,
    ) -> Result<Admitted, StartRefusal> {
        let steps = self.wanted_steps(request)?;
        if steps.iter().any(|step| matches!(step.by, WantedBy::Button { .. })) {
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
        slot: Slot,
    ) -> Result<Started, StartRefusal> {
        let (now, account) = (self.clock.now(), admitted.account);
        let idempotency = request.idempotency.clone().map(|idempotency| store::IdempotencyKey {
            key: idempotency.key,
            fingerprint: idempotency.fingerprint,
        });
        let verification = self.verification(request, admitted, now);
        let (verification, entries) = verification.begin(now);
        let sending = match verification.attempts.last() {
            Some(attempt) => self.sending(&verification, attempt)?,
            None => return Err(StartRefusal::PlanLength),
        };
        let claims = claims_of(&verification);
        let deliveries = self.outbound.deliveries(&verification, &entries);
        let tells = !deliveries.is_empty();
        let start = store::Start { verification, entries, claims, idempotency, deliveries };
        let (stored, packed) = match self.store.start(start, now).await? {
            store::Started::Stored { verification, packed } => (verification, packed),
            store::Started::ClaimHeld { until } => return Err(StartRefusal::NumberBusy { until }),
            store::Started::KeyReused => return Err(StartRefusal::IdempotencyMismatch),
            store::Started::Replayed(id) => {
                let verification =
                    self.newest(id).await?.ok_or(StartRefusal::IdempotencyRunning)?;
                return Ok(Started { verification, replayed: true });
            }
        };
        if tells {
            self.outbound.wake();
        }
        self.hold(&stored, &packed);
        let sent = self.send_in_background(account, stored.id, 0, slot, sending);
        self.wait_for_answer(stored.id, sent, now + ANSWER_WITHIN).await;
        let verification = self.newest(stored.id).await?.unwrap_or(stored);
        Ok(Started { verification, replayed: false })
    }

    /// A new verification, before its first step.
    fn verification(
        &self,
        request: StartRequest,
        admitted: Admitted,
        now: Timestamp,
    ) -> Verification {
        let id = new_id(now);
        Verification {
            id,
            app: request.app,
            known_valid: request.to.phone().is_none_or(PhoneNumber::is_known_valid),
            to: request.to,
            reference: request.reference,
            metadata: request.metadata,
            callback_url: request.callback_url,
            created_at: now,
            expires_at: now + admitted.expires_in,
            plan: admitted.steps,
            attempts: Vec::new(),
            state: State::Pending,
            version: 1,
            entries: 0,
            codes: admitted.code_length.map(|length| {
                let own = request.code.as_ref();
                Box::new(Codes {
                    seed: rand::random(),
                    length,
                    sealed: own.map(|code| self.server_key.seal_code(id, code)),
                    generation: 0,
                    checks_used: 0,
                    checks_open: 0,
                    checks_limit: self.settings.codes.max_checks,
                    sends_limit: self.settings.codes.max_sends,
                })
            }),
            not_before: None,
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

/// What the last attempt is to hold: a button call's every written form of the number.
pub(super) fn claims_of(verification: &Verification) -> Vec<Claim> {
    let Some(attempt) = verification.attempts.last() else { return Vec::new() };
    let step = verification.step_of(attempt).filter(|step| step.button().is_some());
    let Some((step, number)) = step.zip(verification.to.phone()) else { return Vec::new() };
    let forms = WrittenForm::claimed_with(&WrittenForm::all_of(number));
    forms.into_iter().map(|form| Claim { account: step.account.clone(), form }).collect()
}

/// An id whose order is that of `now`.
fn new_id(now: Timestamp) -> VerificationId {
    let seconds = u64::try_from(now.as_second()).unwrap_or(0);
    let nanos = u32::try_from(now.subsec_nanosecond()).unwrap_or(0);
    VerificationId::new(Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, nanos)))
}
