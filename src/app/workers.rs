//! The loops that run beside the requests. Each ends when the service closes,
//! and reports what it could not do where it happens.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::domain::WrittenForm;
use crate::service::Service;
use crate::telemetry::metrics::{MetricsHandle, UPKEEP_INTERVAL};

/// How often due verifications are looked for.
const DUE_EVERY: Duration = Duration::from_millis(250);
/// How often deliveries are looked for that are to be tried again.
const DELIVERIES_EVERY: Duration = Duration::from_secs(1);
/// How often memory is swept of what no notification can belong to.
const SWEEP_EVERY: Duration = Duration::from_secs(10);
/// How often the store is swept.
pub const MAINTENANCE: Duration = Duration::from_mins(60);
/// How long to wait before a provider that did not answer is asked again.
const ASK_AGAIN: Duration = Duration::from_secs(30);

/// Starts every loop.
pub(super) fn start(service: &Arc<Service>, metrics: MetricsHandle) {
    spawn(service, |service| async move {
        loop {
            // A failure is reported where it happens; what is due stays due.
            let _ = service.expire_due().await;
            service.clock().sleep(DUE_EVERY).await;
        }
    });
    if service.tells_apps() {
        spawn(service, |service| async move { keep_delivering(&service).await });
    }
    spawn(service, |service| async move {
        loop {
            service.clock().sleep(SWEEP_EVERY).await;
            service.sweep_live();
        }
    });
    spawn(service, |service| async move {
        loop {
            if let Err(error) = service.sweep_store().await {
                tracing::error!(error = %error, "the store could not be swept");
            }
            service.clock().sleep(MAINTENANCE).await;
        }
    });
    spawn(service, |service| async move {
        loop {
            service.clock().sleep(UPKEEP_INTERVAL).await;
            metrics.upkeep();
        }
    });
    for index in 0..service.accounts().len() {
        spawn(service, move |service| async move { keep_offset(&service, index).await });
        spawn(service, move |service| async move { keep_facts(&service, index).await });
    }
    // The metadata of phone numbers takes a few milliseconds to load: now, not at the first start.
    std::thread::spawn(|| {
        let any = crate::domain::PhoneNumber::from_u64(380_441_234_567);
        let _ = WrittenForm::all_of(any);
    });
}

/// Delivers what is due, at once when it is new.
async fn keep_delivering(service: &Service) {
    loop {
        if let Err(error) = service.deliver_due().await {
            tracing::error!(error = %error, "what is due to apps could not be delivered");
        }
        tokio::select! {
            () = service.new_deliveries() => {}
            () = service.clock().sleep(DELIVERIES_EVERY) => {}
        }
    }
}

fn spawn<W, F>(service: &Arc<Service>, work: W)
where
    W: FnOnce(Arc<Service>) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    let closing = service.closing();
    let work = work(Arc::clone(service));
    service.spawn(async move {
        tokio::select! {
            () = work => {}
            () = closing.cancelled() => {}
        }
    });
}

/// Measures the provider's clock at start and just after each half hour, when zones change.
async fn keep_offset(service: &Service, index: usize) {
    let account = &service.accounts()[index];
    loop {
        let now = || service.clock().now();
        match account.measure(now).await {
            Ok(()) => service.clock().sleep_until(after_half_hour(now())).await,
            Err(error) => {
                tracing::warn!(account.name = %account.name, error = %error, "the provider's clock could not be measured");
                service.clock().sleep(ASK_AGAIN).await;
            }
        }
    }
}

async fn keep_facts(service: &Service, index: usize) {
    let account = &service.accounts()[index];
    loop {
        match account.refresh().await {
            Ok(()) => {
                service.warn_of_missing_sounds(account);
                service.clock().sleep(MAINTENANCE).await;
            }
            Err(error) => {
                tracing::warn!(
                    account.name = %account.name, error = %error,
                    "the provider did not tell its numbers, extensions and sounds",
                );
                service.clock().sleep(ASK_AGAIN).await;
            }
        }
    }
}

/// Three seconds after the next full or half hour of UTC.
fn after_half_hour(now: Timestamp) -> Timestamp {
    let half_hour = 1_800;
    let into = (now.as_second() - 3).rem_euclid(half_hour);
    now.checked_add(SignedDuration::from_secs(half_hour - into)).unwrap_or(Timestamp::MAX)
}
