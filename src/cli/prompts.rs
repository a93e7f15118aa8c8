//! `ringproof prompts`: named sets of three sounds, through a running service.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use super::NOT_VERIFIED;
use super::sounds::{Plain, escaped, items, word};

/// What can be done with prompts.
#[derive(Subcommand)]
pub(super) enum Prompts {
    /// List the prompts, those of the configuration included
    List(Plain),
    /// Show a prompt and what it lacks
    Show(One),
    /// Set a prompt's sounds in one language; its other languages stay
    Set(Box<Set>),
    /// Delete a prompt, or one of its languages
    Delete(Delete),
    /// Call a number with a prompt, wait, and say what was pressed
    Try(Try),
}

#[derive(Args)]
pub(super) struct One {
    /// The prompt's name
    name: String,
    #[command(flatten)]
    plain: Plain,
}

#[derive(Args)]
pub(super) struct Set {
    /// The prompt's name
    name: String,
    /// The language, such as en or pt-br
    #[arg(long)]
    language: String,
    /// Played on answer: a sound's name, NAME@VERSION, or the provider's id or name of one
    #[arg(long)]
    greeting: String,
    /// Played after the key
    #[arg(long)]
    confirmed: String,
    /// Played after another key or none
    #[arg(long)]
    fallback: String,
    /// The key that the greeting names: a digit, or "random"
    #[arg(long)]
    press: String,
    /// The digit that the greeting names for never being called again; without it, there is none
    #[arg(long, value_name = "DIGIT")]
    never_again: Option<String>,
    /// Speak this language to those whose own the prompt does not have
    #[arg(long)]
    default: bool,
    #[command(flatten)]
    plain: Plain,
}

#[derive(Args)]
pub(super) struct Delete {
    /// The prompt's name
    name: String,
    /// Delete this language only
    #[arg(long)]
    language: Option<String>,
    #[command(flatten)]
    plain: Plain,
}

#[derive(Args)]
pub(super) struct Try {
    /// The prompt's name
    name: String,
    /// The number to call, as in +380991234567
    #[arg(long)]
    to: String,
    /// The language
    #[arg(long)]
    language: Option<String>,
    #[command(flatten)]
    plain: Plain,
}

impl Prompts {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let (answer, json) = match self {
            Self::Try(of) => return of.run().await,
            Self::List(plain) => {
                let answer = plain.api()?.call(Method::GET, "/v1/prompts", None).await?;
                (answer["prompts"].clone(), plain.json)
            }
            Self::Show(One { name, plain }) => {
                (plain.api()?.call(Method::GET, &path(&name), None).await?, plain.json)
            }
            Self::Set(set) => (set.run().await?, set.plain.json),
            Self::Delete(delete) => (delete.run().await?, delete.plain.json),
        };
        if json {
            println!("{answer:#}");
        } else if answer.is_array() {
            items(&answer).for_each(print);
        } else if answer.is_object() {
            print(&answer);
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Set {
    async fn run(&self) -> anyhow::Result<Value> {
        let (api, path) = (self.plain.api()?, path(&self.name));
        let prompts = api.call(Method::GET, "/v1/prompts", None).await?;
        let before = items(&prompts["prompts"]).find(|prompt| prompt["name"] == *self.name);
        let language = self.language.to_ascii_lowercase();
        let others = before.map(|before| others(before, &language)).unwrap_or_default();
        let default = match before {
            _ if self.default => json!(language),
            Some(before) => before["default_language"].clone(),
            None => Value::Null,
        };
        let mut languages = others;
        languages.push(json!({
            "language": language, "greeting": self.greeting, "confirmed": self.confirmed,
            "fallback": self.fallback, "press": self.press,
            "never_again": self.never_again,
        }));
        let body = json!({ "default_language": default, "languages": languages });
        api.call(Method::PUT, &path, Some(&body)).await
    }
}

impl Delete {
    async fn run(&self) -> anyhow::Result<Value> {
        let (api, path) = (self.plain.api()?, path(&self.name));
        let Some(language) = &self.language else {
            api.call(Method::DELETE, &path, None).await?;
            eprintln!("{} is deleted", self.name);
            return Ok(Value::Null);
        };
        let language = language.to_ascii_lowercase();
        let before = api.call(Method::GET, &path, None).await?;
        let left = others(&before, &language);
        if left.len() == items(&before["languages"]).count() {
            anyhow::bail!("{} does not speak {language}", self.name);
        }
        let default = &before["default_language"];
        let default = if *default == *language { &Value::Null } else { default };
        let body = json!({ "default_language": default, "languages": left });
        api.call(Method::PUT, &path, Some(&body)).await
    }
}

impl Try {
    async fn run(self) -> anyhow::Result<ExitCode> {
        let api = self.plain.api()?;
        let mut body = json!({ "to": self.to, "channel": "call_button", "prompt": self.name });
        if let Some(language) = &self.language {
            body["language"] = json!(language);
        }
        let mut answer = api.call(Method::POST, "/v1/verifications", Some(&body)).await?;
        let id = word(&answer["id"]).to_owned();
        let key = word(&answer["press"]).to_owned();
        eprintln!("calling {}; press {key} to confirm", self.to);
        while answer["status"] == "pending" {
            let path = format!("/v1/verifications/{id}?wait=60");
            answer = api.call(Method::GET, &path, None).await?;
        }
        if self.plain.json {
            println!("{answer:#}");
        } else {
            let pressed = items(&answer["attempts"]).last().map(|last| &last["pressed"]);
            match pressed.and_then(Value::as_str) {
                Some("") => println!("no key was pressed"),
                Some(pressed) => println!("{pressed} was pressed"),
                None => println!("the call brought no result"),
            }
            println!("{id}: {} ({})", word(&answer["status"]), word(&answer["outcome"]));
        }
        let is_verified = answer["status"] == "verified";
        Ok(if is_verified { ExitCode::SUCCESS } else { ExitCode::from(NOT_VERIFIED) })
    }
}

/// A prompt's languages but one, as a request has them.
fn others(prompt: &Value, but: &str) -> Vec<Value> {
    items(&prompt["languages"]).filter(|three| three["language"] != *but).cloned().collect()
}

fn path(name: &str) -> String {
    format!("/v1/prompts/{}", escaped(name))
}

fn print(prompt: &Value) {
    let default = prompt["default_language"].as_str();
    let default = default.map(|language| format!(", otherwise {language}")).unwrap_or_default();
    println!("{} ({}{default})", word(&prompt["name"]), word(&prompt["source"]));
    for three in items(&prompt["languages"]) {
        let never_again = three["never_again"].as_str();
        let never_again = never_again.map(|key| format!(", never again {key}"));
        println!(
            "  {}: press {}{}; {}, {}, {}",
            word(&three["language"]),
            word(&three["press"]),
            never_again.unwrap_or_default(),
            word(&three["greeting"]),
            word(&three["confirmed"]),
            word(&three["fallback"]),
        );
    }
    for missing in items(&prompt["missing"]) {
        println!(
            "  missing at {}: {} ({} in {})",
            word(&missing["account"]),
            word(&missing["sound"]),
            word(&missing["part"]),
            word(&missing["language"]),
        );
    }
}
