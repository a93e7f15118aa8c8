//! Memory of a pending verification.

use anyhow::Result;

use crate::figures::mebibytes;
use crate::options::Options;
use crate::process::Memory;
use crate::report::{Line, Report};
use crate::subject::Prepared;

/// How many are pending; a quarter of it fills the maps alike.
const PENDING: u64 = 1_000_000;

pub fn measure(options: &Options, report: &mut Report) -> Result<()> {
    let pending = if options.quick { PENDING / 4 } else { PENDING };
    let idle = memory(options, 1)?;
    let full = memory(options, pending)?;
    let each = |full: u64, idle: u64| (full - idle.min(full)) as f64 / pending as f64;
    let anonymous = each(full.anonymous, idle.anonymous);
    report.line(Line {
        what: format!("memory per pending verification, {pending} pending"),
        goal: "under 400 bytes",
        measured: format!(
            "{anonymous:.0} bytes anonymous, {:.0} of RSS ({:.0} MiB less {:.0} idle)",
            each(full.resident, idle.resident),
            mebibytes(full.resident),
            mebibytes(idle.resident),
        ),
        is_met: anonymous < 400.0 && each(full.resident, idle.resident) < 400.0,
    });
    Ok(())
}

fn memory(options: &Options, pending: u64) -> Result<Memory> {
    Prepared::new(&options.server, pending)?.serve()?.server.memory()
}
