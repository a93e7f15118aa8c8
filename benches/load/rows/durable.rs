//! Durable notifications, as many as 64 connections bring: each is on disk
//! before its 200.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use crate::drive::{CONNECTIONS, Driven, saturate};
use crate::figures::{mebibytes, median, microseconds, milliseconds, percentile};
use crate::http::{self, Requests};
use crate::options::Options;
use crate::process::{Machine, Memory, Process};
use crate::report::{Line, Report};
use crate::subject::{Prepared, Served};

use super::{bare, pending_for, rounds};

/// More than any build takes in a second on two cores; a round ends early if they run out.
const MOST_PER_SECOND: u64 = 80_000;
/// How long each is driven before it is measured.
const WARM_UP: Duration = Duration::from_millis(300);

/// One measurement of one contestant.
struct Run {
    rate: f64,
    percentiles: [Duration; 3],
    cpu_each: Duration,
    memory: Memory,
    others: f64,
}

/// The contestants, one after another.
struct Round {
    bare: Run,
    server: Run,
    other: Option<Run>,
}

/// Whose run of a round; the other build may be absent.
type Contestant = fn(&Round) -> Option<&Run>;

pub fn measure(options: &Options, report: &mut Report) -> Result<()> {
    let (bare, bare_address) = bare()?;
    let span = Duration::from_secs(options.seconds);
    let measured = rounds("durable", options.rounds, report, |number| {
        let prepared = Prepared::new(&options.server, pending_for(options, MOST_PER_SECOND))?;
        let requests = prepared.notifications();
        let bare_run = || {
            let warm = saturate(bare_address, &requests, 0, WARM_UP)?;
            one_run(&bare, || saturate(bare_address, &requests, warm.answered, span))
        };
        // In turns, so that neither always has the warmer machine.
        let (bare, server) = if number % 2 == 0 {
            (bare_run()?, server_run(&prepared, &requests, span)?)
        } else {
            let server = server_run(&prepared, &requests, span)?;
            (bare_run()?, server)
        };
        let other = options.against.as_ref().map(|other| other_run(other, options, span));
        let round = Round { bare, server, other: other.transpose()? };
        round.say(number);
        let runs = [&round.bare, &round.server].into_iter().chain(&round.other);
        let others = runs.map(|run| run.others).fold(0.0, f64::max);
        Ok((round, others))
    })?;
    say(&measured, report);
    Ok(())
}

impl Round {
    fn say(&self, number: usize) {
        let (bare, server) = (self.bare.rate, self.server.rate);
        print!(
            "durable, round {}: bare {bare:.0}/s, ringproof {server:.0}/s, ratio {:.3}",
            number + 1,
            server / bare
        );
        match &self.other {
            Some(Run { rate, .. }) => {
                println!("; the other build {rate:.0}/s, ringproof to it {:.3}", server / rate);
            }
            None => println!(),
        }
    }
}

/// One measurement of the server, which is then killed; all that it
/// acknowledged must be in its store.
fn server_run(prepared: &Prepared, requests: &Requests, span: Duration) -> Result<Run> {
    let served = prepared.serve()?;
    let warm = saturate(served.address, requests, 0, WARM_UP)?;
    let mut answered = warm.answered;
    let run = one_run(&served.server, || {
        let driven = saturate(served.address, requests, warm.answered, span)?;
        answered += driven.answered;
        Ok(driven)
    })?;
    let batch = batches(&served)?;
    drop(served);
    prepared.check_verified(answered)?;
    println!("  {batch}; {answered} acknowledged, then killed: {answered} verified in the store");
    Ok(run)
}

/// What the server says of its commits.
fn batches(served: &Served) -> Result<String> {
    let answer = http::exchange(served.address, &http::poll("/metrics", "none"))?;
    let text = String::from_utf8_lossy(&answer);
    let figure = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|value| value.trim().parse::<f64>().ok()).unwrap_or(f64::NAN)
    };
    let mean = |name: &str| figure(&format!("{name}_sum ")) / figure(&format!("{name}_count "));
    Ok(format!(
        "{:.0} changes in a commit of {:.2} ms",
        mean("ringproof_store_batch_size"),
        mean("ringproof_store_commit_seconds") * 1e3,
    ))
}

