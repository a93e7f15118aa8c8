//! Keys, the secret key's fingerprint, the probe.

use super::audit::done;
use super::*;
use crate::store::{KeyRow, StoreError};

contract!(
    keys_are_listed_in_order_of_creation_and_revoked_once,
    a_key_that_exists_is_not_replaced,
    the_first_fingerprint_is_kept_and_another_one_does_not_match,
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

async fn the_first_fingerprint_is_kept_and_another_one_does_not_match() {
    let test = TestStore::open().await;
    assert!(test.store.fingerprint([1; 32]).await.unwrap());
    let test = test.reopen().await;
    assert!(test.store.fingerprint([1; 32]).await.unwrap());
    assert!(!test.store.fingerprint([2; 32]).await.unwrap());
}

async fn a_store_that_can_be_written_passes_the_probe_again_and_again() {
    let test = TestStore::open().await;
    test.store.probe().await.unwrap();
    test.store.probe().await.unwrap();
}
