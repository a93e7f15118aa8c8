//! The API of apps and operators, version 1: one endpoint per file, beside the
//! shapes of their answers.

pub mod attempt;
pub mod cancel;
pub mod check;
pub mod create_key;
pub mod delivery;
pub mod enable_endpoint;
pub mod entry;
pub mod events;
pub mod feed;
pub mod guard;
pub mod list_audit;
pub mod list_deliveries;
pub mod list_endpoints;
pub mod list_keys;
pub mod list_notifications;
pub mod next;
pub mod notification;
pub mod redeem;
pub mod redeliver;
pub mod replay_notification;
pub mod revoke_key;
pub mod search;
pub mod show;
pub mod show_delivery;
pub mod show_notification;
pub mod start;
pub mod stats;
pub mod step;
mod stream;
pub mod verification;
pub mod verify_audit;
pub mod warning;
pub mod words;
