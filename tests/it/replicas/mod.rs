//! Several replicas over one PostgreSQL.
//!
//! - [`trio::Trio`] is three of them in this process, for what they promise together
//!   ([`together`]).
//! - [`three::Three`] runs three processes, with the load and the verdict of [`crate::faults`].
//!   [`lost`] takes away one of them, the database, or its connections; [`cut`] cuts one off by
//!   a [`wire`]; [`full`] fills the database's disk; [`mixed`] has replicas that
//!   are not alike.
//! - [`moving`] copies a store that was served from a file, and serves on.

mod cut;
mod full;
mod lost;
mod mixed;
mod moving;
#[path = "../../../src/store/tests/server.rs"]
pub mod server;
mod three;
mod together;
mod trio;
mod wire;
