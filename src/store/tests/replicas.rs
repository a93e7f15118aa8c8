//! Two replicas on one store: what is unique is so over both.

use futures_util::future::join_all;

use super::*;

const NUMBER: u64 = 380_991_234_567;

/// A store that is open twice.
async fn two() -> (TestStore, Store) {
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
    let open = || tokio::spawn(super::super::open(Settings::of(url.clone())));
    for opened in join_all([open(), open(), open()]).await {
        opened.unwrap().unwrap().probe().await.unwrap();
    }
}
