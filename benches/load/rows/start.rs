//! From the start of the process to its first durable answer.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::calls::Call;
use crate::figures::{median, milliseconds};
use crate::http;
use crate::options::Options;
use crate::process::Machine;
use crate::report::{Line, Report};
use crate::subject::Prepared;

/// How many starts.
const STARTS: usize = 10;
/// How often a connection is tried.
const TRY_AGAIN: Duration = Duration::from_micros(100);

pub fn measure(options: &Options, report: &mut Report) -> Result<()> {
    let (mut first, mut later) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        Machine::wait_until_quiet()?;
        let prepared = Prepared::empty(&options.server)?;
        first.push(milliseconds(start(&prepared)?));
        later.push(milliseconds(start(&prepared)?));
    }
    println!("start, in a folder without a store: {first:.1?} ms\nstart, over it: {later:.1?} ms");
    let (first, later) = (median(first), median(later));
    report.line(Line {
        what: format!("start to the first durable 200, empty store, median of {STARTS}"),
        goal: "under 20 ms",
        measured: format!("{later:.1} ms; {first:.1} ms when the store has yet to be created"),
        is_met: later < 20.0,
    });
    Ok(())
}

/// One start, up to the answer to a notification that matches nothing and is journaled.
fn start(prepared: &Prepared) -> Result<Duration> {
    let _simulator = prepared.simulate()?;
    let request = prepared.notification(Call::new(1));
    let address = free_address()?;
    let began = Instant::now();
    let _server = prepared.spawn(&address.to_string())?;
    let mut stream = loop {
        match TcpStream::connect(address) {
            Ok(stream) => break stream,
            Err(_) => thread::sleep(TRY_AGAIN),
        }
    };
    http::exchange_on(&mut stream, &request)?;
    Ok(began.elapsed())
}

/// Free until somebody else takes it, which on loopback nobody does so soon.
fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
