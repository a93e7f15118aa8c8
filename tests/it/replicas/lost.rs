//! Three processes over one database, with load running, and something taken away.
//!
//! `RINGPROOF_REPLICA_ROUNDS` sets how often a replica is killed (20 unless set).

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::server::{self, Server as Database};
use super::three::{PEOPLE, Three, bases};
use crate::crash::Server;
use crate::faults::load::{Load, Person};
use crate::faults::verdict::verdict;

fn rounds() -> usize {
    #[expect(clippy::disallowed_methods, reason = "a flag of this test, not of the product")]
    let set = std::env::var("RINGPROOF_REPLICA_ROUNDS").ok();
    set.map_or(20, |rounds| rounds.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_killed_at_random_moments_loses_nothing_and_calls_nobody_twice() {
    let folder = tempfile::tempdir().unwrap();
    let mut three = Three::start(folder.path(), &server::shared().new_database()).await;
    for _ in 0..rounds() {
        let running = three.under_load().await;
        let killed = rand::random_range(0..3);
        three.replicas[killed].kill();
        running.join_all().await;
        three.replicas[killed] = Server::start(&three.configs[killed]);
        three.load.moves_to(&bases(&three.replicas));
    }
    let looked_at = verdict(&three.load).await;
    println!("{} rounds, {looked_at} verifications, none lost", rounds());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_is_paused_for_half_a_minute_does_no_harm_when_it_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut three = Three::start(folder.path(), &server::shared().new_database()).await;
    // Whose press waits at the paused one has time left when that goes on.
    three.load = Load::lasting(90, &three.site, &bases(&three.replicas));
    let running = three.under_load().await;
    let paused = Pid::from_child(&three.replicas[0].child);
    kill_process(paused, Signal::STOP).unwrap();
    let paused_at = Instant::now();
    // Whose start is answered now lasts fifteen leases.
    three.load.moves_to(&bases(&three.replicas[1..]));
    let place = three.load.begin(Person::IsAwayForLong).await.unwrap();
    let id = three.load.known()[place].id.clone();
    three.load.run(PEOPLE).join_all().await;
    three.site.ended(&three.replicas[1].base, &id).await;
    assert!(paused_at.elapsed() >= Duration::from_secs(30));

    kill_process(paused, Signal::CONT).unwrap();

    running.join_all().await;
    three.load.moves_to(&bases(&three.replicas));
    three.load.run(PEOPLE).join_all().await;
    verdict(&three.load).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_terminated_again_and_again_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let url = server::shared().new_database();
    let three = Three::start(folder.path(), &url).await;
    let terminate = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}'",
        Database::database(&url)
    );
    let mut running = three.load.run(3 * PEOPLE);
    let mut through = 0;
    while let Some(done) = running.join_next().await {
        done.unwrap();
        through += 1;
        // Not after the last, who tells that the database is back.
        if through % 6 == 0 && !running.is_empty() {
            server::shared().execute("postgres", &terminate);
        }
    }
    verdict(&three.load).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_stopped_fast_or_at_once_and_started_again_lost_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::start();
    let three = Three::start(folder.path(), &database.new_database()).await;
    for signal in ["INT", "QUIT"] {
        let called = three.called(three.replicas.len()).await;
        let running = three.under_load().await;
        database.stop(signal);
        // Each is pressed at another replica, which keeps that until the database is back.
        for (place, replica) in called.iter().zip(&three.replicas) {
            let load = Load::on(&three.site, &[&replica.base]);
            let number = three.load.known()[*place].number.clone();
            assert_eq!(load.press(&number).await, Some(200), "a press was not taken");
        }
        running.join_all().await;
        assert!(three.load.begin(Person::Presses).await.is_none(), "a start was acknowledged");
        for (path, status) in [("/healthz", 200), ("/readyz", 503)] {
            assert_eq!(three.site.get(&three.replicas[0].base, path).await.status, status);
        }

        database.resume();

        for (replica, place) in called.iter().enumerate() {
            three.confirmed(replica, &[*place]).await;
        }
    }
    verdict(&three.load).await;
}
