//! `ringproof serve`.

use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;

use crate::app::{self, App};
use crate::telemetry;

use super::{ConfigArguments, WRONG_USAGE, print_problems, stop_signal};

/// Arguments of `serve`.
#[derive(Args)]
pub(super) struct Serve {
    #[command(flatten)]
    config: ConfigArguments,
    /// Where to listen, instead of server.listen
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
}

impl Serve {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let config = match self.config.load() {
            Ok(config) => config,
            Err(problems) => return Ok(print_problems(&problems)),
        };
        if let Err(problem) = config.require_account() {
            eprintln!("error: {problem}");
            return Ok(ExitCode::from(WRONG_USAGE));
        }
        telemetry::init(&config.log);
        let stop = stop_signal()?;
        let address = self.listen.unwrap_or(config.server.listen);
        let listener =
            TcpListener::bind(address).with_context(|| format!("while listening on {address}"))?;
        let mut app = App::start(config, listener, app::real_clock()).await?;
        println!("ringproof listens on {}", app.address());
        tokio::select! {
            () = stop => {}
            ended = app.ended() => ended?,
        }
        app.stop().await;
        Ok(ExitCode::SUCCESS)
    }
}
