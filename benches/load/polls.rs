//! Long polls, each on a connection of its own.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use futures_util::future::try_join_all;
use tokio::net::TcpStream;

use super::http;
use super::subject::is_verified;

/// Connections made at the same time: fewer than a listener's usual queue takes.
const AT_ONCE: usize = 50;
/// How long a poll is given to be held.
const SETTLE: Duration = Duration::from_millis(1500);

/// Polls that are held: their requests are read, no answer has come.
pub struct Held(Vec<TcpStream>);

impl Held {
    /// Sends one poll for each of `requests`, and waits until all are held.
    pub async fn open(address: SocketAddr, requests: &[Vec<u8>]) -> Result<Self> {
        let one = async |request| -> Result<TcpStream> {
            let mut stream = TcpStream::connect(address).await.context("while connecting")?;
            http::send(&mut stream, request).await?;
            Ok(stream)
        };
        let mut streams = Vec::with_capacity(requests.len());
        for some in requests.chunks(AT_ONCE) {
            streams.extend(try_join_all(some.iter().map(|request| one(request))).await?);
        }
        tokio::time::sleep(SETTLE).await;
        for stream in &streams {
            let mut answer = [0; 1024];
            if let Ok(length) = stream.try_read(&mut answer) {
                let answer = String::from_utf8_lossy(&answer[..length]);
                bail!("a poll was answered instead of held: {answer}");
            }
        }
        Ok(Self(streams))
    }

    /// When each was answered, and that it was answered with `verified`.
    pub async fn answered(self) -> Result<Vec<Instant>> {
        let one = async |mut stream: TcpStream| -> Result<Instant> {
            let answer = http::read_whole(&mut stream).await?;
            let at = Instant::now();
            ensure!(is_verified(&answer), "a poll was answered, but not with \"verified\"");
            Ok(at)
        };
        tokio::task::unconstrained(try_join_all(self.0.into_iter().map(one))).await
    }
}
