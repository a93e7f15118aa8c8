//! The simulator alone, with the shipped sounds.

use std::net::TcpListener;

use crate::clock::Clock;
use crate::domain::Secret;
use crate::simulator::{self, Pace, Simulator, Unscripted};

use super::shipped;

/// What a simulator is started with.
pub struct SimulateOptions {
    /// Where it listens; already bound.
    pub listener: TcpListener,
    /// The account's API key.
    pub key: String,
    /// The account's API secret.
    pub secret: Secret,
    /// Where notifications go from the start.
    pub notify: Option<String>,
    /// Its time.
    pub clock: Clock,
    /// Whether phones without a script wait for a person; otherwise they answer and press 1.
    pub handset: bool,
    /// Whether scripted phones act at once.
    pub instant: bool,
}

/// Starts a simulated Zadarma that holds the shipped sounds.
///
/// # Errors
/// When the listener cannot be served.
pub fn simulate(options: SimulateOptions) -> std::io::Result<Simulator> {
    simulator::start(simulator::Options {
        listener: options.listener,
        key: options.key,
        secret: options.secret,
        notify: options.notify,
        clock: options.clock,
        sounds: shipped::simulated_sounds(),
        pace: if options.instant { Pace::Instant } else { Pace::Real },
        unscripted: if options.handset { Unscripted::Handset } else { Unscripted::Press1 },
    })
}
