//! Start: check, reserve a place at the provider, store, call.

use std::sync::Arc;

use dashmap::DashSet;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::domain::{
    Claim, Key, Name, PhoneNumber, State, Verification, VerificationId, WrittenForm,
};
use crate::outbound::CallbackRefusal;
use crate::provider::{ButtonCall, NoRoom, Slot};
use crate::store::{self, StoreError};

use super::admission::Admitted;
use super::{AccountIndex, Service};

/// The longest that a start waits for the provider's answer once it is stored.
const ANSWER_WITHIN: SignedDuration = SignedDuration::from_secs(1);

/// How long a start waits for what must be known of the provider.
const KNOWN_WITHIN: SignedDuration = SignedDuration::from_secs(3);

/// What an app asks.
#[derive(Clone, Debug)]
pub struct StartRequest {
    /// The app.
    pub app: Name,
    /// Who is to be called.
    pub to: PhoneNumber,
    /// The account that calls; the first one unless named.
    pub account: Option<Name>,
    /// The number that the call comes from.
    pub from: Option<PhoneNumber>,
    /// What the call plays.
    pub sounds: WantedSounds,
    /// The key to ask for; the prompt's own unless given.
    pub press: Option<Press>,
    /// How long the verification lasts.
    pub expires_in: Option<SignedDuration>,
    /// The app's own reference.
    pub reference: Option<Box<str>>,
    /// The app's own data, JSON text.
    pub metadata: Option<Box<str>>,
    /// Where its status changes are told, beside the app's endpoints.
    pub callback_url: Option<Box<str>>,
    /// What makes a repeated request harmless.
    pub idempotency: Option<Idempotency>,
}

/// What an app wants the call to play.
#[derive(Clone, Debug)]
pub enum WantedSounds {
    /// A prompt of the configuration.
    Prompt {
        /// Its name; the one that fits the key unless given, `default` first.
        name: Option<Name>,
        /// Its language; English unless given, or the prompt's first.
        language: Option<Name>,
    },
    /// Three sounds of the provider, by id or name.
    Given {
        /// Played when the call is answered.
        greeting: Box<str>,
        /// Played after the key.
        confirmed: Box<str>,
        /// Played after another key or none.
        fallback: Box<str>,
    },
}

/// The key to ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Press {
    /// This one.
    Fixed(Key),
    /// One drawn at random, for the app to show.
    Random,
}

/// An `Idempotency-Key` and what its request said.
#[derive(Clone, Debug)]
pub struct Idempotency {
    /// The key, 1 to 255 characters.
    pub key: Box<str>,
    /// A hash of the request.
    pub fingerprint: [u8; 32],
}

/// A verification that runs.
#[derive(Clone, Debug)]
pub struct Started {
    /// Its newest version.
    pub verification: Verification,
    /// Whether an earlier request with the same key started it.
    pub replayed: bool,
}

