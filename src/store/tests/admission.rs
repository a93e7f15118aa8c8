//! Starts: claims, idempotency keys, and both at once.

use futures_util::future::join_all;

use super::deliveries::delivery;
use super::*;
use crate::domain::{Asks, Attempt, Entry, EntryKind};
use crate::store::{Intended, Intent};

const NUMBER: u64 = 380_991_234_567;

contract!(
    of_concurrent_starts_of_one_number_exactly_one_is_stored,
    one_held_form_refuses_the_start_and_stores_nothing_of_it,
    the_same_form_at_another_account_is_another_claim,
    a_start_overwrites_dead_claims_and_learns_of_the_call_before,
    a_later_step_is_in_the_timeline_due_and_told_once_it_is_stored,
    a_later_step_takes_dead_claims_and_no_held_ones,
    the_same_key_and_request_give_the_first_verification_also_within_one_batch,
    a_key_with_another_request_is_refused,
    a_key_is_free_again_after_a_day_and_in_another_app,
    a_replay_is_answered_before_its_own_claims_are_in_the_way,
    one_broken_start_of_a_batch_fails_alone,
);

async fn of_concurrent_starts_of_one_number_exactly_one_is_stored() {
    let test = TestStore::open().await;
    let starts = (0..50).map(|_| test.store.start(start(NUMBER, at(0)), at(0)));
    let answers = join_all(starts).await;
    let stored = answers.iter().filter(|answer| matches!(answer, Ok(Started::Stored { .. })));
    let until = at(630);
    let held = answers
        .iter()
        .filter(|answer| matches!(answer, Ok(Started::ClaimHeld { until: end }) if *end == until));
    assert_eq!((stored.count(), held.count()), (1, 49));
}

async fn one_held_form_refuses_the_start_and_stores_nothing_of_it() {
    let test = TestStore::open().await;
    test.started(NUMBER, at(0)).await;
    let mut other = start(NUMBER + 1, at(1));
    other.claims.push(claims(NUMBER)[1].clone());
    let id = other.verification.id;
    let answer = test.store.start(other, at(1)).await.unwrap();
    assert_eq!(answer, Started::ClaimHeld { until: at(630) });
    assert_eq!(test.store.find(id).await.unwrap(), None);
    assert!(test.store.timeline(id, 0).await.unwrap().is_empty());
}

async fn the_same_form_at_another_account_is_another_claim() {
    let test = TestStore::open().await;
    test.started(NUMBER, at(0)).await;
    let mut other = start(NUMBER, at(1));
    other.claims.iter_mut().for_each(|claim| claim.account = name("second"));
    let answer = test.store.start(other, at(1)).await.unwrap();
    assert!(matches!(answer, Started::Stored { .. }));
}

async fn a_start_overwrites_dead_claims_and_learns_of_the_call_before() {
    let test = TestStore::open().await;
    let first = test.started(NUMBER, at(0)).await;
    test.happened(&first, pressed(5_000, at(20)), at(20)).await;
    let held = test.store.start(start(NUMBER, at(79)), at(79)).await.unwrap();
    assert_eq!(held, Started::ClaimHeld { until: at(80) });

    let second = test.started(NUMBER, at(80)).await;
    assert_eq!(second.attempts[0].earlier_call_start, Some(PbxTime(5_000)));
    assert_eq!(test.store.find(second.id).await.unwrap(), Some(second));
    let third = test.started(NUMBER, at(80 + 630)).await;
    assert_eq!(third.attempts[0].earlier_call_start, Some(PbxTime(5_000)), "over two starts");
}

/// A stored verification that claims nothing, and the intent that has its number called.
pub(super) async fn waiting(test: &TestStore) -> (Verification, impl Fn(u32) -> Intent) {
    let mut unclaimed = start(NUMBER, at(1));
    unclaimed.claims.clear();
    let Started::Stored { verification, .. } = test.store.start(unclaimed, at(1)).await.unwrap()
    else {
        panic!("it claims nothing")
    };
    let waiting = verification.clone();
    let intent = move |version: u32| {
        let mut next = waiting.clone();
        next.version = version;
        next.attempts.push(Attempt::intended(1, 0, Asks::Key(Key::ONE), at(30)));
        let kind = EntryKind::CallRequested { attempt: 1 };
        Intent {
            entries: vec![Entry { number: 3, at: at(30), kind }],
            claims: claims(NUMBER),
            deliveries: vec![delivery(&next, "a", 1)],
            admission: Admission::default(),
            verification: next,
        }
    };
    (verification, intent)
}

