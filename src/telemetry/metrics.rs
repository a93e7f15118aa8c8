//! The metrics: their names, their handles, and their text for Prometheus.
//!
//! Handles are registered once and then cost an atomic operation, since the way of a
//! notification passes several of them. Labels hold words from fixed lists only,
//! never numbers, names or anything a client chose.

use std::sync::OnceLock;
use std::time::Duration;

use metrics::{Counter, Gauge, Histogram, Unit, counter, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Notifications received, by `verdict`.
pub const NOTIFICATIONS_TOTAL: &str = "ringproof_notifications_total";
/// Seconds from a notification's arrival to the waking of whoever waits.
pub const NOTIFICATION_TO_WAKE_SECONDS: &str = "ringproof_notification_to_wake_seconds";
/// Verifications ended, by `outcome`.
pub const VERIFICATIONS_TOTAL: &str = "ringproof_verifications_total";
/// Clients that wait for an outcome now.
pub const WAITERS: &str = "ringproof_waiters";
/// Clients that look at everything now: the feed, and pages of the console.
pub const ONLOOKERS: &str = "ringproof_onlookers";
/// Readings of the journal for them.
pub const FEED_READS_TOTAL: &str = "ringproof_feed_reads_total";
/// Verifications pending now.
pub const PENDING: &str = "ringproof_pending";
/// Changes that shared one commit.
pub const STORE_BATCH_SIZE: &str = "ringproof_store_batch_size";
/// Seconds of a commit.
pub const STORE_COMMIT_SECONDS: &str = "ringproof_store_commit_seconds";
/// Seconds of a request to the provider, by `method` and `result`.
pub const PROVIDER_REQUEST_SECONDS: &str = "ringproof_provider_request_seconds";
/// Tries to deliver to apps, by `result`.
pub const DELIVERIES_TOTAL: &str = "ringproof_deliveries_total";
/// Errors of the provider, by `kind`.
pub const PROVIDER_ERRORS_TOTAL: &str = "ringproof_provider_errors_total";
/// Notifications that the store did not take, by `result`: kept on disk, or refused.
pub const SPILLED_TOTAL: &str = "ringproof_spilled_total";
/// Bytes on disk of notifications that the store has not taken yet.
pub const SPILL_BYTES: &str = "ringproof_spill_bytes";
/// Entries of the audit log.
pub const AUDIT_ENTRIES: &str = "ringproof_audit_entries";
/// Alarms raised, by `alarm`.
pub const ALARMS_TOTAL: &str = "ringproof_alarms_total";
/// Counter, labels `rule` and `mode`: what the guard refused, or would have.
pub const GUARD_REFUSALS_TOTAL: &str = "ringproof_guard_refusals_total";

/// Accounts whose balance is below a floor of the guard.
pub const BALANCES_LOW: &str = "ringproof_balances_low";
/// Accounts whose button calls bring no notifications.
pub const ACCOUNTS_DEGRADED: &str = "ringproof_accounts_degraded";

/// How often [`MetricsHandle::upkeep`] should run.
pub const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// Every alarm, so that what was never raised shows as zero.
const ALARMS: [&str; 15] = [
    "balance_low",
    "degraded",
    "disputed",
    "endpoint_disabled",
    "forged_notification",
    "near_miss",
    "notification_settings",
    "other_currency",
    "prefix_blocked",
    "provider_refused",
    "spill_damaged",
    "spill_refused",
    "store_away",
    "store_damaged",
    "unlisted_source",
];

/// Upper bounds of the histograms' buckets.
const BUCKETS: [(&str, &[f64]); 4] = [
    (
        NOTIFICATION_TO_WAKE_SECONDS,
        &[0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5],
    ),
    (STORE_BATCH_SIZE, &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0]),
    (STORE_COMMIT_SECONDS, &[0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.25, 1.0]),
    (PROVIDER_REQUEST_SECONDS, &[0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 5.0, 10.0, 15.0]),
];

