//! Ringproof: self-hosted phone verification. The map of the rooms.

#![forbid(unsafe_code)]

pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod domain;
pub mod guard;
pub mod http;
pub mod intake;
pub mod live;
pub mod outbound;
pub mod provider;
pub mod service;
pub mod simulator;
pub mod sounds;
pub mod store;
pub mod telemetry;
pub mod zadarma;
