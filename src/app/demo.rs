//! The demo: the service and a simulated provider on loopback, wired as a real
//! account would be, over real HTTP.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;

use anyhow::Context;

use crate::clock::Clock;
use crate::config::{self, Config};
use crate::domain::{Name, Secret};
use crate::service::Scope;
use crate::simulator::{self, Pace, Simulator, Unscripted};

use super::{App, shipped};

/// The demo's account, app and folder names.
const NAME: &str = "demo";

/// How the demo is set up.
#[derive(Clone, Debug, Default)]
pub struct DemoOptions {
    /// Where the service listens; a free port unless given.
    pub listen: Option<SocketAddr>,
    /// Where the simulator listens; a free port unless given.
    pub simulator_listen: Option<SocketAddr>,
    /// Where the store is kept; a temporary folder unless given.
    pub data: Option<PathBuf>,
    /// The app's key, `ID.SECRET`; made up unless given.
    pub key: Option<Secret>,
}

/// A running demo.
pub struct Demo {
    /// The service.
    pub app: App,
    /// The app's key, `ID.SECRET`.
    pub key: Secret,
    /// Where the simulator listens.
    pub simulator_address: SocketAddr,
    simulator: Simulator,
    /// Removed when the demo ends.
    _temporary: Option<tempfile::TempDir>,
}

impl Demo {
    /// Starts service and simulator, and makes the app's key.
    ///
    /// # Errors
    /// When an address or the folder cannot be used.
    pub async fn start(options: DemoOptions) -> anyhow::Result<Self> {
        super::install_tls();
        let clock = Clock::real();
        let listener = bind(options.listen)?;
        let simulator_listener = bind(options.simulator_listen)?;
        let (address, simulator_address) =
            (listener.local_addr()?, simulator_listener.local_addr()?);
        let (data, temporary) = folder(options.data)?;
        let (secret, token) = (made_up(), made_up());
        let simulator = simulator::start(simulator::Options {
            listener: simulator_listener,
            key: NAME.to_owned(),
            secret: secret.clone(),
            notify: Some(format!("http://{address}/hooks/zadarma/{}", token.expose())),
            clock: clock.clone(),
            sounds: shipped::simulated_sounds(),
            pace: Pace::Real,
            unscripted: Unscripted::Handset,
        })
        .context("while starting the simulator")?;
        let mut config = config::load(None, std::iter::empty(), &[]).map_err(|problems| {
            let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
            anyhow::anyhow!("the defaults are wrong: {}", problems.join("; "))
        })?;
        fill_in(&mut config, address, simulator_address, data, secret, token);
        let app = App::start(config, listener, clock).await?;
        let name = Name::parse(NAME)?;
        let key = match options.key {
            Some(key) => app.service().add_key(&key, name, &Scope::ALL).await?,
            None => app.service().create_key(name, &Scope::ALL).await?,
        };
        Ok(Self { app, key: key.key, simulator_address, simulator, _temporary: temporary })
    }

    /// Stops the service, then the simulator.
    pub async fn stop(self) {
        self.app.stop().await;
        self.simulator.stop().await;
    }
}

fn fill_in(
    config: &mut Config,
    address: SocketAddr,
    simulator: SocketAddr,
    data: PathBuf,
    secret: Secret,
    notification_token: Secret,
) {
    config.server.listen = address;
    config.store.url = config::StoreUrl::Sqlite(data.join("ringproof.db"));
    config.prompts = shipped::prompts();
    // The demo calls one number over and over.
    config.guard.per_number.limits.clear();
    let account = config::Account {
        name: NAME.to_owned(),
        provider: config::ProviderKind::Zadarma,
        base_url: format!("http://{simulator}"),
        key: NAME.to_owned(),
        secret,
        previous_secrets: Vec::new(),
        notification_token,
        previous_notification_tokens: Vec::new(),
        from: None,
        source_addresses: "127.0.0.0/8".parse().into_iter().chain("::1".parse()).collect(),
        require_source: true,
        result_called_did: vec!["0".to_owned()],
        forward: None,
        extensions: Vec::new(),
        own_numbers: Vec::new(),
        requests_per_minute: 100,
        statistics_per_minute: 3,
        queue_deadline: std::time::Duration::from_secs(5),
        connect_timeout: std::time::Duration::from_secs(3),
        request_timeout: std::time::Duration::from_secs(15),
    };
    config.accounts = BTreeMap::from([(NAME.to_owned(), account)]);
}

fn bind(address: Option<SocketAddr>) -> anyhow::Result<TcpListener> {
    let address = address.unwrap_or_else(|| (Ipv4Addr::LOCALHOST, 0).into());
    TcpListener::bind(address).with_context(|| format!("while listening on {address}"))
}

fn folder(given: Option<PathBuf>) -> anyhow::Result<(PathBuf, Option<tempfile::TempDir>)> {
    match given {
        Some(folder) => {
            std::fs::create_dir_all(&folder)
                .with_context(|| format!("while making the folder {}", folder.display()))?;
            Ok((folder, None))
        }
        None => {
            let temporary = tempfile::Builder::new().prefix("ringproof-demo-").tempdir();
            let temporary = temporary.context("while making a temporary folder")?;
            Ok((temporary.path().to_owned(), Some(temporary)))
        }
    }
}

fn made_up() -> Secret {
    Secret::new(const_hex::encode(rand::random::<[u8; 20]>()))
}
