//! Started on one replica, pressed at another, awaited at a third.

use std::thread;
use std::time::Duration;

use anyhow::{Result, anyhow};
use jiff::Timestamp;
use ringproof::clock::Clock;

use crate::calls::Call;
use crate::figures::{milliseconds, percentile};
use crate::options::Options;
use crate::process::Machine;
use crate::report::{Line, Report};
use crate::trio::Trio;

/// How many calls, one after the other, so that nothing else keeps the database busy.
const CALLS: u64 = 300;
const QUICK_CALLS: u64 = 100;
/// In this time whoever waits is waiting.
const SETTLES: Duration = Duration::from_millis(20);

pub fn measure(options: &Options, report: &mut Report) -> Result<()> {
    let trio = Trio::start(&options.server)?;
    Machine::wait_until_quiet()?;
    let calls = if options.quick { QUICK_CALLS } else { CALLS };
    let (mut polls, mut streams) = (Vec::new(), Vec::new());
    for index in 1..=calls {
        let (polled, streamed) = one(&trio, Call::new(index), (index % 3) as usize)?;
        polls.push(polled);
        streams.push(streamed);
    }
    let [poll, stream] = [&polls, &streams].map(|all| milliseconds(percentile(all, 0.99)));
    let [half_polls, half_streams] =
        [&polls, &streams].map(|all| milliseconds(percentile(all, 0.5)));
    println!("across: median to the poll {half_polls:.1} ms, to the stream {half_streams:.1} ms");
    report.line(Line {
        what: format!(
            "p99 from a notification to the answer on another replica, idle PostgreSQL, {calls} calls"
        ),
        goal: "at most 50 ms",
        measured: format!("{poll:.1} ms to a long poll, {stream:.1} ms to an event stream"),
        is_met: poll.max(stream) <= 50.0,
    });
    Ok(())
}

/// How long until the poll was answered, and until the stream told.
fn one(trio: &Trio, call: Call, first: usize) -> Result<(Duration, Duration)> {
    let (second, third) = ((first + 1) % 3, (first + 2) % 3);
    let id = trio.begin(first, call)?;
    let (pressed, polled, streamed) = thread::scope(|scope| {
        let polled = scope.spawn(|| trio.polled(third, &id));
        let streamed = scope.spawn(|| trio.streamed(third, &id));
        thread::sleep(SETTLES);
        let now: Timestamp = Clock::real().now();
        let pressed = trio.press(second, call, now);
        (pressed, polled.join(), streamed.join())
    });
    let (pressed, ended) = (pressed?, |_| anyhow!("a thread that waited has ended"));
    Ok((polled.map_err(ended)?? - pressed, streamed.map_err(ended)?? - pressed))
}
