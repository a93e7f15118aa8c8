//! The load program: measures the release server on SQLite (one row: three of them on a
//! PostgreSQL of Debian's package, which it starts) against a bare actix-web handler that only reads the same body, in the same run, and holds
//! the figures against their goals.
//!
//! `cargo bench --bench load -- --quick`, or `--help` for more. The server, its
//! provider (the simulator) and the bare handler are processes of their own, so
//! that processor time and memory are theirs alone. Pending verifications are
//! seeded through the store's bulk door, since the provider's limit is 100 calls
//! a minute; that is not timed. Starts are measured with a test number, or, where the guard
//! judges them, by accounts of many providers that keep no limit.

#[path = "load/bare.rs"]
mod bare;
#[path = "load/calls.rs"]
mod calls;
#[path = "load/coded.rs"]
mod coded;
#[path = "load/drive.rs"]
mod drive;
#[path = "load/figures.rs"]
mod figures;
#[path = "load/http.rs"]
mod http;
#[path = "load/options.rs"]
mod options;
#[path = "load/plain.rs"]
mod plain;
#[path = "load/polls.rs"]
mod polls;
#[path = "load/process.rs"]
mod process;
#[path = "load/report.rs"]
mod report;
#[path = "load/rows/mod.rs"]
mod rows;
#[path = "../src/store/tests/server.rs"]
#[expect(dead_code, clippy::unwrap_used, reason = "the server of the tests, which may panic")]
mod server;
#[path = "load/server_key.rs"]
mod server_key;
#[path = "load/subject.rs"]
mod subject;
#[path = "load/trio.rs"]
mod trio;

use anyhow::{Result, ensure};
use clap::Parser;

use options::{Options, Row};
use report::Report;

/// Connections to one server, files and some more.
const OPEN_FILES: u64 = rows::polls::POLLS as u64 + 500;

/// Measures one row.
type Measure = fn(&Options, &mut Report) -> Result<()>;

/// In the order of the table.
const ROWS: [(Row, Measure); 11] = [
    (Row::Durable, rows::durable::measure),
    (Row::Steady, rows::steady::measure),
    (Row::Waiter, rows::waiter::measure),
    (Row::Pending, rows::pending::measure),
    (Row::Polls, rows::polls::measure),
    (Row::Start, rows::start::measure),
    (Row::Memory, rows::memory::measure),
    (Row::Codes, rows::codes::measure),
    (Row::Guard, rows::guard::measure),
    (Row::Across, rows::across::measure),
    (Row::Replicas, rows::replicas::measure),
];

fn main() -> Result<()> {
    let options = Options::parse().reduced();
    if let Some(address) = options.bare {
        return Ok(bare::serve(address)?);
    }
    let open_files = process::open_files()?;
    ensure!(
        open_files >= OPEN_FILES,
        "a process may open {open_files} files, and 10,000 connections take {OPEN_FILES}: \
         run `ulimit -n {OPEN_FILES}` first"
    );
    let mut report = Report::default();
    report.caveat(format!(
        "{} rounds of {} s each, bare and ringproof in turns; medians, ratios pair by pair",
        options.rounds, options.seconds
    ));
    report.caveat(
        "pending verifications are seeded through the store's bulk door, untimed, since the \
         provider's limit is 100 calls a minute; notifications come in the order of the starts, \
         shuffled within 10,000"
            .to_owned(),
    );
    report.caveat("the load generator runs on the same cores as what it measures".to_owned());
    for (row, measure) in ROWS {
        if options.wants(row) {
            measure(&options, &mut report)?;
        }
    }
    report.print();
    Ok(())
}
