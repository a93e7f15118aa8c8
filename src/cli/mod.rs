//! The command line: one file per command, and what they share.
//!
//! Exit codes: 0 done (for `verify --wait` and `demo --once`: verified), 1 it
//! failed, 2 wrong usage or configuration, 3 not verified, 4 the doctor found something wrong.

mod audit;
mod backup;
mod client;
mod config_check;
mod deliveries;
mod demo;
mod doctor;
mod erase;
mod follow;
mod guard;
mod health;
mod hooks;
mod keys;
mod operate;
mod prompts;
mod serve;
mod simulate;
mod sounds;
mod store;
mod sync;
mod texts;
mod verify;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

use crate::config::{self, Config};

/// What commands end with when the person did not confirm.
const NOT_VERIFIED: u8 = 3;
/// What the doctor ends with when something is wrong.
const SOMETHING_WRONG: u8 = 4;
/// What commands end with when their usage or the configuration is wrong.
const WRONG_USAGE: u8 = 2;

/// Self-hosted phone verification: has the provider call, judges its signed
/// notifications, and answers whoever waits.
#[derive(Parser)]
#[command(name = "ringproof", version, about, long_about = None, after_help = EXIT_CODES)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done (verify --wait, demo --once: verified), 1 failed, \
                          2 wrong usage or configuration, 3 not verified, 4 doctor: something is wrong.";

#[derive(Subcommand)]
enum Command {
    /// Run everything with a simulated provider, verify one number before your eyes, and stay up
    Demo(demo::Demo),
    /// Run the service
    Serve(serve::Serve),
    /// Run a stand-in for Zadarma, for test suites
    Simulate(simulate::Simulate),
    /// Verify a number through a running service
    Verify(verify::Verify),
    /// Show a verification with its timeline, through a running service
    Show(operate::Show),
    /// Search the verifications of the key's app, newest first
    Search(operate::Search),
    /// Tell what happens to all verifications; needs the scope operate
    Events(operate::Events),
    /// Count how verifications ended and how long people took; needs the scope operate
    Stats(operate::Stats),
    /// List, show, follow and replay the provider's notifications; needs the scope operate
    #[command(subcommand)]
    Hooks(hooks::Hooks),
    /// Create, list and revoke the keys that apps use
    #[command(subcommand)]
    Keys(keys::Keys),
    /// List, show and repeat what apps were told, through a running service
    #[command(subcommand)]
    Deliveries(deliveries::Deliveries),
    /// List what administrators did, and check that the log of it is whole
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Inspect, upload, list and delete the sounds that calls play, through a running service
    #[command(subcommand)]
    Sounds(sounds::Sounds),
    /// List, change and try the prompts that calls play, through a running service
    #[command(subcommand)]
    Prompts(prompts::Prompts),
    /// Look at accounts, store, disk and certificate: what is wrong, and what to do
    Doctor(doctor::Doctor),
    /// Copy the store to a file, beside a running service
    Backup(backup::Backup),
    /// Put a copy where the store is to be; overwrites nothing
    Restore(backup::Restore),
    /// Move everything from SQLite to PostgreSQL
    #[command(subcommand)]
    Store(store::Store),
    /// Ask whether a running service is ready
    Health(health::Health),
    /// Print what a shell needs to complete commands
    Completion(texts::Completion),
    /// Print the man page
    Man,
    /// Erase what is stored of one number or address, through a running service
    Erase(erase::Erase),
    /// See the guard's rules; stop starts, lift blocks, through a running service
    #[command(subcommand)]
    Guard(guard::Guard),
    /// Keep people from being reached, through a running service
    #[command(subcommand)]
    Suppress(guard::Suppress),
    /// Look at the configuration
    #[command(subcommand)]
    Config(config_check::ConfigCommand),
}

/// Where the configuration comes from.
#[derive(Args, Clone, Debug)]
struct ConfigArguments {
    /// The configuration file; defaults and environment apply without one
    #[arg(long, short, value_name = "FILE", env = "RINGPROOF_CONFIG")]
    config: Option<PathBuf>,
    /// Set one value, as in --set server.listen=127.0.0.1:8080; wins over file and environment
    #[arg(long, value_name = "KEY=VALUE", value_parser = setting)]
    set: Vec<(String, String)>,
}

impl ConfigArguments {
    /// The configuration, or everything that is wrong with it.
    fn load(&self) -> Result<Config, Vec<config::Problem>> {
        config::load(self.config.as_deref(), config::environment(), &self.set)
    }
}

/// Runs the command of `arguments` on the current runtime.
pub async fn run(arguments: Arguments) -> ExitCode {
    let ended = match arguments.command {
        Command::Demo(demo) => demo.run().await,
        Command::Serve(serve) => serve.run().await,
        Command::Simulate(simulate) => simulate.run().await,
        Command::Verify(verify) => verify.run().await,
        Command::Show(show) => show.run().await,
        Command::Search(search) => search.run().await,
        Command::Events(events) => events.run().await,
        Command::Stats(stats) => stats.run().await,
        Command::Hooks(hooks) => hooks.run().await,
        Command::Doctor(doctor) => doctor.run().await,
        Command::Backup(backup) => backup.run().await,
        Command::Restore(restore) => restore.run().await,
        Command::Store(store) => store.run().await,
        Command::Health(health) => health.run().await,
        Command::Completion(completion) => completion.run(),
        Command::Man => texts::man(),
        Command::Keys(keys) => keys.run().await,
        Command::Deliveries(deliveries) => deliveries.run().await,
        Command::Audit(audit) => audit.run().await,
        Command::Sounds(sounds) => sounds.run().await,
        Command::Prompts(prompts) => prompts.run().await,
        Command::Erase(erase) => erase.run().await,
        Command::Guard(guard) => guard.run().await,
        Command::Suppress(suppress) => suppress.run().await,
        Command::Config(command) => Ok(command.run()),
    };
    ended.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

/// Prints every problem of a configuration, one a line.
fn print_problems(problems: &[config::Problem]) -> ExitCode {
    for problem in problems {
        eprintln!("error: {problem}");
    }
    let count = problems.len();
    eprintln!("{count} problem{} in the configuration", if count == 1 { "" } else { "s" });
    ExitCode::from(WRONG_USAGE)
}

/// Begins to listen for Ctrl-C and SIGTERM; what it returns ends when the process
/// is asked to stop. Called before anything is started, so that from then on no
/// signal ends the process without order.
fn stop_signal() -> anyhow::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (key, value) =
        text.split_once('=').ok_or("write it as KEY=VALUE, as in server.listen=127.0.0.1:8080")?;
    Ok((key.trim().to_owned(), value.to_owned()))
}
