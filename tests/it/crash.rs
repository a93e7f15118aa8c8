//! Killed at random moments under load: what was acknowledged is there, what
//! was pending goes on, and nobody is called twice.
//!
//! `RINGPROOF_KILL_ROUNDS` sets the number of rounds (50 unless set).

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::pin::pin;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use reqwest::Client;
use ringproof::app;
use ringproof::clock::Clock;
use ringproof::domain::Secret;
use ringproof::zadarma::sign::signature;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::app::{answer, client, made_up, note_secret, note_secrets_of, simulate, suite_folder};
use crate::intake_verifies::end;

/// How many numbers one round calls.
const NUMBERS: usize = 12;

/// A server process; killed when dropped.
pub struct Server {
    pub child: Child,
    pub base: String,
}

impl Server {
    /// Starts `ringproof serve` on a free port, once it listens.
    pub fn start(config: &Path) -> Self {
        Self::start_with(config, &[])
    }

    /// The same with more arguments.
    pub fn start_with(config: &Path, arguments: &[&str]) -> Self {
        let path = suite_folder().join("serve-log.txt");
        let log = std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_ringproof"))
            .args(["serve", "--listen", "127.0.0.1:0", "--config"])
            .arg(config)
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().rsplit(' ').next().unwrap_or_default();
        assert!(!address.is_empty(), "the server did not start; see serve-log.txt");
        Self { child, base: format!("http://{address}") }
    }

