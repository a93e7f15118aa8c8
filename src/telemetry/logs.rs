//! Setting up the log.
//!
//! The configuration alone decides what is logged; no variable of the environment
//! does. Libraries never say more than `info`, since their traces repeat headers,
//! paths and bodies, and with them keys, tokens and numbers.

use std::io::{IsTerminal, stderr};

use tracing::{Level, Metadata};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt, registry};

use crate::config::{Log, LogFormat};

/// Sends the log to standard error as `log` says. A second call changes nothing.
pub fn init(log: &Log) {
    // A level that came past the configuration's check can only be its default's typo.
    let level = EnvFilter::builder().parse(&log.level).unwrap_or_else(|_| EnvFilter::new("info"));
    let output = match log.format {
        LogFormat::Text => {
            fmt::layer().with_writer(stderr).with_ansi(stderr().is_terminal()).boxed()
        }
        LogFormat::Json => fmt::layer().json().flatten_event(true).with_writer(stderr).boxed(),
    };
    let set = registry().with(level).with(filter_fn(is_safe)).with(output).try_init();
    if set.is_err() {
        tracing::debug!("the log is already set up");
    }
}

/// Whether an event is ours, or a library's without its innermost details.
fn is_safe(event: &Metadata<'_>) -> bool {
    let ours = event.target().split("::").next() == Some(env!("CARGO_CRATE_NAME"));
    ours || *event.level() <= Level::INFO
}
