//! What may be asked of the program.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// Measures the release server against a bare actix-web handler, both over
/// loopback and in the same run.
#[derive(Parser)]
#[command(name = "load")]
pub struct Options {
    /// How often each of two that are compared is measured, in turns
    #[arg(long, default_value_t = 5)]
    pub rounds: usize,
    /// How long one measurement lasts
    #[arg(long, default_value_t = 3)]
    pub seconds: u64,
    /// Fewer and shorter rounds, fewer pending verifications
    #[arg(long)]
    pub quick: bool,
    /// Measure this store; with "postgres" the row "replicas" comes beside the others, over a
    /// PostgreSQL of its own
    #[arg(long, value_enum, default_value_t = Stores::Sqlite)]
    pub store: Stores,
    /// Only these rows
    #[arg(long, value_enum)]
    pub only: Vec<Row>,
    /// The server to measure, instead of the one built with this program
    #[arg(long, value_name = "BINARY", default_value = env!("CARGO_BIN_EXE_ringproof"))]
    pub server: PathBuf,
    /// Another build of the server, measured in the same rounds of the row "durable"
    #[arg(long, value_name = "BINARY")]
    pub against: Option<PathBuf>,
    /// Be the bare handler (the program starts itself so)
    #[arg(long, hide = true, value_name = "ADDR")]
    pub bare: Option<SocketAddr>,
    /// Given by `cargo bench`
    #[arg(long = "bench", hide = true)]
    _bench: bool,
}

/// What is measured.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Stores {
    /// One process over a file
    Sqlite,
    /// That, and one to three replicas over PostgreSQL
    Postgres,
}

/// The rows of the table.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Row {
    /// Durable notifications, as many as 64 connections bring
    Durable,
    /// Their p99 at 2,000 a second
    Steady,
    /// From a notification to the waiter's answer, at the same load
    Waiter,
    /// Memory of a pending verification
    Pending,
    /// Memory of a held long poll, and 10,000 of them answered
    Polls,
    /// From start to the first durable answer
    Start,
    /// Anonymous memory, idle and under load
    Memory,
    /// Polls of pending verifications, durable starts and checks of codes
    Codes,
    /// Starts of spoken codes with every rule of the guard and with none
    Guard,
    /// From a notification on one replica to who waits on another, over PostgreSQL
    Across,
    /// Notifications, starts and checks over SQLite and by one to three replicas over
    /// PostgreSQL, beside plain inserts
    Replicas,
}

impl Options {
    /// The same, reduced if that was asked for.
    pub fn reduced(mut self) -> Self {
        if self.quick {
            self.rounds = self.rounds.min(3);
            self.seconds = self.seconds.min(1);
        }
        self
    }

    /// Whether a row was asked for.
    pub fn wants(&self, row: Row) -> bool {
        let has_store = row != Row::Replicas || self.store == Stores::Postgres;
        has_store && (self.only.is_empty() || self.only.contains(&row))
    }
}
