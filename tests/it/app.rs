//! The service under test and its simulated provider, on loopback, with one
//! settable clock and a store in a temporary folder.
//!
//! Tests speak through the verbs of [`TestApp`]. Everything secret that a test
//! uses is noted, and all output goes to files, so that the last step of
//! `tests/run.sh` can search the one for the other.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::{Client, Method, StatusCode};
use ringproof::app::{self, App, SimulateOptions};
use ringproof::clock::{Clock, ClockHand};
use ringproof::config::{self, Config};
use ringproof::domain::{Name, Secret};
use ringproof::service::Scope;
use ringproof::simulator::Simulator;
use serde_json::{Value, json};

use crate::described::{self, Seen};

/// When every test begins: a Sunday noon without zone changes.
pub const START: &str = "2026-11-22T12:00:00Z";
/// The account's number.
pub const OUR_NUMBER: &str = "380441230000";

/// The fewest characters of what is searched for in all output.
const SHORTEST_SECRET: usize = 10;

/// A running service with its provider.
pub struct TestApp {
    app: Option<App>,
    simulator: Option<Simulator>,
    pub config: Config,
    pub clock: Clock,
    pub hand: ClockHand,
    pub http: Client,
    pub base: String,
    pub simulator_base: String,
    pub key: String,
    pub token: String,
    /// Removed with the test.
    data: tempfile::TempDir,
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// The problem's code, after its status has been compared.
    #[track_caller]
    pub fn problem(&self, status: u16) -> String {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        assert_eq!(self.headers["content-type"], "application/problem+json", "{}", self.text);
        self.json()["code"].as_str().unwrap().to_owned()
    }
}

