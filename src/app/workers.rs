//! The loops that run beside the requests. Each ends when the service closes,
//! and reports what it could not do where it happens.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::time;
use crate::clock::Clock;
use crate::domain::WrittenForm;
use crate::intake::Intake;
use crate::service::{AccountIndex, Service};
use crate::store::Store;
use crate::telemetry::metrics::{MetricsHandle, UPKEEP_INTERVAL};

/// How often due verifications are looked for.
const DUE_EVERY: Duration = Duration::from_millis(250);
/// How often deliveries are looked for that are to be tried again.
const DELIVERIES_EVERY: Duration = Duration::from_secs(1);
/// How often it is asked whether another replica changed sounds or prompts.
const CATALOGUE_EVERY: Duration = Duration::from_secs(1);
/// How often it is asked whether another replica made, rotated or revoked keys.
const KEYS_EVERY: Duration = Duration::from_secs(1);
/// How often a replica says that it has stored what it received: what time is to change
/// waits for it.
const HEARD_EVERY: Duration = Duration::from_millis(500);
/// How often memory is swept of what no notification can belong to.
const SWEEP_EVERY: Duration = Duration::from_secs(10);
/// How often the store is swept.
pub const MAINTENANCE: Duration = Duration::from_mins(60);
/// How often the journal is counted on for the statistics.
const COUNT_EVERY: Duration = Duration::from_secs(10);
/// How often the store learns when keys were last used.
const KEY_USES_EVERY: Duration = Duration::from_mins(1);
/// How long to wait before a provider that did not answer is asked again.
const ASK_AGAIN: Duration = Duration::from_secs(30);

/// Starts every loop.
pub(super) fn start(
    service: &Arc<Service>,
    intake: &Arc<Intake>,
    store: &Store,
    metrics: MetricsHandle,
) {
    if store.is_shared() {
        start_shared(service, store);
    }
    let settling = Arc::clone(intake);
    spawn(service, |_| async move { settling.keep_settled().await });
    spawn(service, |service| async move {
        // A failure is reported where it happens; what is due stays due.
        let look = || service.expire_due();
        look_every(service.clock(), DUE_EVERY, look, std::future::pending).await;
    });
    spawn(service, |service| async move { keep_catalogue(&service).await });
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
            if let Err(error) = service.count().await {
                tracing::error!(error = %error, "the statistics could not be counted on");
            }
            service.clock().sleep(COUNT_EVERY).await;
        }
    });
    spawn(service, |service| async move {
        loop {
            service.clock().sleep(KEY_USES_EVERY).await;
            if let Err(error) = service.note_key_uses().await {
                tracing::warn!(error = %error, "the last use of keys could not be noted");
            }
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
        spawn(service, move |service| async move { keep_balance(&service, index).await });
        spawn(service, move |service| async move { keep_listening(&service, index).await });
        let intake = Arc::clone(intake);
        spawn(service, move |service| async move { keep_watch(&service, &intake, index).await });
    }
    // The metadata of phone numbers takes a few milliseconds to load: now, not at the first start.
    std::thread::spawn(|| {
        let any = crate::domain::PhoneNumber::from_u64(380_441_234_567);
        let _ = WrittenForm::all_of(any);
    });
}

/// Starts the loops that know of other replicas.
fn start_shared(service: &Arc<Service>, store: &Store) {
    let clock = store.clone();
    spawn(service, |service| async move { time::keep(&service, &clock).await });
    spawn(service, |service| async move { service.follow().await });
    spawn(service, |service| async move {
        let look = || async {
            service.keep_heard().await.inspect_err(|error| {
                tracing::debug!(error = %error, "the other replicas hear nothing of this one");
            })
        };
        look_every(service.clock(), HEARD_EVERY, look, std::future::pending).await;
    });
    spawn(service, |service| async move {
        let look = || async {
            service.refresh_keys().await.inspect_err(|error| {
                tracing::warn!(error = %error, "the keys could not be read; those known stay in force");
            })
        };
        look_every(service.clock(), KEYS_EVERY, look, std::future::pending).await;
    });
}

/// Delivers what is due, at once when it is new.
async fn keep_delivering(service: &Service) {
    let look = || async {
        service.deliver_due().await.inspect_err(|error| {
            tracing::error!(error = %error, "what is due to apps could not be delivered");
        })
    };
    look_every(service.clock(), DELIVERIES_EVERY, look, || service.new_deliveries()).await;
}

/// Sees within a second what another replica changed of sounds and prompts.
async fn keep_catalogue(service: &Service) {
    let look = || async {
        service.refresh_catalogue().await.inspect_err(|error| {
            tracing::error!(error = %error, "sounds and prompts could not be read");
        })
    };
    look_every(service.clock(), CATALOGUE_EVERY, look, std::future::pending).await;
}

/// Looks at once, then every so often, and as soon as it is `called`.
///
/// The span counts from when a look began: what became due while it was under way
/// is then found by the next one, however late the look itself ended. Only a look
/// that failed is followed by the whole span, to let the store recover.
async fn look_every<T, E, L: Future<Output = Result<T, E>>, C: Future<Output = ()>>(
    clock: &Clock,
    every: Duration,
    look: impl Fn() -> L,
    called: impl Fn() -> C,
) {
    loop {
        let began = clock.now();
        let from = if look().await.is_ok() { began } else { clock.now() };
        tokio::select! {
            () = called() => {}
            () = clock.sleep_since(from, every) => {}
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

/// Looks at the provider's notification settings at start and hourly.
async fn keep_watch(service: &Service, intake: &Intake, index: usize) {
    let Ok(account) = u16::try_from(index).map(AccountIndex) else { return };
    loop {
        intake.watch_settings(account).await;
        service.clock().sleep(MAINTENANCE).await;
    }
}

/// Keeps the account's balance known to the guard.
async fn keep_balance(service: &Service, index: usize) {
    let Ok(account) = u16::try_from(index).map(AccountIndex) else { return };
    service.keep_balance(account).await;
}

/// Notices when the account's button calls bring nothing.
async fn keep_listening(service: &Service, index: usize) {
    let Ok(account) = u16::try_from(index).map(AccountIndex) else { return };
    service.keep_listening(account).await;
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

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// Looks, while the clock moves on during the first look and then stands still.
    /// Returns how many looks there were until the next one waits.
    async fn looks(result: Result<(), ()>) -> u32 {
        let (clock, hand) = Clock::settable(Timestamp::UNIX_EPOCH);
        let looks = Cell::new(0);
        let look = || async {
            looks.set(looks.get() + 1);
            if looks.get() == 1 {
                hand.advance(DUE_EVERY);
            }
            result
        };
        tokio::select! {
            biased;
            () = look_every(&clock, DUE_EVERY, look, std::future::pending) => {}
            () = std::future::ready(()) => {}
        }
        looks.get()
    }

    #[tokio::test]
    async fn what_becomes_due_during_a_look_is_found_by_the_next_one() {
        assert_eq!(looks(Ok(())).await, 2);
    }

    #[tokio::test]
    async fn after_a_failure_the_whole_span_passes() {
        assert_eq!(looks(Err(())).await, 1);
    }
}
