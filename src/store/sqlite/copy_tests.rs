//! Copies beside a process that writes, and beside another copy.

use std::fs::{self, File};
use std::path::Path;

use rusqlite::Connection;

use super::open;
use crate::store::tests::server_keys;
use crate::store::{self, CopyError, Copying, Settings};

/// A store of some steps' size.
async fn filled(path: &Path) -> Connection {
    store::open(Settings::at(path.to_owned(), server_keys())).await.unwrap().close().await;
    let writer = open::connect(path).unwrap();
    let sql = "CREATE TABLE filling (n INTEGER PRIMARY KEY, bytes BLOB NOT NULL); \
               WITH RECURSIVE rows (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM rows \
               WHERE n < 9000) INSERT INTO filling SELECT n, randomblob(1000) FROM rows";
    writer.execute_batch(sql).unwrap();
    writer
}

fn rows(on: &Connection) -> (u32, u32) {
    let sql = "SELECT count(*), max(n) FROM filling";
    on.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
}

#[tokio::test]
async fn a_copy_goes_forward_and_is_of_one_instant_however_much_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("store.db"), folder.path().join("copy.db"));
    let writer = filled(&from).await;
    let mut told = Vec::new();
    let copied = super::copy::backup(&from, &to, &mut |copying| {
        told.push(copying);
        // Between any two steps, another process commits: in old rows, and in new ones.
        let sql = "UPDATE filling SET bytes = randomblob(1000) WHERE n % 7 = 0; \
                   DELETE FROM filling WHERE n = (SELECT min(n) FROM filling); \
                   INSERT INTO filling (bytes) VALUES (randomblob(1000))";
        writer.execute_batch(sql).unwrap();
    });
    assert_eq!(copied.unwrap(), fs::metadata(&to).unwrap().len());
    let copy = Connection::open(&to).unwrap();
    assert_eq!(rows(&copy), (9000, 9000));
    assert!(rows(&writer).1 > 9000, "it was written to meanwhile");

    let (last, steps) = told.split_last().unwrap();
    assert_eq!(*last, Copying::Checking);
    assert!(steps.len() > 3, "{steps:?}");
    let mut before = 0;
    let size = fs::metadata(&to).unwrap().len();
    for step in steps {
        let Copying::Bytes { done, of } = *step else { panic!("{steps:?}") };
        assert!(done > before && of == size, "{steps:?}");
        before = done;
    }
    assert_eq!(before, size);
}

#[tokio::test]
async fn nothing_has_the_name_of_a_copy_before_it_is_whole_and_two_do_not_share_it() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("store.db"), folder.path().join("copy.db"));
    drop(filled(&from).await);
    // What a killed one left is written over.
    fs::write(folder.path().join("copy.db.unfinished"), "half of it").unwrap();
    let mut seen = Vec::new();
    let copied = super::copy::backup(&from, &to, &mut |_| {
        let second = super::copy::backup(&from, &to, &mut |_| {});
        seen.push((to.exists(), matches!(second, Err(CopyError::UnderWay(_)))));
    });
    copied.unwrap();
    assert!(seen.len() > 3 && seen.iter().all(|seen| *seen == (false, true)), "{seen:?}");
    assert!(!folder.path().join("copy.db.unfinished").exists());
    let third = super::copy::backup(&from, &to, &mut |_| {});
    assert!(matches!(third, Err(CopyError::Exists(_))));
    assert_eq!(rows(&Connection::open(&to).unwrap()), (9000, 9000));

    // One that fails leaves nothing.
    let other = folder.path().join("other.db");
    File::create(folder.path().join("text.db")).unwrap();
    let failed = super::copy::backup(&folder.path().join("text.db"), &other, &mut |_| {});
    assert!(failed.is_err());
    assert!(!other.exists() && !folder.path().join("other.db.unfinished").exists());
}
