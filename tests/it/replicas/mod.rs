//! Several replicas over one PostgreSQL.
//!
//! - [`trio::Trio`] is three of them in this process, for what they promise together
//!   ([`together`]).
//! - [`lost`] runs three processes, with the load and the verdict of [`crate::faults`], and
//!   takes away one of them, the database, or its connections.
//! - [`moving`] copies a store that was served from a file, and serves on.

mod lost;
mod moving;
#[path = "../../../src/store/tests/server.rs"]
mod server;
mod together;
mod trio;
