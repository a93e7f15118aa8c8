//! `kill -9` at random moments, with starts, presses and checks of codes running.

use std::sync::Arc;

use super::load::Load;
use super::site::Site;
use super::verdict::verdict;

/// How often the server is killed; `crash.rs` does more, with button calls alone.
const ROUNDS: usize = 10;
/// How many people one round has.
const PEOPLE: usize = 18;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_random_moments_no_acknowledged_start_press_or_check_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let site = Arc::new(Site::new(folder.path(), "").await);
    let mut server = site.serve();
    let load = Load::on(&site, &[&server.base]);
    for _ in 0..ROUNDS {
        // One acknowledgement of each start and press, two of each person with a code.
        let kill_after = load.acknowledged() + rand::random_range(1..=PEOPLE);
        let running = load.run(PEOPLE);
        load.reaches(kill_after).await;
        server.kill();
        running.join_all().await;
        server = site.serve();
        load.moves_to(&[&server.base]);
    }
    let looked_at = verdict(&load).await;
    println!("{ROUNDS} rounds, {looked_at} verifications, none lost");
}
