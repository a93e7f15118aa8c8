//! What stands around the service: a folder, the simulator, a configuration, a key.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use reqwest::{Client, Method};
use ringproof::clock::Clock;
use ringproof::simulator::Simulator;
use serde_json::{Value, json};

use crate::app::{Answer, answer, client, made_up, simulate};
use crate::crash::{Server, prepare};

/// A provider, a configuration over one store, and a key.
pub struct Site {
    pub http: Client,
    pub key: String,
    pub token: String,
    pub config: PathBuf,
    /// Ends with the test.
    _simulator: Simulator,
    simulator_base: String,
}

impl Site {
    /// Prepares everything in `folder`; `settings` are added to the configuration.
    /// Phones do nothing by themselves: what they tell is the load's business.
    pub async fn new(folder: &Path, settings: &str) -> Self {
        let (secret, token) = (made_up(), made_up());
        let simulator = simulate(&secret, None, Clock::real());
        let simulator_base = format!("http://{}", simulator.address());
        let (config, key) = prepare(folder, &simulator_base, &secret, &token);
        let mut text = std::fs::read_to_string(&config).unwrap();
        write!(text, "{settings}").unwrap();
        std::fs::write(&config, text).unwrap();
        let site =
            Self { http: client(), key, token, config, _simulator: simulator, simulator_base };
        let quiet = json!({
            "rate_limit_mode": "off", "rate_limit": 1_000_000, "default_script": { "notify": "never" },
        });
        site.simulator(Method::PUT, "/_simulator/settings", Some(quiet)).await;
        site
    }

    /// One more process over the site's store.
    pub fn serve(&self) -> Server {
        Server::start(&self.config)
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

    /// Has the provider send a notification to a process; the status of the answer, if
    /// there was one.
    pub async fn notify(&self, base: &str, fields: &[(&str, &str)]) -> Option<u64> {
        let url = format!("{base}/hooks/zadarma/{}", self.token);
        let form = json!({ "fields": fields, "url": url });
        self.simulator(Method::POST, "/_simulator/notifications", Some(form)).await["status"]
            .as_u64()
    }

    /// The code that somebody has received last, if any came.
    pub async fn code(&self, to: &str) -> Option<String> {
        let path = format!("/_simulator/inbox?to={}", to.trim_start_matches('+'));
        let inbox = self.simulator(Method::GET, &path, None).await;
        let last = inbox["messages"].as_array().unwrap().last()?;
        Some(last["code"].as_str().unwrap().to_owned())
    }

    /// Whether the provider was asked to call a number.
    pub async fn is_called(&self, number: &str) -> bool {
        let to = number.trim_start_matches('+');
        let path = format!("/_simulator/requests?path=/v1/verify/&to={to}");
        let requests = self.simulator(Method::GET, &path, None).await;
        !requests["requests"].as_array().unwrap().is_empty()
    }

    /// Every number that the provider was asked to call, once for each time.
    pub async fn dialled(&self) -> Vec<String> {
        let path = "/_simulator/requests?path=/v1/verify/";
        let requests = self.simulator(Method::GET, path, None).await;
        let number = |request: &Value| {
            let params = request["params"].as_array().unwrap();
            let to = params.iter().find(|param| param[0] == "to").unwrap();
            to[1].as_str().unwrap().to_owned()
        };
        requests["requests"].as_array().unwrap().iter().map(number).collect()
    }

    /// A request that must be answered.
    pub async fn get(&self, base: &str, path: &str) -> Answer {
        answer(self.http.get(format!("{base}{path}")).bearer_auth(&self.key)).await
    }

    /// Shows a verification once it has ended.
    pub async fn ended(&self, base: &str, id: &str) -> Value {
        let path = format!("/v1/verifications/{id}?wait=60");
        let mut shown = Value::Null;
        // Some last as long as a wait may, and expiry may rest behind that.
        for _ in 0..2 {
            let answer = self.get(base, &path).await;
            assert_eq!(answer.status, 200, "{id} is lost: {}", answer.text);
            shown = answer.json();
            if shown["status"] != "pending" {
                break;
            }
        }
        assert_ne!(shown["status"], "pending", "it never ended: {shown:#}");
        shown
    }
}
