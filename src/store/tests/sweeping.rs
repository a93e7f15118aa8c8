//! Retention: what a sweep removes, and what it leaves.

use super::*;
use crate::store::Swept;

const NUMBER: u64 = 380_991_234_567;

contract!(
    a_sweep_removes_nothing_that_is_kept,
    dead_claims_and_idempotency_keys_go_after_a_day,
    uncorrelated_notifications_go_after_three_days,
    an_ended_verification_goes_after_thirty_days_and_a_pending_one_never,
);

async fn a_sweep_removes_nothing_that_is_kept() {
    let test = TestStore::open().await;
    let start = idempotent(start(NUMBER, at(0)), "key-1", 1);
    let verification = start.verification.clone();
    test.store.start(start, at(0)).await.unwrap();
    test.happened(&verification, pressed(5_000, at(20)), at(20)).await;
    test.store.journal(notification(None, at(0))).await.unwrap();
    assert_eq!(test.store.sweep(at(3_600)).await.unwrap(), Swept::default());
}

async fn dead_claims_and_idempotency_keys_go_after_a_day() {
    let test = TestStore::open().await;
    let start = idempotent(start(NUMBER, at(0)), "key-1", 1);
    test.store.start(start, at(0)).await.unwrap();
    let swept = test.store.sweep(at(630) + A_DAY).await.unwrap();
    assert_eq!(swept, Swept { claims: 2, idempotency_keys: 1, ..Swept::default() });
    assert_eq!(test.store.idempotency(&name("shop"), "key-1").await.unwrap(), None);
}

async fn uncorrelated_notifications_go_after_three_days() {
    let test = TestStore::open().await;
    for _ in 0..600 {
        test.store.journal(notification(None, at(0))).await.unwrap();
    }
    test.store.journal(notification(None, at(60))).await.unwrap();
    let swept = test.store.sweep(at(1) + A_DAY * 3).await.unwrap();
    assert_eq!(swept, Swept { notifications: 600, ..Swept::default() });
}

async fn an_ended_verification_goes_after_thirty_days_and_a_pending_one_never() {
    let test = TestStore::open().await;
    let ended = test.started(NUMBER, at(0)).await;
    test.happened(&ended, pressed(5_000, at(20)), at(20)).await;
    let pending = test.started(NUMBER + 1, at(0)).await;
    let younger = test.started(NUMBER + 2, at(0) + A_DAY).await;
    test.happened(&younger, Event::CancelAsked, at(1) + A_DAY).await;

    // An adapter may wait for the end of the day.
    let swept = test.store.sweep(at(-1) + A_DAY * 31).await.unwrap();
    assert_eq!(swept.verifications, 1);
    assert_eq!(test.store.find(ended.id).await.unwrap(), None);
    assert!(test.store.timeline(ended.id, 0).await.unwrap().is_empty());
    assert!(test.store.notifications(ended.id).await.unwrap().is_empty());
    assert_eq!(test.store.find(pending.id).await.unwrap(), Some(pending));
    assert!(test.store.find(younger.id).await.unwrap().is_some());
}
