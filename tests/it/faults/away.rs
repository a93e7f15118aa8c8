//! The store takes no writes, while somebody else holds it; then it does again.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::Connection;

use ringproof::clock::Clock;

use super::load::{Load, Person};
use super::site::Site;
use super::verdict::verdict;
use crate::intake_verifies::end;

/// Holds the database against every writer until it is dropped.
struct Held(Connection);

impl Held {
    fn hold(store: &Path) -> Self {
        let connection = Connection::open(store).unwrap();
        connection.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
        connection.execute_batch("BEGIN EXCLUSIVE").unwrap();
        Self(connection)
    }

    fn release(self) {
        self.0.execute_batch("ROLLBACK").unwrap();
    }
}

/// Files of the spill.
fn spilled(folder: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder.join("ringproof.db.spill")).unwrap();
    let files = files.map(|file| file.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|ending| ending == "spill")).collect()
}

/// People who have been called and have not pressed yet.
async fn called(load: &Arc<Load>, people: usize) -> Vec<usize> {
    let mut places = Vec::new();
    for _ in 0..people {
        places.push(load.begin(Person::Presses).await.unwrap());
    }
    places
}

async fn metric(site: &Site, base: &str, name: &str) -> f64 {
    let text = site.get(base, "/metrics").await.text;
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_else(|| panic!("{name} is not in\n{text}")).trim().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_store_is_away_notifications_are_kept_and_when_it_is_back_they_verify() {
    let folder = tempfile::tempdir().unwrap();
    let site = Arc::new(Site::new(folder.path(), "").await);
    let server = site.serve();
    let load = Load::on(&site, &[&server.base]);
    load.run(12).join_all().await;
    let places = called(&load, 30).await;
    let mut waiting = tokio::task::JoinSet::new();
    for place in &places[..5] {
        let (site, base) = (Arc::clone(&site), server.base.clone());
        let id = load.known()[*place].id.clone();
        waiting.spawn(async move { site.ended(&base, &id).await });
    }

    let held = Held::hold(&folder.path().join("ringproof.db"));
    let mut pressing = tokio::task::JoinSet::new();
    for place in places.clone() {
        let load = Arc::clone(&load);
        pressing.spawn(async move { load.act(place, Person::Presses).await });
    }
    pressing.join_all().await;
    let known = load.known();
    assert!(places.iter().all(|place| known[*place].pressed), "a press was not acknowledged");
    let files = spilled(folder.path());
    assert!(!files.is_empty());
    for file in files {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert!(load.begin(Person::Presses).await.is_none(), "a start was acknowledged");
    for (path, status) in [("/healthz", 200), ("/readyz", 503)] {
        assert_eq!(site.get(&server.base, path).await.status, status, "{path}");
    }
    for alarm in ["store_away", "spill_refused", "spill_damaged"] {
        let name = format!("ringproof_alarms_total{{alarm=\"{alarm}\"}}");
        let raised = f64::from(u8::from(alarm == "store_away"));
        assert!((metric(&site, &server.base, &name).await - raised).abs() < 0.1, "{alarm}");
    }
    assert!(metric(&site, &server.base, "ringproof_spilled_total{result=\"kept\"}").await >= 30.0);

    held.release();
    for ended in waiting.join_all().await {
        assert_eq!(ended["outcome"], "confirmed", "{ended:#}");
    }
    load.run(12).join_all().await;
    verdict(&load).await;
    assert_eq!(site.get(&server.base, "/readyz").await.status, 200);
    assert_eq!(spilled(folder.path()), Vec::<PathBuf>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_received_in_time_counts_though_its_verification_is_overdue_when_the_store_is_back()
 {
    let folder = tempfile::tempdir().unwrap();
    let site = Arc::new(Site::new(folder.path(), "").await);
    let server = site.serve();
    let load = Load::on(&site, &[&server.base]);
    // It expires in ten seconds, while the store is away.
    let place = load.begin(Person::IsAway).await.unwrap();
    let held = Held::hold(&folder.path().join("ringproof.db"));
    load.act(place, Person::Presses).await;
    assert!(load.known()[place].pressed);
    let id = load.known()[place].id.clone();
    let shown = site.get(&server.base, &format!("/v1/verifications/{id}?wait=11")).await;
    assert_eq!(shown.json()["status"], "pending");
    held.release();
    verdict(&load).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spill_left_by_a_killed_process_is_applied_by_the_next_one_and_what_is_damaged_is_kept_aside()
 {
    let folder = tempfile::tempdir().unwrap();
    let site = Arc::new(Site::new(folder.path(), "").await);
    let mut server = site.serve();
    let load = Load::on(&site, &[&server.base]);
    let places = called(&load, 12).await;
    let held = Held::hold(&folder.path().join("ringproof.db"));
    for place in places {
        load.act(place, Person::Presses).await;
    }
    server.kill();
    held.release();
    // As a process leaves it that is killed while it writes the next one.
    let files = spilled(folder.path());
    let mut bytes = std::fs::read(&files[0]).unwrap();
    let half = bytes[..100].to_vec();
    bytes.extend(&half);
    std::fs::write(&files[0], bytes).unwrap();
    std::fs::write(folder.path().join("ringproof.db.spill/00000000000000009999.spill"), "")
        .unwrap();

    let server = site.serve();
    load.moves_to(&[&server.base]);
    load.run(6).join_all().await;
    verdict(&load).await;
    assert_eq!(spilled(folder.path()), Vec::<PathBuf>::new());
    let aside = files[0].with_extension("damaged");
    assert_eq!(std::fs::read(&aside).unwrap(), half);
    let name = "ringproof_alarms_total{alarm=\"spill_damaged\"}";
    assert!((metric(&site, &server.base, name).await - 1.0).abs() < 0.1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_spill_answers_503_and_what_it_took_is_applied() {
    let folder = tempfile::tempdir().unwrap();
    let site = Arc::new(Site::new(folder.path(), "[spill]\nmax_size = \"1MiB\"\n").await);
    let server = site.serve();
    let load = Load::on(&site, &[&server.base]);
    let places = called(&load, 20).await;
    let held = Held::hold(&folder.path().join("ringproof.db"));
    let padding = "x".repeat(60_000);
    let mut kept = Vec::new();
    for place in places {
        let number = load.known()[place].number.clone();
        let time = Clock::real().now().strftime("%Y-%m-%d %H:%M:%S").to_string();
        let mut fields = end(&number, &time, "1");
        fields.push(("padding", &padding));
        match site.notify(&server.base, &fields).await {
            Some(200) => kept.push(load.known()[place].id.clone()),
            status => assert_eq!(status, Some(503)),
        }
    }
    assert_eq!(kept.len(), 1024 * 1024 / 60_300);
    let name = "ringproof_alarms_total{alarm=\"spill_refused\"}";
    assert!((metric(&site, &server.base, name).await - 3.0).abs() < 0.1);
    held.release();
    for id in kept {
        assert_eq!(site.ended(&server.base, &id).await["outcome"], "confirmed", "{id}");
    }
    verdict(&load).await;
}
