//! Whether everything that the file holds is copied, and what is no source of a copy.

use rusqlite::Connection;

use super::moving::Source;
use crate::store::moving::{LEFT_OUT, MoveError, TABLES};
use crate::store::tests::audit::done;
use crate::store::tests::{TestStore, server_keys};

/// Every table of the schema with each of its columns.
fn columns(on: &Connection) -> Vec<(String, String)> {
    let sql = "SELECT tables.name, columns.name FROM sqlite_schema AS tables \
               JOIN pragma_table_info(tables.name) AS columns WHERE tables.type = 'table'";
    let mut statement = on.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

fn is_copied(table: &str, column: &str) -> bool {
    // Places of replays are a column of the journal, and some names of `meta` are numbers.
    let target = if table == "replays" { "journal" } else { table };
    let copied = TABLES.iter().find(|copied| copied.name == target);
    copied.is_some_and(|copied| copied.columns.iter().any(|(name, _)| *name == column))
}

#[tokio::test]
async fn every_column_of_the_schema_is_copied_or_left_out_with_a_reason() {
    let test = TestStore::open().await;
    let file = Connection::open(test.folder.path().join("store.db")).unwrap();
    let columns = columns(&file);
    assert!(columns.len() > 100, "{columns:?}");
    for (table, column) in &columns {
        let is_left_out = LEFT_OUT.iter().any(|(of, name, _)| of == table && name == column);
        assert!(
            is_copied(table, column) != is_left_out,
            "{table}.{column} is neither copied nor left out with a reason, or both"
        );
    }
    for (table, column, reason) in LEFT_OUT {
        let is_there = columns.iter().any(|(of, name)| of == table && name == column);
        assert!(is_there && !reason.is_empty(), "{table}.{column} is left out and not there");
    }
}

/// Why a store is not copied after `sql` was done to its file.
async fn refused_after(sql: &'static str) -> Option<MoveError> {
    let test = TestStore::open().await;
    let path = test.folder.path().join("store.db");
    test.store.close().await;
    Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    let read = |source: Source| {
        TABLES.iter().try_fold(source, |source, table| Ok(source.sum(table)?.0)).map(drop)
    };
    Source::open(&path).and_then(read).err()
}

#[tokio::test]
async fn what_cannot_be_copied_whole_is_not_copied() {
    assert!(refused_after("SELECT 1").await.is_none());
    for (sql, said) in [
        (
            "DELETE FROM refinery_schema_history WHERE version = 14",
            "has schema 12, and this release copies schema 14",
        ),
        (
            "UPDATE refinery_schema_history SET version = 99 WHERE version = 14",
            "knows schemas up to 14",
        ),
        ("DROP TABLE refinery_schema_history", "is not a Ringproof database"),
        ("INSERT INTO meta VALUES ('new', 1)", "meta.name"),
        ("INSERT INTO alone VALUES (1, x'00')", "alone.verification_id"),
        ("INSERT INTO counts VALUES (3000000000, 'shop', 1, 1, 1)", "counts.day"),
        ("INSERT INTO counts VALUES (1, x'00', 1, 1, 1)", "counts.app"),
        ("INSERT INTO counts VALUES (1, CAST(x'ff' AS TEXT), 1, 1, 1)", "counts.app"),
        ("INSERT INTO counts VALUES (1.5, 'shop', 1, 1, 1)", "counts.day"),
    ] {
        let refused = refused_after(sql).await.map(|error| error.to_string());
        assert!(refused.as_ref().is_some_and(|text| text.contains(said)), "{sql}: {refused:?}");
    }
}

#[tokio::test]
async fn a_store_that_is_read_keeps_others_out_and_is_left_as_it_was() {
    let test = TestStore::open().await;
    let path = test.folder.path().join("store.db");
    let in_use = Source::open(&path).err().unwrap().to_string();
    assert!(in_use.contains("is in use by the process"), "{in_use}");
    test.store.close().await;

    let source = Source::open(&path).unwrap();
    let locked = crate::store::open(crate::store::Settings::at(path.clone(), server_keys()))
        .await
        .err()
        .unwrap();
    assert!(locked.to_string().contains("in use"), "{locked}");
    drop(source);

    // Nobody's pid: it counts as closed in order.
    let lock = std::fs::read(test.folder.path().join("store.db.lock")).unwrap();
    assert!(lock.is_empty());
}

#[tokio::test]
async fn what_a_killed_process_left_in_the_log_is_copied_too() {
    let test = TestStore::open().await;
    test.store.audit(done("a")).await.unwrap();
    let left = tempfile::tempdir().unwrap();
    for name in ["store.db", "store.db-wal"] {
        std::fs::copy(test.folder.path().join(name), left.path().join(name)).unwrap();
    }
    let audit = TABLES.iter().find(|table| table.name == "audit").unwrap();
    let source = Source::open(&left.path().join("store.db")).unwrap().look_through().unwrap();
    assert_eq!(source.sum(audit).unwrap().1.rows, 1);
}
