//! Changes: compare-and-set, timeline, journal, and what a restart finds.

use futures_util::future::join_all;

use super::*;
use crate::domain::{EntryKind, Status};
use crate::store::{StoreError, record};

const NUMBER: u64 = 380_991_234_567;

contract!(
    of_concurrent_changes_of_one_version_exactly_one_is_stored,
    a_conflict_leaves_the_other_changes_of_its_batch_alone,
    a_change_of_an_unknown_verification_is_a_conflict,
    what_was_answered_is_there_after_a_restart,
    the_packed_record_that_is_answered_is_the_stored_one,
    a_restart_finds_what_is_pending_and_what_still_holds_claims,
    what_is_due_comes_in_order_until_it_has_ended,
    a_closed_store_says_so_and_writes_what_was_queued,
);

async fn of_concurrent_changes_of_one_version_exactly_one_is_stored() {
    let test = TestStore::open().await;
    let verification = test.started(NUMBER, at(0)).await;
    let changes = (0..30)
        .map(|_| test.store.change(moved(&verification, Event::Accepted { attempt: 0 }, at(1)).1));
    let answers = join_all(changes).await;
    let stored = answers.iter().filter(|answer| matches!(answer, Ok(Committed::Stored { .. })));
    assert_eq!(stored.count(), 1);
    assert_eq!(test.store.timeline(verification.id, 0).await.unwrap().len(), 3);
    assert_eq!(test.store.notifications(verification.id).await.unwrap().len(), 1);
}

async fn a_conflict_leaves_the_other_changes_of_its_batch_alone() {
    let test = TestStore::open().await;
    let mut changes = Vec::new();
    for number in NUMBER..NUMBER + 10 {
        let verification = test.started(number, at(0)).await;
        changes.push(moved(&verification, pressed(5_000, at(20)), at(20)).1);
        changes.push(moved(&verification, Event::CancelAsked, at(20)).1);
    }
    let answers = join_all(changes.into_iter().map(|change| test.store.change(change))).await;
    let stored = answers.iter().filter(|answer| matches!(answer, Ok(Committed::Stored { .. })));
    let conflicts = answers.iter().filter(|answer| matches!(answer, Ok(Committed::Conflict)));
    assert_eq!((stored.count(), conflicts.count()), (10, 10));
}

async fn a_change_of_an_unknown_verification_is_a_conflict() {
    let test = TestStore::open().await;
    let (unknown, _) = asked(NUMBER, at(0)).begin(at(0));
    let change = moved(&unknown, Event::CancelAsked, at(1)).1;
    assert_eq!(test.store.change(change).await.unwrap(), Committed::Conflict);
}

async fn what_was_answered_is_there_after_a_restart() {
    let test = TestStore::open().await;
    let verification = test.started(NUMBER, at(0)).await;
    let verified = test.happened(&verification, pressed(5_000, at(20)), at(20)).await;
    let test = test.reopen().await;
    assert_eq!(test.store.find(verification.id).await.unwrap(), Some(verified));
    let timeline = test.store.timeline(verification.id, 2).await.unwrap();
    assert_eq!(timeline.iter().map(|entry| entry.number).collect::<Vec<_>>(), [3, 4]);
    assert!(matches!(timeline[0].kind, EntryKind::KeyReported { .. }));
    let notifications = test.store.notifications(verification.id).await.unwrap();
    assert_eq!(notifications[0].body.as_deref(), Some(&b"event=NOTIFY_END"[..]));
    assert_eq!((&*notifications[0].verdict, notifications[0].received_at), ("resolved", at(20)));
}

async fn the_packed_record_that_is_answered_is_the_stored_one() {
    let test = TestStore::open().await;
    let answer = test.store.start(start(NUMBER, at(0)), at(0)).await.unwrap();
    let Started::Stored { verification, packed, .. } = answer else { panic!() };
    assert_eq!(record::unpack(&packed).unwrap(), verification);
    let (next, change) = moved(&verification, Event::CancelAsked, at(1));
    let Committed::Stored { packed } = test.store.change(change).await.unwrap() else { panic!() };
    assert_eq!(record::unpack(&packed).unwrap(), next);
}

async fn a_restart_finds_what_is_pending_and_what_still_holds_claims() {
    let test = TestStore::open().await;
    let pending = test.started(NUMBER, at(0)).await;
    let canceled = test.started(NUMBER + 1, at(0)).await;
    let canceled = test.happened(&canceled, Event::CancelAsked, at(1)).await;
    let verified = test.started(NUMBER + 2, at(0)).await;
    test.happened(&verified, pressed(5_000, at(2)), at(2)).await;

    let test = test.reopen().await;
    let (send, found) = std::sync::mpsc::channel();
    let visit = move |verification, claims| send.send((verification, claims)).unwrap();
    test.store.in_flight(at(100), visit).await.unwrap();
    let mut found: Vec<(Verification, Vec<Claim>)> = found.iter().collect();
    found.sort_by_key(|(verification, _)| verification.status() != Status::Pending);
    found.iter_mut().for_each(|(_, held)| held.sort_by_key(|claim| claim.form));
    let with_claims = |verification: Verification, number| {
        let mut held = claims(number);
        held.sort_by_key(|claim| claim.form);
        (verification, held)
    };
    assert_eq!(found, [with_claims(pending, NUMBER), with_claims(canceled, NUMBER + 1)]);
}

async fn what_is_due_comes_in_order_until_it_has_ended() {
    let test = TestStore::open().await;
    let later = test.started(NUMBER, at(5)).await;
    let sooner = test.started(NUMBER + 1, at(0)).await;
    let due = |now, limit| test.store.due(now, limit);
    assert!(due(at(179), 10).await.unwrap().is_empty());
    assert_eq!(due(at(180), 10).await.unwrap(), [sooner.id]);
    assert_eq!(due(at(185), 10).await.unwrap(), [sooner.id, later.id]);
    assert_eq!(due(at(185), 1).await.unwrap(), [sooner.id]);
    let ended = test.happened(&sooner, Event::TimePassed, at(180)).await;
    assert_ne!(ended.status(), Status::Pending);
    assert_eq!(due(at(185), 10).await.unwrap(), [later.id]);
}

async fn a_closed_store_says_so_and_writes_what_was_queued() {
    let test = TestStore::open().await;
    let verification = test.started(NUMBER, at(0)).await;
    let change = moved(&verification, Event::CancelAsked, at(1)).1;
    let clone = test.store.clone();
    let (written, ()) = tokio::join!(test.store.change(change), clone.close());
    assert!(matches!(written, Ok(Committed::Stored { .. })));
    assert!(matches!(test.store.probe().await, Err(StoreError::Unavailable { .. })));
    let found = test.store.find(verification.id).await;
    assert!(matches!(found, Err(StoreError::Unavailable { .. })));
}