async fn a_later_step_is_in_the_timeline_due_and_told_once_it_is_stored() {
    let test = TestStore::open().await;
    let (waiting, intent) = waiting(&test).await;
    let before = waiting.due_at(&Timing::default()).unwrap();
    assert_eq!(test.store.intend(intent(3), at(30)).await.unwrap(), Intended::Conflict);
    assert_eq!(test.store.timeline(waiting.id, 0).await.unwrap().len(), 2);
    assert!(test.store.due_deliveries(at(30), 8, 8).await.unwrap().is_empty());

    let Intended::Stored { verification: stored, .. } =
        test.store.intend(intent(2), at(30)).await.unwrap()
    else {
        panic!("nobody holds the claims")
    };
    let timeline = test.store.timeline(waiting.id, 0).await.unwrap();
    assert_eq!(timeline.iter().map(|entry| entry.number).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(test.store.due_deliveries(at(30), 8, 8).await.unwrap().len(), 1);
    let due = stored.due_at(&Timing::default()).unwrap();
    assert!(due > before, "the second call is waited for longer than the first");
    assert!(test.store.due(before, 10).await.unwrap().is_empty());
    assert_eq!(test.store.due(due, 10).await.unwrap(), [waiting.id]);
}

async fn a_later_step_takes_dead_claims_and_no_held_ones() {
    let test = TestStore::open().await;
    let first = test.started(NUMBER, at(0)).await;
    let (waiting, intent) = waiting(&test).await;
    test.happened(&first, pressed(5_000, at(20)), at(20)).await;
    let held = test.store.intend(intent(2), at(79)).await.unwrap();
    assert_eq!(held, Intended::ClaimHeld { until: at(80) });
    assert_eq!(test.store.intend(intent(3), at(80)).await.unwrap(), Intended::Conflict);

    let Intended::Stored { verification: stored, .. } =
        test.store.intend(intent(2), at(80)).await.unwrap()
    else {
        panic!("the claims are dead")
    };
    assert_eq!(stored.attempts[1].earlier_call_start, Some(PbxTime(5_000)));
    assert_eq!(test.store.find(waiting.id).await.unwrap(), Some(stored));
    let busy = test.store.start(start(NUMBER, at(81)), at(81)).await.unwrap();
    assert!(matches!(busy, Started::ClaimHeld { .. }));
}

async fn the_same_key_and_request_give_the_first_verification_also_within_one_batch() {
    let test = TestStore::open().await;
    let starts = (0..20).map(|i| {
        let start = idempotent(start(NUMBER + i, at(0)), "key-1", 1);
        test.store.start(start, at(0))
    });
    let answers: Vec<Started> = join_all(starts).await.into_iter().map(Result::unwrap).collect();
    let first = answers.iter().find_map(|answer| match answer {
        Started::Stored { verification, .. } => Some(verification.id),
        _ => None,
    });
    let first = first.unwrap();
    let replayed = answers.iter().filter(|answer| **answer == Started::Replayed(first));
    assert_eq!(replayed.count(), 19);
    let known = test.store.idempotency(&name("shop"), "key-1").await.unwrap();
    assert_eq!(known, Some(([1; 32], first)));
}

async fn a_key_with_another_request_is_refused() {
    let test = TestStore::open().await;
    test.store.start(idempotent(start(NUMBER, at(0)), "key-1", 1), at(0)).await.unwrap();
    let reused = idempotent(start(NUMBER + 1, at(1)), "key-1", 2);
    assert_eq!(test.store.start(reused, at(1)).await.unwrap(), Started::KeyReused);
}

async fn a_key_is_free_again_after_a_day_and_in_another_app() {
    let test = TestStore::open().await;
    test.store.start(idempotent(start(NUMBER, at(0)), "key-1", 1), at(0)).await.unwrap();
    let mut other_app = idempotent(start(NUMBER + 1, at(0)), "key-1", 2);
    other_app.verification.app = name("bank");
    let answer = test.store.start(other_app, at(0)).await.unwrap();
    assert!(matches!(answer, Started::Stored { .. }));

    let later = at(0) + A_DAY;
    let again = idempotent(start(NUMBER, later), "key-1", 2);
    let answer = test.store.start(again, later).await.unwrap();
    assert!(matches!(answer, Started::Stored { .. }));
}

async fn a_replay_is_answered_before_its_own_claims_are_in_the_way() {
    let test = TestStore::open().await;
    let first = idempotent(start(NUMBER, at(0)), "key-1", 1);
    let id = first.verification.id;
    test.store.start(first, at(0)).await.unwrap();
    let again = idempotent(start(NUMBER, at(1)), "key-1", 1);
    assert_eq!(test.store.start(again, at(1)).await.unwrap(), Started::Replayed(id));
}

async fn one_broken_start_of_a_batch_fails_alone() {
    let test = TestStore::open().await;
    let stored = test.started(NUMBER, at(0)).await;
    let starts = (1..=20).map(|place| {
        let mut start = start(NUMBER + 10 * place, at(1));
        if place == 7 {
            // Of this id there is a verification already.
            start.verification.id = stored.id;
        }
        test.store.start(start, at(1))
    });
    let answers = join_all(starts).await;
    for (place, answer) in answers.iter().enumerate() {
        let is_stored = matches!(answer, Ok(Started::Stored { .. }));
        assert_eq!(is_stored, place != 6, "{place}: {answer:?}");
    }
    assert!(answers[6].is_err());
    assert_eq!(test.store.find(stored.id).await.unwrap(), Some(stored));
}
