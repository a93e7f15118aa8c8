//! The p99 of durable notifications at a rate that leaves room.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;

use crate::drive::{Paced, pace};
use crate::figures::{median, microseconds, percentile};
use crate::http::Requests;
use crate::options::Options;
use crate::process::Machine;
use crate::report::{Line, Report};
use crate::subject::{Prepared, runtime};

use super::{bare, pending_for};

/// Notifications in a second.
pub const RATE: u64 = 2_000;
/// The time between two of them.
pub const GAP: Duration = Duration::from_micros(1_000_000 / RATE);

pub fn measure(options: &Options, report: &mut Report) -> Result<()> {
    let (bare, bare_address) = bare()?;
    let (mut of_bare, mut of_server, mut others) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..options.rounds {
        let prepared = Prepared::new(&options.server, pending_for(options, RATE))?;
        let requests = Arc::new(prepared.notifications());
        let served = prepared.serve()?;
        let machine = Machine::watch(&[&bare, &served.server, &served.simulator])?;
        let mut run = |server| {
            if server {
                of_server.push(p99(served.address, &requests)?);
            } else {
                of_bare.push(p99(bare_address, &requests)?);
            }
            anyhow::Ok(())
        };
        let server_first = round % 2 == 1;
        run(server_first)?;
        run(!server_first)?;
        others.push(machine.others(&[&bare, &served.server, &served.simulator])?);
        drop(served);
        prepared.check_verified(requests.len())?;
    }
    let ratio = median(of_server.iter().zip(&of_bare).map(|(server, bare)| server / bare));
    report.line(Line {
        what: format!("p99 at {RATE} notifications a second, open loop"),
        goal: "at most 6 times bare's",
        measured: format!(
            "{ratio:.1} times: {:.2} ms to {:.2} ms",
            median(of_server) / 1e3,
            median(of_bare) / 1e3
        ),
        is_met: ratio <= 6.0,
    });
    report.others("steady", median(others));
    Ok(())
}

fn p99(address: SocketAddr, requests: &Arc<Requests>) -> Result<f64> {
    let Paced { latencies, .. } = runtime()?.block_on(pace(address, Arc::clone(requests), GAP))?;
    println!(
        "steady: p50 {:.0} µs, p99 {:.0} µs, p99.9 {:.0} µs",
        microseconds(percentile(&latencies, 0.5)),
        microseconds(percentile(&latencies, 0.99)),
        microseconds(percentile(&latencies, 0.999)),
    );
    Ok(microseconds(percentile(&latencies, 0.99)))
}