    /// Stops it in order, as a service manager does.
    pub fn terminate(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        assert!(self.child.wait().unwrap().success());
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Writes the configuration of one account into `folder`, and makes a key with it.
pub fn prepare(
    folder: &Path,
    simulator: &str,
    secret: &str,
    token: &str,
) -> (std::path::PathBuf, String) {
    let prompts = app::shipped_prompts();
    let sounds = &prompts["default"].languages["en"];
    let path = folder.join("config.toml");
    let text = format!(
        "store = \"sqlite://ringproof.db\"\n\
         [log]\nlevel = \"ringproof=debug\"\n\
         [server]\nworkers = 1\n\
         [accounts.main]\nbase_url = \"{simulator}\"\nkey = \"test_key\"\nsecret = \"{secret}\"\n\
         notification_token = \"{token}\"\nsource_addresses = [\"127.0.0.0/8\"]\nrequests_per_minute = 1000\n\
         [prompts.default.en]\ngreeting = \"{}\"\nconfirmed = \"{}\"\nfallback = \"{}\"\npress = \"1\"\n",
        sounds.greeting, sounds.confirmed, sounds.fallback,
    );
    std::fs::write(&path, text).unwrap();
    let made = Command::new(env!("CARGO_BIN_EXE_ringproof"))
        .args([
            "keys", "create", "--app", "shop", "--scope", "start", "--scope", "read", "--config",
        ])
        .arg(&path)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let key = String::from_utf8(made.stdout).unwrap().trim().to_owned();
    for secret in [secret, token, &key] {
        note_secret(secret);
    }
    (path, key)
}

/// What the load of one round knows for sure.
#[derive(Default)]
struct Acknowledged {
    /// Numbers and ids of starts that were answered with 201.
    started: Vec<(String, String)>,
    /// Ids whose press was answered with 200.
    pressed: Vec<String>,
}

/// Everything that a round needs.
struct World {
    http: Client,
    key: String,
    secret: Secret,
    token: String,
}

impl World {
    async fn start(&self, base: &str, number: &str, expires_in: u32) -> Option<String> {
        let body = json!({ "to": number, "expires_in": expires_in });
        let request =
            self.http.post(format!("{base}/v1/verifications")).bearer_auth(&self.key).json(&body);
        let response = request.send().await.ok()?;
        assert!(response.status().is_success(), "{number}: {}", response.status());
        let answer: Value = response.json().await.ok()?;
        note_secrets_of(&answer);
        Some(answer["id"].as_str().unwrap().to_owned())
    }

    async fn press(&self, base: &str, number: &str) -> Option<()> {
        let time = Clock::real().now().strftime("%Y-%m-%d %H:%M:%S").to_string();
        let fields = end(number, &time, "1");
        let signature = signature(&self.secret, &[number, "0", &time]);
        let url = format!("{base}/hooks/zadarma/{}", self.token);
        let response =
            self.http.post(url).header("signature", signature).form(&fields).send().await.ok()?;
        assert_eq!(response.status(), 200);
        Some(())
    }

    async fn show(&self, base: &str, id: &str, wait: u32) -> Value {
        let url = format!("{base}/v1/verifications/{id}?wait={wait}");
        let answer = answer(self.http.get(url).bearer_auth(&self.key)).await;
        assert_eq!(answer.status, 200, "{id} is gone: {}", answer.text);
        answer.json()
    }
}

/// Starts and presses until the server is killed after its `kill_after`-th acknowledgement.
async fn load(
    world: &Arc<World>,
    server: &mut Server,
    round: usize,
    kill_after: usize,
) -> Acknowledged {
    let (count, enough) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let mut running = tokio::task::JoinSet::new();
    for index in 0..NUMBERS {
        let number = format!("+38099{round:05}{index:02}");
        let (world, base) = (Arc::clone(world), server.base.clone());
        let (count, enough) = (Arc::clone(&count), Arc::clone(&enough));
        running.spawn(async move {
            let acknowledged = || {
                if count.fetch_add(1, Ordering::SeqCst) + 1 == kill_after {
                    enough.notify_one();
                }
            };
            let Some(id) = world.start(&base, &number, 300).await else {
                return (number, None, false);
            };
            acknowledged();
            // Every third stays pending, to go on after the restart.
            let pressed = index % 3 != 0 && world.press(&base, &number).await.is_some();
            if pressed {
                acknowledged();
            }
            (number, Some(id), pressed)
        });
    }
    // Nobody is done before the kill but those whose load is done; a failed one ends the test.
    let mut done = Vec::new();
    let mut reached = pin!(enough.notified());
    loop {
        tokio::select! {
            () = &mut reached => break,
            Some(ended) = running.join_next() => done.push(ended.unwrap()),
        }
    }
    server.kill();
    let mut known = Acknowledged::default();
    while let Some(ended) = running.join_next().await {
        done.push(ended.unwrap());
    }
    for (number, id, pressed) in done {
        if let Some(id) = id {
            if pressed {
                known.pressed.push(id.clone());
            }
            known.started.push((number, id));
        }
    }
    known
}

/// What must hold after the restart.
async fn check(world: &Arc<World>, server: &Server, known: Acknowledged) {
    for (number, id) in known.started {
        let ended = if known.pressed.contains(&id) {
            world.show(&server.base, &id, 60).await
        } else {
            // Its waiter reconnects, and its press still counts.
            let waiter = world.show(&server.base, &id, 60);
            let (ended, pressed) = tokio::join!(waiter, world.press(&server.base, &number));
            assert!(pressed.is_some());
            ended
        };
        assert_eq!(ended["status"], "verified", "{number}: {ended:#}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_kill_9_and_nobody_is_called_twice() {
    #[expect(clippy::disallowed_methods, reason = "a flag of this test, not of the product")]
    let rounds =
        std::env::var("RINGPROOF_KILL_ROUNDS").map_or(50, |rounds| rounds.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let (secret, token) = (made_up(), made_up());
    let simulator = simulate(&secret, None, Clock::real());
    let simulator_base = format!("http://{}", simulator.address());
    let http = client();
    let quiet = json!({ "rate_limit_mode": "off", "rate_limit": 1_000_000, "default_script": { "notify": "never" } });
    let set = answer(http.put(format!("{simulator_base}/_simulator/settings")).json(&quiet)).await;
    assert_eq!(set.status, 200, "{}", set.text);
    let (config, key) = prepare(folder.path(), &simulator_base, &secret, &token);
    let world = Arc::new(World { http, key, secret: Secret::new(secret), token });

    let mut server = Server::start(&config);
    let expiring = world.start(&server.base, "+380980000000", 10).await.unwrap();
    for round in 0..rounds {
        let kill_after = rand::random_range(1..=NUMBERS + NUMBERS / 2);
        let known = load(&world, &mut server, round, kill_after).await;
        server = Server::start(&config);
        check(&world, &server, known).await;
    }

    assert_eq!(world.show(&server.base, &expiring, 60).await["status"], "expired");
    let requests =
        answer(world.http.get(format!("{simulator_base}/_simulator/requests?path=/v1/verify/")))
            .await
            .json();
    let mut numbers: Vec<String> =
        requests["requests"].as_array().unwrap().iter().map(dialled_number).collect();
    let dialled = numbers.len();
    numbers.sort();
    numbers.dedup();
    assert_eq!(numbers.len(), dialled, "a number was called twice");
    println!("{rounds} rounds, {dialled} calls, none lost, none repeated");
    simulator.stop().await;
}

fn dialled_number(request: &Value) -> String {
    let params = request["params"].as_array().unwrap();
    let to = params.iter().find(|param| param[0] == "to").unwrap();
    to[1].as_str().unwrap().to_owned()
}
