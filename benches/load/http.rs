//! Requests as bytes made beforehand, and the least that must be read of their answers.

use std::future::poll_fn;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream as BlockingStream};
use std::pin::Pin;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::calls::Sent;

/// Requests in one piece of memory, in the order in which they are sent.
#[derive(Default)]
pub struct Requests {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Requests {
    pub fn push(&mut self, request: &[u8]) {
        self.bytes.extend_from_slice(request);
        self.ends.push(self.bytes.len());
    }

    pub fn at(&self, index: usize) -> &[u8] {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.bytes[start..self.ends[index]]
    }

    pub const fn len(&self) -> usize {
        self.ends.len()
    }

    /// What a request is made of, for a client that makes its own bytes.
    pub fn parts(&self, index: usize) -> Result<Parts<'_>> {
        let text = std::str::from_utf8(self.at(index))?;
        let (head, body) = text.split_once("\r\n\r\n").context("a request without an end")?;
        let mut lines = head.split("\r\n");
        let mut first = lines.next().unwrap_or_default().split(' ');
        let method = first.next().unwrap_or_default();
        let path = first.next().context("a request without a path")?;
        let headers = lines.filter_map(|line| line.split_once(": "));
        let headers = headers.filter(|(name, _)| !matches!(*name, "Host" | "Content-Length"));
        Ok(Parts { method, path, headers: headers.collect(), body })
    }
}

/// See [`Requests::parts`].
pub struct Parts<'a> {
    pub method: &'a str,
    pub path: &'a str,
    pub headers: Vec<(&'a str, &'a str)>,
    pub body: &'a str,
}

/// A notification as the provider posts it.
pub fn notification(token: &str, sent: &Sent) -> Vec<u8> {
    let Sent { body, signature } = sent;
    format!(
        "POST /hooks/zadarma/{token} HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nSignature: {signature}\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len(),
    )
    .into_bytes()
}

/// A JSON body with an app's key.
pub fn post(path: &str, key: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len(),
    )
    .into_bytes()
}

/// A JSON body for the provider's control API.
pub fn put(path: &str, body: &str) -> Vec<u8> {
    format!(
        "PUT {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len(),
    )
    .into_bytes()
}

/// A long poll with an app's key.
pub fn poll(path: &str, key: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n\r\n")
        .into_bytes()
}

/// Sends one request on a connection of its own, and reads the answer.
pub fn exchange(address: SocketAddr, request: &[u8]) -> Result<Vec<u8>> {
    let mut stream = BlockingStream::connect(address).context("while connecting")?;
    exchange_on(&mut stream, request)
}

/// The same on an open connection.
pub fn exchange_on(stream: &mut BlockingStream, request: &[u8]) -> Result<Vec<u8>> {
    stream.write_all(request).context("while sending")?;
    let mut answer = Vec::new();
    while !is_whole(&answer) {
        let mut piece = [0; 4096];
        let read = stream.read(&mut piece).context("while reading an answer")?;
        ensure!(read > 0, "the connection ended before its answer");
        answer.extend_from_slice(&piece[..read]);
    }
    check(&answer)?;
    Ok(answer)
}

/// Writes a request to a connection.
pub async fn send(stream: &mut TcpStream, mut request: &[u8]) -> Result<()> {
    while !request.is_empty() {
        let written = poll_fn(|cx| Pin::new(&mut *stream).poll_write(cx, request)).await?;
        request = &request[written..];
    }
    Ok(())
}

/// Reads an answer without a body: up to the end of its header.
pub async fn read_header(stream: &mut TcpStream) -> Result<()> {
    let mut bytes = [0; 1024];
    let mut filled = 0;
    while !bytes[..filled].ends_with(b"\r\n\r\n") {
        filled += read(stream, &mut bytes[filled..]).await?;
    }
    check(&bytes[..filled])
}

/// Reads an answer with its body.
pub async fn read_whole(stream: &mut TcpStream) -> Result<Vec<u8>> {
    let mut bytes = vec![0; 8192];
    let mut filled = 0;
    while !is_whole(&bytes[..filled]) {
        filled += read(stream, &mut bytes[filled..]).await?;
    }
    bytes.truncate(filled);
    check(&bytes)?;
    Ok(bytes)
}

async fn read(stream: &mut TcpStream, room: &mut [u8]) -> Result<usize> {
    let mut buffer = ReadBuf::new(room);
    poll_fn(|cx| Pin::new(&mut *stream).poll_read(cx, &mut buffer)).await?;
    let read = buffer.filled().len();
    ensure!(read > 0, "the connection ended before its answer, or the answer is too long");
    Ok(read)
}

/// Only 200 is an answer here.
fn check(answer: &[u8]) -> Result<()> {
    if answer.starts_with(b"HTTP/1.1 200 ") {
        return Ok(());
    }
    bail!("the answer is not 200: {}", String::from_utf8_lossy(answer))
}

fn is_whole(answer: &[u8]) -> bool {
    let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { return false };
    let header = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    let length = header.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
    let length = length.and_then(|length| length.trim().parse().ok()).unwrap_or(0);
    answer.len() - end - 4 >= length
}
