//! From a notification to the answer of the long poll that waits for it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;

use crate::calls::Call;
use crate::drive::pace;
use crate::figures::{median, milliseconds, percentile};
use crate::http::Requests;
use crate::options::Options;
use crate::polls::Held;
use crate::process::Machine;
use crate::report::{Line, Report};
use crate::subject::{Prepared, runtime};

use super::rounds;
use super::steady::{GAP, RATE};

/// Most polls that are held at once, by connections that this process may open.
const MOST_POLLS: u64 = 6_000;

/// Both p99 of one round, in milliseconds.
struct Round {
    notification: f64,
    waiter: f64,
}

pub fn measure(options: &Options, report: &mut Report) -> Result<()> {
    let polls = (options.seconds * RATE).min(MOST_POLLS);
    let measured = rounds("waiter", options.rounds, report, |_| {
        let prepared = Prepared::new(&options.server, polls)?;
        let served = prepared.serve()?;
        let machine = Machine::watch(&[&served.server, &served.simulator])?;
        let round = one_round(&prepared, served.address, polls)?;
        let others = machine.others(&[&served.server, &served.simulator])?;
        drop(served);
        prepared.check_verified(usize::try_from(polls)?)?;
        Ok((round, others))
    })?;
    let of = |figure: fn(&Round) -> f64| median(measured.iter().map(figure));
    let ratio = of(|round| round.waiter / round.notification);
    report.line(Line {
        what: format!("p99 from notification to the waiter's answer, same load, {polls} polls"),
        goal: "at most 1.5 times the notification's own",
        measured: format!(
            "{ratio:.2} times: {:.2} ms to {:.2} ms",
            of(|round| round.waiter),
            of(|round| round.notification)
        ),
        is_met: ratio <= 1.5,
    });
    Ok(())
}

fn one_round(prepared: &Prepared, address: SocketAddr, polls: u64) -> Result<Round> {
    let calls = || (1..=polls).map(Call::new);
    let mut requests = Requests::default();
    calls().for_each(|call| requests.push(&prepared.notification(call)));
    let waiting: Vec<_> = calls().map(|call| prepared.poll(call)).collect();
    let (paced, at) = runtime()?.block_on(async {
        let held = Held::open(address, &waiting).await?;
        tokio::try_join!(pace(address, Arc::new(requests), GAP), held.answered())
    })?;
    let waits = paced.sent.iter().zip(&at).map(|(sent, at)| at.saturating_duration_since(*sent));
    let waits: Vec<Duration> = waits.collect();
    let round = Round {
        notification: milliseconds(percentile(&paced.latencies, 0.99)),
        waiter: milliseconds(percentile(&waits, 0.99)),
    };
    println!(
        "waiter: p99 of the notification {:.2} ms, to the waiter's answer {:.2} ms",
        round.notification, round.waiter
    );
    Ok(round)
}
