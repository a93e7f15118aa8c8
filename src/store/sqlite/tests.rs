//! What only this adapter can do wrong: files, disks, batches, damaged rows.

use std::fs;
use std::sync::mpsc;

use futures_util::future::join_all;
use rusqlite::Connection;

use super::*;
use crate::domain::{Channel, Event};
use crate::store::Browse;
use crate::store::tests::{TestStore, asked, at, moved, pressed, server_keys, start};

const NUMBER: u64 = 380_991_234_567;

async fn execute(store: &crate::store::Store, sql: &'static str) {
    store.sqlite().write(move |on| Ok(on.execute_batch(sql)?)).await.unwrap();
}

/// The error of opening a store in a folder that `prepare` has filled.
async fn refused(prepare: impl FnOnce(&std::path::Path)) -> OpenError {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    prepare(&path);
    match crate::store::open(Settings::at(path, server_keys())).await {
        Ok(_) => panic!("it opened"),
        Err(error) => error,
    }
}

#[tokio::test]
async fn a_store_of_the_first_schema_is_brought_up_to_date_and_its_calls_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let (call, _) = asked(NUMBER, at(0)).begin(at(0));
    let mut first = Connection::open(&path).unwrap();
    let runner = open::embedded::migrations::runner();
    runner.set_target(refinery::Target::Version(1)).run(&mut first).unwrap();
    let sql = "INSERT INTO verifications (id, version, app, to_number, status, created_at, record) \
               VALUES (?1, 1, 'shop', 1, 0, 0, ?2)";
    let record = crate::store::record::pack(&call);
    first.execute(sql, rusqlite::params![call.id.as_bytes(), &*record]).unwrap();
    drop(first);

    let store = crate::store::open(Settings::at(path, server_keys())).await.unwrap();
    let by = |channel| Browse {
        app: Some(call.app.clone()),
        to: None,
        reference: None,
        status: None,
        outcome: None,
        channel: Some(channel),
        created_from: None,
        created_until: None,
        before: None,
        limit: 10,
        look_at: 10,
    };
    let found = store.browse(by(Channel::CallButton)).await.unwrap().verifications;
    assert_eq!(found, std::slice::from_ref(&call));
    assert_eq!(store.browse(by(Channel::Sms)).await.unwrap().verifications, []);
}

#[tokio::test]
async fn an_unreadable_row_is_named_by_table_and_column() {
    let test = TestStore::open().await;
    let id = test.started(NUMBER, at(0)).await.id;
    let named = |error: StoreError| match error {
        StoreError::Unreadable { table, column, .. } => (table, column),
        StoreError::Unavailable { source } => panic!("{source}"),
    };
    execute(&test.store, "UPDATE journal SET entries = x'01ff'").await;
    let error = test.store.timeline(id, 0).await.unwrap_err();
    assert_eq!(named(error), ("journal", "entries"));
    execute(&test.store, "UPDATE verifications SET record = x'09'").await;
    let error = test.store.find(id).await.unwrap_err();
    assert_eq!(error.to_string(), "the store holds an unreadable value in verifications.record");
    let error = test.store.start(start(NUMBER, at(1)), at(1)).await.unwrap_err();
    assert_eq!(named(error), ("verifications", "record"));
    execute(&test.store, "UPDATE verifications SET record = 'text'").await;
    assert_eq!(named(test.store.find(id).await.unwrap_err()), ("verifications", "record"));
}

#[tokio::test]
async fn a_full_disk_fails_every_write_until_there_is_room_again() {
    let test = TestStore::open().await;
    let mut pending = Vec::new();
    for number in NUMBER..NUMBER + 200 {
        pending.push(test.started(number, at(0)).await);
    }
    execute(&test.store, "PRAGMA max_page_count = 1").await;
    let changes = || pending.iter().map(|one| moved(one, pressed(5_000, at(9)), at(9)).1);
    let answers = join_all(changes().map(|change| test.store.change(change))).await;
    let stored = answers.iter().filter(|answer| answer.is_ok()).count();
    assert!(stored < 200, "the disk was not full");
    for (one, answer) in pending.iter().zip(&answers) {
        let version = test.store.find(one.id).await.unwrap().unwrap().version;
        assert_eq!(version == 2, answer.is_ok(), "{answer:?}");
    }

    execute(&test.store, "PRAGMA max_page_count = 1000000").await;
    let answers = join_all(changes().map(|change| test.store.change(change))).await;
    let stored_now = answers.iter().filter(|answer| matches!(answer, Ok(Committed::Stored { .. })));
    assert_eq!(stored_now.count(), 200 - stored);
}

