//! What whoever holds the file can do to the audit log, and how it is found.

use rusqlite::Connection;

use crate::store::tests::TestStore;
use crate::store::tests::audit::done;
use crate::store::{AuditError, AuditFault, StoreError};

/// What a check finds after `sql` was done to a log of three entries.
async fn found_after(sql: &'static str) -> Result<u64, AuditFault> {
    let test = TestStore::open().await;
    for subject in ["a", "b", "c"] {
        test.store.audit(done(subject)).await.unwrap();
    }
    let file = Connection::open(test.folder.path().join("store.db")).unwrap();
    file.execute_batch("DROP TRIGGER audit_is_not_changed; DROP TRIGGER audit_is_not_removed;")
        .unwrap();
    file.execute_batch(sql).unwrap();
    match test.store.verify_audit(None).await {
        Ok(head) => Ok(head.count),
        Err(AuditError::Fault(fault)) => Err(fault),
        Err(AuditError::Store(error)) => panic!("{error}"),
    }
}

#[tokio::test]
async fn changed_removed_and_cut_off_entries_are_found() {
    let cut = |found| AuditFault::Truncated { found, expected: 3 };
    for (sql, found) in [
        ("SELECT 1", Ok(3)),
        ("UPDATE audit SET subject = 'x' WHERE sequence = 2", Err(AuditFault::Changed(2))),
        ("UPDATE audit SET at = at + 1 WHERE sequence = 1", Err(AuditFault::Changed(1))),
        ("UPDATE audit SET after = NULL WHERE sequence = 3", Err(AuditFault::Changed(3))),
        ("UPDATE audit SET after = '', before = '{}'", Err(AuditFault::Changed(1))),
        ("DELETE FROM audit WHERE sequence = 1", Err(AuditFault::Missing(1))),
        ("DELETE FROM audit WHERE sequence = 2", Err(AuditFault::Missing(2))),
        ("DELETE FROM audit WHERE sequence = 3", Err(cut(2))),
        ("DELETE FROM audit", Err(cut(0))),
        ("DELETE FROM audit_head", Err(AuditFault::OtherHead(0))),
        ("UPDATE audit_head SET hash = zeroblob(32)", Err(AuditFault::OtherHead(3))),
        ("UPDATE audit_head SET count = 2", Err(AuditFault::OtherHead(2))),
    ] {
        assert_eq!(found_after(sql).await, found, "{sql}");
    }
}

#[tokio::test]
async fn the_file_itself_refuses_to_change_or_remove_an_entry() {
    let test = TestStore::open().await;
    test.store.audit(done("a")).await.unwrap();
    for sql in ["UPDATE audit SET subject = 'x'", "DELETE FROM audit"] {
        let refused = test.store.sqlite().write(move |on| Ok(on.execute_batch(sql)?)).await;
        assert!(matches!(refused, Err(StoreError::Unavailable { .. })), "{sql}");
    }
    assert_eq!(test.store.verify_audit(None).await.unwrap().count, 1);
}

#[tokio::test]
async fn an_action_whose_entry_cannot_be_appended_is_not_done() {
    let test = TestStore::open().await;
    let sql = "CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'full'); END";
    test.store.sqlite().write(move |on| Ok(on.execute_batch(sql)?)).await.unwrap();
    let key = crate::store::tests::keys::key("one", 1);
    assert!(test.store.create_key(key, done("one")).await.is_err());
    assert_eq!(test.store.keys().await.unwrap(), []);
}
