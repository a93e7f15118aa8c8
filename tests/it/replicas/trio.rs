//! Three replicas in one process, over one database and one simulated provider.

use std::net::TcpListener;
use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use reqwest::{Client, Method};
use ringproof::app::App;
use ringproof::clock::Clock;
use ringproof::config::{Config, PromptKey, StoreUrl};
use ringproof::domain::{Name, Secret};
use ringproof::service::Scope;
use ringproof::simulator::Simulator;
use serde_json::{Value, json};

use super::server;
use crate::app::{
    Answer, answer, client, configuration, made_up, note_secret, server_key, simulate,
};
use crate::intake_verifies::end;

/// Clocks that all go right.
pub const RIGHT: [SignedDuration; 3] = [SignedDuration::ZERO; 3];

/// Three replicas. Requests name the one that they go to by its place.
pub struct Trio {
    pub apps: Vec<App>,
    pub http: Client,
    pub key: String,
    pub key_file: PathBuf,
    config: Config,
    bases: Vec<String>,
    token: String,
    simulator: Simulator,
    simulator_base: String,
    /// Removed with the test.
    data: tempfile::TempDir,
}

impl Trio {
    /// Three replicas after `change` of their configuration, each with a clock that is
    /// wrong by so much. Phones do nothing by themselves.
    pub async fn start(change: impl Fn(&mut Config), wrong: [SignedDuration; 3]) -> Self {
        let (secret, token) = (made_up(), made_up());
        let simulator = simulate(&secret, None, Clock::real());
        let simulator_base = format!("http://{}", simulator.address());
        let data = tempfile::tempdir().unwrap();
        let key_file = data.path().join("server.key");
        std::fs::write(&key_file, server_key()).unwrap();
        let mut config = configuration(data.path(), &simulator_base, &secret, &token);
        config.store.url = StoreUrl::Postgres(Secret::new(server::shared().new_database()));
        config.store.secret_key_file = Some(key_file.clone());
        for sounds in config.prompts.values_mut().flat_map(|prompt| prompt.languages.values_mut()) {
            sounds.press = PromptKey::Digit('1');
        }
        change(&mut config);
        let (mut apps, mut bases) = (Vec::new(), Vec::new());
        for (at, wrong) in wrong.into_iter().enumerate() {
            let (app, base) = serve(&config, data.path(), at, wrong).await;
            apps.push(app);
            bases.push(base);
        }
        let name = Name::parse("shop").unwrap();
        let key = apps[0].service().create_key(name, &Scope::ALL).await.unwrap();
        let key = key.key.expose().to_owned();
        note_secret(&key);
        for app in &apps[1..] {
            app.service().refresh_keys().await.unwrap();
        }
        let http = client();
        let trio = Self {
            apps,
            http,
            key,
            key_file,
            config,
            bases,
            token,
            simulator,
            simulator_base,
            data,
        };
        let quiet = json!({
            "rate_limit_mode": "off", "rate_limit": 1_000_000, "default_script": { "notify": "never" },
        });
        trio.simulator(Method::PUT, "/_simulator/settings", Some(quiet)).await;
        trio
    }

    /// Stops one, and starts it again by the files that there are now.
    pub async fn restart(&mut self, at: usize) {
        self.apps.remove(at).stop().await;
        let (app, base) = serve(&self.config, self.data.path(), at, SignedDuration::ZERO).await;
        self.apps.insert(at, app);
        self.bases[at] = base;
    }

    pub async fn stop(self) {
        for app in self.apps {
            app.stop().await;
        }
        self.simulator.stop().await;
    }

    /// A request to one of them.
    pub fn request(&self, at: usize, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.bases[at])).bearer_auth(&self.key)
    }

    pub async fn get(&self, at: usize, path: &str) -> Answer {
        answer(self.request(at, Method::GET, path)).await
    }

    pub async fn post(&self, at: usize, path: &str, body: Value) -> Answer {
        answer(self.request(at, Method::POST, path).json(&body)).await
    }

    /// Starts a verification; its id.
    pub async fn begin(&self, at: usize, body: Value) -> String {
        let started = self.post(at, "/v1/verifications", body).await;
        assert_eq!(started.status, 201, "{}", started.text);
        started.json()["id"].as_str().unwrap().to_owned()
    }

    /// The provider tells one of them that the key was pressed.
    pub async fn press(&self, at: usize, number: &str) {
        let time = Clock::real().now().strftime("%Y-%m-%d %H:%M:%S").to_string();
        let url = format!("{}/hooks/zadarma/{}", self.bases[at], self.token);
        let form = json!({ "fields": end(number, &time, "1"), "url": url });
        let told = self.simulator(Method::POST, "/_simulator/notifications", Some(form)).await;
        assert_eq!(told["status"], 200, "{told:#}");
    }

    pub async fn simulator(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let mut request = self.http.request(method, format!("{}{path}", self.simulator_base));
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = answer(request).await;
        assert!(answer.status.is_success(), "{path}: {} {}", answer.status, answer.text);
        if answer.text.is_empty() { Value::Null } else { answer.json() }
    }

    /// The requests that the provider got at paths that begin so.
    pub async fn requests(&self, path: &str) -> Vec<Value> {
        let path = format!("/_simulator/requests?path={path}");
        let requests = self.simulator(Method::GET, &path, None).await;
        requests["requests"].as_array().unwrap().clone()
    }
}

/// One of the replicas, that has asked the provider what it asks at its start; its address.
async fn serve(config: &Config, data: &Path, at: usize, wrong: SignedDuration) -> (App, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let mut config = config.clone();
    config.spill.folder = Some(data.join(format!("spill-{at}")));
    let app = App::start(config, listener, Clock::corrected(wrong)).await.unwrap();
    for account in app.service().accounts() {
        let _ = account.measure(|| app.service().clock().now()).await;
        let _ = account.refresh().await;
    }
    (app, base)
}
