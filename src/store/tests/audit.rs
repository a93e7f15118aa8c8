//! The audit log: one chain, with what it tells of in the same transaction.

use futures_util::future::join_all;

use super::*;
use crate::store::{AuditError, AuditFault, AuditHead, Audited};

contract!(
    entries_are_chained_and_listed_newest_first_in_pages,
    the_chain_holds_when_many_append_at_once,
    a_log_that_does_not_contain_a_noted_head_is_found,
    what_changed_nothing_is_not_told,
);

/// Something that was done to `subject`.
pub(in crate::store) fn done(subject: &str) -> Audited {
    Audited {
        at: at(5),
        actor: "local".into(),
        action: "tested".into(),
        subject: subject.into(),
        before: None,
        after: Some("{}".into()),
    }
}

async fn entries_are_chained_and_listed_newest_first_in_pages() {
    let test = TestStore::open().await;
    assert_eq!(test.store.verify_audit(None).await.unwrap(), AuditHead::EMPTY);
    let first = test.store.audit(done("a")).await.unwrap();
    let second = test.store.audit(done("b")).await.unwrap();
    assert_eq!((first.count, second), (1, first.then(&done("b"))));
    let test = test.reopen().await;
    let third = test.store.audit(done("c")).await.unwrap();
    assert_eq!(test.store.verify_audit(Some(first)).await.unwrap(), third);
    let page = test.store.audit_log(None, 2).await.unwrap();
    let subjects: Vec<_> = page.iter().map(|entry| &*entry.audited.subject).collect();
    assert_eq!(subjects, ["c", "b"]);
    let rest = test.store.audit_log(Some(page[1].sequence), 2).await.unwrap();
    assert_eq!((rest.len(), &rest[0].audited, rest[0].hash), (1, &done("a"), first.hash));
}

async fn the_chain_holds_when_many_append_at_once() {
    let test = TestStore::open().await;
    let names: Vec<String> = (0..700).map(|number| number.to_string()).collect();
    let appended = join_all(names.iter().map(|name| test.store.audit(done(name)))).await;
    let mut counts: Vec<u64> = appended.into_iter().map(|head| head.unwrap().count).collect();
    counts.sort_unstable();
    assert!(counts.into_iter().eq(1..=700));
    assert_eq!(test.store.verify_audit(None).await.unwrap().count, 700);
}

async fn a_log_that_does_not_contain_a_noted_head_is_found() {
    let test = TestStore::open().await;
    let head = test.store.audit(done("a")).await.unwrap();
    let other = AuditHead { hash: [7; 32], ..head };
    let found = test.store.verify_audit(Some(other)).await;
    assert!(matches!(found, Err(AuditError::Fault(AuditFault::Rewritten(1)))));
    let later = AuditHead { count: 2, ..head };
    let found = test.store.verify_audit(Some(later)).await;
    let cut = AuditFault::Truncated { found: 1, expected: 2 };
    assert!(matches!(found, Err(AuditError::Fault(fault)) if fault == cut));
    assert_eq!(head.to_string().parse::<AuditHead>().unwrap(), head);
    for wrong in ["", "1", "1:", "x:00", "1:0011"] {
        assert!(wrong.parse::<AuditHead>().is_err(), "{wrong}");
    }
}

async fn what_changed_nothing_is_not_told() {
    let test = TestStore::open().await;
    assert!(!test.store.revoke_key("unknown", at(1), done("x")).await.unwrap());
    let app = name("shop");
    let nothing = crate::domain::DeliveryId::new(Uuid::nil());
    assert!(!test.store.redeliver(&app, nothing, at(1), done("x")).await.unwrap());
    assert_eq!(test.store.audit_log(None, 1).await.unwrap(), []);
}
