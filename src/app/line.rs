//! The provider's limit over replicas: the store keeps the line that they stand in.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};

use crate::provider::SharedLine;
use crate::store::{Lines, Store};

/// When a place is asked for again that the store did not answer for.
const AGAIN: SignedDuration = SignedDuration::from_secs(1);

/// The lines of a store, for the provider's queues.
struct InStore(Lines);

/// What replicas share their requests by; none where there is one process.
pub(super) fn of(store: &Store) -> Option<Arc<dyn SharedLine>> {
    store.lines().map(|lines| Arc::new(InStore(lines)) as Arc<dyn SharedLine>)
}

impl SharedLine for InStore {
    fn take<'a>(
        &'a self,
        line: &'a str,
        from: Timestamp,
        latest: Timestamp,
        limit: usize,
    ) -> BoxFuture<'a, Result<Timestamp, Timestamp>> {
        Box::pin(async move {
            match self.0.take_place(line, from, latest, limit).await {
                Ok(taken) => taken,
                Err(error) => {
                    tracing::warn!(line, error = %error, "the store gave no place in the line of requests");
                    Err(latest.checked_add(AGAIN).unwrap_or(Timestamp::MAX))
                }
            }
        })
    }
}
