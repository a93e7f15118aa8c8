//! The HTTP surface: the API of apps, the notification URLs, health, metrics,
//! and the API's description.
//!
//! A handler reads, calls one use case, and renders. Nothing is decided here
//! about verifications, and the only state is what [`Surface`] brings. What
//! changes something runs to its end even when its client hangs up.

mod access;
mod answer;
mod console;
mod cors;
mod describe;
mod error;
mod guarded;
mod hooks;
mod observe;
mod ops;
mod problem;
mod read;
mod routes;
mod state;
mod tls;
mod traffic;
mod v1;
mod vonage;
mod waits;

use std::collections::BTreeMap;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::http::KeepAlive;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer, web};

use crate::config;
use crate::intake::Intake;
use crate::service::Service;
use crate::telemetry::metrics::MetricsHandle;

pub use tls::TlsError;

use state::State;

/// How long an idle connection is kept: longer than proxies keep theirs.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How long the head of a request may take to arrive.
const HEAD_WITHIN: Duration = Duration::from_secs(5);
/// How long a client may take nothing of what is sent to it; then its connection is dropped.
const READ_WITHIN: Duration = Duration::from_secs(15);
/// Connections that a worker takes beside those that wait.
const CONNECTIONS_BESIDE_WAITS: usize = 25_000;

/// Files that the store, the logs and calls to providers may have open.
const FILES_OF_OUR_OWN: usize = 256;

/// What the surface stands on.
pub struct Surface {
    /// The use cases.
    pub service: Arc<Service>,
    /// The notification pipeline.
    pub intake: Arc<Intake>,
    /// What was counted.
    pub metrics: MetricsHandle,
    /// Settings of apps: the origins whose pages may wait.
    pub apps: BTreeMap<String, config::App>,
    /// How the steps of Vonage's workflows reach people.
    pub vonage: config::Vonage,
    /// Settings of the listener.
    pub server: config::Server,
    /// The wait of a poll that names none.
    pub default_wait: Duration,
    /// The longest wait of a poll.
    pub max_wait: Duration,
}

/// Why the surface does not serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The certificate or its key is at fault.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The listener cannot be used.
    #[error("the listener cannot be used")]
    Listener(#[source] io::Error),
}

/// Serves on `listener` until the server is told to stop; signals are the caller's
/// business. Call it within a runtime, and await the server.
///
/// # Errors
/// When the TLS files or the listener cannot be used.
pub fn serve(surface: Surface, listener: TcpListener) -> Result<Server, ServeError> {
    // Accepted connections have it from the listener. Where it cannot be set, as for a listener
    // that is no TCP socket, the system's own time holds.
    let within = u32::try_from(READ_WITHIN.as_millis()).unwrap_or(u32::MAX);
    let _ = rustix::net::sockopt::set_tcp_user_timeout(&listener, within);
    let tls = surface.server.tls.as_ref().map(tls::configure).transpose()?;
    let workers = surface.server.workers;
    let max_connections = connections(surface.server.max_waits, workers);
    // Whole seconds; part of one counts as one.
    let shutdown_timeout = surface.server.shutdown_timeout.as_millis().div_ceil(1000);
    let state = web::Data::new(State::new(surface));
    let mut server = HttpServer::new(move || {
        App::new()
            .app_data(state.clone())
            .configure(routes::most)
            .configure(routes::routes)
            .configure(routes::preflights)
            .configure(ops::docs::pages)
            .configure(vonage::routes)
            .configure(console::routes)
            .default_service(web::to(routes::nowhere))
            .wrap(from_fn(traffic::limit))
            .wrap(from_fn(observe::observe))
    });
    if workers > 0 {
        server = server.workers(workers);
    }
    server = server
        .keep_alive(KeepAlive::Timeout(KEEP_ALIVE))
        .client_request_timeout(HEAD_WITHIN)
        // A client that closes its side has gone, and whoever waited for it is freed at once.
        .h1_allow_half_closed(false)
        .max_connections(max_connections)
        .shutdown_timeout(u64::try_from(shutdown_timeout).unwrap_or(u64::MAX))
        .disable_signals();
    let server = match tls {
        Some(tls) => server.listen_rustls_0_23(listener, tls),
        None => server.listen(listener),
    };
    Ok(server.map_err(ServeError::Listener)?.run())
}

/// How many connections each worker takes: what is wanted, or what the limit of open
/// files leaves after the store's, so that strangers who hold connections open cannot
/// use up what accepting a notification needs.
fn connections(max_waits: usize, workers: usize) -> usize {
    let wanted = CONNECTIONS_BESIDE_WAITS.saturating_add(max_waits);
    let workers = match workers {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        workers => workers,
    };
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let open = rustix::process::Rlimit { current: limit.maximum, maximum: limit.maximum };
    let raised = rustix::process::setrlimit(rustix::process::Resource::Nofile, open).is_ok();
    let files = if raised { limit.maximum } else { limit.current };
    let Some(files) = files.and_then(|files| usize::try_from(files).ok()) else { return wanted };
    let each = files.saturating_sub(FILES_OF_OUR_OWN).max(workers) / workers;
    if each * workers < max_waits {
        tracing::warn!(
            limit = files,
            "{files} files may be open, fewer than server.max_waits = {max_waits} needs; raise the limit of open files (ulimit -n, LimitNOFILE)",
        );
    }
    wanted.min(each)
}
