//! `ringproof simulate`: the stand-in Zadarma alone, for other people's test suites.

use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;

use crate::app;
use crate::domain::Secret;

use super::stop_signal;

/// Arguments of `simulate`.
#[derive(Args)]
pub(super) struct Simulate {
    /// Where to listen; a free port unless given
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// The account's API key
    #[arg(long)]
    key: String,
    /// The account's API secret, which also signs notifications
    #[arg(long, env = "RINGPROOF_SIMULATE_SECRET", hide_env_values = true)]
    secret: String,
    /// The notification URL; may also be set through the API, with its handshake
    #[arg(long, value_name = "URL")]
    notify: Option<String>,
    /// Let every phone without a script wait for a person at the virtual handset
    #[arg(long)]
    handset: bool,
    /// Let scripted phones act at once instead of taking their time
    #[arg(long)]
    instant: bool,
}

impl Simulate {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        app::install_tls();
        let stop = stop_signal()?;
        let listener = TcpListener::bind(self.listen)
            .with_context(|| format!("while listening on {}", self.listen))?;
        let simulator = app::simulate(app::SimulateOptions {
            listener,
            key: self.key,
            secret: Secret::new(self.secret),
            notify: self.notify,
            clock: app::real_clock(),
            handset: self.handset,
            instant: self.instant,
        })
        .context("while starting the simulator")?;
        let address = simulator.address();
        println!("the simulated Zadarma listens on http://{address}");
        println!("what it can do:        http://{address}/_simulator/");
        println!("the virtual handset:   http://{address}/_simulator/handset");
        stop.await;
        simulator.stop().await;
        Ok(ExitCode::SUCCESS)
    }
}
