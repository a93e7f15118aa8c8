//! Two ways of sending notifications over kept connections: as many as the
//! other side takes, or so many a second whatever it does.

use std::cell::{Cell, RefCell};
use std::io::Write;
use std::net::{SocketAddr, TcpStream as BlockingStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use futures_util::future::try_join_all;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::unconstrained;

use super::http::{self, Requests};
use super::subject::runtime;

/// Connections that are kept.
pub const CONNECTIONS: usize = 64;

/// What came of it.
pub struct Driven {
    /// How many were answered with success: all that were sent.
    pub answered: usize,
    pub took: Duration,
    pub latencies: Vec<Duration>,
}

/// Sends from the request with number `from` on: each connection its next one
/// when the last is answered, until `span` is over or no request is left. The
/// client is an ordinary one, whose share of the machine is part of the rates.
pub fn saturate(
    address: SocketAddr,
    requests: &Requests,
    from: usize,
    span: Duration,
) -> Result<Driven> {
    saturate_all(&[address], requests, from, span)
}

/// The same, the connections spread over several servers.
pub fn saturate_all(
    addresses: &[SocketAddr],
    requests: &Requests,
    from: usize,
    span: Duration,
) -> Result<Driven> {
    // It fails when there is one already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client =
        reqwest::Client::builder().no_proxy().pool_max_idle_per_host(CONNECTIONS).build()?;
    let next = Cell::new(from);
    let latencies = RefCell::new(Vec::with_capacity(requests.len()));
    let one = async |began: Instant, address: SocketAddr| -> Result<()> {
        let mut sent = Instant::now();
        while sent - began < span && next.get() < requests.len() {
            let parts = requests.parts(next.replace(next.get() + 1))?;
            let url = format!("http://{address}{}", parts.path);
            let mut request = client.request(parts.method.parse()?, url);
            for (name, value) in parts.headers {
                request = request.header(name, value);
            }
            let answer = request.body(parts.body.to_owned()).send().await?;
            ensure!(answer.status().is_success(), "a request was answered {}", answer.status());
            answer.bytes().await?;
            let answered = Instant::now();
            latencies.borrow_mut().push(answered - sent);
            sent = answered;
        }
        Ok(())
    };
    let took = runtime()?.block_on(async {
        let began = Instant::now();
        unconstrained(try_join_all(
            addresses.iter().cycle().take(CONNECTIONS).map(|to| one(began, *to)),
        ))
        .await?;
        anyhow::Ok(began.elapsed())
    })?;
    let latencies = latencies.into_inner();
    Ok(Driven { answered: latencies.len(), took, latencies })
}

/// When requests were sent, and how long their answers took, by their number.
pub struct Paced {
    pub sent: Vec<Instant>,
    pub latencies: Vec<Duration>,
}

/// What sender and readers share.
struct Shared {
    /// Connections without a request under way.
    free: Mutex<Vec<usize>>,
    /// By connection: the number of its request, and when that was to be sent.
    under_way: Vec<Mutex<(usize, Instant)>>,
}

/// Sends one request each `gap`, on whatever connection is free. A request's
/// time runs from when it was to be sent, so that waiting for a free
/// connection counts; the sender's own oversleeping does not.
pub async fn pace(address: SocketAddr, requests: Arc<Requests>, gap: Duration) -> Result<Paced> {
    let mut writers = Vec::new();
    let mut readers = Vec::new();
    for stream in connect(address, CONNECTIONS).await? {
        let stream = stream.into_std()?;
        writers.push(stream.try_clone()?);
        readers.push(TcpStream::from_std(stream)?);
    }
    let shared = Arc::new(Shared {
        free: Mutex::new((0..CONNECTIONS).collect()),
        under_way: (0..CONNECTIONS).map(|_| Mutex::new((0, Instant::now()))).collect(),
    });
    let latencies = RefCell::new(vec![Duration::ZERO; requests.len()]);
    let (left, all_answered) = (Cell::new(requests.len()), Notify::new());
    let sender = Arc::clone(&shared);
    let sending = thread::spawn(move || sender.send_all(&writers, &requests, gap));
    let read = async |connection: usize, mut stream: TcpStream| -> Result<()> {
        loop {
            http::read_header(&mut stream).await?;
            let (number, sent) = *lock(&shared.under_way[connection]);
            latencies.borrow_mut()[number] = sent.elapsed();
            lock(&shared.free).push(connection);
            left.set(left.get() - 1);
            if left.get() == 0 {
                all_answered.notify_one();
            }
        }
    };
    let reading = readers.into_iter().enumerate().map(|(number, stream)| read(number, stream));
    tokio::select! {
        broken = unconstrained(try_join_all(reading)) => { broken?; }
        () = all_answered.notified() => {}
    }
    let sent = sending.join().map_err(|_| anyhow!("the sender has failed"))??;
    Ok(Paced { sent, latencies: latencies.take() })
}

impl Shared {
    fn send_all(
        &self,
        writers: &[BlockingStream],
        requests: &Requests,
        gap: Duration,
    ) -> Result<Vec<Instant>> {
        let mut sent = Vec::with_capacity(requests.len());
        let mut due = Instant::now();
        for number in 0..requests.len() {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            let now = Instant::now();
            let connection = self.free_connection();
            *lock(&self.under_way[connection]) = (number, now);
            // A small request always fits into an empty socket buffer.
            (&writers[connection]).write_all(requests.at(number)).context("while sending")?;
            sent.push(now);
            due += gap;
        }
        Ok(sent)
    }

    fn free_connection(&self) -> usize {
        loop {
            // Not in the loop's condition, which would hold the lock while asleep.
            let free = lock(&self.free).pop();
            match free {
                Some(connection) => return connection,
                None => thread::sleep(Duration::from_micros(20)),
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn connect(address: SocketAddr, count: usize) -> Result<Vec<TcpStream>> {
    let one = async || -> Result<TcpStream> {
        let stream = TcpStream::connect(address).await.context("while connecting")?;
        stream.set_nodelay(true)?;
        Ok(stream)
    };
    try_join_all((0..count).map(|_| one())).await
}
