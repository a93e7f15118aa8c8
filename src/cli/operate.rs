//! `ringproof show|search|stats|events`: what happened, through a running service.

use std::process::ExitCode;

use clap::Args;
use reqwest::Method;
use serde_json::{Value, json};

use super::client::{Api, Plain, items, query, word};
use super::follow;

/// Arguments of `show`.
#[derive(Args)]
pub(super) struct Show {
    /// The verification's id
    id: String,
    #[command(flatten)]
    plain: Plain,
}

/// Arguments of `search`.
#[derive(Args)]
pub(super) struct Search {
    /// Only those of this number, E.164, or e-mail address
    #[arg(long)]
    to: Option<String>,
    /// Only those with this reference, whole
    #[arg(long)]
    reference: Option<String>,
    /// Only those that are: pending, verified, failed, expired or canceled
    #[arg(long)]
    status: Option<String>,
    /// Only those that ended so
    #[arg(long)]
    outcome: Option<String>,
    /// Only those with this channel
    #[arg(long)]
    channel: Option<String>,
    /// Only those started at this instant or later, as in 2026-01-31T12:00:00Z
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Only those started before this instant
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

/// Arguments of `stats`.
#[derive(Args)]
pub(super) struct Stats {
    /// By what: app, channel, country, prefix, day or hour
    #[arg(long)]
    by: Option<String>,
    /// The first day of the starts, as in 2026-01-31, UTC; six days before the last unless given
    #[arg(long, value_name = "DAY")]
    from: Option<String>,
    /// The last day; today unless given
    #[arg(long, value_name = "DAY")]
    until: Option<String>,
    /// Only this app's
    #[arg(long)]
    app: Option<String>,
    #[command(flatten)]
    plain: Plain,
}

/// Arguments of `events`.
#[derive(Args)]
pub(super) struct Events {
    /// Go on telling, as it happens, until interrupted
    #[arg(long)]
    follow: bool,
    /// Go on after this cursor
    #[arg(long, value_name = "CURSOR")]
    after: Option<String>,
    /// The most changes that are told, 1 to 100
    #[arg(long, default_value_t = 20)]
    limit: u16,
    #[command(flatten)]
    plain: Plain,
}

impl Show {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let api = Api::of(&self.plain)?;
        let path = format!("/v1/verifications/{}", super::client::escaped(&self.id));
        let mut shown = api.call(Method::GET, &format!("{path}?wait=0"), None).await?;
        let timeline = api.call(Method::GET, &format!("{path}/events"), None).await?;
        if self.plain.json {
            shown["events"] = timeline["events"].clone();
            println!("{shown:#}");
            return Ok(ExitCode::SUCCESS);
        }
        print_verification(&shown);
        for entry in items(&timeline["events"]) {
            println!("  {}", said(entry));
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Search {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let api = Api::of(&self.plain)?;
        let (mut found, mut cursor) = (Vec::new(), self.cursor.clone());
        // A page may be short, since the server looks at so many verifications for each.
        loop {
            let mut page = self.page(&api, found.len(), cursor.as_deref()).await?;
            if let Value::Array(verifications) = page["verifications"].take() {
                found.extend(verifications);
            }
            cursor = page["next_cursor"].as_str().map(str::to_owned);
            if cursor.is_none() || found.len() >= usize::from(self.limit) {
                break;
            }
        }
        if self.plain.json {
            println!("{:#}", json!({ "verifications": found, "next_cursor": cursor }));
            return Ok(ExitCode::SUCCESS);
        }
        found.iter().for_each(print_verification);
        if let Some(cursor) = cursor {
            eprintln!("more: --cursor {cursor}");
        }
        Ok(ExitCode::SUCCESS)
    }

    /// What is found behind a cursor, beside so many that were found before.
    async fn page(
        &self,
        api: &Api,
        found: usize,
        cursor: Option<&str>,
    ) -> Result<Value, anyhow::Error> {
        let limit = usize::from(self.limit).saturating_sub(found).to_string();
        let path = query(
            "/v1/verifications",
            &[
                ("to", self.to.as_deref()),
                ("reference", self.reference.as_deref()),
                ("status", self.status.as_deref()),
                ("outcome", self.outcome.as_deref()),
                ("channel", self.channel.as_deref()),
                ("created_from", self.from.as_deref()),
                ("created_until", self.until.as_deref()),
                ("limit", Some(&limit)),
                ("cursor", cursor),
            ],
        );
        api.call(Method::GET, &path, None).await
    }
}

impl Stats {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let api = Api::of(&self.plain)?;
        let path = query(
            "/v1/stats",
            &[
                ("by", self.by.as_deref()),
                ("from", self.from.as_deref()),
                ("until", self.until.as_deref()),
                ("app", self.app.as_deref()),
            ],
        );
        let stats = api.call(Method::GET, &path, None).await?;
        if self.plain.json {
            println!("{stats:#}");
            return Ok(ExitCode::SUCCESS);
        }
        println!("started {} to {}, UTC", word(&stats["from"]), word(&stats["until"]));
        println!(
            "{:<22}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}",
            word(&stats["by"]),
            "started",
            "ended",
            "verified",
            "share",
            "p50 s",
            "p95 s"
        );
        items(&stats["groups"]).for_each(|line| print_line(word(&line["key"]), line));
        print_line("all", &stats["total"]);
        for count in items(&stats["total"]["outcomes"]) {
            println!("  {:<20}{:>18}", word(&count["outcome"]), count["count"]);
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Events {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let api = Api::of(&self.plain)?;
        let print = |event: &Value| match self.plain.json {
            true => println!("{event}"),
            false => println!(
                "{}  {}  {}  {}",
                word(&event["verification_id"]),
                word(&event["app"]),
                word(&event["to"]),
                said(&event["entry"])
            ),
        };
        let limit = self.limit.to_string();
        let parameters = [("limit", Some(limit.as_str())), ("after", self.after.as_deref())];
        let page = api.call(Method::GET, &query("/v1/events", &parameters), None).await?;
        items(&page["events"]).for_each(print);
        let cursor = word(&page["next_cursor"]).to_owned();
        if self.follow {
            return follow::events(&api, cursor, print).await;
        }
        eprintln!("more, now or later: --after {cursor}");
        Ok(ExitCode::SUCCESS)
    }
}

fn print_verification(shown: &Value) {
    println!(
        "{}  {}  {}  {}  {} ({})",
        word(&shown["id"]),
        word(&shown["created_at"]),
        word(&shown["to"]),
        word(&shown["channel"]),
        word(&shown["status"]),
        word(&shown["outcome"]),
    );
}

/// An entry of a timeline on one line: its time, its type, and what else it has.
fn said(entry: &Value) -> String {
    let mut text = format!("{}  {}", word(&entry["at"]), word(&entry["type"]));
    let Some(members) = entry.as_object() else { return text };
    for (name, value) in members {
        if !matches!(name.as_str(), "id" | "at" | "type") {
            let value = if name == "evidence" { &value["level"] } else { value };
            text.push_str(&format!(
                "  {name}={}",
                value.as_str().map_or(value.to_string(), str::to_owned)
            ));
        }
    }
    text
}

fn print_line(key: &str, line: &Value) {
    let share = line["conversion"]
        .as_f64()
        .map_or("-".to_owned(), |share| format!("{:.1} %", share * 100.0));
    let seconds =
        |value: &Value| value.as_f64().map_or("-".to_owned(), |ms| format!("{:.1}", ms / 1_000.0));
    println!(
        "{key:<22}{:>9}{:>9}{:>9}{share:>9}{:>9}{:>9}",
        line["started"].to_string(),
        line["ended"].to_string(),
        line["verified"].to_string(),
        seconds(&line["answered_p50_ms"]),
        seconds(&line["answered_p95_ms"]),
    );
}
