//! `ringproof store copy`: moves everything from the embedded store to PostgreSQL.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::app;
use crate::config::StoreUrl;
use crate::domain::Secret;
use crate::store::{self, Moved, Moving, Progress};

use super::WRONG_USAGE;

/// What can be done with a store as a whole.
#[derive(Subcommand)]
pub(super) enum Store {
    /// Copy everything from SQLite to PostgreSQL; the service must be stopped
    Copy(Copy),
}

#[derive(Args)]
#[command(after_help = COPY_HELP)]
pub(super) struct Copy {
    /// The store that is copied, sqlite:// and its path; it is not changed
    #[arg(long, value_name = "URL")]
    from: String,
    /// The new, empty database, postgres://…; with a password better in the environment
    #[arg(long, value_name = "URL", env = "RINGPROOF_STORE_TO", hide_env_values = true)]
    to: String,
    /// The server key of the store; by default the file beside it
    #[arg(long, value_name = "FILE")]
    secret_key_file: Option<PathBuf>,
    /// The most rows that are written in one transaction
    #[arg(long, value_name = "ROWS", default_value_t = 10_000,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    batch: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

const COPY_HELP: &str = "\
What was interrupted is gone on with by the same command, unless the source was used since. No
service starts on the target until both sides were compared and found equal.

Exit codes: 0 copied, and equal on both sides; 1 not, and it says what to do; 2 wrong usage.";

impl Store {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Copy(copy) => copy.run().await,
        }
    }
}

impl Copy {
    async fn run(self) -> anyhow::Result<ExitCode> {
        let (from, to) = match ends(&self.from, &self.to) {
            Ok(ends) => ends,
            Err(problem) => {
                eprintln!("error: {problem}");
                return Ok(ExitCode::from(WRONG_USAGE));
            }
        };
        let key_file =
            self.secret_key_file.clone().unwrap_or_else(|| app::server_key_beside(&from));
        let keys = match self.secret_key_file.is_some() || key_file.exists() {
            true => Some(app::server_keys(&key_file)?),
            false => None,
        };
        let has_file = keys.is_some();
        let moving = Moving { from: from.clone(), to, keys, batch: self.batch };
        let bar = bar();
        let moved = store::copy_over(moving, |progress| show(&bar, progress)).await;
        bar.finish_and_clear();
        let moved = moved.with_context(|| format!("while copying {}", from.display()))?;
        self.report(&moved, &key_file, has_file);
        Ok(ExitCode::SUCCESS)
    }

    fn report(&self, moved: &Moved, key_file: &Path, has_file: bool) {
        let rows: u64 = moved.tables.iter().map(|table| table.rows).sum();
        let digest = |digest: &[u8; 32]| const_hex::encode(digest);
        if self.json {
            let table = |table: &store::MovedTable| json!({ "table": table.name, "rows": table.rows, "sha256": digest(&table.digest) });
            let tables: Vec<_> = moved.tables.iter().map(table).collect();
            let answer = json!({
                "to": moved.server, "rows": rows, "already_there": moved.already_there,
                "tables": tables, "secret_key_file": key_file.to_string_lossy(),
                "secret_key_file_fits": has_file,
            });
            println!("{answer:#}");
        } else {
            for table in &moved.tables {
                println!("{:<20} {:>12}  {}", table.name, table.rows, digest(&table.digest));
            }
            let there = match moved.already_there {
                0 => String::new(),
                there => format!(", {there} of them by an earlier run"),
            };
            println!("{rows} rows{there}; both sides are equal");
        }
        advise(moved, key_file, has_file);
    }
}

/// What has to be done before the replicas start.
fn advise(moved: &Moved, key_file: &Path, has_file: bool) {
    let key_file = key_file.display();
    if has_file || !moved.has_key {
        eprintln!(
            "now set `store` to the database and `secret_key_file` to a copy of {key_file}, on every replica"
        );
    } else {
        eprintln!(
            "the server key was not at {key_file}: without the one that this store was served with \
             no replica starts, and no key or code is valid; set `secret_key_file` to it, on every replica"
        );
    }
}

/// Both ends, if they are what they have to be. No text repeats a URL that may hold a password.
fn ends(from: &str, to: &str) -> Result<(PathBuf, Secret), String> {
    let parsed = |name: &str, url| StoreUrl::parse(url).map_err(|what| format!("{name} {what}"));
    let from = match parsed("--from", from)? {
        StoreUrl::Sqlite(path) => path,
        StoreUrl::Postgres(_) => {
            return Err("--from must be sqlite:// and a path; from PostgreSQL nothing is copied, it has pg_dump".to_owned());
        }
    };
    match parsed("--to", to)? {
        StoreUrl::Postgres(url) => Ok((from, url)),
        StoreUrl::Sqlite(_) => {
            Err("--to must be postgres://…; a copy of the file is made by `ringproof backup`"
                .to_owned())
        }
    }
}

/// Shown on a terminal only.
fn bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    bar.enable_steady_tick(Duration::from_millis(200));
    match ProgressStyle::with_template("{spinner} {bar:30} {human_pos}/{human_len} {msg}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn show(bar: &ProgressBar, progress: Progress) {
    match progress {
        Progress::Inspecting => bar.set_message("looking for damage"),
        Progress::Reading(table) => bar.set_message(format!("reading {table}")),
        Progress::Copying { table, rows, of } => {
            bar.set_length(of);
            bar.set_position(rows);
            bar.set_message(format!("copying {table}"));
        }
        Progress::Comparing(table) => bar.set_message(format!("comparing {table}")),
    }
}
