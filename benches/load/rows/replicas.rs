//! The same work over SQLite and by one to three replicas over PostgreSQL, beside plain
//! inserts into that PostgreSQL: notifications, starts and checks, each on disk before its
//! answer.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;

use crate::drive::{CONNECTIONS, saturate_all};
use crate::figures::median;
use crate::http::Requests;
use crate::options::Options;
use crate::plain;
use crate::process::Process;
use crate::report::{Line, Report};
use crate::server::Server;
use crate::subject::{Place, Prepared};

use super::{pending_for, rounds};

/// More than any build takes in a second on two cores.
const MOST_PER_SECOND: u64 = 40_000;
/// How long each is driven before it is measured.
const WARM_UP: Duration = Duration::from_millis(300);
/// A server that writes to its disk.
const SETTINGS: &str = "-c shared_buffers=256MB -c max_wal_size=4GB";
/// Who is compared: one process over SQLite, and so many replicas.
const CONTESTANTS: [(&str, usize); 4] =
    [("SQLite", 0), ("1 replica", 1), ("2 replicas", 2), ("3 replicas", 3)];

/// Requests a second.
#[derive(Clone, Copy)]
struct Rates {
    notifications: f64,
    starts: f64,
    checks: f64,
}

/// One kind of work, and its goal as a share of the plain inserts.
type Kind = (&'static str, fn(&Rates) -> f64, Option<f64>);

const KINDS: [Kind; 3] = [
    ("durable notifications", |rates| rates.notifications, Some(0.25)),
    ("durable starts of codes, to a test number", |rates| rates.starts, None),
    ("durable checks of right codes", |rates| rates.checks, None),
];

pub fn measure(options: &Options, report: &mut Report) -> Result<()> {
    let postgres = Server::start_with(SETTINGS);
    let span = Duration::from_secs(options.seconds);
    let measured = rounds("replicas", options.rounds, report, |number| {
        let plain = plain::inserts(&postgres.new_database(), span)?;
        let mut all = [None; CONTESTANTS.len()];
        // Not always in the same order, so that none always has the warmer machine.
        for turn in 0..CONTESTANTS.len() {
            let place = (turn + number) % CONTESTANTS.len();
            let (name, replicas) = CONTESTANTS[place];
            let rates = rates(options, &postgres, replicas)?;
            println!(
                "replicas, round {}, {name}: {:.0} notifications, {:.0} starts, {:.0} checks a \
                 second; plain inserts {plain:.0}",
                number + 1,
                rates.notifications,
                rates.starts,
                rates.checks
            );
            all[place] = Some(rates);
        }
        // PostgreSQL's own processes would count as others.
        Ok(((plain, all), 0.0))
    })?;
    say(&measured, report);
    report.caveat(
        "\"replicas\": whether others disturbed is not known, since PostgreSQL's processes are not \
         children of the program; plain inserts are of one connection, 256 rows a transaction"
            .to_owned(),
    );
    Ok(())
}

/// All kinds of work of one contestant, which is then killed; its store must hold what it
/// acknowledged.
fn rates(options: &Options, postgres: &Server, replicas: usize) -> Result<Rates> {
    let place = || match replicas {
        0 => Place::File,
        _ => Place::Database(postgres.new_database()),
    };
    let most = pending_for(options, MOST_PER_SECOND) + MOST_PER_SECOND / 2;
    let prepared = Prepared::over(&options.server, most, place())?;
    let (running, addresses) = serve(&prepared, replicas)?;
    let (notifications, verified) = rate(&addresses, &prepared.notifications(), options.seconds)?;
    let (starts, _) = rate(&addresses, &prepared.starts(most), options.seconds)?;
    drop(running);
    prepared.check_verified(verified)?;

    let coded = Prepared::coded_over(&options.server, most, place())?;
    let (running, addresses) = serve(&coded, replicas)?;
    let (checks, verified) = rate(&addresses, &coded.checks()?, options.seconds)?;
    drop(running);
    coded.check_verified(verified)?;
    Ok(Rates { notifications, starts, checks })
}

/// So many processes, one over SQLite, and where they listen.
fn serve(prepared: &Prepared, replicas: usize) -> Result<(Vec<Process>, Vec<SocketAddr>)> {
    let first = prepared.serve()?;
    let (mut running, mut addresses) = (vec![first.server, first.simulator], vec![first.address]);
    for number in 1..replicas {
        let mut replica = prepared.spawn_beside(number)?;
        addresses.push(replica.address()?);
        running.push(replica);
    }
    Ok((running, addresses))
}

/// Requests a second after a warm-up, and how many were answered in all.
fn rate(addresses: &[SocketAddr], requests: &Requests, seconds: u64) -> Result<(f64, usize)> {
    let warm = saturate_all(addresses, requests, 0, WARM_UP)?;
    let span = Duration::from_secs(seconds);
    let driven = saturate_all(addresses, requests, warm.answered, span)?;
    let rate = driven.answered as f64 / driven.took.as_secs_f64();
    Ok((rate, warm.answered + driven.answered))
}

fn say(rounds: &[(f64, [Option<Rates>; CONTESTANTS.len()])], report: &mut Report) {
    let plain = median(rounds.iter().map(|(plain, _)| *plain));
    for (what, of, goal) in KINDS {
        for (place, (name, replicas)) in CONTESTANTS.into_iter().enumerate() {
            let rates = || rounds.iter().filter_map(|(plain, all)| Some((plain, all[place]?)));
            let rate = median(rates().map(|(_, rates)| of(&rates)));
            let ratio = median(rates().map(|(plain, rates)| of(&rates) / plain));
            let goal = goal.filter(|_| replicas > 0);
            report.line(Line {
                what: format!("{what}, {name}, {CONNECTIONS} connections, generator included"),
                goal: if goal.is_some() { "0.25 of plain inserts" } else { "" },
                measured: format!("{rate:.0}/s, {ratio:.2} of {plain:.0} plain inserts a second"),
                is_met: goal.is_none_or(|goal| ratio >= goal),
            });
        }
    }
}