impl TestApp {
    /// A service with one account, `main`, and the shipped prompts.
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// The same, after `change` of its configuration.
    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let (clock, hand) = Clock::settable(START.parse().unwrap());
        let data = tempfile::tempdir().unwrap();
        Self::over(data, clock, hand, change).await
    }

    /// The same over an existing data folder and clock.
    pub async fn over(
        data: tempfile::TempDir,
        clock: Clock,
        hand: ClockHand,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let (secret, token) = (made_up(), made_up());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let notify = format!("{base}/hooks/zadarma/{token}");
        let simulator = simulate(&secret, Some(notify), clock.clone());
        let simulator_base = format!("http://{}", simulator.address());
        let mut config = configuration(data.path(), &simulator_base, &secret, &token);
        change(&mut config);
        let app = App::start(config.clone(), listener, clock.clone()).await.unwrap();
        let name = Name::parse("shop").unwrap();
        let key =
            app.service().create_key(name, &Scope::ALL).await.unwrap().key.expose().to_owned();
        note_secret(&key);
        let http = client();
        let test = Self {
            app: Some(app),
            simulator: Some(simulator),
            config,
            clock,
            hand,
            http,
            base,
            simulator_base,
            key,
            token,
            data,
        };
        test.learn().await;
        test
    }

    /// Asks the provider for clock, numbers and sounds, as the workers do at start.
    pub async fn learn(&self) {
        for account in self.app().service().accounts() {
            let _ = account.measure(|| self.clock.now()).await;
            let _ = account.refresh().await;
        }
    }

    pub fn app(&self) -> &App {
        self.app.as_ref().unwrap()
    }

    /// Stops the service in order, and starts it again over the same store,
    /// with the same provider and clock.
    pub async fn restart(&mut self) {
        self.halt().await;
        self.resume().await;
    }

    /// Stops the service in order; its provider stays.
    pub async fn halt(&mut self) {
        self.app.take().unwrap().stop().await;
    }

    /// Starts the service again, by its configuration as it is now.
    pub async fn resume(&mut self) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        self.base = format!("http://{}", listener.local_addr().unwrap());
        let app = App::start(self.config.clone(), listener, self.clock.clone()).await.unwrap();
        self.app = Some(app);
        let url = format!("{}/hooks/zadarma/{}", self.base, self.token);
        self.simulator(
            Method::PUT,
            "/_simulator/settings",
            Some(json!({ "notification_url": url })),
        )
        .await;
        self.learn().await;
    }

    /// The folder of the store.
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    pub async fn stop(mut self) {
        let metrics = answer(self.http.get(format!("{}/metrics", self.base))).await.text;
        let path = suite_folder().join(format!("metrics-{}.txt", std::process::id()));
        std::fs::write(path, metrics).unwrap();
        self.app.take().unwrap().stop().await;
        self.simulator.take().unwrap().stop().await;
    }

    pub fn advance(&self, seconds: u64) {
        self.hand.advance(Duration::from_secs(seconds));
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    // ---- the app's side ----

    /// One request with the app's key.
    pub async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.call_as(&self.key, method, path, body).await
    }

    pub async fn call_as(
        &self,
        key: &str,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        let mut request =
            self.http.request(method, format!("{}{path}", self.base)).bearer_auth(key);
        if let Some(body) = body {
            request = request.json(&body);
        }
        answer(request).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }

    /// Starts a button call; the answer of 201.
    pub async fn begin(&self, to: &str) -> Value {
        self.begin_with(json!({ "to": to })).await
    }

    pub async fn begin_with(&self, body: Value) -> Value {
        let answer = self.call(Method::POST, "/v1/verifications", Some(body)).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.json()
    }

    /// Waits until a verification has ended.
    pub async fn outcome(&self, id: &Value) -> Value {
        let id = id.as_str().unwrap();
        let answer = self.get(&format!("/v1/verifications/{id}?wait=60")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let verification = answer.json();
        assert_ne!(verification["status"], "pending", "{verification:#}");
        verification
    }

    /// Shows a verification as it is now.
    pub async fn show(&self, id: &Value) -> Value {
        self.get(&format!("/v1/verifications/{}?wait=0", id.as_str().unwrap())).await.json()
    }

    /// The types of a verification's timeline, in order.
    pub async fn timeline(&self, id: &Value) -> Vec<String> {
        let answer =
            self.get(&format!("/v1/verifications/{}/events", id.as_str().unwrap())).await.json();
        let events = answer["events"].as_array().unwrap();
        events.iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
    }

    // ---- the provider's side ----

    pub async fn simulator(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let mut request = self.http.request(method, format!("{}{path}", self.simulator_base));
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = answer(request).await;
        assert!(answer.status.is_success(), "{path}: {} {}", answer.status, answer.text);
        if answer.text.is_empty() { Value::Null } else { answer.json() }
    }

    /// What the phone of a number does.
    pub async fn script(&self, number: &str, script: Value) {
        self.simulator(Method::PUT, &format!("/_simulator/scripts/{number}"), Some(script)).await;
    }

    /// Every notification sent so far, once every call has told all it has to tell.
    pub async fn notifications(&self) -> Vec<Value> {
        let answer =
            self.simulator(Method::GET, "/_simulator/notifications?settled=true", None).await;
        answer["notifications"].as_array().unwrap().clone()
    }

    /// How often the provider was asked to call a number.
    pub async fn dialled(&self, number: &str) -> usize {
        let path =
            format!("/_simulator/requests?path=/v1/verify/&to={}", number.trim_start_matches('+'));
        self.simulator(Method::GET, &path, None).await["requests"].as_array().unwrap().len()
    }

    /// Sends a form to the notification URL, signed by the account.
    pub async fn notify(&self, fields: &[(&str, &str)]) -> Value {
        self.notify_with(json!({ "fields": fields })).await
    }

    /// How often an alarm was raised in this process.
    pub async fn alarms(&self, kind: &str) -> u64 {
        let text = answer(self.http.get(format!("{}/metrics", self.base))).await.text;
        let line = format!("ringproof_alarms_total{{alarm=\"{kind}\"}} ");
        text.lines().find_map(|found| found.strip_prefix(&*line)).unwrap().parse().unwrap()
    }

    pub async fn notify_with(&self, request: Value) -> Value {
        self.simulator(Method::POST, "/_simulator/notifications", Some(request)).await
    }

    /// Now, as the PBX writes it.
    pub fn pbx_time(&self) -> String {
        self.pbx_time_at(0)
    }

    /// Now and some seconds, as the PBX writes it.
    pub fn pbx_time_at(&self, seconds: i64) -> String {
        let at = self.now() + jiff::SignedDuration::from_secs(seconds);
        at.strftime("%Y-%m-%d %H:%M:%S").to_string()
    }

    /// The verdicts counted so far.
    pub async fn verdicts(&self) -> BTreeMap<String, u64> {
        let text = answer(self.http.get(format!("{}/metrics", self.base))).await.text;
        let mut verdicts = BTreeMap::new();
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("ringproof_notifications_total{verdict=\"")
                && let Some((verdict, count)) = rest.split_once("\"} ")
            {
                verdicts.insert(verdict.to_owned(), count.parse().unwrap());
            }
        }
        verdicts
    }
}

/// A provider on a free port, whose phones act at once: answer and press 1.
pub fn simulate(secret: &str, notify: Option<String>, clock: Clock) -> Simulator {
    log_to_a_file();
    app::simulate(SimulateOptions {
        listener: TcpListener::bind("127.0.0.1:0").unwrap(),
        key: "test_key".to_owned(),
        secret: Secret::new(secret),
        notify,
        clock,
        handset: false,
        instant: true,
    })
    .unwrap()
}

