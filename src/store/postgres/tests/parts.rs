//! The tables that are cut by time: where rows are, what is dropped, and what never goes.

use jiff::Timestamp;

use super::{NUMBER, database, open};
use crate::domain::{DeliveryId, Event, Secret, Verification, VerificationId};
use crate::store::postgres::Postgres;
use crate::store::tests::{A_DAY, at, keyed, moved, notification, pressed, server, start};
use crate::store::{Committed, JournalCursor, NewDelivery, Started, Swept, Target};

/// The day of `at(0)`.
const FIRST_DAY: &str = "20260921";

fn asked(url: &Secret, sql: &str) -> String {
    server::shared().execute(server::Server::database(url.expose()), sql)
}

/// How many rows each part holds that holds any, in order.
fn rows(url: &Secret) -> String {
    let of = |table| format!("SELECT tableoid::regclass::text AS part FROM {table}");
    let all = ["journal", "deliveries"].map(of).join(" UNION ALL ");
    let sql = format!("SELECT part, count(*) FROM ({all}) AS all_rows GROUP BY 1 ORDER BY 1");
    asked(url, &sql)
}

/// The parts that were made, each with its first day.
fn parts(url: &Secret, of: &str) -> Vec<String> {
    let sql = format!(
        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = '{of}'::regclass \
         AND inhrelid::regclass::text != '{of}_default' ORDER BY 1"
    );
    let registered = format!(
        "SELECT of || '_' || to_char(date '1970-01-01' + from_day::int4, 'YYYYMMDD') \
         FROM parts WHERE of = '{of}' ORDER BY 1"
    );
    let made = asked(url, &sql);
    assert_eq!(made, asked(url, &registered), "the list tells what there is");
    made.lines().map(str::to_owned).collect()
}

async fn started(store: &Postgres, number: u64, now: Timestamp) -> Verification {
    let (start, to, claims) = keyed(start(number, now));
    match store.start(start, to, claims, now).await.unwrap() {
        Started::Stored { verification, .. } => verification,
        other => panic!("{other:?}"),
    }
}

/// Ends a verification, with a notification and a delivery of `now`.
async fn ended(store: &Postgres, verification: &Verification, now: Timestamp) {
    let (_, change) = moved(verification, pressed(5_000, now), now);
    let of_now = crate::store::tests::asked(1, now).id;
    let delivery = NewDelivery {
        id: DeliveryId::from_bytes(*of_now.as_bytes()),
        app: verification.app.clone(),
        verification: verification.id,
        target: Target::Callback("https://app.test/".into()),
        kind: "verification.verified".into(),
        at: now,
        payload: b"{}".to_vec().into(),
    };
    let change = change.with_deliveries(vec![delivery]);
    assert!(matches!(store.change(change).await.unwrap(), Committed::Stored { .. }));
}

async fn timeline(store: &Postgres, id: VerificationId) -> usize {
    store.timeline(id, 0).await.unwrap().len()
}

#[tokio::test]
async fn rows_are_in_the_part_of_their_verifications_day_and_parts_are_ahead() {
    let url = database();
    let store = open(&url).await.unwrap();
    store.sweep(at(0)).await.unwrap();
    let days = ["20260921", "20260922", "20260923", "20260924"];
    assert_eq!(parts(&url, "deliveries"), days.map(|day| format!("deliveries_{day}")));
    let one = started(&store, NUMBER, at(0)).await;
    ended(&store, &one, at(0) + A_DAY).await;
    store.journal(notification(None, at(0))).await.unwrap();
    let journal = format!("journal_correlated_{FIRST_DAY}|2");
    let expected = format!("deliveries_20260922|1\n{journal}\njournal_uncorrelated|1");
    assert_eq!(rows(&url), expected);
    let plan = asked(
        &url,
        &format!(
            "EXPLAIN SELECT * FROM journal WHERE verification_id = '{}'",
            uuid::Uuid::from_bytes(*one.id.as_bytes())
        ),
    );
    assert!(plan.contains(FIRST_DAY) && !plan.contains("20260922"), "{plan}");
}

#[tokio::test]
async fn retention_drops_whole_parts_and_nothing_younger() {
    let url = database();
    let store = open(&url).await.unwrap();
    store.sweep(at(0)).await.unwrap();
    let old = started(&store, NUMBER, at(0)).await;
    // What it causes late is in a later part and goes with it all the same.
    ended(&store, &old, at(0) + A_DAY).await;
    let young = started(&store, NUMBER + 10, at(0) + A_DAY).await;
    ended(&store, &young, at(9) + A_DAY).await;

    store.sweep(at(0) + A_DAY * 30).await.unwrap();
    assert_eq!(timeline(&store, old.id).await, 4, "its day has not ended");
    let swept = store.sweep(at(0) + A_DAY * 31).await.unwrap();
    assert_eq!(swept.verifications, 1);
    assert_eq!(store.find(old.id).await.unwrap(), None);
    let gone = |part: &String| part.ends_with(FIRST_DAY);
    for table in ["journal_correlated", "deliveries", "delivery_tries"] {
        assert!(!parts(&url, table).iter().any(gone), "{table}");
    }
    assert_eq!(rows(&url), "deliveries_20260922|1\njournal_correlated_20260922|2");
    assert_eq!(timeline(&store, young.id).await, 4);
    assert_eq!(store.sweep(at(0) + A_DAY * 32).await.unwrap().verifications, 1);
    assert_eq!(rows(&url), "");
}

