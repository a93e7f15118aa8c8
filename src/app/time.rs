//! One clock for all replicas: the store's, if it has one.

use std::time::Duration;

use anyhow::{Context, bail};

use crate::clock::{Clock, Correction};
use crate::service::Service;
use crate::store::Store;

/// How often the own clock is compared.
const EVERY: Duration = Duration::from_secs(5);
/// How often it is tried before anything else is done.
const TRIES: u32 = 5;

/// Puts the clock right before anything asks it.
///
/// # Errors
/// When the store does not answer, or never soon enough to tell the time by.
pub(super) async fn correct(store: &Store, clock: &Clock) -> anyhow::Result<()> {
    let Some(correction) = clock.correction().filter(|_| store.is_shared()) else { return Ok(()) };
    for _ in 0..TRIES {
        if measure(store, clock, &correction).await.context("while asking the store's clock")? {
            return Ok(());
        }
    }
    bail!("the store answers too slowly to tell the time by its clock; look at its load")
}

/// Keeps it right.
pub(super) async fn keep(service: &Service, store: &Store) {
    let Some(correction) = service.clock().correction() else { return };
    loop {
        tokio::time::sleep(EVERY).await;
        if let Err(error) = measure(store, service.clock(), &correction).await {
            tracing::debug!(error = %error, "the store's clock could not be asked");
        }
    }
}

/// Whether the answer came soon enough to be used.
async fn measure(
    store: &Store,
    clock: &Clock,
    correction: &Correction,
) -> Result<bool, crate::store::StoreError> {
    let asked_at = clock.now();
    let Some(told) = store.now().await? else { return Ok(true) };
    Ok(correction.take(asked_at, told, clock.now()))
}
