//! Until when expiry rests.

use super::{TestStore, at};

contract!(
    expiry_rests_until_the_latest_instant_that_was_noted_and_a_new_process_knows_it,
    a_store_that_takes_changes_has_room_and_waits_for_no_replica_that_said_nothing,
);

async fn expiry_rests_until_the_latest_instant_that_was_noted_and_a_new_process_knows_it() {
    let test = TestStore::open().await;
    assert_eq!(test.store.expiry_rests_until().await.unwrap(), None);
    for (noted, until) in [(20, 20), (10, 20), (30, 30)] {
        test.store.rest_expiry(at(noted)).await.unwrap();
        assert_eq!(test.store.expiry_rests_until().await.unwrap(), Some(at(until)));
    }
    let test = test.reopen().await;
    assert_eq!(test.store.expiry_rests_until().await.unwrap(), Some(at(30)));
}

async fn a_store_that_takes_changes_has_room_and_waits_for_no_replica_that_said_nothing() {
    let test = TestStore::open().await;
    for _ in 0..3 {
        test.store.has_room().await.unwrap();
    }
    assert_eq!(test.store.all_heard_until(at(0)).await.unwrap(), None);
    test.store.heard(at(1)).await.unwrap();
    test.store.leave().await.unwrap();
    assert_eq!(test.store.all_heard_until(at(0)).await.unwrap(), None);
}
