//! Faults of the store, with real server processes and load running.
//!
//! - [`site::Site`] is what stands around the service: a folder, the simulator as the
//!   provider, a configuration, a key, and the one or more processes that serve it.
//! - [`load::Load`] is people and apps: it starts verifications at any of a list of base
//!   addresses, presses keys, checks codes, and remembers what was acknowledged.
//! - [`verdict`] asserts at the end what must hold whatever happened: no acknowledged
//!   start, check or notification is lost; nothing is resolved twice; no number is
//!   dialled twice; every pending verification ends.
//!
//! A test makes a site, runs load, brings a fault about by real means (a signal, a lock,
//! a full disk), ends it, and asks for the verdict. Nothing here knows which store it is:
//! for several replicas over one store, hand the base addresses of all to the load.

mod again;
mod away;
mod damage;
pub mod disk;
mod kill;
pub mod load;
pub mod site;
pub mod verdict;
