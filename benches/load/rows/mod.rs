//! One file per row of the table, or two where one set-up serves both.

pub mod across;
pub mod codes;
pub mod durable;
pub mod guard;
pub mod memory;
pub mod pending;
pub mod polls;
pub mod replicas;
pub mod start;
pub mod steady;
pub mod waiter;

use std::env;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result};

use super::options::Options;
use super::process::{Machine, Process, QUIET};
use super::report::Report;

/// How many rounds are tried for each that is wanted, when others disturb.
const TRIES: usize = 2;

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

/// Has `round` measured as often as was asked for. It says how many cores others
/// took meanwhile. A disturbed round is tried again, and counts only when quiet
/// ones are too few; both are said.
fn rounds<T>(
    what: &str,
    count: usize,
    report: &mut Report,
    mut round: impl FnMut(usize) -> Result<(T, f64)>,
) -> Result<Vec<T>> {
    let (mut quiet, mut disturbed) = (Vec::new(), Vec::new());
    for number in 0..count * TRIES {
        Machine::wait_until_quiet()?;
        let (measured, others) = round(number)?;
        if others <= QUIET {
            quiet.push(measured);
        } else {
            println!("  others took {others:.2} cores meanwhile");
            disturbed.push((others, measured));
        }
        if quiet.len() == count {
            break;
        }
    }
    disturbed.sort_unstable_by(|(one, _), (other, _)| one.total_cmp(other));
    let missing = count - quiet.len();
    if !disturbed.is_empty() {
        let (all, most) = (disturbed.len(), disturbed[..missing].last().map_or(0.0, |last| last.0));
        report.caveat(format!(
            "\"{what}\": {all} rounds were disturbed (others took more than {QUIET} of a core), \
             {missing} of them are counted for want of quiet ones, up to {most:.2} cores"
        ));
    }
    quiet.extend(disturbed.into_iter().take(missing).map(|(_, measured)| measured));
    Ok(quiet)
}
