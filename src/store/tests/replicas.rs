//! Two replicas on one store: what is unique is so over both.

use futures_util::future::join_all;

use super::*;
use crate::store::{Changed, Changes, StoreError};

const NUMBER: u64 = 380_991_234_567;

/// A store that is open twice.
pub(super) async fn two() -> (TestStore, Store) {
    let mut test = None;
    on(Adapter::Postgres, async { test = Some(TestStore::open().await) }).await;
    let test = test.unwrap();
    let other = test.beside().await;
    (test, other)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_starts_on_two_replicas_of_one_number_exactly_one_is_stored() {
    let (test, other) = two().await;
    for round in 0..20 {
        let number = NUMBER + 10 * round;
        let starts = (0..20).map(|i| {
            let store = if i % 2 == 0 { test.store.clone() } else { other.clone() };
            tokio::spawn(async move { store.start(start(number, at(0)), at(0)).await.unwrap() })
        });
        let answers = join_all(starts).await;
        let is_stored = |answer: &Started| matches!(answer, Started::Stored { .. });
        let stored = answers.iter().filter(|answer| is_stored(answer.as_ref().unwrap())).count();
        assert_eq!(stored, 1, "{answers:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_changes_on_two_replicas_of_one_version_exactly_one_is_stored() {
    let (test, other) = two().await;
    let mut verifications = Vec::new();
    for i in 0..40 {
        verifications.push(test.started(NUMBER + 10 * i, at(0)).await);
    }
    // Each replica changes all of them, the other one in the other order.
    let all = |store: Store, order: Vec<Verification>| {
        tokio::spawn(async move {
            let change = |one| store.change(moved(one, pressed(5_000, at(9)), at(9)).1);
            join_all(order.iter().map(change)).await
        })
    };
    let reversed = verifications.iter().rev().cloned().collect();
    let (first, second) =
        tokio::join!(all(test.store.clone(), verifications), all(other, reversed));
    let is_stored = |answer: &Result<Committed, _>| match answer.as_ref().unwrap() {
        Committed::Stored { .. } => true,
        Committed::Conflict => false,
    };
    let first: Vec<bool> = first.unwrap().iter().map(is_stored).collect();
    let second: Vec<bool> = second.unwrap().iter().map(is_stored).collect();
    assert!(first.iter().zip(second.iter().rev()).all(|(a, b)| a != b), "{first:?} {second:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_that_open_an_empty_database_at_once_migrate_it_once() {
    let url = StoreUrl::Postgres(Secret::new(server::shared().new_database()));
    let open = || tokio::spawn(super::super::open(Settings::of(url.clone(), server_keys())));
    for opened in join_all([open(), open(), open()]).await {
        opened.unwrap().unwrap().probe().await.unwrap();
    }
}

/// Waits until a version is told, or is found after some were missed.
async fn told(other: &Store, changes: &mut Changes, verification: &Verification) {
    let told = (verification.id, verification.version);
    loop {
        match changes.next().await {
            Changed::These(these) if these.contains(&told) => return,
            Changed::These(_) => {}
            // Before it listens, a replica knows only that it must look.
            Changed::Missed => {
                let found = other.find(verification.id).await.unwrap();
                if found.is_some_and(|found| found.version >= verification.version) {
                    return;
                }
            }
        }
    }
}

async fn in_time(waiting: impl Future<Output = ()>) {
    tokio::time::timeout(Duration::from_secs(10), waiting).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_replica_stores_the_other_is_told() {
    let (test, other) = two().await;
    let mut changes = other.changes();
    let verification = test.started(NUMBER, at(0)).await;
    in_time(told(&other, &mut changes, &verification)).await;
    let next = test.happened(&verification, pressed(5_000, at(9)), at(9)).await;
    in_time(told(&other, &mut changes, &next)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_stored_while_nobody_can_listen_is_told_all_the_same() {
    let (test, other) = two().await;
    let StoreUrl::Postgres(url) = &test.url else { panic!() };
    let database = server::Server::database(url.expose());
    let mut changes = other.changes();
    let mut verification = test.started(NUMBER, at(0)).await;
    in_time(told(&other, &mut changes, &verification)).await;
    for second in 1..4 {
        server::shared().execute(
            database,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE datname = current_database() AND query LIKE 'LISTEN %'",
        );
        let event = match second {
            1 => Event::Accepted { attempt: 0 },
            2 => Event::Ringing { attempt: 0 },
            _ => Event::CancelAsked,
        };
        verification = test.happened(&verification, event, at(second)).await;
        in_time(told(&other, &mut changes, &verification)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_clock_of_the_server_is_one_for_all() {
    let (test, other) = two().await;
    let first = test.store.now().await.unwrap().unwrap();
    let second = other.now().await.unwrap().unwrap();
    assert!(first <= second && second < first + SignedDuration::from_mins(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_replicas_stand_in_one_line_and_no_minute_has_more_than_its_limit() {
    const LIMIT: usize = 10;
    let (test, other) = two().await;
    let lines = [test.store.lines().unwrap(), other.lines().unwrap()];
    let take = |i: usize| {
        let lines = lines[i % 2].clone();
        tokio::spawn(async move { lines.take_place("main", at(0), at(150), LIMIT).await.unwrap() })
    };
    let taken = join_all((0..40).map(take)).await;
    let mut places: Vec<Timestamp> =
        taken.iter().filter_map(|one| one.as_ref().unwrap().ok()).collect();
    places.sort_unstable();
    let expected = [0, 60, 120].map(|second| [at(second); LIMIT]).concat();
    assert_eq!(places, expected);
    let refused = taken.iter().filter_map(|one| one.as_ref().unwrap().err());
    assert!(refused.eq([at(180); 10]));
    // Another line has its own places.
    assert_eq!(lines[0].take_place("other", at(0), at(0), 1).await.unwrap(), Ok(at(0)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_whose_server_was_stopped_takes_writes_again_once_that_is_back() {
    let server = server::Server::start();
    let url = StoreUrl::Postgres(Secret::new(server.new_database()));
    let store = super::super::open(Settings::of(url, server_keys())).await.unwrap();
    store.probe().await.unwrap();
    for signal in ["INT", "QUIT"] {
        server.stop(signal);
        assert!(matches!(store.probe().await, Err(StoreError::Unavailable { .. })));
        server.resume();
        in_time(async { while store.probe().await.is_err() {} }).await;
    }
}

#[tokio::test]
async fn what_all_replicas_have_stored_is_what_the_last_of_those_heard_of_has() {
    let (test, other) = two().await;
    let until = async |store: &Store, since| store.all_heard_until(at(since)).await.unwrap();
    assert_eq!(until(&test.store, 0).await, None);
    // A word that comes late takes nothing back.
    for second in [20, 15] {
        test.store.heard(at(second)).await.unwrap();
    }
    other.heard(at(10)).await.unwrap();
    for store in [&test.store, &other] {
        assert_eq!(until(store, 10).await, Some(at(10)));
        assert_eq!(until(store, 11).await, Some(at(20)), "one that is gone is not waited for");
        assert_eq!(until(store, 21).await, None);
    }
    other.leave().await.unwrap();
    assert_eq!(until(&test.store, 0).await, Some(at(20)));
}

#[tokio::test]
async fn replicas_that_look_for_room_at_once_all_find_it_and_leave_it() {
    let (test, other) = two().await;
    let looks = (0..8).map(|i| if i % 2 == 0 { test.store.has_room() } else { other.has_room() });
    assert!(join_all(looks).await.iter().all(Result::is_ok));
    let StoreUrl::Postgres(url) = &test.url else { panic!() };
    let size = "SELECT pg_total_relation_size('room') < 65536";
    let database = server::Server::database(url.expose());
    assert_eq!(server::shared().execute(database, size), "t");
}

#[tokio::test]
async fn a_release_that_does_not_know_of_replicas_neither_says_nor_waits_for_anything() {
    let (test, _other) = two().await;
    test.store.heard(at(10)).await.unwrap();
    let StoreUrl::Postgres(url) = &test.url else { panic!() };
    let url = Secret::new(format!("{}&newest_schema=7", url.expose()));
    let old =
        super::super::open(Settings::of(StoreUrl::Postgres(url), server_keys())).await.unwrap();
    old.heard(at(5)).await.unwrap();
    assert_eq!(old.all_heard_until(at(0)).await.unwrap(), None);
    old.has_room().await.unwrap();
    old.leave().await.unwrap();
    assert_eq!(test.store.all_heard_until(at(0)).await.unwrap(), Some(at(10)));
}