/// Renders what was counted. Cheap to clone; all clones are of the one recorder.
#[derive(Clone)]
pub struct MetricsHandle(PrometheusHandle);

/// Handles of the metrics without labels.
pub struct Meters {
    /// [`NOTIFICATION_TO_WAKE_SECONDS`].
    pub notification_to_wake: Histogram,
    /// [`WAITERS`].
    pub waiters: Gauge,
    /// [`ONLOOKERS`].
    pub onlookers: Gauge,
    /// [`FEED_READS_TOTAL`].
    pub feed_reads: Counter,
    /// [`PENDING`].
    pub pending: Gauge,
    /// [`STORE_BATCH_SIZE`].
    pub store_batch_size: Histogram,
    /// [`STORE_COMMIT_SECONDS`].
    pub store_commit: Histogram,
    /// [`SPILL_BYTES`].
    pub spill_bytes: Gauge,
}

/// One counter for each value of a label, all registered from the start, so that what
/// never happened shows as zero.
pub struct Counters(Box<[(&'static str, Counter)]>);

/// Starts counting, once in a process; later calls give the same handle.
pub fn install() -> MetricsHandle {
    static INSTALLED: OnceLock<MetricsHandle> = OnceLock::new();
    let install = || {
        let recorder = builder().build_recorder();
        let handle = MetricsHandle(recorder.handle());
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("something else records metrics; /metrics will be empty");
        }
        describe();
        for kind in ALARMS {
            counter!(ALARMS_TOTAL, "alarm" => kind).absolute(0);
        }
        handle
    };
    INSTALLED.get_or_init(install).clone()
}

/// The handles without labels; the first call installs the recorder, so that no handle
/// is ever taken before there is one.
pub fn meters() -> &'static Meters {
    static METERS: OnceLock<Meters> = OnceLock::new();
    METERS.get_or_init(|| {
        install();
        Meters {
            notification_to_wake: histogram!(NOTIFICATION_TO_WAKE_SECONDS),
            waiters: gauge!(WAITERS),
            onlookers: gauge!(ONLOOKERS),
            feed_reads: counter!(FEED_READS_TOTAL),
            pending: gauge!(PENDING),
            store_batch_size: histogram!(STORE_BATCH_SIZE),
            store_commit: histogram!(STORE_COMMIT_SECONDS),
            spill_bytes: gauge!(SPILL_BYTES),
        }
    })
}

/// Counts one request to the provider; `method` is a path of its API without values.
pub fn provider_request(method: &'static str, result: &'static str, took: Duration) {
    histogram!(PROVIDER_REQUEST_SECONDS, "method" => method, "result" => result).record(took);
}

/// Counts one error of the provider.
pub fn provider_error(kind: &'static str) {
    counter!(PROVIDER_ERRORS_TOTAL, "kind" => kind).increment(1);
}

/// Says how many accounts have less money left than they are to have.
pub fn balances_low(accounts: u32) {
    gauge!(BALANCES_LOW).set(accounts);
}

/// Says of how many accounts the button calls bring no notifications.
pub fn accounts_degraded(accounts: u32) {
    gauge!(ACCOUNTS_DEGRADED).set(accounts);
}

impl MetricsHandle {
    /// Everything counted so far, in Prometheus' text form.
    #[must_use]
    pub fn render(&self) -> String {
        self.0.render()
    }

    /// How often each alarm was raised since the start.
    #[must_use]
    pub fn alarms(&self) -> Vec<(String, u64)> {
        let text = self.render();
        let begin = format!("{ALARMS_TOTAL}{{alarm=\"");
        let lines = text.lines().filter_map(|line| line.strip_prefix(&begin));
        let counted = lines.filter_map(|line| line.split_once("\"} "));
        counted.filter_map(|(kind, count)| Some((kind.to_owned(), count.parse().ok()?))).collect()
    }

    /// Sorts recorded values into their buckets. Without it they pile up until the next
    /// [`MetricsHandle::render`], which may never come.
    pub fn upkeep(&self) {
        self.0.run_upkeep();
    }
}

impl Counters {
    /// Registers the metric `name` for each of the `values` of `label`.
    #[must_use]
    pub fn new(
        name: &'static str,
        label: &'static str,
        values: impl IntoIterator<Item = &'static str>,
    ) -> Self {
        install();
        let register = |value| (value, counter!(name, label => value));
        Self(values.into_iter().map(register).collect())
    }

    /// Counts one of `value`, which is one of the registered ones.
    pub fn increment(&self, value: &str) {
        let found = self.0.iter().find(|(known, _)| *known == value);
        debug_assert!(found.is_some(), "{value} was not registered");
        if let Some((_, counter)) = found {
            counter.increment(1);
        }
    }
}

fn builder() -> PrometheusBuilder {
    BUCKETS.iter().fold(PrometheusBuilder::new(), |builder, (name, buckets)| {
        builder
            .set_buckets_for_metric(Matcher::Full((*name).to_owned()), buckets)
            .expect("no list of BUCKETS is empty")
    })
}

fn describe() {
    use metrics::{
        describe_counter as count, describe_gauge as level, describe_histogram as spread,
    };
    count!(NOTIFICATIONS_TOTAL, "Notifications received, by verdict");
    spread!(
        NOTIFICATION_TO_WAKE_SECONDS,
        Unit::Seconds,
        "From arrival of a notification to the wake-up"
    );
    count!(VERIFICATIONS_TOTAL, "Verifications ended, by outcome");
    level!(WAITERS, "Clients that wait for an outcome");
    level!(ONLOOKERS, "Clients that look at everything: the feed, and pages of the console");
    count!(FEED_READS_TOTAL, "Readings of the journal for whoever looks at everything");
    level!(PENDING, "Pending verifications");
    spread!(STORE_BATCH_SIZE, "Changes that shared one commit");
    spread!(STORE_COMMIT_SECONDS, Unit::Seconds, "Duration of a commit");
    spread!(PROVIDER_REQUEST_SECONDS, Unit::Seconds, "Duration of requests to the provider");
    count!(DELIVERIES_TOTAL, "Tries to deliver to apps, by result");
    count!(PROVIDER_ERRORS_TOTAL, "Errors of the provider, by kind");
    count!(SPILLED_TOTAL, "Notifications that the store did not take, by result");
    level!(SPILL_BYTES, Unit::Bytes, "Notifications on disk that the store has not taken");
    level!(AUDIT_ENTRIES, "Entries of the audit log");
    count!(GUARD_REFUSALS_TOTAL, "Starts and steps that rules refused, or would have");
    level!(BALANCES_LOW, "Accounts whose balance is below a floor of the guard");
    level!(ACCOUNTS_DEGRADED, "Accounts whose button calls bring no notifications");
    count!(ALARMS_TOTAL, "Alarms raised, by kind");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_rendered() {
        let verdicts = Counters::new(NOTIFICATIONS_TOTAL, "verdict", ["accepted", "bad_signature"]);
        verdicts.increment("accepted");
        meters().notification_to_wake.record(0.003);
        meters().waiters.increment(2.0);
        provider_request("/v1/verify/", "ok", Duration::from_millis(120));
        super::super::alarm("near_miss", "a test");
        install().upkeep();
        let text = install().render();
        for line in [
            "ringproof_notifications_total{verdict=\"accepted\"} 1",
            "ringproof_notifications_total{verdict=\"bad_signature\"} 0",
            "ringproof_notification_to_wake_seconds_bucket{le=\"0.005\"} 1",
            "ringproof_waiters 2",
            "ringproof_provider_request_seconds_count{method=\"/v1/verify/\",result=\"ok\"} 1",
            "ringproof_alarms_total{alarm=\"near_miss\"} 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is missing in\n{text}");
        }
    }
}
