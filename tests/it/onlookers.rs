//! The live feed works while somebody looks, and costs nothing otherwise.

use std::process::Command;

use reqwest::Client;
use ringproof::clock::Clock;
use serde_json::json;

use crate::app::{answer, client, made_up, note_secret, simulate};
use crate::crash::{Server, prepare};

/// A server process of its own, since metrics are counted by process.
struct Site {
    server: Server,
    http: Client,
    key: String,
}

impl Site {
    /// How many look now, and how often the journal was read for them.
    async fn looked(&self) -> (u64, u64) {
        let text = answer(self.http.get(format!("{}/metrics", self.server.base))).await.text;
        let value = |name: &str| {
            let found = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            found.unwrap_or_else(|| panic!("no {name}: {text}")).parse().unwrap()
        };
        (value("ringproof_onlookers"), value("ringproof_feed_reads_total"))
    }

    /// Starts a verification of each of some numbers.
    async fn start(&self, numbers: std::ops::Range<u32>) {
        for number in numbers {
            let url = format!("{}/v1/verifications", self.server.base);
            let body = json!({ "to": format!("+3809911{number:05}") });
            let started = answer(self.http.post(url).bearer_auth(&self.key).json(&body)).await;
            assert_eq!(started.status, 201, "{}", started.text);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_feed_reads_nothing_while_nobody_looks() {
    let (secret, token) = (made_up(), made_up());
    let simulator = simulate(&secret, None, Clock::real());
    let folder = tempfile::tempdir().unwrap();
    let address = format!("http://{}", simulator.address());
    let (config, key) = prepare(folder.path(), &address, &secret, &token);
    let mut made = Command::new(env!("CARGO_BIN_EXE_ringproof"));
    made.args(["keys", "create", "--app", "ops", "--scope", "operate", "--config"]).arg(&config);
    let operator = String::from_utf8(made.output().unwrap().stdout).unwrap().trim().to_owned();
    note_secret(&operator);
    let site = Site { server: Server::start(&config), http: client(), key };
    while answer(site.http.get(format!("{}/readyz", site.server.base))).await.status != 200 {}

    site.start(0..5).await;
    assert_eq!(site.looked().await, (0, 0));

    let feed = site.http.get(format!("{}/v1/events", site.server.base)).bearer_auth(&operator);
    let mut feed = feed.header("accept", "text/event-stream").send().await.unwrap();
    assert_eq!(feed.status(), 200);
    site.start(5..6).await;
    let mut told = String::new();
    while !told.contains("event: requested") {
        let chunk = feed.chunk().await.unwrap().expect("the feed ended");
        told.push_str(&String::from_utf8_lossy(&chunk));
    }
    let (looking, read) = site.looked().await;
    assert!(looking == 1 && read > 0, "{looking} {read}");

    drop(feed);
    while site.looked().await.0 > 0 {}
    let (_, read) = site.looked().await;
    site.start(6..11).await;
    assert_eq!(site.looked().await, (0, read));
    drop(site);
    simulator.stop().await;
}
