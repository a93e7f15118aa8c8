//! Durable notifications, as many as 64 connections bring: each is on disk
//! before its 200.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use crate::drive::{CONNECTIONS, Driven, saturate};
use crate::figures::{mebibytes, median, microseconds, percentile};
use crate::http::Requests;
use crate::options::Options;
use crate::process::{Machine, Memory, Process};
use crate::report::{Line, Report};
use crate::subject::Prepared;

use super::{bare, pending_for};

/// More than any build takes in a second on two cores; a round ends early if they run out.
const MOST_PER_SECOND: u64 = 36_000;
/// How long each is driven before it is measured.
const WARM_UP: Duration = Duration::from_millis(300);

/// One measurement of one contestant.
struct Round {
    rate: f64,
    percentiles: [Duration; 3],
    cpu_each: Duration,
    memory: Memory,
    others: f64,
}

pub fn measure(options: &Options, report: &mut Report) -> Result<()> {
    let (bare, bare_address) = bare()?;
    let span = Duration::from_secs(options.seconds);
    let (mut of_bare, mut of_server, mut of_other) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..options.rounds {
        let prepared = Prepared::new(&options.server, pending_for(options, MOST_PER_SECOND))?;
        let requests = prepared.notifications();
        let bare_round = || {
            let warm = saturate(bare_address, &requests, 0, WARM_UP)?;
            one_round(&bare, || saturate(bare_address, &requests, warm.answered, span))
        };
        // In turns, so that neither always has the warmer machine.
        if round % 2 == 0 {
            of_bare.push(bare_round()?);
            of_server.push(server_round(&prepared, &requests, span)?);
        } else {
            of_server.push(server_round(&prepared, &requests, span)?);
            of_bare.push(bare_round()?);
        }
        if let Some(other) = &options.against {
            of_other.push(other_round(other, options, span)?);
        }
        let rate = |rounds: &[Round]| rounds.last().map_or(f64::NAN, |round| round.rate);
        println!(
            "durable, round {}: bare {:.0}/s, ringproof {:.0}/s, ratio {:.3}{}",
            round + 1,
            rate(&of_bare),
            rate(&of_server),
            rate(&of_server) / rate(&of_bare),
            options.against.as_ref().map_or(String::new(), |_| format!(
                ", the other build {:.0}/s, ringproof to it {:.3}",
                rate(&of_other),
                rate(&of_server) / rate(&of_other)
            )),
        );
    }
    say(&of_bare, &of_server, &of_other, report);
    Ok(())
}

/// One measurement of the server, which is then killed; all that it
/// acknowledged must be in its store.
fn server_round(prepared: &Prepared, requests: &Requests, span: Duration) -> Result<Round> {
    let served = prepared.serve()?;
    let warm = saturate(served.address, requests, 0, WARM_UP)?;
    let mut answered = warm.answered;
    let round = one_round(&served.server, || {
        let driven = saturate(served.address, requests, warm.answered, span)?;
        answered += driven.answered;
        Ok(driven)
    })?;
    drop(served);
    prepared.check_verified(answered)?;
    println!("  {answered} acknowledged, then killed: {answered} verified in the store");
    Ok(round)
}

fn other_round(binary: &Path, options: &Options, span: Duration) -> Result<Round> {
    let prepared = Prepared::new(binary, pending_for(options, MOST_PER_SECOND))?;
    server_round(&prepared, &prepared.notifications(), span)
}

fn one_round(process: &Process, drive: impl FnOnce() -> Result<Driven>) -> Result<Round> {
    let machine = Machine::watch(&[process])?;
    let cpu = process.cpu()?;
    let driven = drive()?;
    let cpu = process.cpu()?.saturating_sub(cpu);
    Ok(Round {
        rate: driven.answered as f64 / driven.took.as_secs_f64(),
        percentiles: [0.5, 0.99, 0.999].map(|share| percentile(&driven.latencies, share)),
        cpu_each: cpu.div_f64(driven.answered as f64),
        memory: process.memory()?,
        others: machine.others(&[process])?,
    })
}

fn say(bare: &[Round], server: &[Round], other: &[Round], report: &mut Report) {
    println!(
        "\n| medians | requests/s | p50 µs | p99 µs | p99.9 µs | CPU µs each | RSS MiB | anonymous MiB |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for (name, rounds) in [("bare", bare), ("ringproof", server), ("the other build", other)] {
        let of = |figure: fn(&Round) -> f64| median(rounds.iter().map(figure));
        if !rounds.is_empty() {
            println!(
                "| {name} | {:.0} | {:.0} | {:.0} | {:.0} | {:.1} | {:.1} | {:.1} |",
                of(|round| round.rate),
                of(|round| microseconds(round.percentiles[0])),
                of(|round| microseconds(round.percentiles[1])),
                of(|round| microseconds(round.percentiles[2])),
                of(|round| microseconds(round.cpu_each)),
                of(|round| mebibytes(round.memory.resident)),
                of(|round| mebibytes(round.memory.anonymous)),
            );
        }
    }
    let pairs = |other: &[Round]| {
        median(server.iter().zip(other).map(|(server, other)| server.rate / other.rate))
    };
    let ratio = pairs(bare);
    report.line(Line {
        what: format!("durable notifications, {CONNECTIONS} connections, generator included"),
        goal: "0.50 of bare",
        measured: format!(
            "{ratio:.2} of bare: {:.0}/s of {:.0}/s; p50 {:.1} ms, p99 {:.1} ms, p99.9 {:.1} ms; \
             {:.0} µs CPU each, bare {:.0}",
            median(server.iter().map(|round| round.rate)),
            median(bare.iter().map(|round| round.rate)),
            median(server.iter().map(|round| microseconds(round.percentiles[0]) / 1e3)),
            median(server.iter().map(|round| microseconds(round.percentiles[1]) / 1e3)),
            median(server.iter().map(|round| microseconds(round.percentiles[2]) / 1e3)),
            median(server.iter().map(|round| microseconds(round.cpu_each))),
            median(bare.iter().map(|round| microseconds(round.cpu_each))),
        ),
        is_met: ratio >= 0.5,
    });
    if !other.is_empty() {
        report.caveat(format!("ringproof to the other build, pair by pair: {:.3}", pairs(other)));
    }
    let others = bare.iter().chain(server).map(|round| round.others);
    report.others("durable", median(others));
}
