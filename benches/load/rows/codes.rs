//! Polls of pending verifications, and codes that are sent and checked: each
//! start and each check is on disk before its answer.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;

use crate::drive::{CONNECTIONS, saturate};
use crate::figures::median;
use crate::http::Requests;
use crate::options::Options;
use crate::process::Machine;
use crate::report::{Line, Report};
use crate::subject::Prepared;

use super::{bare, pending_for, rounds};

/// More than any build takes in a second on two cores.
const MOST_PER_SECOND: u64 = 80_000;
/// How long each is driven before it is measured.
const WARM_UP: Duration = Duration::from_millis(300);
/// How many are polled in turns.
const POLLED: u64 = 10_000;

/// Requests a second.
struct Rates {
    bare: f64,
    server: f64,
}

pub fn measure(options: &Options, report: &mut Report) -> Result<()> {
    let (bare, bare_address) = bare()?;
    let span = Duration::from_secs(options.seconds);
    let both = |served: SocketAddr, requests: &Requests, server_first: bool| {
        let (server, bare) = if server_first {
            let server = rate(served, requests, span)?;
            (server, rate(bare_address, requests, span)?)
        } else {
            let bare = rate(bare_address, requests, span)?;
            (rate(served, requests, span)?, bare)
        };
        anyhow::Ok((Rates { bare: bare.0, server: server.0 }, server.1))
    };
    let measured = rounds("codes", options.rounds, report, |number| {
        let polled = Prepared::new(&options.server, POLLED)?;
        let served = polled.serve()?;
        let machine = Machine::watch(&[&bare, &served.server, &served.simulator])?;
        let shows = polled.shows(pending_for(options, MOST_PER_SECOND));
        let (polls, _) = both(served.address, &shows, number % 2 == 1)?;
        let starts = polled.starts(pending_for(options, MOST_PER_SECOND));
        let (starts, _) = both(served.address, &starts, number % 2 == 1)?;
        let mut others = machine.others(&[&bare, &served.server, &served.simulator])?;
        drop(served);

        let coded = Prepared::coded(&options.server, pending_for(options, MOST_PER_SECOND / 2))?;
        let served = coded.serve()?;
        let machine = Machine::watch(&[&bare, &served.server, &served.simulator])?;
        let (checks, correct) = both(served.address, &coded.checks()?, number % 2 == 1)?;
        others = others.max(machine.others(&[&bare, &served.server, &served.simulator])?);
        drop(served);
        coded.check_verified(correct)?;
        println!(
            "codes, round {}: polls {:.3} of bare, starts {:.3}, checks {:.3}",
            number + 1,
            polls.ratio(),
            starts.ratio(),
            checks.ratio()
        );
        Ok((([polls], [starts], [checks]), others))
    })?;
    let (polls, starts, checks): (Vec<_>, Vec<_>, Vec<_>) = measured.into_iter().collect();
    let goals = [
        ("polls of pending verifications", 0.7, "0.7 of bare", polls),
        ("durable starts of codes, to a test number", 0.0, "", starts),
        ("durable checks of right codes", 0.3, "0.30 of bare", checks),
    ];
    for (what, goal, text, rounds) in goals {
        say(what, goal, text, rounds.as_flattened(), report);
    }
    Ok(())
}

/// Requests a second after a warm-up, and how many were answered in all.
fn rate(address: SocketAddr, requests: &Requests, span: Duration) -> Result<(f64, usize)> {
    let warm = saturate(address, requests, 0, WARM_UP)?;
    let driven = saturate(address, requests, warm.answered, span)?;
    let rate = driven.answered as f64 / driven.took.as_secs_f64();
    Ok((rate, warm.answered + driven.answered))
}

impl Rates {
    fn ratio(&self) -> f64 {
        self.server / self.bare
    }
}

fn say(what: &str, goal: f64, text: &'static str, rounds: &[Rates], report: &mut Report) {
    let of = |figure: fn(&Rates) -> f64| median(rounds.iter().map(figure));
    let ratio = of(Rates::ratio);
    report.line(Line {
        what: format!("{what}, {CONNECTIONS} connections, generator included"),
        goal: text,
        measured: format!(
            "{ratio:.2} of bare: {:.0}/s of {:.0}/s",
            of(|rates| rates.server),
            of(|rates| rates.bare)
        ),
        is_met: ratio >= goal,
    });
}
