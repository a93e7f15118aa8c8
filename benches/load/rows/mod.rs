//! One file per row of the table, or two where one set-up serves both.

pub mod durable;
pub mod memory;
pub mod pending;
pub mod polls;
pub mod start;
pub mod steady;
pub mod waiter;

use std::env;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result};

use super::options::Options;
use super::process::Process;

/// The bare handlers, in a process of their own.
fn bare() -> Result<(Process, SocketAddr)> {
    let itself = env::current_exe().context("while looking for this program")?;
    let arguments = ["--bare", "127.0.0.1:0"];
    let mut bare = Process::spawn(&itself, arguments, Path::new("/dev/null"))?;
    let address = bare.address()?;
    Ok((bare, address))
}

/// So many notifications as `Options::seconds` takes at this rate.
fn pending_for(options: &Options, rate: u64) -> u64 {
    options.seconds * rate
}
