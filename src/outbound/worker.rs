//! Tries the deliveries that are due. Rows in the store are the only queue: whoever
//! leases one sends it, and a lease that ends unfinished lets somebody else.
//!
//! So a delivery is made at least once, always with the same id.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinSet;

use crate::domain::{DeliveryId, Name, SigningSecret, WebhookUrl};
use crate::store::{
    DeliveryOutcome, DueDelivery, FinishedTry, LeasedDelivery, StoreError, Target, Tried,
};
use crate::telemetry;

use super::client::{Message, retry_after};
use super::{Outbound, schedule};

/// What a try may come to, for the metric.
pub(super) const RESULTS: [&str; 4] = ["delivered", "retried", "failed", "held"];

/// The most that are under way at once, over all apps, and to one target, so that one
/// that hangs does not hold up the others.
const MOST: usize = 64;
const MOST_TO_ONE: u32 = 8;

/// How much longer than a request a lease lasts.
const LEASE_MARGIN: Duration = Duration::from_secs(30);

/// How a target answers that wants nothing more.
const GONE: u16 = 410;

/// How many that are due to one target, and to all, are looked up at a time.
const CANDIDATES_TO_ONE: u32 = 64;
const CANDIDATES: u32 = 1024;

/// How long what was looked up counts while others may have become due.
const LOOK_EVERY: SignedDuration = SignedDuration::from_secs(1);

/// Who shares what may be under way at once: an endpoint, or all callbacks of an app, since
/// starts may name any number of addresses that hang.
type Destination = (Name, Option<Name>);

fn destination(app: &Name, target: &Target) -> Destination {
    let endpoint = match target {
        Target::Endpoint(name) => Some(name.clone()),
        Target::Callback(_) => None,
    };
    (app.clone(), endpoint)
}

/// What one round of trying knows. Only ever in one task.
#[derive(Default)]
struct Round {
    sending: JoinSet<Destination>,
    /// How many are under way to each; no entry is none.
    busy: HashMap<Destination, u32>,
    /// What was found due and is not begun yet. May be out of date, which leasing tells.
    candidates: Vec<DueDelivery>,
    /// When to look again though there are candidates.
    look_at: Option<Timestamp>,
}

impl Outbound {
    /// Tries everything that is due, and what becomes due meanwhile; returns when nothing is.
    ///
    /// # Errors
    /// When the store does not answer; what is due stays due.
    pub async fn deliver_due(self: &Arc<Self>) -> Result<(), StoreError> {
        let _alone = self.trying.lock().await;
        let mut round = Round::default();
        loop {
            self.look(&mut round).await?;
            if round.sending.is_empty() && round.candidates.is_empty() {
                return Ok(());
            }
            self.begin(&mut round).await?;
            if round.sending.is_empty() {
                continue;
            }
            tokio::select! {
                Some(ended) = round.sending.join_next() => match ended {
                    Ok(destination) => round.ended(&destination),
                    Err(error) => tracing::error!(
                        error = %error, "a task that delivers has failed; its delivery is made again",
                    ),
                },
                () = self.woken.notified() => round.look_at = None,
                () = self.clock.sleep_until(round.look_at.unwrap_or(Timestamp::MAX)) => {}
            }
        }
    }

    /// Looks for what is due, unless that was done lately and there is still work.
    async fn look(&self, round: &mut Round) -> Result<(), StoreError> {
        let now = self.clock.now();
        if !round.candidates.is_empty() && round.look_at.is_some_and(|at| now < at) {
            return Ok(());
        }
        round.candidates = self.store.due_deliveries(now, CANDIDATES_TO_ONE, CANDIDATES).await?;
        round.look_at = now.checked_add(LOOK_EVERY).ok();
        Ok(())
    }

    /// Leases what has room and sends it.
    async fn begin(self: &Arc<Self>, round: &mut Round) -> Result<(), StoreError> {
        let ids = round.startable();
        if ids.is_empty() {
            return Ok(());
        }
        let now = self.clock.now();
        let lease = SignedDuration::try_from(self.request_timeout + LEASE_MARGIN);
        let until = now.checked_add(lease.unwrap_or(SignedDuration::MAX)).unwrap_or(now);
        for leased in self.store.lease_deliveries(ids, now, until).await? {
            let destination = destination(&leased.app, &leased.target);
            *round.busy.entry(destination.clone()).or_default() += 1;
            let this = Arc::clone(self);
            round.sending.spawn(async move {
                this.try_one(leased).await;
                destination
            });
        }
        Ok(())
    }

    /// Tries one delivery and keeps what came of it.
    async fn try_one(&self, leased: LeasedDelivery) {
        let id = leased.id;
        let finished = match self.route(&leased) {
            Some((url, secrets)) => self.send(&leased, &url, secrets).await,
            None => Self::undeliverable(&leased, self.clock.now()),
        };
        match self.store.finish_try(finished).await {
            Ok(true) => {}
            Ok(false) => tracing::warn!(
                delivery.id = %id,
                "a delivery ended that had been asked for again or taken over meanwhile; it is made twice",
            ),
            Err(error) => tracing::error!(
                delivery.id = %id, error = %error, "a delivery's result could not be stored; it is made again",
            ),
        }
    }

