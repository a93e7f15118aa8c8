//! Wiring: the only place that knows every room. Opens the store, builds the
//! accounts, starts the workers and the listener, and stops them in order.

mod demo;
pub mod doctor;
mod line;
mod outbound;
mod plans;
mod server_key;
mod settings;
mod shipped;
mod simulate;
mod time;
mod workers;

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

use actix_web::dev::ServerHandle;
use anyhow::Context;
use jiff::SignedDuration;
use tokio::task::JoinHandle;

use crate::clock::Clock;
use crate::config::{Config, StoreUrl};
use crate::http::{self, Surface};
use crate::intake::{Intake, Spill};
use crate::service::{Rate, Service};
use crate::store::{self, Store};
use crate::telemetry;

pub use demo::{Demo, DemoOptions};
pub use server_key::{beside as server_key_beside, read as server_keys};
pub use settings::timing;
pub use shipped::prompts as shipped_prompts;
pub use simulate::{SimulateOptions, simulate};
pub use workers::MAINTENANCE;

/// The system's clock, for the commands; tests bring their own. The clock of a store that
/// replicas share corrects it.
#[must_use]
pub fn real_clock() -> Clock {
    Clock::corrected(SignedDuration::ZERO)
}

/// A running service.
pub struct App {
    address: SocketAddr,
    service: Arc<Service>,
    intake: Arc<Intake>,
    server: ServerHandle,
    serving: JoinHandle<std::io::Result<()>>,
}

/// Makes what the process needs once: the provider of TLS.
///
/// Installed explicitly, since with several in the dependency tree none is the default.
pub fn install_tls() {
    // An error says that one is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

impl App {
    /// Starts the service of `config` on `listener`. Once this returns, requests
    /// are answered; what the providers tell of their accounts is asked afterwards.
    ///
    /// # Errors
    /// When the store, the server key or the listener cannot be used, with what to do.
    pub async fn start(
        config: Config,
        listener: TcpListener,
        clock: Clock,
    ) -> anyhow::Result<Self> {
        install_tls();
        let address = listener.local_addr().context("while reading the listener's address")?;
        let timing = settings::timing(&config);
        // The recorder measures the clock for some milliseconds before it counts.
        let metrics = tokio::task::spawn_blocking(telemetry::metrics::install);
        let store = open_store(&config).await?;
        let metrics = metrics.await.context("while preparing the metrics")?;
        time::correct(&store, &clock).await?;
        let service = open_service(&config, store.clone(), clock, timing).await?;
        if !config.test_numbers.is_empty() {
            tracing::warn!(
                numbers = config.test_numbers.len(),
                "{} test numbers are configured: keys for tests verify them without a provider",
                config.test_numbers.len(),
            );
        }
        let policies =
            config.accounts.values().map(settings::policy).collect::<anyhow::Result<Vec<_>>>()?;
        let spill = open_spill(&config)?;
        // As for other refusals: ten seconds' worth may come at once.
        let refusals = Rate::per_second(config.server.refusals_per_address, 10);
        let intake = Intake::new(Arc::clone(&service), policies, spill, refusals);
        let surface = Surface {
            service: Arc::clone(&service),
            intake: Arc::clone(&intake),
            metrics: metrics.clone(),
            apps: config.apps.clone(),
            vonage: config.vonage,
            server: config.server.clone(),
            default_wait: config.verification.default_wait,
            max_wait: config.verification.max_wait,
        };
        let server = http::serve(surface, listener).context("while starting the listener")?;
        let handle = server.handle();
        let serving = tokio::spawn(server);
        workers::start(&service, &intake, &store, metrics);
        tracing::info!(address = %address, "listening on {address}");
        Ok(Self { address, service, intake, server: handle, serving })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The use cases, for commands that run in the same process.
    #[must_use]
    pub const fn service(&self) -> &Arc<Service> {
        &self.service
    }

    /// The notification pipeline, for whoever watches it in the same process.
    #[must_use]
    pub const fn intake(&self) -> &Arc<Intake> {
        &self.intake
    }

    /// Returns when the listener has ended by itself, which is a failure.
    ///
    /// # Errors
    /// What ended it.
    pub async fn ended(&mut self) -> anyhow::Result<()> {
        (&mut self.serving).await.context("while serving")?.context("while serving")
    }

    /// Stops: takes no new work, answers the waiters, finishes what is under way, closes the store.
    pub async fn stop(self) {
        self.service.begin_closing();
        self.server.stop(true).await;
        self.service.close().await;
        self.intake.close().await;
        tracing::info!("stopped");
    }
}

/// Opens the store of a configuration without serving, for commands that work beside no service.
///
/// # Errors
/// When it cannot be opened, or another process holds it.
pub async fn open_offline(config: &Config, clock: Clock) -> anyhow::Result<Arc<Service>> {
    let timing = settings::timing(config);
    let store = open_store(config).await?;
    time::correct(&store, &clock).await?;
    open_service(config, store, clock, timing).await
}

async fn open_store(config: &Config) -> anyhow::Result<Store> {
    let settings = store::Settings {
        url: config.store.url.clone(),
        keys: server_key::load(&config.store)?,
        timing: settings::timing(config),
        retention: config.verification.retention,
        uncorrelated_retention: config.verification.uncorrelated_retention,
    };
    store::open(settings).await.with_context(|| match &config.store.url {
        StoreUrl::Sqlite(path) => format!("while opening the store at {}", path.display()),
        StoreUrl::Postgres(_) => "while opening the store".to_owned(),
    })
}

/// Opens the spill of a configuration: beside the store's file, unless it says otherwise.
fn open_spill(config: &Config) -> anyhow::Result<Spill> {
    let beside = || match &config.store.url {
        StoreUrl::Sqlite(store) => {
            let mut beside = store.as_os_str().to_owned();
            beside.push(".spill");
            PathBuf::from(beside)
        }
        StoreUrl::Postgres(_) => "ringproof.spill".into(),
    };
    let folder = config.spill.folder.clone().unwrap_or_else(beside);
    Spill::open(&folder, config.spill.max_size).context("while opening the spill")
}

async fn open_service(
    config: &Config,
    store: Store,
    clock: Clock,
    timing: crate::domain::Timing,
) -> anyhow::Result<Arc<Service>> {
    let line = line::of(&store);
    let account = |account| settings::account(account, &clock, line.clone());
    let accounts = config.accounts.values().map(account);
    let accounts = accounts.collect::<anyhow::Result<Vec<_>>>()?;
    let settings = settings::service(config, timing)?;
    Ok(Service::open(store, clock, settings, accounts).await?)
}