#[tokio::test]
async fn a_verification_that_still_runs_keeps_its_part_and_only_what_is_its_own() {
    let url = database();
    let store = open(&url).await.unwrap();
    store.sweep(at(0)).await.unwrap();
    let done = started(&store, NUMBER, at(0)).await;
    ended(&store, &done, at(9)).await;
    let runs = started(&store, NUMBER + 10, at(1)).await;

    assert_eq!(store.sweep(at(0) + A_DAY * 40).await.unwrap().verifications, 1);
    assert_eq!(rows(&url), format!("journal_correlated_{FIRST_DAY}|1"));
    assert_eq!(timeline(&store, runs.id).await, 2);

    let (_, change) = moved(&runs, Event::CancelAsked, at(9));
    assert!(matches!(store.change(change).await.unwrap(), Committed::Stored { .. }));
    assert_eq!(store.sweep(at(0) + A_DAY * 40).await.unwrap().verifications, 1);
    assert_eq!(rows(&url), "");
}

#[tokio::test]
async fn what_no_part_was_made_for_is_kept_and_moved_once_there_is_one() {
    let url = database();
    let store = open(&url).await.unwrap();
    let one = started(&store, NUMBER, at(0)).await;
    ended(&store, &one, at(9)).await;
    let seen = store.feed(Some(JournalCursor::default()), 100).await.unwrap();
    assert_eq!(rows(&url), "deliveries_default|1\njournal_correlated_default|2");

    store.sweep(at(60)).await.unwrap();
    let expected = format!("deliveries_{FIRST_DAY}|1\njournal_correlated_{FIRST_DAY}|2");
    assert_eq!(rows(&url), expected);
    assert_eq!(timeline(&store, one.id).await, 4);
    let again = store.feed(Some(JournalCursor::default()), 100).await.unwrap();
    assert_eq!((again.rows.len(), again.end), (seen.rows.len(), seen.end));
}

#[tokio::test]
async fn more_than_readers_can_wait_for_stays_and_goes_with_its_verifications() {
    let url = database();
    let store = open(&url).await.unwrap();
    let one = started(&store, NUMBER, at(0)).await;
    ended(&store, &one, at(9)).await;
    asked(
        &url,
        "INSERT INTO journal (at, verification_id) SELECT at, verification_id FROM journal, \
         generate_series(1, 10000) WHERE event IS NOT NULL",
    );
    store.sweep(at(60)).await.unwrap();
    assert!(rows(&url).contains("journal_correlated_default|10002"), "{}", rows(&url));
    assert_eq!(parts(&url, "journal_correlated").len(), 3, "the days that come have parts");
    assert_eq!(store.sweep(at(0) + A_DAY * 31).await.unwrap().verifications, 1);
    assert_eq!(rows(&url), "");
}

#[tokio::test]
async fn a_clock_far_off_loses_nothing() {
    let url = database();
    let store = open(&url).await.unwrap();
    let (past, future) = ("1971-03-04T05:06:07Z", "2242-01-01T00:00:00Z");
    let (past, future) = (past.parse().unwrap(), future.parse().unwrap());
    let mut all = Vec::new();
    for (number, now) in [past, at(0), future].into_iter().enumerate() {
        let one = started(&store, NUMBER + number as u64 * 10, now).await;
        ended(&store, &one, now).await;
        all.push(one);
    }
    // One that was made long before its clock was set right has outlived its retention.
    store.sweep(at(0)).await.unwrap();
    let shown = all.iter().map(|one| timeline(&store, one.id));
    assert_eq!(futures_util::future::join_all(shown).await, [0, 4, 4]);
    store.sweep(at(0) + A_DAY * 31).await.unwrap();
    assert_eq!(rows(&url), "deliveries_22420101|1\njournal_correlated_22420101|2");
    assert!(parts(&url, "deliveries").contains(&"deliveries_20261022".to_owned()));
}

#[tokio::test]
async fn replicas_that_make_parts_at_once_make_each_once() {
    let url = database();
    let stores = [open(&url).await.unwrap(), open(&url).await.unwrap()];
    let one = started(&stores[0], NUMBER, at(0)).await;
    let sweeps = (0..8).map(|turn| stores[turn % 2].sweep(at(60)));
    for swept in futures_util::future::join_all(sweeps).await {
        assert_eq!(swept.unwrap(), Swept::default());
    }
    for table in ["journal_correlated", "deliveries", "delivery_tries"] {
        assert_eq!(parts(&url, table).len(), 4, "{table}");
    }
    assert_eq!(timeline(&stores[1], one.id).await, 2);
}

#[tokio::test]
async fn a_release_that_knows_no_parts_works_before_and_after_they_came() {
    let url = database();
    let older = Secret::new(format!("{}&newest_schema=8", url.expose()));
    let old = open(&older).await.unwrap();
    let one = started(&old, NUMBER, at(0)).await;
    ended(&old, &one, at(9)).await;
    let other = started(&old, NUMBER + 10, at(0)).await;
    old.sweep(at(60)).await.unwrap();
    assert_eq!(rows(&url), "deliveries|1\njournal|3");

    let new = open(&url).await.unwrap();
    assert_eq!(rows(&url), "deliveries_default|1\njournal_correlated_default|3");
    let again = open(&older).await.unwrap();
    for store in [&old, &again, &new] {
        assert_eq!(timeline(store, one.id).await, 4);
    }
    ended(&again, &other, at(20)).await;
    old.journal(notification(None, at(20))).await.unwrap();
    let expected = "deliveries_default|2\njournal_correlated_default|4\njournal_uncorrelated|1";
    assert_eq!(rows(&url), expected);
    assert_eq!(old.sweep(at(0) + A_DAY * 31).await.unwrap().verifications, 2);
    assert_eq!(rows(&url), "");
}
