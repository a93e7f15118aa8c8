//! `ringproof serve`.

use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use jiff::SignedDuration;

use crate::app::App;
use crate::clock::Clock;
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
    /// By how many seconds the clock goes wrong until it is corrected, for tests
    #[arg(long, hide = true, value_name = "SECONDS", default_value_t = 0)]
    clock_wrong_by: i32,
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
        let clock = Clock::corrected(SignedDuration::from_secs(self.clock_wrong_by.into()));
        let mut app = App::start(config, listener, clock).await?;
        println!("ringproof listens on {}", app.address());
        tokio::select! {
            () = stop => {}
            ended = app.ended() => ended?,
        }
        app.stop().await;
        Ok(ExitCode::SUCCESS)
    }
}
