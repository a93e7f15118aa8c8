//! What is sent to apps: deliveries, and the question before a call. Signed as Standard
//! Webhooks, only to addresses that may be reached.
//!
//! It makes the deliveries that a change stores, and tries those that are due. It decides
//! nothing about verifications: the start alone waits for it, when an app wants to be asked.

mod ask;
mod client;
mod forward;
mod payload;
mod reach;
mod schedule;
mod sign;
mod worker;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Mutex, Notify, Semaphore};
use uuid::Uuid;

use crate::clock::Clock;
use crate::domain::{
    DeliveryId, Entry, EntryKind, InvalidWebhookUrl, Name, Network, SigningSecret, Verification,
    WebhookUrl,
};
use crate::store::{NewDelivery, Store, Target};
use crate::telemetry::metrics::{Counters, DELIVERIES_TOTAL};

pub use ask::{Answer, Changes, Question};
pub use forward::Forwarded;

use reach::Reach;

/// What is sent, to whom, and how.
#[derive(Default)]
pub struct Settings {
    /// Networks beside the public internet that may be reached.
    pub allowed_networks: Vec<Network>,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long a delivery may take.
    pub request_timeout: Duration,
    /// The apps that are told or asked anything.
    pub apps: BTreeMap<Name, AppSettings>,
    /// Where the notifications of accounts are passed on to.
    pub forwards: BTreeMap<Name, WebhookUrl>,
}

/// What one app is told and asked.
#[derive(Default)]
pub struct AppSettings {
    /// Where it is told.
    pub endpoints: BTreeMap<Name, Endpoint>,
    /// What signs for the callback addresses of its starts; none, and they are refused.
    pub callback_secrets: Vec<SigningSecret>,
    /// Where it is asked.
    pub pre_send: Option<PreSend>,
}

/// Where an app is told.
#[derive(Clone)]
pub struct Endpoint {
    /// Where to.
    pub url: WebhookUrl,
    /// What signs, the newest first.
    pub secrets: Vec<SigningSecret>,
    /// Whether it is told everything in the timeline, or changes of status only.
    pub events: Events,
}

/// What an endpoint is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Events {
    /// Changes of status, and results that are disputed.
    Status,
    /// Everything in the timeline.
    Timeline,
}

impl Events {
    /// The word used in the API and the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Timeline => "timeline",
        }
    }
}

/// Where an app is asked before anybody is called.
#[derive(Clone)]
pub struct PreSend {
    /// Where to.
    pub url: WebhookUrl,
    /// What signs, the newest first.
    pub secrets: Vec<SigningSecret>,
    /// How long the answer may take.
    pub timeout: Duration,
    /// Whether a start goes on without a usable answer.
    pub allows_on_failure: bool,
}

/// Why a callback address is not taken.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum CallbackRefusal {
    /// Nothing would sign it.
    #[error("this app has no callback_secret in the configuration, so no callback_url is taken")]
    NoSecret,
    /// It is no address.
    #[error("callback_url {0}")]
    Invalid(#[from] InvalidWebhookUrl),
    /// It may not be reached.
    #[error("callback_url must be https to a public host, unless the configuration allows more")]
    NotReachable,
}

/// The sending side. Shared by every use case.
pub struct Outbound {
    apps: BTreeMap<Name, AppSettings>,
    request_timeout: Duration,
    reach: Reach,
    client: client::Client,
    store: Store,
    clock: Clock,
    results: Counters,
    forwards: BTreeMap<Name, WebhookUrl>,
    /// A place for each notification that is being passed on.
    forwarding: Semaphore,
    /// Told when something new is due.
    woken: Notify,
    /// Held by whoever tries what is due, so that one target never gets more than its share.
    trying: Mutex<()>,
}

impl Outbound {
    /// Sends what `store` holds. Connects to nothing yet.
    #[must_use]
    pub fn new(settings: Settings, store: Store, clock: Clock) -> Arc<Self> {
        let Settings { allowed_networks, connect_timeout, request_timeout, apps, forwards } =
            settings;
        let reach = Reach::new(allowed_networks);
        Arc::new(Self {
            apps,
            request_timeout,
            client: client::Client::new(reach.clone(), connect_timeout),
            reach,
            store,
            clock,
            results: Counters::new(DELIVERIES_TOTAL, "result", worker::RESULTS),
            forwards,
            forwarding: Semaphore::new(forward::MOST),
            woken: Notify::new(),
            trying: Mutex::new(()),
        })
    }

    /// Whether any app is told anything.
    #[must_use]
    pub fn has_targets(&self) -> bool {
        self.apps.values().any(|app| !app.endpoints.is_empty() || !app.callback_secrets.is_empty())
    }

    /// The endpoints of an app.
    pub fn endpoints(&self, app: &Name) -> impl Iterator<Item = (&Name, &Endpoint)> {
        self.apps.get(app).into_iter().flat_map(|app| &app.endpoints)
    }

    /// Checks the callback address of a start.
    ///
    /// # Errors
    /// See [`CallbackRefusal`].
    pub fn accept_callback(&self, app: &Name, url: &str) -> Result<(), CallbackRefusal> {
        if self.apps.get(app).is_none_or(|app| app.callback_secrets.is_empty()) {
            return Err(CallbackRefusal::NoSecret);
        }
        let url = WebhookUrl::parse(url)?;
        self.reach.may_reach(&url).map_err(|_| CallbackRefusal::NotReachable)
    }

    /// What apps are told of a new version: nothing, at the price of a look-up, unless
    /// its app has endpoints or its start named a callback.
    #[must_use]
    pub fn deliveries(&self, next: &Verification, entries: &[Entry]) -> Vec<NewDelivery> {
        let callback =
            next.callback_url.iter().map(|url| (Target::Callback(url.clone()), Events::Status));
        let endpoints = self
            .endpoints(&next.app)
            .map(|(name, endpoint)| (Target::Endpoint(name.clone()), endpoint.events));
        let mut deliveries = Vec::new();
        for (target, events) in endpoints.chain(callback) {
            let told =
                entries.iter().filter(|entry| events == Events::Timeline || is_status(entry));
            deliveries.extend(told.map(|entry| delivery(next, entry, target.clone())));
        }
        deliveries
    }

    /// Has deliveries that were just stored tried at once.
    pub fn wake(&self) {
        self.woken.notify_one();
    }

    /// Returns when something new is due.
    pub async fn woken(&self) {
        self.woken.notified().await;
    }
}

/// Whether an entry tells of a change of status, or of a result that is disputed.
const fn is_status(entry: &Entry) -> bool {
    matches!(entry.kind, EntryKind::Concluded { .. } | EntryKind::Disputed { .. })
}

fn delivery(next: &Verification, entry: &Entry, target: Target) -> NewDelivery {
    let kind = payload::kind(next, entry);
    NewDelivery {
        id: DeliveryId::new(new_uuid(entry.at)),
        app: next.app.clone(),
        verification: next.id,
        target,
        at: entry.at,
        payload: payload::of(&kind, next, entry),
        kind,
    }
}

/// A UUID whose order is that of `at`.
fn new_uuid(at: Timestamp) -> Uuid {
    let seconds = u64::try_from(at.as_second()).unwrap_or(0);
    let nanos = u32::try_from(at.subsec_nanosecond()).unwrap_or(0);
    Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, nanos))
}
