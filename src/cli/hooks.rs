//! `ringproof hooks`: the provider's notifications, through a running service.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::Value;

use super::client::{Api, Plain, items, query, word};
use super::follow;

/// What can be done with notifications.
#[derive(Subcommand)]
pub(super) enum Hooks {
    /// List notifications with what was made of them, newest first
    List(List),
    /// Show a notification with its content
    Show(One),
    /// Tell of notifications as they come, until interrupted
    Follow(Follow),
    /// Judge a notification once more, with what is known now; changes no verification
    Replay(One),
}

#[derive(Args)]
struct Filters {
    /// Only those to this account
    #[arg(long)]
    account: Option<String>,
    /// Only those of which this was made, such as accepted or no_match
    #[arg(long)]
    verdict: Option<String>,
    /// Only those that were matched with this verification
    #[arg(long, value_name = "ID")]
    verification: Option<String>,
}

#[derive(Args)]
pub(super) struct List {
    #[command(flatten)]
    filters: Filters,
    /// Only those received at this instant or later, as in 2026-01-31T12:00:00Z
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Only those received before this instant
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// The most that are listed, 1 to 100
    #[arg(long, default_value_t = 20)]
    limit: u16,
    /// Go on where the page before ended
    #[arg(long)]
    cursor: Option<String>,
    #[command(flatten)]
    plain: Plain,
}

#[derive(Args)]
pub(super) struct One {
    /// The notification's number
    sequence: u64,
    #[command(flatten)]
    plain: Plain,
}

#[derive(Args)]
pub(super) struct Follow {
    #[command(flatten)]
    filters: Filters,
    #[command(flatten)]
    plain: Plain,
}

impl Hooks {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let (method, path, plain) = match self {
            Self::List(list) => return list.run().await,
            Self::Follow(follow) => return follow.run().await,
            Self::Show(one) => (Method::GET, format!("{}", one.sequence), one.plain),
            Self::Replay(one) => (Method::POST, format!("{}/replay", one.sequence), one.plain),
        };
        let api = Api::of(&plain)?;
        let shown = api.call(method, &format!("/v1/notifications/{path}"), None).await?;
        print(&shown, plain.json);
        if !plain.json {
            for field in word(&shown["body"]).split('&') {
                println!("  {field}");
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl List {
    async fn run(self) -> anyhow::Result<ExitCode> {
        let api = Api::of(&self.plain)?;
        let limit = self.limit.to_string();
        let place = [
            ("received_from", self.from.as_deref()),
            ("received_until", self.until.as_deref()),
            ("limit", Some(limit.as_str())),
            ("cursor", self.cursor.as_deref()),
        ];
        let path = query("/v1/notifications", &[&self.filters.given()[..], &place].concat());
        let page = api.call(Method::GET, &path, None).await?;
        if self.plain.json {
            println!("{page:#}");
            return Ok(ExitCode::SUCCESS);
        }
        items(&page["notifications"]).for_each(|one| print(one, false));
        if let Some(cursor) = page["next_cursor"].as_str() {
            eprintln!("more: --cursor {cursor}");
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Follow {
    async fn run(self) -> anyhow::Result<ExitCode> {
        let api = Api::of(&self.plain)?;
        let json = self.plain.json;
        follow::notifications(&api, &self.filters.given(), |one| match json {
            true => println!("{one}"),
            false => print(one, false),
        })
        .await
    }
}

impl Filters {
    fn given(&self) -> [(&'static str, Option<&str>); 3] {
        [
            ("account", self.account.as_deref()),
            ("verdict", self.verdict.as_deref()),
            ("verification_id", self.verification.as_deref()),
        ]
    }
}

fn print(one: &Value, json: bool) {
    if json {
        println!("{one:#}");
        return;
    }
    let about = [&one["verification_id"], &one["number"]];
    let about = about.into_iter().find(|value| !value.is_null()).map_or("-", word);
    let replay = one["replay_of"].as_i64().map_or(String::new(), |of| format!("  replay of {of}"));
    println!(
        "{}  {}  {}  {}  {}  {about}{replay}",
        one["sequence"],
        word(&one["received_at"]),
        word(&one["account"]),
        word(&one["event"]),
        word(&one["verdict"]),
    );
}