    /// Where a delivery goes and who signs it, by the configuration of today.
    fn route(&self, leased: &LeasedDelivery) -> Option<(WebhookUrl, &[SigningSecret])> {
        let app = self.apps.get(&leased.app)?;
        match &leased.target {
            Target::Endpoint(name) => {
                let endpoint = app.endpoints.get(name)?;
                Some((endpoint.url.clone(), &endpoint.secrets))
            }
            Target::Callback(url) => {
                let signed = !app.callback_secrets.is_empty();
                let url = WebhookUrl::parse(url).ok().filter(|_| signed)?;
                Some((url, &app.callback_secrets))
            }
        }
    }

    /// An endpoint that is not in the configuration may come back; a callback is nowhere else.
    fn undeliverable(leased: &LeasedDelivery, at: Timestamp) -> FinishedTry {
        let (id, lease_until) = (leased.id, leased.lease_until);
        match leased.target {
            Target::Endpoint(_) => {
                FinishedTry { id, lease_until, tried: None, outcome: DeliveryOutcome::Held }
            }
            Target::Callback(_) => {
                let error = Some("the app has no callback_secret any more".into());
                let tried = Tried { at, duration: Duration::ZERO, status: None, error };
                let outcome = DeliveryOutcome::Failed;
                FinishedTry { id, lease_until, tried: Some(tried), outcome }
            }
        }
    }

    async fn send(
        &self,
        leased: &LeasedDelivery,
        url: &WebhookUrl,
        secrets: &[SigningSecret],
    ) -> FinishedTry {
        let (at, began) = (self.clock.now(), Instant::now());
        let (id, body, within) =
            (leased.id.to_string(), leased.payload.clone(), self.request_timeout);
        let answer = self.client.post(url, Message { id: &id, secrets, body, at, within }).await;
        let (status, error, asked) = match &answer {
            Ok(answer) => {
                let asked = retry_after(answer).and_then(|text| schedule::retry_after(text, at));
                (Some(answer.status().as_u16()), None, asked)
            }
            Err(error) => (None, Some(error.to_string().into()), None),
        };
        // Dropping an answer unread closes its connection, however much was still to come.
        drop(answer);
        let tried = Tried { at, duration: began.elapsed(), status, error };
        let outcome = self.judge(leased, status, asked);
        self.tell(leased, &tried, outcome);
        FinishedTry { id: leased.id, lease_until: leased.lease_until, tried: Some(tried), outcome }
    }

    /// What becomes of a delivery that was answered so, or not at all.
    fn judge(
        &self,
        leased: &LeasedDelivery,
        status: Option<u16>,
        asked: Option<SignedDuration>,
    ) -> DeliveryOutcome {
        let next = schedule::next(
            leased.tries_in_round + 1,
            self.clock.now(),
            asked,
            rand::random_range(0.0..=1.0),
        );
        match (status, &leased.target, next) {
            (Some(200..=299), ..) => DeliveryOutcome::Delivered,
            (Some(GONE), Target::Endpoint(_), _) => DeliveryOutcome::EndpointGone,
            (Some(GONE), Target::Callback(_), _) | (_, _, None) => DeliveryOutcome::Failed,
            (_, _, Some(at)) => DeliveryOutcome::RetryAt(at),
        }
    }

    fn tell(&self, leased: &LeasedDelivery, tried: &Tried, outcome: DeliveryOutcome) {
        let (id, app, status) = (leased.id, &leased.app, tried.status.unwrap_or(0));
        let error = tried.error.as_deref().unwrap_or_default();
        let result = match outcome {
            DeliveryOutcome::Delivered => "delivered",
            DeliveryOutcome::RetryAt(_) => "retried",
            DeliveryOutcome::Failed => "failed",
            DeliveryOutcome::EndpointGone | DeliveryOutcome::Held => "held",
        };
        self.results.increment(result);
        match outcome {
            DeliveryOutcome::Delivered => {
                tracing::debug!(delivery.id = %id, app.name = %app, status, "delivered");
            }
            DeliveryOutcome::RetryAt(at) => tracing::info!(
                delivery.id = %id, app.name = %app, status, error, retry_at = %at,
                "a delivery was not taken and is tried again",
            ),
            DeliveryOutcome::Failed => tracing::warn!(
                delivery.id = %id, app.name = %app, status, error,
                "a delivery was given up; it can be asked for again",
            ),
            DeliveryOutcome::EndpointGone | DeliveryOutcome::Held => {
                let Target::Endpoint(name) = &leased.target else { return };
                telemetry::alarm(
                    "endpoint_disabled",
                    format!(
                        "{app}: the endpoint {name} answered 410 and gets nothing until it is enabled again"
                    ),
                );
            }
        }
    }
}

impl Round {
    /// Takes out the candidates that may be sent beside those under way.
    fn startable(&mut self) -> Vec<DeliveryId> {
        let mut free = MOST.saturating_sub(self.sending.len());
        let mut begun: HashMap<Destination, u32> = HashMap::new();
        let mut ids = Vec::new();
        self.candidates.retain(|due| {
            let destination = destination(&due.app, &due.target);
            let under_way = self.busy.get(&destination).copied().unwrap_or(0);
            let begun = begun.entry(destination).or_default();
            let starts = free > 0 && under_way + *begun < MOST_TO_ONE;
            if starts {
                *begun += 1;
                free -= 1;
                ids.push(due.id);
            }
            !starts
        });
        ids
    }

    fn ended(&mut self, destination: &Destination) {
        if let Some(count) = self.busy.get_mut(destination) {
            *count -= 1;
            if *count == 0 {
                self.busy.remove(destination);
            }
        }
    }
}