/// An HTTP client that no proxy of the environment comes between.
pub fn client() -> Client {
    app::install_tls();
    // Shorter than servers keep an idle connection, which they may close as it is used.
    let idle = Duration::from_secs(2);
    // What waits for a clock that nobody moves fails by its name instead of going on for ever.
    let longest = Duration::from_secs(300);
    Client::builder().no_proxy().pool_idle_timeout(idle).timeout(longest).build().unwrap()
}

/// Sends a request, reads its answer whole, notes the secrets in it, and holds
/// it against the API's description.
pub async fn answer(request: reqwest::RequestBuilder) -> Answer {
    let (client, request) = request.build_split();
    let request = request.unwrap();
    let (method, url) = (request.method().clone(), request.url().clone());
    let response = client.execute(request).await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let text = response.text().await.unwrap();
    if let Ok(json) = serde_json::from_str(&text) {
        note_secrets_of(&json);
    }
    let content_type = headers.get("content-type").map_or("", |value| value.to_str().unwrap());
    let seen =
        Seen { method: &method, url: &url, status: status.as_u16(), content_type, text: &text };
    described::check(&client, &seen).await;
    Answer { status, headers, text }
}

/// The configuration of one account at the simulator.
pub fn configuration(data: &Path, simulator: &str, secret: &str, token: &str) -> Config {
    let flags = [
        ("accounts.main.base_url", simulator.to_owned()),
        ("accounts.main.key", "test_key".to_owned()),
        ("accounts.main.secret", secret.to_owned()),
        ("accounts.main.notification_token", token.to_owned()),
        ("accounts.main.own_numbers", format!("+{OUR_NUMBER}")),
        ("accounts.main.source_addresses", "127.0.0.0/8".to_owned()),
        ("store", format!("sqlite://{}", data.join("ringproof.db").display())),
    ];
    let flags: Vec<(String, String)> =
        flags.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    let mut config = config::load(None, std::iter::empty(), &flags).unwrap();
    config.server.workers = 1;
    // Tests that are about something else start many verifications of one number.
    config.guard.per_number = config::Rate::default();
    config.guard.cooldown = config::Cooldown::default();
    config.prompts = app::shipped_prompts();
    config
}

/// 40 random hexadecimal digits for a secret or a token, noted as such.
pub fn made_up() -> String {
    let bytes: [u8; 20] = rand::random();
    let secret = const_hex::encode(bytes);
    note_secret(&secret);
    secret
}

/// A server key, as `openssl rand -hex 32` makes one.
pub fn server_key() -> String {
    made_up() + &made_up()[..24]
}

/// Where this run's output and secrets go.
pub fn suite_folder() -> &'static PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("suite");
        std::fs::create_dir_all(&folder).unwrap();
        folder
    })
}

/// Notes what must not be found in any output.
pub fn note_secret(secret: &str) {
    let path = suite_folder().join("secrets.txt");
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
    // A key is ID.SECRET, and the id may be shown.
    let secret = secret.split_once('.').map_or(secret, |(_, secret)| secret);
    assert!(secret.len() >= SHORTEST_SECRET, "output may hold a short secret by chance");
    file.write_all(format!("{secret}\n").as_bytes()).unwrap();
}

/// Notes the keys, wait tokens and codes that an answer gives away on purpose.
pub fn note_secrets_of(json: &Value) {
    match json {
        Value::Object(fields) => {
            for (name, value) in fields {
                let is_secret = |text: &&str| match name.as_str() {
                    "wait_token" | "signature_secret" => true,
                    // An app's key, as against the key that a person pressed.
                    "key" => text.contains('.'),
                    // A spoken code, as against the code of a problem.
                    "code" => {
                        text.len() >= SHORTEST_SECRET && text.bytes().all(|b| b.is_ascii_digit())
                    }
                    _ => false,
                };
                value.as_str().filter(is_secret).inspect(|text| note_secret(text));
                note_secrets_of(value);
            }
        }
        Value::Array(items) => items.iter().for_each(note_secrets_of),
        _ => {}
    }
}

/// Where this process logs.
pub fn log_file() -> PathBuf {
    suite_folder().join(format!("log-{}.txt", std::process::id()))
}

/// All that this process logs, at the level that logs most.
fn log_to_a_file() {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        let file = std::fs::File::create(log_file()).unwrap();
        let filter = tracing_subscriber::EnvFilter::new("info,ringproof=trace");
        let _ = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_ansi(false)
            .with_writer(file)
            .try_init();
    });
}
