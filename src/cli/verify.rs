//! `ringproof verify`: one verification through a running service.

use std::process::ExitCode;

use clap::Args;
use reqwest::Method;
use serde_json::{Map, Value};

use super::NOT_VERIFIED;
use super::client::{Api, Server};

/// Arguments of `verify`.
#[derive(Args)]
pub(super) struct Verify {
    /// The number, as in +380991234567
    to: String,
    /// How the person is reached
    #[arg(long, default_value = "call_button")]
    channel: String,
    /// Wait until it has ended
    #[arg(long)]
    wait: bool,
    /// The prompt that the call plays
    #[arg(long)]
    prompt: Option<String>,
    /// The prompt's language
    #[arg(long)]
    language: Option<String>,
    /// The key to ask for: a digit, or "random"
    #[arg(long)]
    press: Option<String>,
    /// Print the whole answer as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: Server,
}

impl Verify {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let api = Api::new(&self.server.server, &self.server.key)?;
        let mut body = Map::new();
        let mut put = |name: &str, value: &Option<String>| {
            if let Some(value) = value {
                body.insert(name.to_owned(), Value::String(value.clone()));
            }
        };
        put("to", &Some(self.to.clone()));
        put("channel", &Some(self.channel.clone()));
        put("prompt", &self.prompt);
        put("language", &self.language);
        put("press", &self.press);
        let mut answer =
            api.call(Method::POST, "/v1/verifications", Some(&Value::Object(body))).await?;
        let id = answer["id"].as_str().unwrap_or_default().to_owned();
        if !self.json {
            println!("{id}: {}", answer["status"].as_str().unwrap_or_default());
            if answer["random"] == true {
                println!(
                    "the person is asked to press {}",
                    answer["press"].as_str().unwrap_or_default()
                );
            }
        }
        while self.wait && answer["status"] == "pending" {
            answer =
                api.call(Method::GET, &format!("/v1/verifications/{id}?wait=60"), None).await?;
        }
        let status = answer["status"].as_str().unwrap_or_default();
        if self.json {
            println!("{answer:#}");
        } else if status != "pending" {
            println!("{id}: {status} ({})", answer["outcome"].as_str().unwrap_or_default());
        }
        let is_good = status == "verified" || (!self.wait && status == "pending");
        Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::from(NOT_VERIFIED) })
    }
}
