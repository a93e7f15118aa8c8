//! The notification URLs of the providers.

mod source;
pub mod zadarma;
