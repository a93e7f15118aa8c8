//! Replicas that are not alike: of two releases, or with clocks that differ.

use super::server;
use super::three::{PEOPLE, Three, bases, prepared};
use crate::crash::Server;
use crate::faults::load::{Load, Person};
use crate::faults::verdict::verdict;

/// Has this binary be an older release: the newest schema that it can do without is unknown to
/// it, and not made by it.
const OLD: &str = "&newest_schema=7";

/// Whether the newest schema is there.
fn is_migrated(url: &str) -> bool {
    let sql = "SELECT to_regclass('replicas') IS NOT NULL";
    server::shared().execute(server::Server::database(url), sql) == "t"
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upgrade_replica_by_replica_loses_nothing_and_an_old_one_may_start_on_the_newer_schema()
{
    let folder = tempfile::tempdir().unwrap();
    let url = server::shared().new_database();
    let old = format!("{url}{OLD}");
    // The last configuration is of the new release, which nobody runs yet.
    let (site, configs) = prepared(folder.path(), [&old, &old, &url]).await;
    let mut replicas: Vec<_> = configs[..2].iter().map(|config| Server::start(config)).collect();
    let site = std::sync::Arc::new(site);
    let load = Load::on(&site, &bases(&replicas));
    assert!(!is_migrated(&url), "the old release knows the newest schema");
    load.run(PEOPLE).join_all().await;
    let mut called = Vec::new();
    for _ in 0..6 {
        called.push(load.begin(Person::Presses).await.unwrap());
    }

    // The new one migrates while the old ones serve, and all three go on.
    let running = load.run(PEOPLE);
    replicas.push(Server::start(&configs[2]));
    assert!(is_migrated(&url));
    load.moves_to(&bases(&replicas));
    running.join_all().await;
    for place in called {
        load.act(place, Person::Presses).await;
    }
    load.run(PEOPLE).join_all().await;

    // One old one starts again on the newer schema, in order; the other one is killed.
    for (old, in_order) in [(0, true), (1, false)] {
        load.moves_to(&[&replicas[1 - old].base, &replicas[2].base]);
        let running = load.run(PEOPLE);
        if in_order {
            replicas[old].terminate();
        } else {
            replicas[old].kill();
        }
        replicas[old] = Server::start(&configs[old]);
        running.join_all().await;
        load.moves_to(&bases(&replicas));
        load.run(PEOPLE).join_all().await;
    }
    verdict(&load).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_whose_clocks_are_five_minutes_off_lose_nothing_under_load() {
    let folder = tempfile::tempdir().unwrap();
    let url = server::shared().new_database();
    let wrong: [&[&str]; 3] = [&[], &["--clock-wrong-by=300"], &["--clock-wrong-by=-300"]];
    let three = Three::with(folder.path(), [&url; 3], wrong).await;
    three.load.run(3 * PEOPLE).join_all().await;
    // Nobody thinks of another one's start that it has not come yet, or is over.
    for (first, second) in [(0, 1), (1, 2), (2, 0)] {
        three.load.moves_to(&[&three.replicas[first].base]);
        let place = three.load.begin(Person::Presses).await.unwrap();
        three.load.moves_to(&[&three.replicas[second].base]);
        three.load.act(place, Person::Presses).await;
        assert!(three.load.known()[place].pressed);
    }
    three.load.moves_to(&bases(&three.replicas));
    verdict(&three.load).await;
}
