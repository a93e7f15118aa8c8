//! Reading requests: bodies, queries, headers and ids into types, each failure
//! a problem that names what is wrong.

mod body;
mod fields;
mod id;
mod idempotency;
mod json;
mod prefer;
mod query;
mod upload;

pub use body::{Json, MAX_JSON, Unread, read_body, read_under};
pub use id::Id;
pub use idempotency::idempotency;
pub use json::canonical;
pub use prefer::{Wait, WaitLimits, wait_of};
pub use query::{Query, pairs};
pub use upload::{Upload, upload};
