//! `ringproof backup` and `ringproof restore`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::config::{Config, StoreUrl};
use crate::store::{self, CopyError, Copying};

use super::{ConfigArguments, print_problems};

/// Arguments of `backup`.
#[derive(Args)]
pub(super) struct Backup {
    /// The file to make; it must not exist
    to: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    config: ConfigArguments,
}

/// Arguments of `restore`.
#[derive(Args)]
pub(super) struct Restore {
    /// The file that `ringproof backup` made
    from: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    config: ConfigArguments,
}

impl Backup {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let config = match self.config.load() {
            Ok(config) => config,
            Err(problems) => return Ok(print_problems(&problems)),
        };
        let StoreUrl::Sqlite(path) = &config.store.url else {
            anyhow::bail!("this is for SQLite; PostgreSQL has pg_dump and pg_restore");
        };
        let bytes = copied(self.json, |told| store::backup(path, &self.to, told)).await?;
        report(self.json, &self.to, bytes);
        eprintln!(
            "the server's key is not in it: {} is needed to use it; keep the two apart, since \
             with both a thief can compute codes",
            key_file(&config, path).display()
        );
        Ok(ExitCode::SUCCESS)
    }
}

impl Restore {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let config = match self.config.load() {
            Ok(config) => config,
            Err(problems) => return Ok(print_problems(&problems)),
        };
        let StoreUrl::Sqlite(path) = &config.store.url else {
            anyhow::bail!("this is for SQLite; PostgreSQL has pg_dump and pg_restore");
        };
        let bytes = copied(self.json, |told| store::restore(&self.from, path, told)).await?;
        report(self.json, path, bytes);
        let key = key_file(&config, path);
        if !key.exists() {
            eprintln!("put the server's key at {} before the service starts", key.display());
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Runs a copy beside its bar, which only a terminal shows.
async fn copied<F>(json: bool, copy: impl FnOnce(Box<dyn FnMut(Copying) + Send>) -> F) -> F::Output
where
    F: Future<Output = Result<u64, CopyError>>,
{
    let bar = if json { ProgressBar::hidden() } else { bar() };
    let shown = bar.clone();
    let copied = copy(Box::new(move |copying| show(&shown, copying))).await;
    bar.finish_and_clear();
    copied
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    bar.enable_steady_tick(Duration::from_millis(200));
    match ProgressStyle::with_template("{spinner} {bar:30} {bytes}/{total_bytes} {msg}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn show(bar: &ProgressBar, copying: Copying) {
    match copying {
        Copying::Bytes { done, of } => {
            bar.set_length(of);
            bar.set_position(done);
            bar.set_message("copying");
        }
        Copying::Checking => bar.set_message("checking every page"),
    }
}

fn report(json: bool, file: &Path, bytes: u64) {
    if json {
        println!("{:#}", json!({ "file": file.to_string_lossy(), "bytes": bytes }));
    } else {
        println!("{}: {bytes} bytes, sound", file.display());
    }
}

fn key_file(config: &Config, store: &Path) -> PathBuf {
    let beside = || crate::app::server_key_beside(store);
    config.store.secret_key_file.clone().unwrap_or_else(beside)
}
