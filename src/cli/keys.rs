//! `ringproof keys`: through a running service, or directly in the store when none runs.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{anyhow, bail};
use clap::{Args, Subcommand};
use jiff::{SignedDuration, Span, SpanRelativeTo};
use reqwest::Method;
use serde_json::{Value, json};

use crate::app;
use crate::domain::{Name, Network, Secret};
use crate::service::{Actor, KeyOptions, MAX_OVERLAP, Scope, Service, SignatureMethod};

use super::client::Api;
use super::{ConfigArguments, print_problems};

/// What can be done with keys.
#[derive(Subcommand)]
pub(super) enum Keys {
    /// Make a key for an app; its secret is printed once
    Create(Create),
    /// List the keys
    List(List),
    /// Revoke a key
    Revoke(Revoke),
    /// Give a key a new secret, which is printed once; the old one stays good for a while
    Rotate(Rotate),
}

#[derive(Args)]
pub(super) struct Create {
    /// The app that will use it: a-z, 0-9, "-" and "_"
    #[arg(long)]
    app: String,
    /// What it may do; may be given several times
    #[arg(long, value_parser = ["start", "read", "operate"], default_values = ["start", "read"])]
    scope: Vec<String>,
    /// Let the test numbers of the configuration act for it
    #[arg(long)]
    test: bool,
    /// Let it sign requests to the Vonage surface; a signature secret is printed too
    #[arg(long, value_name = "METHOD", value_parser = ["md5hash", "md5", "sha1", "sha256", "sha512"])]
    sign: Option<String>,
    /// End it by itself after this span, as in 90d or 12h
    #[arg(long, value_name = "SPAN", value_parser = span)]
    expires_in: Option<SignedDuration>,
    /// Let it count only from this address or network, as in 192.0.2.0/24; may be given several times
    #[arg(long, value_name = "NETWORK")]
    network: Vec<Network>,
    #[command(flatten)]
    place: Place,
}

#[derive(Args)]
pub(super) struct List {
    #[command(flatten)]
    place: Place,
}

#[derive(Args)]
pub(super) struct Revoke {
    /// The key's id: what stands before the dot
    id: String,
    #[command(flatten)]
    place: Place,
}

#[derive(Args)]
pub(super) struct Rotate {
    /// The key's id: what stands before the dot
    id: String,
    /// How long the old secret stays good, as in 24h, 30m or 0s; at most 30d
    #[arg(long, value_name = "SPAN", value_parser = span, default_value = "24h")]
    overlap: SignedDuration,
    #[command(flatten)]
    place: Place,
}

/// A span, its days of 24 hours.
fn span(text: &str) -> Result<SignedDuration, String> {
    let wrong = || "write it as in 90d, 12h or 30m".to_owned();
    let span: Span = text.parse().map_err(|_| wrong())?;
    let span = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| wrong())?;
    if span.is_negative() { Err(wrong()) } else { Ok(span) }
}

/// Where the keys are.
#[derive(Args)]
struct Place {
    /// A running service; without it the store of the configuration is opened, which no service may hold
    #[arg(long, value_name = "URL", env = "RINGPROOF_SERVER", requires = "key")]
    server: Option<String>,
    /// A key with the scope "operate"
    #[arg(long, value_name = "ID.SECRET", env = "RINGPROOF_KEY", hide_env_values = true)]
    key: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    config: ConfigArguments,
}

