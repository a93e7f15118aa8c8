//! What the handlers share: built once, never changed, behind one reference.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config;
use crate::domain::{Name, Network};
use crate::intake::Intake;
use crate::service::Service;
use crate::telemetry::metrics::MetricsHandle;

use super::Surface;
use super::console::Console;
use super::error::Code;
use super::ops::Readiness;
use super::problem::Problem;
use super::read::WaitLimits;

/// When a client that found no place to wait may try again, in seconds.
const WAITS_RETRY_AFTER: u64 = 5;

/// Shared by every handler of every worker.
pub struct State {
    /// The use cases.
    pub service: Arc<Service>,
    /// The notification pipeline.
    pub intake: Arc<Intake>,
    /// What was counted.
    pub metrics: MetricsHandle,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// How long polls may wait.
    pub limits: WaitLimits,
    /// Whether the store takes writes, as last seen.
    pub readiness: Readiness,
    /// How the steps of Vonage's workflows reach people.
    pub vonage: config::Vonage,
    /// What the console keeps.
    pub console: Console,
    apps: BTreeMap<String, config::App>,
    /// A place for each client that may wait; held while it does.
    waits: Arc<Semaphore>,
    max_waits: usize,
}

impl State {
    pub(super) fn new(surface: Surface) -> Self {
        let Surface { service, intake, metrics, apps, vonage, server, default_wait, max_wait } =
            surface;
        let max_waits = server.max_waits.min(Semaphore::MAX_PERMITS);
        Self {
            service,
            intake,
            metrics,
            trusted_proxies: server.trusted_proxies,
            limits: WaitLimits { default_wait, max_wait },
            readiness: Readiness::default(),
            vonage,
            console: Console::new(server.tls.is_some()),
            apps,
            waits: Arc::new(Semaphore::new(max_waits)),
            max_waits,
        }
    }

    /// A place to wait; it is free again when dropped.
    ///
    /// # Errors
    /// When as many clients wait as may.
    pub fn place_to_wait(&self) -> Result<OwnedSemaphorePermit, Problem> {
        Arc::clone(&self.waits).try_acquire_owned().map_err(|_| {
            let detail = format!("{} clients may wait at the same time.", self.max_waits);
            Problem::new(Code::TooManyWaits, detail)
                .with("limit", self.max_waits)
                .retry_after(WAITS_RETRY_AFTER)
        })
    }

    /// Whether pages of `origin` may wait for verifications of `app`.
    #[must_use]
    pub fn allows_origin(&self, app: &Name, origin: &str) -> bool {
        self.apps.get(app.as_str()).is_some_and(|app| lists(app, origin))
    }

    /// Whether pages of `origin` may wait for verifications of some app.
    #[must_use]
    pub fn knows_origin(&self, origin: &str) -> bool {
        self.apps.values().any(|app| lists(app, origin))
    }
}

fn lists(app: &config::App, origin: &str) -> bool {
    app.allowed_origins.iter().any(|allowed| allowed == origin)
}