/// Why nothing was started and nobody called. Nothing is stored.
#[derive(Debug, thiserror::Error)]
pub enum StartRefusal {
    /// No account has that name.
    #[error("there is no account {0:?} in the configuration")]
    UnknownAccount(Name),
    /// No prompt has that name or suits the key.
    #[error("there is no such prompt; the configuration has: {known}")]
    UnknownPrompt {
        /// The prompts there are.
        known: String,
    },
    /// The prompt does not speak that language.
    #[error("the prompt does not speak this language; it speaks: {known}")]
    UnknownLanguage {
        /// The languages there are.
        known: String,
    },
    /// The prompt's greeting names another key.
    #[error("the prompt's greeting asks for {declared}; leave press out or choose another prompt")]
    PressMismatch {
        /// The key that the greeting names.
        declared: String,
    },
    /// A sound of the prompt is not known at the provider.
    #[error("the provider has no sound {0:?}; upload it or mend the prompt")]
    SoundMissing(String),
    /// The number belongs to the account itself.
    #[error("this number belongs to the provider account itself and cannot be called")]
    OwnNumber,
    /// The lifetime is out of range.
    #[error("expires_in must be from 10 to {max} seconds")]
    Lifetime {
        /// The longest.
        max: i64,
    },
    /// Another call with this number, or one written alike, is in flight.
    #[error("a call to this number is still in flight")]
    NumberBusy {
        /// When it surely is over.
        until: Timestamp,
    },
    /// The provider's queue is full.
    #[error("the provider's limit of requests leaves no room now")]
    NoRoom(NoRoom),
    /// The provider's clock is not known, so that no result could be believed.
    #[error(
        "the provider has not told its clock yet, without which no result can be believed; is it reachable?"
    )]
    ProviderUnknown,
    /// The callback address is not taken.
    #[error(transparent)]
    Callback(CallbackRefusal),
    /// The app was asked, and does not want this person called.
    #[error("the app's pre-send hook denies this start{}", reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default())]
    Denied {
        /// The app's words.
        reason: Option<String>,
    },
    /// The app was asked, and gave no usable answer in time.
    #[error("the app's pre-send hook gave no usable answer in time, so nobody is called")]
    Unasked,
    /// The app was asked, and wants what cannot be.
    #[error("the app's pre-send hook asks for {what}, which is not to be had")]
    Unheard {
        /// What it wants.
        what: String,
    },
    /// The key was used for another request.
    #[error("this Idempotency-Key was used for another request")]
    IdempotencyMismatch,
    /// The first request with this key is still being worked on.
    #[error("the first request with this Idempotency-Key is still running")]
    IdempotencyRunning,
    /// The service is shutting down.
    #[error("the service is shutting down")]
    Closing,
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

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
        self.wait_for_provider(&request).await?;
        let (request, admitted) = self.admit_and_ask(request).await?;
        let slot = self.accounts[usize::from(admitted.account.0)]
            .provider
            .reserve()
            .map_err(StartRefusal::NoRoom)?;
        self.store_and_call(request, admitted, slot).await
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

    async fn store_and_call(
        self: &Arc<Self>,
        request: StartRequest,
        admitted: Admitted,
        slot: Slot,
    ) -> Result<Started, StartRefusal> {
        let Admitted { account, step, call, expires_in } = admitted;
        let now = self.clock.now();
        let forms = WrittenForm::all_of(request.to);
        let claims = WrittenForm::claimed_with(&forms)
            .into_iter()
            .map(|form| Claim { account: step.account.clone(), form })
            .collect();
        let verification = Verification {
            id: new_id(now),
            app: request.app,
            to: request.to,
            known_valid: request.to.is_known_valid(),
            reference: request.reference,
            metadata: request.metadata,
            callback_url: request.callback_url,
            created_at: now,
            expires_at: now + expires_in,
            plan: vec![step],
            attempts: Vec::new(),
            state: State::Pending,
            version: 1,
            entries: 0,
        };
        let (verification, entries) = verification.begin(now);
        let idempotency = request.idempotency.map(|idempotency| store::IdempotencyKey {
            key: idempotency.key,
            fingerprint: idempotency.fingerprint,
        });
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
        let id = stored.id;
        if tells {
            self.outbound.wake();
        }
        self.live.hold(
            id,
            stored.version,
            stored.live_until(self.timing()),
            account,
            &forms,
            &packed,
        );
        self.call_in_background(account, id, slot, call, now + ANSWER_WITHIN).await;
        let verification = self.newest(id).await?.unwrap_or(stored);
        Ok(Started { verification, replayed: false })
    }

    /// Calls in a task of its own, and waits for the provider's answer until `until`.
    async fn call_in_background(
        self: &Arc<Self>,
        account: AccountIndex,
        id: VerificationId,
        slot: Slot,
        call: ButtonCall,
        until: Timestamp,
    ) {
        let service = Arc::clone(self);
        let called = self.background.tasks.spawn_on(
            async move { service.dispatch(account, id, slot, call).await },
            &self.background.runtime,
        );
        tokio::select! {
            ended = called => {
                if let Err(error) = ended {
                    tracing::error!(verification.id = %id, error = %error, "the task that calls has failed; the call counts as unknown");
                }
            }
            () = self.clock.sleep_until(until) => {}
        }
    }
}

/// An id whose order is that of `now`.
fn new_id(now: Timestamp) -> VerificationId {
    let seconds = u64::try_from(now.as_second()).unwrap_or(0);
    let nanos = u32::try_from(now.subsec_nanosecond()).unwrap_or(0);
    VerificationId::new(Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, nanos)))
}
