//! Anonymous memory: idle, and under load with verifications pending.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};

use crate::drive::{Driven, saturate};
use crate::figures::mebibytes;
use crate::options::Options;
use crate::process::{Memory, Process};
use crate::report::{Line, Report};
use crate::subject::Prepared;

/// How many are pending when the load begins.
const PENDING: u64 = 10_000;
/// How often memory is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

pub fn measure(options: &Options, report: &mut Report) -> Result<()> {
    let idle = Prepared::new(&options.server, 1)?.serve()?.server.memory()?;
    let prepared = Prepared::new(&options.server, PENDING)?;
    let requests = prepared.notifications();
    let served = prepared.serve()?;
    let before = served.server.memory()?;
    let until = Instant::now() + Duration::from_secs(options.seconds);
    let peak = most(&served.server, || {
        // Once each of them is ended, the same again: repeats are journaled.
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            let _: Driven = saturate(served.address, &requests, 0, left)?;
        }
        Ok(())
    })?;
    drop(served);
    prepared.check_verified(requests.len())?;
    let (idle_mib, peak_mib) = (mebibytes(idle.anonymous), mebibytes(peak.anonymous));
    report.line(Line {
        what: format!("anonymous memory, idle / under load with {PENDING} pending"),
        goal: "under 10 / 40 MiB",
        measured: format!(
            "{idle_mib:.1} / {peak_mib:.1} MiB (RSS {:.1} / {:.1}; {:.1} before the load)",
            mebibytes(idle.resident),
            mebibytes(peak.resident),
            mebibytes(before.anonymous),
        ),
        is_met: idle_mib < 10.0 && peak_mib < 40.0,
    });
    Ok(())
}

/// The most memory that a process takes while `work` goes on.
fn most(process: &Process, work: impl FnOnce() -> Result<()>) -> Result<Memory> {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let looking = scope.spawn(|| {
            let mut peak = Memory::default();
            while !over.load(Ordering::Relaxed) {
                let now = process.memory()?;
                peak.resident = peak.resident.max(now.resident);
                peak.anonymous = peak.anonymous.max(now.anonymous);
                thread::sleep(LOOK_EVERY);
            }
            anyhow::Ok(peak)
        });
        let worked = work();
        over.store(true, Ordering::Relaxed);
        let peak = looking.join().map_err(|_| anyhow!("the look-out has failed"))?;
        worked?;
        peak
    })
}
