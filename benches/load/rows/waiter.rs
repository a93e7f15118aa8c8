//! From a notification to the answer of the long poll that waits for it.

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

use super::steady::{GAP, RATE};

/// Most polls that are held at once, by connections that this process may open.
const MOST_POLLS: u64 = 6_000;

pub fn measure(options: &Options, report: &mut Report) -> Result<()> {
    let (mut notified, mut answered, mut ratios, mut others) = (vec![], vec![], vec![], vec![]);
    let polls = (options.seconds * RATE).min(MOST_POLLS);
    for round in 0..options.rounds {
        let prepared = Prepared::new(&options.server, polls)?;
        let served = prepared.serve()?;
        let machine = Machine::watch(&[&served.server, &served.simulator])?;
        let mut requests = Requests::default();
        (1..=polls).for_each(|index| requests.push(&prepared.notification(Call::new(index))));
        let waiting: Vec<_> = (1..=polls).map(|index| prepared.poll(Call::new(index))).collect();
        let (paced, at) = runtime()?.block_on(async {
            let held = Held::open(served.address, &waiting).await?;
            tokio::try_join!(pace(served.address, Arc::new(requests), GAP), held.answered())
        })?;
        let to_answer: Vec<Duration> = paced
            .sent
            .iter()
            .zip(&at)
            .map(|(sent, at)| at.saturating_duration_since(*sent))
            .collect();
        let own = percentile(&paced.latencies, 0.99);
        let waiter = percentile(&to_answer, 0.99);
        println!(
            "waiter, round {}: p99 of the notification {:.2} ms, to the waiter's answer {:.2} ms",
            round + 1,
            milliseconds(own),
            milliseconds(waiter)
        );
        notified.push(milliseconds(own));
        answered.push(milliseconds(waiter));
        ratios.push(waiter.div_duration_f64(own));
        others.push(machine.others(&[&served.server, &served.simulator])?);
        drop(served);
        prepared.check_verified(usize::try_from(polls)?)?;
    }
    let ratio = median(ratios);
    report.line(Line {
        what: format!("p99 from notification to the waiter's answer, same load, {polls} polls"),
        goal: "at most 1.5 times the notification's own",
        measured: format!(
            "{ratio:.2} times: {:.2} ms to {:.2} ms",
            median(answered),
            median(notified)
        ),
        is_met: ratio <= 1.5,
    });
    report.others("waiter", median(others));
    Ok(())
}
