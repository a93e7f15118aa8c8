//! The notification URLs of the providers.

pub mod source;
pub mod zadarma;
