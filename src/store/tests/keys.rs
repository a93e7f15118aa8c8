//! Keys, the store's own key, the probe.

use super::audit::done;
use super::*;
use crate::store::{KeyRow, OpenError, PreviousSecret, StoreError};

contract!(
    keys_are_listed_in_order_of_creation_and_revoked_once,
    a_rotated_key_keeps_its_old_secret_for_a_while_and_a_revoked_one_is_not_rotated,
    the_last_use_of_a_key_never_goes_back,
    a_key_that_exists_is_not_replaced,
    the_stores_key_stays_while_server_keys_change,
    a_store_that_can_be_written_passes_the_probe_again_and_again,
);

pub(in crate::store) fn key(id: &str, created: i64) -> KeyRow {
    KeyRow {
        id: id.into(),
        app: name("shop"),
        secret_hash: [3; 32],
        scopes: vec!["verify".into(), "operate".into()],
        test: true,
        signature_secret: Some([5; 40].into()),
        created_at: at(created),
        revoked_at: None,
        expires_at: Some(at(1_000)),
        last_used_at: None,
        previous: None,
        networks: vec!["10.0.0.0/8".parse().unwrap(), "2001:db8::/32".parse().unwrap()],
    }
}

async fn keys_are_listed_in_order_of_creation_and_revoked_once() {
    let test = TestStore::open().await;
    test.store.create_key(key("second", 2), done("key")).await.unwrap();
    test.store.create_key(key("first", 1), done("key")).await.unwrap();
    assert!(test.store.revoke_key("first", at(9), done("key")).await.unwrap());
    assert!(!test.store.revoke_key("first", at(10), done("key")).await.unwrap());
    assert!(!test.store.revoke_key("unknown", at(10), done("key")).await.unwrap());
    let revoked = KeyRow { revoked_at: Some(at(9)), ..key("first", 1) };
    assert_eq!(test.store.keys().await.unwrap(), [revoked, key("second", 2)]);
}

async fn a_key_that_exists_is_not_replaced() {
    let test = TestStore::open().await;
    test.store.create_key(key("one", 1), done("key")).await.unwrap();
    let again = test.store.create_key(key("one", 2), done("key")).await;
    assert!(matches!(again, Err(StoreError::Unavailable { .. })));
    assert_eq!(test.store.keys().await.unwrap(), [key("one", 1)]);
}

async fn a_rotated_key_keeps_its_old_secret_for_a_while_and_a_revoked_one_is_not_rotated() {
    let test = TestStore::open().await;
    test.store.create_key(key("one", 1), done("key")).await.unwrap();
    assert!(test.store.rotate_key("one", [4; 32], at(50), done("key")).await.unwrap());
    let previous = Some(PreviousSecret { hash: [3; 32], until: at(50) });
    let rotated = KeyRow { secret_hash: [4; 32], previous, ..key("one", 1) };
    let test = test.reopen().await;
    assert_eq!(test.store.keys().await.unwrap(), [rotated]);
    test.store.revoke_key("one", at(9), done("key")).await.unwrap();
    assert!(!test.store.rotate_key("one", [5; 32], at(50), done("key")).await.unwrap());
    assert_eq!(test.store.keys().await.unwrap()[0].secret_hash, [4; 32]);
}

async fn the_last_use_of_a_key_never_goes_back() {
    let test = TestStore::open().await;
    test.store.create_key(key("one", 1), done("key")).await.unwrap();
    for (used, last) in [(5, 5), (9, 9), (7, 9)] {
        test.store.used_keys(vec![("one".into(), at(used)), ("none".into(), at(8))]).await.unwrap();
        assert_eq!(test.store.keys().await.unwrap()[0].last_used_at, Some(at(last)));
    }
}

async fn the_stores_key_stays_while_server_keys_change() {
    let mut test = TestStore::open().await;
    let made = |test: &TestStore| test.store.key().mac("test", b"");
    let first = made(&test);
    let [one, two] = [[7; 32], [8; 32]].map(const_hex::encode);
    for (lines, opens) in [
        (two.clone(), false),
        (format!("{one}\n{two}"), true),
        (format!("{two}\n{one}"), true),
        (one.clone(), false),
        (format!("{one}\n{two}"), true),
        (one.clone(), true),
    ] {
        let keys = ServerKeys::parse(&lines).unwrap();
        test.store.clone().close().await;
        match super::super::open(Settings::of(test.url.clone(), keys.clone())).await {
            Ok(store) => {
                test.store = store;
                assert!(opens && made(&test) == first, "{keys:?}");
            }
            Err(OpenError::OtherServerKey { known, given }) => {
                assert!(!opens && given == keys.ids() && !given.contains(&known), "{keys:?}");
            }
            Err(error) => panic!("{keys:?}: {error}"),
        }
    }
}

async fn a_store_that_can_be_written_passes_the_probe_again_and_again() {
    let test = TestStore::open().await;
    test.store.probe().await.unwrap();
    test.store.probe().await.unwrap();
}
