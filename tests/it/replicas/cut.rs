//! One of three replicas is cut off from the database by connections that never answer.

use super::server;
use super::three::{PEOPLE, Three, spilled};
use super::wire::Wire;
use crate::faults::load::Person;
use crate::faults::verdict::verdict;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_is_silently_cut_off_keeps_what_it_is_told_and_recovers_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let url = server::shared().new_database();
    let wire = Wire::to(&url).await;
    let three = Three::by(folder.path(), [&wire.url, &url, &url]).await;
    let called = three.called(6).await;
    let running = three.under_load().await;

    wire.cut();
    three.pressed_at(0, &called).await;
    assert!(spilled(folder.path(), 0) > 0);
    assert!(three.only(0).begin(Person::Presses).await.is_none(), "a start was acknowledged");
    assert_eq!(three.health(0).await, [200, 503]);
    // The others serve.
    for replica in [1, 2] {
        assert_eq!(three.health(replica).await, [200, 200]);
        assert!(three.only(replica).begin(Person::IsAway).await.is_some());
    }
    running.join_all().await;
    three.load.run(PEOPLE).join_all().await;
    wire.mend();

    three.confirmed(0, &called).await;
    three.load.run(PEOPLE).join_all().await;
    verdict(&three.load).await;
    assert_eq!(three.health(0).await, [200, 200]);
    assert_eq!(spilled(folder.path(), 0), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_replica_keeps_while_it_is_cut_off_is_not_expired_by_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let url = server::shared().new_database();
    let wire = Wire::to(&url).await;
    let three = Three::by(folder.path(), [&wire.url, &url, &url]).await;
    let base = &three.replicas[1].base;
    // It expires in ten seconds, while the one replica is cut off.
    let place = three.load.begin(Person::IsAway).await.unwrap();
    let path = format!("/v1/verifications/{}", three.load.known()[place].id);
    let shown = async |seconds: u32| {
        let shown = three.site.get(base, &format!("{path}?wait={seconds}")).await.json();
        shown["status"].as_str().unwrap().to_owned()
    };
    assert_eq!(shown(7).await, "pending");
    wire.cut();
    three.pressed_at(0, &[place]).await;
    assert_eq!(shown(5).await, "pending", "the others did not wait");
    wire.mend();
    verdict(&three.load).await;
}