#[tokio::test]
async fn a_store_that_cannot_be_written_says_so_and_recovers() {
    let test = TestStore::open().await;
    let verification = test.started(NUMBER, at(0)).await;
    execute(&test.store, "PRAGMA busy_timeout = 0").await;
    let other = Connection::open(test.folder.path().join("store.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(matches!(test.store.probe().await, Err(StoreError::Unavailable { .. })));
    let change = moved(&verification, Event::CancelAsked, at(1)).1;
    assert!(matches!(test.store.change(change).await, Err(StoreError::Unavailable { .. })));
    assert_eq!(test.store.find(verification.id).await.unwrap().unwrap().version, 1);
    other.execute_batch("ROLLBACK").unwrap();
    test.store.probe().await.unwrap();
    test.happened(&verification, Event::CancelAsked, at(1)).await;
}

#[tokio::test]
async fn of_one_batch_only_the_job_that_breaks_fails() {
    let test = TestStore::open().await;
    let first = test.started(NUMBER, at(0)).await;
    let second = test.started(NUMBER + 1, at(0)).await;
    let sqlite = test.store.sqlite();
    let (open, gate) = mpsc::channel();
    let gate = sqlite.write(move |_| {
        // It may run twice; then the sender has gone.
        let _ = gate.recv();
        Ok(())
    });
    let broken =
        sqlite.write(|on| Ok(on.execute_batch("INSERT INTO meta VALUES ('probe', NULL)")?));
    let change = |one| test.store.change(moved(one, pressed(5_000, at(9)), at(9)).1);
    // Everything is queued before the gate opens.
    let opened = async move { open.send(()).unwrap() };
    let (gate, before, broken, after, ()) =
        tokio::join!(gate, change(&first), broken, change(&second), opened);
    gate.unwrap();
    assert!(matches!(broken, Err(StoreError::Unavailable { .. })));
    assert!(matches!(before, Ok(Committed::Stored { .. })));
    assert!(matches!(after, Ok(Committed::Stored { .. })));
    assert_eq!(test.store.timeline(first.id, 2).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_record_that_names_extreme_times_is_unreadable_and_stops_nobody() {
    let test = TestStore::open().await;
    let (mut extreme, _) = asked(NUMBER, at(0)).begin(at(0));
    extreme.attempts[0].ringing_at = Some(Timestamp::MAX);
    let id = extreme.id;
    test.store.seed(vec![(extreme, Vec::new())]).await.unwrap();
    assert!(matches!(test.store.find(id).await, Err(StoreError::Unreadable { .. })));
    test.store.probe().await.unwrap();
}

#[tokio::test]
async fn a_second_opener_is_told_the_pid() {
    let test = TestStore::open().await;
    let path = test.folder.path().join("store.db");
    let error = crate::store::open(Settings::at(path, server_keys())).await.err().unwrap();
    let OpenError::Locked { pid, .. } = &error else { panic!("{error}") };
    assert_eq!(*pid, Some(std::process::id()));
    assert!(error.to_string().contains(&format!("pid {}", std::process::id())), "{error}");
}

#[tokio::test]
async fn a_store_can_be_opened_again_after_it_was_closed() {
    let test = TestStore::open().await.reopen().await.reopen().await;
    test.store.probe().await.unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_may_read_its_files() {
    use std::os::unix::fs::PermissionsExt;
    let test = TestStore::open().await;
    test.store.probe().await.unwrap();
    for file in fs::read_dir(test.folder.path()).unwrap() {
        let file = file.unwrap();
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", file.path().display());
    }
}

#[tokio::test]
async fn another_kind_of_file_is_refused_by_name() {
    let garbage = refused(|path| fs::write(path, [7; 4096]).unwrap()).await;
    assert!(matches!(garbage, OpenError::NotADatabase { .. }), "{garbage}");
    let foreign = refused(|path| {
        Connection::open(path).unwrap().execute_batch("CREATE TABLE t (a)").unwrap();
    });
    let foreign = foreign.await;
    assert!(matches!(foreign, OpenError::NotADatabase { .. }), "{foreign}");
}

#[tokio::test]
async fn a_damaged_file_is_refused_with_what_to_do() {
    let test = TestStore::open().await;
    let path = test.folder.path().join("store.db");
    test.store.close().await;
    let mut bytes = fs::read(&path).unwrap();
    bytes[100..4096].fill(0xff);
    fs::write(&path, bytes).unwrap();
    let error = crate::store::open(Settings::at(path, server_keys())).await.err().unwrap();
    assert!(matches!(error, OpenError::Corrupt { .. }), "{error}");
    assert!(error.to_string().contains("restore it from a backup"), "{error}");
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let test = TestStore::open().await;
    execute(
        &test.store,
        "INSERT INTO refinery_schema_history VALUES (999, 'later', '2030-01-01T00:00:00Z', '1')",
    )
    .await;
    let path = test.folder.path().join("store.db");
    test.store.close().await;
    let error = crate::store::open(Settings::at(path, server_keys())).await.err().unwrap();
    assert!(matches!(error, OpenError::NewerSchema { found: 999, .. }), "{error}");
}

#[tokio::test]
async fn a_missing_folder_and_a_refusing_system_are_told_apart() {
    let missing = Settings::at("/nowhere/at/all/store.db".into(), server_keys());
    assert!(matches!(crate::store::open(missing).await, Err(OpenError::Io { .. })));
    let path = std::path::Path::new("store.db");
    let refusal = open::refused_by_system(path, std::io::ErrorKind::ReadOnlyFilesystem.into());
    assert!(matches!(refusal, OpenError::ReadOnly { .. }));
    let refusal = open::refused_by_system(path, std::io::ErrorKind::StorageFull.into());
    assert!(matches!(refusal, OpenError::DiskFull { .. }));
}
