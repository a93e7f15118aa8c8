//! `ringproof demo`: everything at once, before your eyes.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{self, DemoOptions};
use crate::config;
use crate::domain::Secret;
use crate::telemetry;

use super::client::Api;
use super::{NOT_VERIFIED, stop_signal};

/// A number that Ofcom keeps for drama: nobody has it.
const NUMBER: &str = "+442079460123";

/// Arguments of `demo`.
#[derive(Args)]
pub(super) struct Demo {
    /// Exit after the verification: 0 if it verified
    #[arg(long, conflicts_with = "no_call")]
    once: bool,
    /// Start everything and verify nothing
    #[arg(long)]
    no_call: bool,
    /// Where the service listens; a free port unless given
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Where the simulator listens; a free port unless given
    #[arg(long, value_name = "ADDR")]
    simulator_listen: Option<SocketAddr>,
    /// Where the store is kept; a temporary folder unless given
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The app's key; made up unless given
    #[arg(long, value_name = "ID.SECRET", env = "RINGPROOF_DEMO_KEY", hide_env_values = true)]
    key: Option<String>,
    /// What to log, as in "info" or "ringproof=debug"
    #[arg(long, value_name = "LEVEL", default_value = "warn")]
    log: String,
}

impl Demo {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        telemetry::init(&config::Log { format: config::LogFormat::Text, level: self.log.clone() });
        let mut stop = std::pin::pin!(stop_signal()?);
        let demo = app::Demo::start(DemoOptions {
            listen: self.listen,
            simulator_listen: self.simulator_listen,
            data: self.data.clone(),
            key: self.key.clone().map(Secret::new),
        })
        .await?;
        let place = Place {
            service: format!("http://{}", demo.app.address()),
            simulator: format!("http://{}", demo.simulator_address),
            key: demo.key.clone(),
        };
        println!("service:    {}", place.service);
        println!(
            "simulator:  {}  (a stand-in Zadarma that holds the shipped sounds)",
            place.simulator
        );
        println!("key:        {}", place.key.expose());
        let mut stopped = false;
        let verified = self.no_call
            || tokio::select! {
                verified = place.verify() => verified?,
                () = &mut stop => {
                    stopped = true;
                    false
                }
            };
        if !self.once && !stopped {
            place.explain();
            stop.await;
        }
        demo.stop().await;
        Ok(if verified { ExitCode::SUCCESS } else { ExitCode::from(NOT_VERIFIED) })
    }
}

/// Where the demo runs.
struct Place {
    service: String,
    simulator: String,
    key: Secret,
}

impl Place {
    /// One verification over real HTTP; whether it verified.
    async fn verify(&self) -> anyhow::Result<bool> {
        let phone = Api::new(&self.simulator, "none")?;
        // The default script: answers and presses 1.
        phone.call(Method::PUT, &format!("/_simulator/scripts/{NUMBER}"), Some(&json!({}))).await?;
        let api = Api::new(&self.service, self.key.expose())?;
        println!("\nPOST /v1/verifications {{\"to\": \"{NUMBER}\", \"channel\": \"call_button\"}}");
        let body = json!({ "to": NUMBER, "channel": "call_button" });
        let started = api.call(Method::POST, "/v1/verifications", Some(&body)).await?;
        let id = started["id"].as_str().context("the start's answer has no id")?.to_owned();
        let path = format!("/v1/verifications/{id}?wait=60");
        let wait = async {
            let answer = api.call(Method::GET, &path, None).await;
            (answer, app::real_clock().now())
        };
        let (reported_at, (answer, answered_at)) =
            tokio::try_join!(self.follow(&api, &id), async { Ok(wait.await) })?;
        let answer = answer?;
        if let Some(reported_at) = reported_at {
            let took = answered_at.duration_since(reported_at).as_micros();
            #[expect(clippy::cast_precision_loss, reason = "microseconds of one verification")]
            let millis = took as f64 / 1000.0;
            println!(
                "           the long poll was answered {millis:.1} ms after the notification came in"
            );
        }
        println!("\n{answer:#}");
        Ok(answer["status"] == "verified")
    }

    /// Prints the timeline as it happens; when the key report came in.
    async fn follow(&self, api: &Api, id: &str) -> anyhow::Result<Option<Timestamp>> {
        let mut stream = api.events(&format!("/v1/verifications/{id}/events")).await?;
        let mut text = String::new();
        let (mut first, mut reported_at) = (None, None);
        loop {
            let chunk = tokio::time::timeout(Duration::from_secs(90), stream.chunk()).await;
            let Some(chunk) = chunk.context("the timeline stands still")?? else { break };
            text.push_str(&String::from_utf8_lossy(&chunk));
            while let Some((line, rest)) = text.split_once('\n') {
                let data =
                    line.strip_prefix("data:").map(str::trim).map(serde_json::from_str::<Value>);
                let rest = rest.to_owned();
                if let Some(event) = data {
                    let event = event.context("the timeline sent something else than JSON")?;
                    let at: Timestamp = event["at"].as_str().unwrap_or_default().parse()?;
                    let start = *first.get_or_insert(at);
                    if event["type"] == "key_reported" {
                        reported_at = Some(at);
                    }
                    println!(
                        "{:>7} ms  {}",
                        at.duration_since(start).as_millis(),
                        describe(&event)
                    );
                }
                text = rest;
            }
        }
        if first.is_none() {
            bail!("the timeline ended before it began");
        }
        Ok(reported_at)
    }

    fn explain(&self) {
        let (service, key) = (&self.service, self.key.expose());
        println!("\nThe same with curl: start one, then wait for its end.\n");
        println!(
            "  ID=$(curl -s {service}/v1/verifications -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' \\\n    \
             -d '{{\"to\": \"+442079460456\", \"channel\": \"call_button\"}}' | grep -o 'ver_[0-9a-f]*' | head -1)"
        );
        println!(
            "  curl -s \"{service}/v1/verifications/$ID?wait=60\" -H 'Authorization: Bearer {key}'\n"
        );
        println!(
            "The virtual handset rings for every number without a script; answer it and press 1:"
        );
        println!("  {}/_simulator/handset\n", self.simulator);
        println!("Ctrl-C ends the demo.");
    }
}

/// One event of the timeline for a reader.
fn describe(event: &Value) -> String {
    let word = |name: &str| event[name].as_str().unwrap_or_default();
    match word("type") {
        "requested" => "requested: stored, durable".to_owned(),
        "call_requested" => "call: the provider is asked to call".to_owned(),
        "call_accepted" => "call: the provider accepted it".to_owned(),
        "call_refused" => format!("call: the provider refused it ({})", word("reason")),
        "call_unknown" => "call: not known whether the provider took it".to_owned(),
        "ringing" => "ringing".to_owned(),
        "answered" => "answered".to_owned(),
        "key_reported" => {
            let checks: Vec<&str> = event["evidence"]["checks"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            let level = event["evidence"]["level"].as_str().unwrap_or_default();
            let pressed = if word("pressed").is_empty() { "nothing" } else { word("pressed") };
            format!(
                "notification received: call {}, pressed {pressed}; checked: {}; evidence: {level}",
                word("result"),
                checks.join(", "),
            )
        }
        "call_ended" | "other_call_ended" => format!("call ended: {}", word("result")),
        "concluded" => format!("ended: {}", word("outcome")),
        other => other.to_owned(),
    }
}
