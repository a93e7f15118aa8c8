//! What operators see of a running service: logs, metrics, alarms.
//!
//! Set-up, the names of the metrics, and how numbers are shown. It never decides
//! anything, and it knows no place where its words are written or scraped.

mod alarm;
mod logs;
mod mask;
pub mod metrics;
mod refusals;

pub use alarm::alarm;
pub use logs::init;
pub use mask::mask_number;
pub use refusals::Refusals;
