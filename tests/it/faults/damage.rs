//! A store that is damaged or may not be written is refused at the start, and said clearly.

use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;

use super::load::Load;
use super::site::Site;

/// What a server says that does not start.
pub fn refused(config: &Path) -> String {
    let mut serve = std::process::Command::new("timeout");
    serve.args(["60", env!("CARGO_BIN_EXE_ringproof"), "serve", "--listen", "127.0.0.1:0"]);
    let ended = serve.arg("--config").arg(config).output().unwrap();
    assert_eq!(ended.status.code(), Some(1), "it started: {ended:?}");
    String::from_utf8(ended.stderr).unwrap()
}

/// Overwrites the last page of the file, as a disk does that lost it.
fn damage_last_page(store: &Path) {
    let mut file = std::fs::OpenOptions::new().write(true).open(store).unwrap();
    let length = file.metadata().unwrap().len();
    assert!(length > 2048 * 2, "the store has {length} bytes only");
    file.seek(SeekFrom::Start(length - 2048)).unwrap();
    file.write_all(&[0xa5; 2048]).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_last_page_is_found_at_the_start_however_the_store_was_left() {
    for orderly in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let site = Arc::new(Site::new(folder.path(), "").await);
        let mut server = site.serve();
        let load = Load::on(&site, &[&server.base]);
        load.run(30).join_all().await;
        let store = folder.path().join("ringproof.db");
        if orderly {
            server.terminate();
        } else {
            server.kill();
            // What stands in the log is copied first, as by any backup.
            let copying = rusqlite::Connection::open(&store).unwrap();
            copying.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
        }
        damage_last_page(&store);
        let said = refused(&site.config);
        assert!(said.contains("is damaged; restore it from a backup"), "{said}");
    }
}
