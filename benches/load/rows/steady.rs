//! The p99 of durable notifications at a rate that leaves room.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;

use crate::drive::{Paced, pace, saturate};
use crate::figures::{median, microseconds, percentile};
use crate::http::Requests;
use crate::options::Options;
use crate::process::Machine;
use crate::report::{Line, Report};
use crate::subject::{Prepared, runtime};

use super::{bare, pending_for, rounds};

/// Notifications in a second.
pub const RATE: u64 = 2_000;
/// The time between two of them.
pub const GAP: Duration = Duration::from_micros(1_000_000 / RATE);

/// Sent before, as fast as they are taken, so that the store's log has its length.
const WARM_UP: u64 = 20_000;

/// Both p99 of one round, in microseconds.
struct Round {
    bare: f64,
    server: f64,
}

pub fn measure(options: &Options, report: &mut Report) -> Result<()> {
    let (bare, bare_address) = bare()?;
    let measured = rounds("steady", options.rounds, report, |number| {
        let measured = pending_for(options, RATE);
        let prepared = Prepared::new(&options.server, WARM_UP + measured)?;
        let warm_up = prepared.notifications_of(1..=WARM_UP);
        let requests = Arc::new(prepared.notifications_of(WARM_UP + 1..=WARM_UP + measured));
        let served = prepared.serve()?;
        for address in [bare_address, served.address] {
            saturate(address, &warm_up, 0, Duration::MAX)?;
        }
        let machine = Machine::watch(&[&bare, &served.server, &served.simulator])?;
        let round = if number % 2 == 0 {
            let bare = p99("bare", bare_address, &requests)?;
            Round { bare, server: p99("ringproof", served.address, &requests)? }
        } else {
            let server = p99("ringproof", served.address, &requests)?;
            Round { bare: p99("bare", bare_address, &requests)?, server }
        };
        let others = machine.others(&[&bare, &served.server, &served.simulator])?;
        drop(served);
        prepared.check_verified(warm_up.len() + requests.len())?;
        Ok((round, others))
    })?;
    let of = |figure: fn(&Round) -> f64| median(measured.iter().map(figure));
    let ratio = of(|round| round.server / round.bare);
    report.line(Line {
        what: format!("p99 at {RATE} notifications a second, open loop"),
        goal: "at most 6 times bare's",
        measured: format!(
            "{ratio:.1} times: {:.2} ms to {:.2} ms",
            of(|round| round.server) / 1e3,
            of(|round| round.bare) / 1e3
        ),
        is_met: ratio <= 6.0,
    });
    Ok(())
}

fn p99(name: &str, address: SocketAddr, requests: &Arc<Requests>) -> Result<f64> {
    let Paced { latencies, .. } = runtime()?.block_on(pace(address, Arc::clone(requests), GAP))?;
    println!(
        "steady, {name}: p50 {:.0} µs, p99 {:.0} µs, p99.9 {:.0} µs",
        microseconds(percentile(&latencies, 0.5)),
        microseconds(percentile(&latencies, 0.99)),
        microseconds(percentile(&latencies, 0.999)),
    );
    Ok(microseconds(percentile(&latencies, 0.99)))
}
