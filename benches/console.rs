//! The console on a large store: how long each page and the statistics take, asked for
//! over loopback one after the other by an operator who has signed in.
//!
//! `cargo bench --bench console`, or `--help` for more. The store is made through its own
//! port, untimed: button calls of the last days, each with the five rows of the journal
//! that a real one leaves. The server and its provider (the simulator) are processes of
//! their own.

#[path = "load/calls.rs"]
#[expect(dead_code, reason = "what only the load program asks of a call")]
mod calls;
#[path = "console/pages.rs"]
mod pages;
#[path = "load/process.rs"]
#[expect(dead_code, reason = "what only the load program asks of a process")]
mod process;
#[path = "console/seed.rs"]
mod seed;
#[path = "load/server_key.rs"]
mod server_key;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use clap::Parser;

use process::Process;

/// The goal for each page.
const GOAL_MS: f64 = 50.0;

/// Measures every page of the console on a large store.
#[derive(Parser)]
#[command(name = "console")]
struct Options {
    /// How many verifications the store holds; the journal has five rows for each
    #[arg(long, default_value_t = 1_000_000)]
    verifications: u64,
    /// How often each page is asked for
    #[arg(long, default_value_t = 15)]
    rounds: usize,
    /// Where the store is made and kept; one that is there is used as it is
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// The server to measure, instead of the one built with this program
    #[arg(long, value_name = "BINARY", default_value = env!("CARGO_BIN_EXE_ringproof"))]
    server: PathBuf,
    /// Given by `cargo bench`
    #[arg(long = "bench", hide = true)]
    _bench: bool,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let temporary = tempfile::tempdir().context("while making a folder")?;
    let folder = options.folder.clone().unwrap_or_else(|| temporary.path().to_owned());
    fs::create_dir_all(&folder).context("while making the folder")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;

    let place = Place { binary: options.server.clone(), folder };
    place.configure("http://127.0.0.1:9")?;
    let is_made = place.store().exists();
    let key = place.make_key()?;
    if is_made {
        println!("using the store at {}", place.store().display());
    } else {
        let began = Instant::now();
        let keys = server_key::read(&place.folder.join("ringproof.db.key"))?;
        runtime.block_on(seed::seed(&place.store(), keys, options.verifications))?;
        let rows = options.verifications * seed::ROWS;
        println!(
            "{} verifications and {rows} rows of the journal made in {:.0} s",
            options.verifications,
            began.elapsed().as_secs_f64()
        );
    }
    let simulator = place.simulate()?;
    let mut server = place.serve()?;
    let base = format!("http://{}", server.address()?);
    let rows = runtime.block_on(pages::measure(&base, &key, options.rounds))?;
    drop((server, simulator));
    print(&rows)
}

/// The table; an error if a page takes longer than it may.
fn print(rows: &[pages::Row]) -> Result<()> {
    println!("\n| page | median ms | slowest ms | KiB | under {GOAL_MS:.0} ms |");
    println!("|---|---:|---:|---:|---|");
    for row in rows {
        let met = if row.median() < GOAL_MS { "met" } else { "missed" };
        let kib = row.bytes as f64 / 1024.0;
        println!(
            "| {} | {:.1} | {:.1} | {kib:.0} | {met} |",
            row.name,
            row.median(),
            row.slowest()
        );
    }
    let slow: Vec<&str> =
        rows.iter().filter(|row| row.median() >= GOAL_MS).map(|row| row.name).collect();
    ensure!(slow.is_empty(), "over {GOAL_MS} ms: {}", slow.join(", "));
    Ok(())
}

/// A folder with a configuration and a store.
struct Place {
    binary: PathBuf,
    folder: PathBuf,
}

impl Place {
    fn store(&self) -> PathBuf {
        self.folder.join("ringproof.db")
    }

    fn configuration(&self) -> PathBuf {
        self.folder.join("ringproof.toml")
    }

    fn configure(&self, simulator: &str) -> Result<()> {
        let text = format!(
            "store = \"sqlite://ringproof.db\"\n\
             [server]\nrequests_per_key = 0\nrequests_per_address = 0\n\
             [accounts.main]\nbase_url = \"{simulator}\"\nkey = \"bench\"\n\
             secret = \"0123456789abcdef0123\"\n\
             notification_token = \"0123456789abcdef0123456789abcdef\"\n"
        );
        fs::write(self.configuration(), text).context("while writing the configuration")
    }

    fn make_key(&self) -> Result<String> {
        let output = Command::new(&self.binary)
            .args(["keys", "create", "--scope", "operate", "--scope", "read"])
            .args(["--app", calls::APP, "--config"])
            .arg(self.configuration())
            .output()
            .context("while making a key")?;
        let key = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        ensure!(key.contains('.'), "no key was made: {}", String::from_utf8_lossy(&output.stderr));
        Ok(key)
    }

    fn simulate(&self) -> Result<Process> {
        let arguments =
            ["simulate", "--instant", "--key", "bench", "--secret", "0123456789abcdef0123"];
        let mut simulator = self.spawn(&arguments, "simulator.log")?;
        self.configure(&format!("http://{}", simulator.address()?))?;
        Ok(simulator)
    }

    fn serve(&self) -> Result<Process> {
        let configuration = self.configuration();
        let path = configuration.to_string_lossy();
        self.spawn(&["serve", "--listen", "127.0.0.1:0", "--config", &path], "server.log")
    }

    fn spawn(&self, arguments: &[&str], log: &str) -> Result<Process> {
        Process::spawn(&self.binary, arguments, Path::new(&self.folder.join(log)))
    }
}
