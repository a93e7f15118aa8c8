//! The sections `[server]` and `[server.tls]`.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use super::section::Section;
use super::value;
use crate::domain::Network;

/// The listener and what stands around it.
#[derive(Clone, Debug)]
pub struct Server {
    /// Where to listen.
    pub listen: SocketAddr,
    /// How others reach the service, without a `/` at the end.
    pub public_url: Option<String>,
    /// Threads that answer requests; 0 is one per core.
    pub workers: usize,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// How long a stop waits for running requests.
    pub shutdown_timeout: Duration,
    /// How many clients may wait at the same time.
    pub max_waits: usize,
    /// How many of them may wait with one key.
    pub max_waits_per_key: usize,
    /// How many may wait with one wait token.
    pub max_waits_per_token: usize,
    /// Requests with one key in a second; 0 is no limit.
    pub requests_per_key: u32,
    /// Requests from one address in a second; 0 is no limit.
    pub requests_per_address: u32,
    /// Requests from one address in a second that may be refused; 0 is no limit.
    pub refusals_per_address: u32,
    /// TLS on the listener.
    pub tls: Option<Tls>,
}

/// The files of a listener with TLS, both PEM.
#[derive(Clone, Debug)]
pub struct Tls {
    /// The certificate and its chain.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

impl Server {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            listen: section.value("listen", value::socket_address, nowhere),
            public_url: section.optional("public_url", value::public_url),
            workers: section.value("workers", value::number(0..=1024), 0),
            trusted_proxies: section.list("trusted_proxies", value::parsed, Vec::new()),
            shutdown_timeout: section
                .duration("shutdown_timeout", Duration::ZERO..=Duration::from_mins(5)),
            max_waits: section.value("max_waits", value::number(1..=1_000_000), 1),
            max_waits_per_key: section.value("max_waits_per_key", value::number(1..=1_000_000), 1),
            max_waits_per_token: section.value(
                "max_waits_per_token",
                value::number(1..=1_000_000),
                1,
            ),
            requests_per_key: section.value("requests_per_key", value::number(0..=1_000_000), 0),
            requests_per_address: section.value(
                "requests_per_address",
                value::number(0..=1_000_000),
                0,
            ),
            refusals_per_address: section.value(
                "refusals_per_address",
                value::number(0..=1_000_000),
                0,
            ),
            tls: section.optional_section("tls", Tls::read),
        }
    }
}

impl Tls {
    fn read(section: &mut Section<'_>) -> Self {
        Self {
            certificate: section.value("certificate", value::path, PathBuf::new()),
            key: section.value("key", value::path, PathBuf::new()),
        }
    }
}
