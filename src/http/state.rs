//! What the handlers share: built once, never changed, behind one reference.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config;
use crate::domain::{Name, Network};
use crate::intake::Intake;
use crate::service::Service;
use crate::telemetry::metrics::MetricsHandle;

use super::Surface;
use super::console::Console;
use super::ops::Readiness;
use super::read::WaitLimits;
use super::traffic::Traffic;
use super::waits::Waits;

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
    pub waits: Waits,
    /// How often requests may come.
    pub traffic: Traffic,
}

impl State {
    pub(super) fn new(surface: Surface) -> Self {
        let Surface { service, intake, metrics, apps, vonage, server, default_wait, max_wait } =
            surface;
        Self {
            service,
            intake,
            metrics,
            waits: Waits::new(&server),
            traffic: Traffic::new(&server),
            trusted_proxies: server.trusted_proxies,
            limits: WaitLimits { default_wait, max_wait },
            readiness: Readiness::default(),
            vonage,
            console: Console::new(server.tls.is_some()),
            apps,
        }
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
