//! What a verification is and how it moves. Pure: no clock, no randomness, no
//! input or output, no serialization.

mod secret;

pub use secret::Secret;
