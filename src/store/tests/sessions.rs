//! Sessions of the console.

use super::*;
use crate::store::{SESSIONS_KEPT, SessionRow};

contract!(
    a_session_is_found_by_its_hash_after_a_restart_and_by_no_other,
    a_use_is_noted_forwards_only_and_revives_nothing,
    closing_the_sessions_of_a_key_leaves_those_of_others,
    old_sessions_are_swept,
);

fn session(hash: u8, key: &str, opened: i64) -> SessionRow {
    SessionRow { hash: [hash; 32], key_id: key.into(), opened_at: at(opened), seen_at: at(opened) }
}

async fn a_session_is_found_by_its_hash_after_a_restart_and_by_no_other() {
    let test = TestStore::open().await;
    test.store.open_session(session(1, "key_a", 0)).await.unwrap();
    let test = test.reopen().await;
    assert_eq!(test.store.session([1; 32]).await.unwrap(), Some(session(1, "key_a", 0)));
    assert_eq!(test.store.session([2; 32]).await.unwrap(), None);
    assert!(test.store.open_session(session(1, "key_b", 0)).await.is_err());
}

async fn a_use_is_noted_forwards_only_and_revives_nothing() {
    let test = TestStore::open().await;
    test.store.open_session(session(1, "key_a", 0)).await.unwrap();
    for seen in [60, 30] {
        test.store.see_session([1; 32], at(seen)).await.unwrap();
        let found = test.store.session([1; 32]).await.unwrap().unwrap();
        assert_eq!((found.opened_at, found.seen_at), (at(0), at(60)));
    }
    assert!(test.store.close_session([1; 32]).await.unwrap());
    test.store.see_session([1; 32], at(90)).await.unwrap();
    assert_eq!(test.store.session([1; 32]).await.unwrap(), None);
    assert!(!test.store.close_session([1; 32]).await.unwrap());
}

async fn closing_the_sessions_of_a_key_leaves_those_of_others() {
    let test = TestStore::open().await;
    for (hash, key) in [(1, "key_a"), (2, "key_b"), (3, "key_a")] {
        test.store.open_session(session(hash, key, 0)).await.unwrap();
    }
    assert_eq!(test.store.close_sessions("key_a").await.unwrap(), 2);
    assert_eq!(test.store.close_sessions("key_a").await.unwrap(), 0);
    assert_eq!(test.store.session([1; 32]).await.unwrap(), None);
    assert!(test.store.session([2; 32]).await.unwrap().is_some());
}

async fn old_sessions_are_swept() {
    let test = TestStore::open().await;
    test.store.open_session(session(1, "key_a", 0)).await.unwrap();
    test.store.open_session(session(2, "key_a", 10)).await.unwrap();
    test.store.sweep(at(5) + SESSIONS_KEPT).await.unwrap();
    assert_eq!(test.store.session([1; 32]).await.unwrap(), None);
    assert!(test.store.session([2; 32]).await.unwrap().is_some());
}
