//! What operators and their machines ask: alive, ready, metrics, the API's description.

pub mod docs;
pub mod healthz;
pub mod metrics;
pub mod openapi;
pub mod readyz;

pub use readyz::Readiness;