impl Keys {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let place = match &self {
            Self::Create(Create { place, .. })
            | Self::List(List { place })
            | Self::Rotate(Rotate { place, .. })
            | Self::Revoke(Revoke { place, .. }) => place,
        };
        let answer = match (&place.server, &place.key) {
            (Some(server), Some(key)) => self.ask(&Api::new(server, key)?).await?,
            _ => {
                let config = match place.config.load() {
                    Ok(config) => config,
                    Err(problems) => return Ok(print_problems(&problems)),
                };
                let service = app::open_offline(&config, app::real_clock()).await?;
                let answer = self.do_directly(&service).await;
                service.close().await;
                answer?
            }
        };
        if place.json {
            println!("{answer:#}");
        } else {
            self.print(&answer);
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn ask(&self, api: &Api) -> anyhow::Result<Value> {
        match self {
            Self::Create(create) => {
                let body = json!({
                    "app": create.app, "scopes": create.scope,
                    "test": create.test, "signature_method": create.sign,
                    "expires_in": create.expires_in.map(|span| span.as_secs()),
                    "networks": texts(&create.network),
                });
                api.call(Method::POST, "/v1/keys", Some(&body)).await
            }
            Self::List(_) => api.call(Method::GET, "/v1/keys", None).await,
            Self::Rotate(rotate) => {
                let body = json!({ "overlap": rotate.overlap.as_secs() });
                api.call(Method::POST, &format!("/v1/keys/{}/rotate", rotate.id), Some(&body)).await
            }
            Self::Revoke(revoke) => {
                api.call(Method::DELETE, &format!("/v1/keys/{}", revoke.id), None).await
            }
        }
    }

    async fn do_directly(&self, service: &Arc<Service>) -> anyhow::Result<Value> {
        match self {
            Self::Create(create) => {
                let app = Name::parse(&create.app)
                    .map_err(|error| anyhow!("--app {:?}: {error}", create.app))?;
                let scopes: Vec<Scope> =
                    create.scope.iter().filter_map(|scope| Scope::parse(scope)).collect();
                let signs = create.sign.as_deref().and_then(SignatureMethod::parse);
                let options = KeyOptions {
                    test: create.test,
                    signs,
                    expires_in: create.expires_in,
                    networks: create.network.clone(),
                };
                let made = service.create_key_with(app, &scopes, options, &Actor::Local).await?;
                Ok(json!({
                    "id": made.row.id, "app": made.row.app.as_str(), "scopes": create.scope,
                    "key": made.key.expose(), "test": made.row.test,
                    "signature_secret": made.signature_secret.as_ref().map(Secret::expose),
                }))
            }
            Self::List(_) => {
                let keys = service.list_keys().await?;
                let keys = keys.iter().map(|key| {
                    json!({
                        "id": key.id, "app": key.app.as_str(), "scopes": key.scopes,
                        "test": key.test, "signs": key.signature_secret.is_some(),
                        "created_at": key.created_at.to_string(),
                        "revoked_at": key.revoked_at.map(|at| at.to_string()),
                        "expires_at": key.expires_at.map(|at| at.to_string()),
                        "last_used_at": key.last_used_at.map(|at| at.to_string()),
                        "old_secret_until": key.previous.map(|one| one.until.to_string()),
                        "networks": texts(&key.networks),
                    })
                });
                Ok(json!({ "keys": keys.collect::<Vec<_>>() }))
            }
            Self::Rotate(rotate) => {
                if rotate.overlap > MAX_OVERLAP {
                    bail!("--overlap is at most {} days", MAX_OVERLAP.as_hours() / 24);
                }
                let rotated = service.rotate_key(&rotate.id, rotate.overlap, &Actor::Local).await?;
                Ok(json!({
                    "id": rotate.id, "key": rotated.key.expose(),
                    "old_secret_until": rotated.old_until.to_string(),
                }))
            }
            Self::Revoke(revoke) => match service.revoke_key(&revoke.id, &Actor::Local).await {
                Ok(()) => Ok(Value::Null),
                Err(error) => bail!("{}: {error}", revoke.id),
            },
        }
    }

    fn print(&self, answer: &Value) {
        let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        match self {
            Self::Create(_) => {
                println!("{}", word(&answer["key"]));
                eprintln!(
                    "keep it: the part after the dot is not stored and cannot be shown again"
                );
                if let Some(secret) = answer["signature_secret"].as_str() {
                    println!("{secret}");
                    eprintln!("the second line is its signature secret; keep it too");
                }
            }
            Self::List(_) => {
                for key in answer["keys"].as_array().into_iter().flatten() {
                    let scopes: Vec<String> =
                        key["scopes"].as_array().into_iter().flatten().map(word).collect();
                    let state = if key["revoked_at"].is_null() { "in force" } else { "revoked" };
                    let networks: Vec<String> =
                        key["networks"].as_array().into_iter().flatten().map(word).collect();
                    println!(
                        "{}  {}  {}  {state}  {}  used {}  until {}  from {}",
                        word(&key["id"]),
                        word(&key["app"]),
                        scopes.join(","),
                        word(&key["created_at"]),
                        word(&key["last_used_at"]),
                        word(&key["expires_at"]),
                        if networks.is_empty() {
                            "anywhere".to_owned()
                        } else {
                            networks.join(",")
                        },
                    );
                }
            }
            Self::Rotate(_) => {
                println!("{}", word(&answer["key"]));
                eprintln!(
                    "keep it: it cannot be shown again; the old one is good until {}",
                    word(&answer["old_secret_until"])
                );
            }
            Self::Revoke(revoke) => println!("{} is revoked", revoke.id),
        }
    }
}

fn texts(networks: &[Network]) -> Vec<String> {
    networks.iter().map(ToString::to_string).collect()
}
