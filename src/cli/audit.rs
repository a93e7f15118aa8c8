//! `ringproof audit`: what administrators did, and whether the log of it is whole.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use crate::app;
use crate::service::{AuditError, AuditHead};

use super::client::{Api, Server};
use super::{ConfigArguments, print_problems};

/// What can be done with the audit log.
#[derive(Subcommand)]
pub(super) enum Audit {
    /// List what administrators did, newest first, through a running service
    List(List),
    /// Check that no entry was changed or removed; prints the log's head, to be noted elsewhere
    Verify(Verify),
}

#[derive(Args)]
pub(super) struct List {
    /// The most that are listed, 1 to 100
    #[arg(long, default_value_t = 20)]
    limit: u16,
    /// Only those before the entry with this number
    #[arg(long, value_name = "NUMBER")]
    before: Option<u64>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: Server,
}

#[derive(Args)]
pub(super) struct Verify {
    /// A head that was printed or logged earlier; the log must still contain it
    #[arg(long, value_name = "COUNT:HASH")]
    head: Option<AuditHead>,
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

impl Audit {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::List(list) => list.run().await,
            Self::Verify(verify) => verify.run().await,
        }
    }
}

impl List {
    async fn run(self) -> anyhow::Result<ExitCode> {
        let api = Api::new(&self.server.server, &self.server.key)?;
        let mut path = format!("/v1/audit?limit={}", self.limit);
        if let Some(before) = self.before {
            path.push_str(&format!("&cursor={before}"));
        }
        let answer = api.call(Method::GET, &path, None).await?;
        if self.json {
            println!("{answer:#}");
            return Ok(ExitCode::SUCCESS);
        }
        let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        for entry in answer["entries"].as_array().into_iter().flatten() {
            println!(
                "{}  {}  {}  {}  {}  {} -> {}",
                entry["sequence"],
                word(&entry["at"]),
                word(&entry["actor"]),
                word(&entry["action"]),
                word(&entry["subject"]),
                entry["before"],
                entry["after"],
            );
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Verify {
    async fn run(self) -> anyhow::Result<ExitCode> {
        let found = match (&self.server, &self.key) {
            (Some(server), Some(key)) => self.ask(&Api::new(server, key)?).await?,
            _ => match self.config.load() {
                Ok(config) => {
                    let service = app::open_offline(&config, app::real_clock()).await?;
                    let found = service.verify_audit(self.head).await;
                    service.close().await;
                    told(found)?
                }
                Err(problems) => return Ok(print_problems(&problems)),
            },
        };
        let whole = found["whole"] == true;
        if self.json {
            println!("{found:#}");
        } else if whole {
            println!("{}", found["head"].as_str().unwrap_or_default());
            eprintln!(
                "the audit log is whole; note this head elsewhere and give it to a later --head"
            );
        } else {
            eprintln!("error: {}", found["fault"].as_str().unwrap_or_default());
        }
        Ok(if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    async fn ask(&self, api: &Api) -> anyhow::Result<Value> {
        let head = self.head.map(|head| format!("?head={head}")).unwrap_or_default();
        api.call(Method::GET, &format!("/v1/audit/verification{head}"), None).await
    }
}

fn told(found: Result<AuditHead, AuditError>) -> anyhow::Result<Value> {
    match found {
        Ok(head) => Ok(json!({ "whole": true, "head": head.to_string(), "fault": null })),
        Err(AuditError::Fault(fault)) => {
            Ok(json!({ "whole": false, "head": null, "fault": fault.to_string() }))
        }
        Err(AuditError::Store(error)) => Err(error.into()),
    }
}