fn other_run(binary: &Path, options: &Options, span: Duration) -> Result<Run> {
    let prepared = Prepared::new(binary, pending_for(options, MOST_PER_SECOND))?;
    server_run(&prepared, &prepared.notifications(), span)
}

fn one_run(process: &Process, drive: impl FnOnce() -> Result<Driven>) -> Result<Run> {
    let machine = Machine::watch(&[process])?;
    let cpu = process.cpu()?;
    let driven = drive()?;
    let cpu = process.cpu()?.saturating_sub(cpu);
    Ok(Run {
        rate: driven.answered as f64 / driven.took.as_secs_f64(),
        percentiles: [0.5, 0.99, 0.999].map(|share| percentile(&driven.latencies, share)),
        cpu_each: cpu.div_f64(driven.answered as f64),
        memory: process.memory()?,
        others: machine.others(&[process])?,
    })
}

fn say(rounds: &[Round], report: &mut Report) {
    println!(
        "\n| medians | requests/s | p50 µs | p99 µs | p99.9 µs | CPU µs each | RSS MiB | anonymous MiB |\n\
         |---|---|---|---|---|---|---|---|"
    );
    let of = |run: Contestant, figure: fn(&Run) -> f64| {
        median(rounds.iter().filter_map(run).map(figure))
    };
    let contestants: [(&str, Contestant); 3] = [
        ("bare", |round| Some(&round.bare)),
        ("ringproof", |round| Some(&round.server)),
        ("the other build", |round| round.other.as_ref()),
    ];
    for (name, run) in contestants {
        if rounds.iter().any(|round| run(round).is_some()) {
            println!(
                "| {name} | {:.0} | {:.0} | {:.0} | {:.0} | {:.1} | {:.1} | {:.1} |",
                of(run, |run| run.rate),
                of(run, |run| microseconds(run.percentiles[0])),
                of(run, |run| microseconds(run.percentiles[1])),
                of(run, |run| microseconds(run.percentiles[2])),
                of(run, |run| microseconds(run.cpu_each)),
                of(run, |run| mebibytes(run.memory.resident)),
                of(run, |run| mebibytes(run.memory.anonymous)),
            );
        }
    }
    let [(_, bare), (_, server), _] = contestants;
    let ratio = median(rounds.iter().map(|round| round.server.rate / round.bare.rate));
    report.line(Line {
        what: format!("durable notifications, {CONNECTIONS} connections, generator included"),
        goal: "0.50 of bare",
        measured: format!(
            "{ratio:.2} of bare: {:.0}/s of {:.0}/s; p50 {:.1} ms, p99 {:.1} ms, p99.9 {:.1} ms \
             (bare {:.1}, {:.1}, {:.1}); {:.0} µs CPU each (bare {:.0})",
            of(server, |run| run.rate),
            of(bare, |run| run.rate),
            of(server, |run| milliseconds(run.percentiles[0])),
            of(server, |run| milliseconds(run.percentiles[1])),
            of(server, |run| milliseconds(run.percentiles[2])),
            of(bare, |run| milliseconds(run.percentiles[0])),
            of(bare, |run| milliseconds(run.percentiles[1])),
            of(bare, |run| milliseconds(run.percentiles[2])),
            of(server, |run| microseconds(run.cpu_each)),
            of(bare, |run| microseconds(run.cpu_each)),
        ),
        is_met: ratio >= 0.5,
    });
    let to_other = rounds
        .iter()
        .filter_map(|round| round.other.as_ref().map(|other| round.server.rate / other.rate));
    let to_other = median(to_other);
    if to_other.is_finite() {
        report.caveat(format!("ringproof to the other build, pair by pair: {to_other:.3}"));
    }
}
