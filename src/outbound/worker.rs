//! Tries the deliveries that are due. Rows in the store are the only queue: whoever
//! leases one sends it, and a lease that ends unfinished lets somebody else.
//!
//! So a delivery is made at least once, always with the same id.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use tokio::task::JoinSet;

use crate::domain::{Name, SigningSecret, WebhookUrl};
use crate::store::{DeliveryOutcome, FinishedTry, LeasedDelivery, StoreError, Target, Tried};
use crate::telemetry;

use super::client::{Message, retry_after};
use super::{Outbound, schedule};

/// What a try may come to, for the metric.
pub(super) const RESULTS: [&str; 4] = ["delivered", "retried", "failed", "held"];

/// The most that are under way at once, over all apps, and to one target, so that one
/// that hangs does not hold up the others.
const MOST: u32 = 64;
const MOST_TO_ONE: u32 = 8;

/// How much longer than a request a lease lasts.
const LEASE_MARGIN: Duration = Duration::from_secs(30);

/// How a target answers that wants nothing more.
const GONE: u16 = 410;

/// Who is told, and where.
type Destination = (Name, Target);

impl Outbound {
    /// Tries everything that is due, and what becomes due meanwhile; returns when nothing is.
    ///
    /// # Errors
    /// When the store does not answer; what is due stays due.
    pub async fn deliver_due(self: &Arc<Self>) -> Result<(), StoreError> {
        let _alone = self.trying.lock().await;
        let mut sending: JoinSet<Destination> = JoinSet::new();
        let mut busy: HashMap<Destination, u32> = HashMap::new();
        loop {
            for leased in self.take(&busy, sending.len()).await? {
                let destination = (leased.app.clone(), leased.target.clone());
                *busy.entry(destination.clone()).or_default() += 1;
                let this = Arc::clone(self);
                sending.spawn(async move {
                    this.try_one(leased).await;
                    destination
                });
            }
            tokio::select! {
                ended = sending.join_next() => match ended {
                    None => return Ok(()),
                    Some(Ok(destination)) => {
                        busy.entry(destination).and_modify(|count| *count -= 1);
                    }
                    Some(Err(error)) => {
                        tracing::error!(error = %error, "a task that delivers has failed; its delivery is tried again");
                    }
                },
                () = self.woken.notified() => {}
            }
        }
    }

    /// Leases what is due and has room.
    async fn take(
        &self,
        busy: &HashMap<Destination, u32>,
        running: usize,
    ) -> Result<Vec<LeasedDelivery>, StoreError> {
        let now = self.clock.now();
        let mut free = (MOST as usize).saturating_sub(running);
        if free == 0 {
            return Ok(Vec::new());
        }
        let due = self.store.due_deliveries(now, MOST_TO_ONE, MOST + MOST).await?;
        let mut to_one = busy.clone();
        let mut ids = Vec::new();
        for due in due {
            let count = to_one.entry((due.app, due.target)).or_default();
            if *count < MOST_TO_ONE && free > 0 {
                *count += 1;
                free -= 1;
                ids.push(due.id);
            }
        }
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let lease = SignedDuration::try_from(self.request_timeout + LEASE_MARGIN);
        let until = now.checked_add(lease.unwrap_or(SignedDuration::MAX)).unwrap_or(now);
        self.store.lease_deliveries(ids, now, until).await
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
                delivery.id = %id, "a delivery took longer than its lease; it may be made twice",
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
    fn undeliverable(leased: &LeasedDelivery, at: jiff::Timestamp) -> FinishedTry {
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
