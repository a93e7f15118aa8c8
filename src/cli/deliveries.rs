//! `ringproof deliveries`: what apps were told, through a running service.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::Value;

use super::client::{Api, Plain, escaped, items, word};

/// What can be done with deliveries.
#[derive(Subcommand)]
pub(super) enum Deliveries {
    /// List what the key's app was told or is to be told, newest first
    List(List),
    /// Show a delivery with its content and every try
    Show(One),
    /// Make a delivery again
    Redeliver(One),
    /// List the app's endpoints
    Endpoints(Plain),
    /// Enable an endpoint that answered 410; what was held for it is delivered
    Enable(One),
}

#[derive(Args)]
pub(super) struct List {
    /// Only those that are: pending, delivered, failed or held
    #[arg(long)]
    state: Option<String>,
    /// Only those to this endpoint
    #[arg(long)]
    endpoint: Option<String>,
    /// Only those about this verification
    #[arg(long, value_name = "ID")]
    verification: Option<String>,
    /// The most that are listed, 1 to 100
    #[arg(long, default_value_t = 20)]
    limit: u16,
    #[command(flatten)]
    plain: Plain,
}

#[derive(Args)]
pub(super) struct One {
    /// The delivery's id, or the endpoint's name
    name: String,
    #[command(flatten)]
    plain: Plain,
}

impl Deliveries {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let (method, path) = self.request();
        let plain = match &self {
            Self::List(List { plain, .. }) | Self::Endpoints(plain) => plain,
            Self::Show(one) | Self::Redeliver(one) | Self::Enable(one) => &one.plain,
        };
        let api = Api::of(plain)?;
        let answer = api.call(method, &path, None).await?;
        if plain.json {
            println!("{answer:#}");
        } else {
            self.print(&answer);
        }
        Ok(ExitCode::SUCCESS)
    }

    fn request(&self) -> (Method, String) {
        let name = |one: &One| escaped(&one.name);
        match self {
            Self::List(list) => (Method::GET, list.path()),
            Self::Show(one) => (Method::GET, format!("/v1/deliveries/{}", name(one))),
            Self::Redeliver(one) => {
                (Method::POST, format!("/v1/deliveries/{}/redeliver", name(one)))
            }
            Self::Endpoints(_) => (Method::GET, "/v1/endpoints".to_owned()),
            Self::Enable(one) => (Method::POST, format!("/v1/endpoints/{}/enable", name(one))),
        }
    }

    fn print(&self, answer: &Value) {
        match self {
            Self::List(_) => items(&answer["deliveries"]).for_each(print_delivery),
            Self::Show(_) => {
                print_delivery(answer);
                for tried in items(&answer["log"]) {
                    println!(
                        "  {}  {} ms  {}",
                        word(&tried["at"]),
                        tried["duration_ms"],
                        how(tried)
                    );
                }
                println!("{:#}", answer["payload"]);
            }
            Self::Redeliver(_) => print_delivery(answer),
            Self::Endpoints(_) => items(&answer["endpoints"]).for_each(print_endpoint),
            Self::Enable(_) => print_endpoint(answer),
        }
    }
}

impl List {
    fn path(&self) -> String {
        let mut path = format!("/v1/deliveries?limit={}", self.limit);
        for (name, value) in [
            ("state", &self.state),
            ("endpoint", &self.endpoint),
            ("verification_id", &self.verification),
        ] {
            if let Some(value) = value {
                path.push_str(&format!("&{name}={}", escaped(value)));
            }
        }
        path
    }
}

fn print_delivery(delivery: &Value) {
    let target = [&delivery["endpoint"], &delivery["callback_url"]];
    let target = target.into_iter().find(|value| !value.is_null()).map_or("-", word);
    println!(
        "{}  {}  {}  {}  {target}  {} tries, last {}",
        word(&delivery["id"]),
        word(&delivery["created_at"]),
        word(&delivery["state"]),
        word(&delivery["type"]),
        delivery["tries"],
        how(&delivery["last_try"]),
    );
}

fn print_endpoint(endpoint: &Value) {
    let state = if endpoint["enabled"] == true { "enabled" } else { word(&endpoint["reason"]) };
    println!(
        "{}  {}  {}  {state}",
        word(&endpoint["name"]),
        word(&endpoint["url"]),
        word(&endpoint["events"]),
    );
}

/// How a try went.
fn how(tried: &Value) -> String {
    match tried["status"].as_u64() {
        Some(status) => format!("answered {status}"),
        None => word(&tried["error"]).to_owned(),
    }
}
