//! A disk of the database is full, and has room again: the tables are on a small file system
//! in memory, as a tablespace, and the server's log is on another. The server itself stops when
//! the log has no room.

use super::server::Server as Database;
use super::three::{PEOPLE, Three};
use crate::faults::disk::Disk;
use crate::faults::load::Person;
use crate::faults::verdict::verdict;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_whose_disk_is_full_loses_nothing_and_serves_again_once_it_has_room() {
    let mount = |size: &str| Disk::mount(&format!("size={size},mode=700,uid=nobody,gid=nogroup"));
    let (Some(disk), Some(log)) = (mount("32m"), mount("24m")) else { return };
    let folder = tempfile::tempdir().unwrap();
    // Of its own, since a server that cannot write its tables is of no use to other tests.
    let database = Database::start_logging_to(log.path());
    let three = Three::start(folder.path(), &database.new_database_in(disk.path())).await;
    // The second time every row is there that is written to see whether the store is back.
    for _ in 0..2 {
        full_and_freed(&three, &disk).await;
    }
    verdict(&three.load).await;
    full_log(&three, &log, &database).await;
    verdict(&three.load).await;
    for replica in 0..3 {
        assert_eq!(three.health(replica).await, [200, 200]);
    }
    drop(three);
    drop(database);
}

async fn full_and_freed(three: &Three, disk: &Disk) {
    let called = three.called(12).await;
    let running = three.under_load().await;

    let filler = disk.fill();
    running.join_all().await;
    // What room the tables have left is soon used up.
    for replica in 0..3 {
        let load = three.only(replica);
        while load.begin(Person::IsAway).await.is_some() {}
    }
    for (replica, places) in called.chunks(4).enumerate() {
        three.pressed_at(replica, places).await;
        assert_eq!(three.health(replica).await, [200, 503]);
        assert!(three.only(replica).begin(Person::Presses).await.is_none());
    }
    // Longer than a record is tried that the store refuses while it takes others.
    let path = format!("/v1/verifications/{}?wait=5", three.load.known()[called[0]].id);
    let shown = three.site.get(&three.replicas[0].base, &path).await;
    assert_eq!(shown.status, 200, "{}", shown.text);
    for replica in 0..3 {
        assert_eq!(three.health(replica).await, [200, 503]);
    }

    std::fs::remove_file(filler).unwrap();
    three.confirmed(0, &called).await;
    three.load.run(PEOPLE).join_all().await;
}

/// The server stops, starts again and stops, as long as there is no room.
async fn full_log(three: &Three, log: &Disk, database: &Database) {
    let called = three.called(12).await;
    let running = three.under_load().await;

    let filler = log.fill();
    running.join_all().await;
    while three.load.begin(Person::IsAway).await.is_some() {}
    for (replica, places) in called.chunks(4).enumerate() {
        three.pressed_at(replica, places).await;
    }

    std::fs::remove_file(filler).unwrap();
    database.stop("QUIT");
    database.resume();
    three.confirmed(0, &called).await;
    three.load.run(PEOPLE).join_all().await;
}
