//! `ringproof guard` and `ringproof suppress`: what stands in the way of starts, through a
//! running service.

use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use super::client::escaped;
use super::client::{Api, Server};

/// What can be done with the guard.
#[derive(Subcommand)]
pub(super) enum Guard {
    /// Show the rules, and what each refused or would have
    Show(Plain),
    /// Stop starts and later steps: of everything, of an app, of a channel; effective at once
    Stop(Stop),
    /// Let them be again
    Resume(Which),
    /// List what is stopped
    Switches(Plain),
    /// List what rules have blocked by themselves
    Blocks(Plain),
    /// Lift a block before its time
    Unblock(One),
    /// Never block a prefix for how little of it is proved
    Exempt(Exempt),
    /// Let it be blocked again
    Unexempt(One),
    /// List what is exempt
    Exemptions(Plain),
}

/// What can be done with suppressions.
#[derive(Subcommand)]
pub(super) enum Suppress {
    /// Keep a number or an address from being reached
    Add(Add),
    /// Let it be reached again
    Remove(Whom),
    /// List who is not to be reached
    List(Plain),
}

#[derive(Args)]
pub(super) struct Plain {
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: Server,
}

#[derive(Args)]
pub(super) struct Which {
    /// Only this app
    #[arg(long)]
    app: Option<String>,
    /// Only this channel
    #[arg(long)]
    channel: Option<String>,
    #[command(flatten)]
    plain: Plain,
}

#[derive(Args)]
pub(super) struct Stop {
    /// Why, for whoever looks later
    #[arg(long)]
    reason: Option<String>,
    #[command(flatten)]
    which: Which,
}

#[derive(Args)]
pub(super) struct One {
    /// Its id, as the list shows it
    id: String,
    #[command(flatten)]
    plain: Plain,
}

#[derive(Args)]
pub(super) struct Exempt {
    /// What the numbers begin with in international form, such as +38099
    prefix: String,
    /// Only by this channel
    #[arg(long)]
    channel: Option<String>,
    /// Why, for whoever looks later
    #[arg(long)]
    reason: Option<String>,
    #[command(flatten)]
    plain: Plain,
}

#[derive(Args)]
pub(super) struct Whom {
    /// The number in international form, or the e-mail address
    to: String,
    /// Only by this app
    #[arg(long)]
    app: Option<String>,
    #[command(flatten)]
    plain: Plain,
}

#[derive(Args)]
pub(super) struct Add {
    /// Why, for whoever looks later; leave the number out of it
    #[arg(long)]
    reason: Option<String>,
    #[command(flatten)]
    whom: Whom,
}

impl Guard {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let switches = "/v1/guard/switches";
        let (plain, method, path, body) = match self {
            Self::Show(plain) => (plain, Method::GET, "/v1/guard".to_owned(), None),
            Self::Switches(plain) => (plain, Method::GET, switches.to_owned(), None),
            Self::Blocks(plain) => (plain, Method::GET, "/v1/guard/blocks".to_owned(), None),
            Self::Unblock(one) => {
                let path = format!("/v1/guard/blocks/{}", escaped(&one.id));
                (one.plain, Method::DELETE, path, None)
            }
            Self::Exemptions(plain) => {
                (plain, Method::GET, "/v1/guard/exemptions".to_owned(), None)
            }
            Self::Exempt(Exempt { prefix, channel, reason, plain }) => {
                let body = json!({ "prefix": prefix, "channel": channel, "reason": reason });
                (plain, Method::POST, "/v1/guard/exemptions".to_owned(), Some(body))
            }
            Self::Unexempt(one) => {
                let path = format!("/v1/guard/exemptions/{}", escaped(&one.id));
                (one.plain, Method::DELETE, path, None)
            }
            Self::Stop(Stop { reason, which: Which { app, channel, plain } }) => {
                let body = json!({
                    "stopped": true, "app": app, "channel": channel, "reason": reason,
                });
                (plain, Method::PUT, switches.to_owned(), Some(body))
            }
            Self::Resume(Which { app, channel, plain }) => {
                let body = json!({ "stopped": false, "app": app, "channel": channel });
                (plain, Method::PUT, switches.to_owned(), Some(body))
            }
        };
        let api = Api::new(&plain.server.server, &plain.server.key)?;
        plain.print(&api.call(method, &path, body.as_ref()).await?);
        Ok(ExitCode::SUCCESS)
    }
}

impl Suppress {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Add(Add { reason, whom: Whom { to, app, plain } }) => {
                let api = Api::new(&plain.server.server, &plain.server.key)?;
                let body = json!({ "to": to, "app": app, "reason": reason });
                plain.print(&api.call(Method::POST, "/v1/suppressions", Some(&body)).await?);
            }
            Self::Remove(Whom { to, app, plain }) => {
                let api = Api::new(&plain.server.server, &plain.server.key)?;
                let app = app.map_or_else(String::new, |app| format!("&app={}", escaped(&app)));
                let path = format!("/v1/suppressions?to={}{app}", escaped(&to));
                let found = api.call(Method::GET, &path, None).await?;
                let Some(id) = found["suppressions"][0]["id"].as_str() else {
                    bail!("{to} is not suppressed; without --app, only by all apps is looked for");
                };
                let path = format!("/v1/suppressions/{}", escaped(id));
                plain.print(&api.call(Method::DELETE, &path, None).await?);
            }
            Self::List(plain) => {
                let api = Api::new(&plain.server.server, &plain.server.key)?;
                let mut all = Vec::new();
                let mut path = "/v1/suppressions".to_owned();
                loop {
                    let page = api.call(Method::GET, &path, None).await?;
                    all.extend(page["suppressions"].as_array().into_iter().flatten().cloned());
                    let Some(cursor) = page["next_cursor"].as_str() else { break };
                    path = format!("/v1/suppressions?cursor={}", escaped(cursor));
                }
                plain.print(&json!({ "suppressions": all }));
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Plain {
    fn print(&self, answer: &Value) {
        if self.json {
            println!("{answer:#}");
            return;
        }
        if answer.is_null() {
            println!("done");
        }
        for key in ["stopped", "blocks", "exemptions", "suppressions"] {
            let bars = answer[key].as_array();
            bars.into_iter().flatten().for_each(print_bar);
            if bars.is_some_and(Vec::is_empty) {
                println!("none");
            }
        }
        if answer["id"].is_string() {
            print_bar(answer);
        }
        for rule in answer["rules"].as_array().into_iter().flatten() {
            let limits = rule["limits"].as_array().into_iter().flatten();
            let limits = limits.map(|limit| format!("  {} in {} s", limit["max"], limit["per"]));
            println!(
                "{}  {}  {}{}",
                word(&rule["rule"]),
                word(&rule["mode"]),
                rule["app"].as_str().unwrap_or("every app"),
                limits.collect::<String>()
            );
        }
        for total in answer["totals"].as_array().into_iter().flatten() {
            let said = if total["mode"] == "enforce" { "refused" } else { "would have refused" };
            println!("{} {said} {}", word(&total["rule"]), total["total"]);
        }
    }
}

fn print_bar(bar: &Value) {
    println!(
        "{}  {}  {}  {}  until {}  {}",
        word(&bar["id"]),
        word(&bar["rule"]),
        bar["app"].as_str().unwrap_or("every app"),
        word(&bar["subject"]),
        bar["until"].as_str().unwrap_or("it is taken away"),
        word(&bar["reason"])
    );
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or("-")
}
