//! Held long polls: what each takes, and how fast very many are answered.

use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use anyhow::Result;

use crate::calls::Call;
use crate::figures::{median, milliseconds};
use crate::http;
use crate::options::Options;
use crate::polls::Held;
use crate::process::{Machine, Process};
use crate::report::{Line, Report};
use crate::subject::{Prepared, runtime};

use super::{bare, rounds};

/// How many are held at once.
pub const POLLS: usize = 10_000;

/// What one round shows.
struct Round {
    /// Bytes each.
    bare: f64,
    server: f64,
    /// Milliseconds from sending the notification, and from its 200, to the last answer.
    since_sent: f64,
    since_acknowledged: f64,
}

pub fn measure(options: &Options, report: &mut Report) -> Result<()> {
    let measured = rounds("polls", options.rounds.min(3), report, |_| {
        let prepared = Prepared::new(&options.server, 1)?;
        let served = prepared.serve()?;
        let (bare, bare_address) = bare()?;
        let machine = Machine::watch(&[&bare, &served.server, &served.simulator])?;
        let (of_bare, _) = runtime()?.block_on(hold(
            &bare,
            bare_address,
            http::poll("/wait", "none"),
            async |_| Ok(()),
        ))?;
        let notification = prepared.notification(Call::new(1));
        let (of_server, (since_sent, since_acknowledged)) = runtime()?.block_on(hold(
            &served.server,
            served.address,
            prepared.poll(Call::new(1)),
            async |held| answer(served.address, &notification, held).await,
        ))?;
        println!(
            "polls: {of_bare:.0} bytes each, bare, {of_server:.0} bytes each, ringproof; \
             the last answered {since_sent:.0} ms after the notification was sent"
        );
        let others = machine.others(&[&bare, &served.server, &served.simulator])?;
        Ok((Round { bare: of_bare, server: of_server, since_sent, since_acknowledged }, others))
    })?;
    say(&measured, report);
    Ok(())
}

/// Holds so many polls of one kind, hands them on, and says what each takes.
async fn hold<T>(
    process: &Process,
    address: SocketAddr,
    request: Vec<u8>,
    then: impl AsyncFnOnce(Held) -> Result<T>,
) -> Result<(f64, T)> {
    let before = process.memory()?.resident;
    let held = Held::open(address, &vec![request; POLLS]).await?;
    let after = process.memory()?.resident;
    Ok(((after - before.min(after)) as f64 / POLLS as f64, then(held).await?))
}

/// Ends the one call that all polls wait for.
async fn answer(address: SocketAddr, notification: &[u8], held: Held) -> Result<(f64, f64)> {
    let mut stream = TcpStream::connect(address)?;
    let request = notification.to_vec();
    let sending = tokio::task::spawn_blocking(move || {
        let sent = Instant::now();
        http::exchange_on(&mut stream, &request)?;
        anyhow::Ok((sent, Instant::now()))
    });
    let (answered, sent) = tokio::join!(held.answered(), sending);
    let (sent, acknowledged) = sent??;
    let last = answered?.into_iter().max().unwrap_or(sent);
    let since = |from| milliseconds(last.saturating_duration_since(from));
    Ok((since(sent), since(acknowledged)))
}

fn say(rounds: &[Round], report: &mut Report) {
    let of = |figure: fn(&Round) -> f64| median(rounds.iter().map(figure));
    let ratio = of(|round| round.server / round.bare);
    report.line(Line {
        what: format!("memory per held long poll, {POLLS} held"),
        goal: "at most 1.2 times a bare handler that waits",
        measured: format!(
            "{ratio:.2} times: {:.1} kB to {:.1} kB",
            of(|round| round.server) / 1e3,
            of(|round| round.bare) / 1e3
        ),
        is_met: ratio <= 1.2,
    });
    let last = of(|round| round.since_sent);
    report.line(Line {
        what: format!("{POLLS} held polls answered, by one notification"),
        goal: "within 300 ms of the wake-up",
        measured: format!(
            "{last:.0} ms after the notification was sent, {:.0} ms after its 200",
            of(|round| round.since_acknowledged)
        ),
        is_met: last <= 300.0,
    });
}
