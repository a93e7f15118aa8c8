//! `ringproof sounds`: what is played into calls, through a running service.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use super::client::{Api, Server};
use super::sync;
use crate::sounds::MAX_BYTES;

/// What can be done with sounds.
#[derive(Subcommand)]
pub(super) enum Sounds {
    /// Say what a file is like, and what to mend; keeps nothing
    Inspect(Inspect),
    /// Keep a file as the newest version of a sound, and bring it to the provider
    Upload(Upload),
    /// List the sounds
    List(Plain),
    /// Show a sound with its versions and where it is used
    Show(One),
    /// Delete a sound that no prompt uses, with all its versions
    Delete(One),
    /// Upload every sound of a folder that is new or changed; safe to repeat
    Sync(Sync),
}

#[derive(Args)]
pub(super) struct Inspect {
    /// WAV, MP3, FLAC or Ogg Vorbis
    file: PathBuf,
    #[command(flatten)]
    plain: Plain,
}

#[derive(Args)]
pub(super) struct Upload {
    /// WAV, MP3, FLAC or Ogg Vorbis: at most 16 MiB, 0.5 to 60 seconds
    file: PathBuf,
    /// The sound's name; the file's without its ending by default
    #[arg(long)]
    name: Option<String>,
    /// Bring it to this account only
    #[arg(long)]
    account: Option<String>,
    #[command(flatten)]
    plain: Plain,
}

#[derive(Args)]
pub(super) struct One {
    /// The sound's name
    name: String,
    #[command(flatten)]
    plain: Plain,
}

#[derive(Args)]
pub(super) struct Sync {
    /// The folder; DIR/default/en/greeting.wav becomes the sound default-en-greeting
    #[arg(value_name = "DIR")]
    pub(super) folder: PathBuf,
    /// Only say what would be done
    #[arg(long)]
    pub(super) dry_run: bool,
    #[command(flatten)]
    pub(super) plain: Plain,
}

#[derive(Args)]
pub(super) struct Plain {
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) server: Server,
}

impl Plain {
    pub(super) fn api(&self) -> anyhow::Result<Api> {
        Api::new(&self.server.server, &self.server.key)
    }

    fn print(&self, answer: &Value, shown: impl Fn(&Value)) -> ExitCode {
        if self.json {
            println!("{answer:#}");
        } else {
            shown(answer);
        }
        ExitCode::SUCCESS
    }
}

impl Sounds {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Inspect(Inspect { file, plain }) => {
                let answer = plain.api()?.upload("/v1/sounds/inspect", &[], read(&file)?).await?;
                Ok(plain.print(&answer, print_inspection))
            }
            Self::Upload(Upload { file, name, account, plain }) => {
                let name = name.map_or_else(|| name_of(&file), Ok)?;
                let mut fields = vec![("name", name.as_str())];
                fields.extend(account.as_deref().map(|account| ("account", account)));
                let answer = plain.api()?.upload("/v1/sounds", &fields, read(&file)?).await?;
                Ok(plain.print(&answer, print_sound))
            }
            Self::List(plain) => {
                let answer = plain.api()?.call(Method::GET, "/v1/sounds", None).await?;
                Ok(plain.print(&answer, |answer| items(&answer["sounds"]).for_each(print_line)))
            }
            Self::Show(One { name, plain }) => {
                let answer = plain.api()?.call(Method::GET, &path(&name), None).await?;
                Ok(plain.print(&answer, print_sound))
            }
            Self::Delete(One { name, plain }) => {
                let answer = plain.api()?.call(Method::DELETE, &path(&name), None).await?;
                Ok(plain.print(&answer, |answer| {
                    println!("{} is deleted", word(&answer["name"]));
                    for id in items(&answer["left_at_provider"]) {
                        println!("the provider still has {}: remove it there", word(id));
                    }
                }))
            }
            Self::Sync(of) => sync::run(&of).await,
        }
    }
}

/// The bytes of a file, unless it has too many.
pub(super) fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    let context = || format!("while reading {}", file.display());
    let length = std::fs::metadata(file).with_context(context)?.len();
    if length > MAX_BYTES as u64 {
        let (is, most) = (length / (1024 * 1024), MAX_BYTES / (1024 * 1024));
        bail!(
            "{} has {is} MiB; a sound may have {most} MiB: send it as MP3 or FLAC, or shorten it",
            file.display()
        );
    }
    std::fs::read(file).with_context(context)
}

fn name_of(file: &Path) -> anyhow::Result<String> {
    let stem = file.file_stem().and_then(|stem| stem.to_str());
    stem.map(str::to_ascii_lowercase).context("the file has no name; give one with --name")
}

fn path(name: &str) -> String {
    format!("/v1/sounds/{}", escaped(name))
}

pub(super) fn escaped(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

pub(super) fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

pub(super) fn word(value: &Value) -> &str {
    value.as_str().unwrap_or("-")
}

fn print_line(sound: &Value) {
    let newest = &sound["versions"][0];
    let at =
        if items(&sound["missing_at"]).next().is_some() { "  not at every provider" } else { "" };
    println!(
        "{}  version {}  {} ms  {}  used {} times{at}",
        word(&sound["name"]),
        newest["version"],
        newest["inspection"]["duration_ms"],
        word(&newest["created_at"]),
        items(&sound["used_by"]).count(),
    );
}

fn print_sound(sound: &Value) {
    println!("{}", word(&sound["name"]));
    for of in items(&sound["used_by"]) {
        let (prompt, language) = (word(&of["prompt"]), word(&of["language"]));
        println!("  used by {prompt} in {language} as {}", word(&of["part"]));
    }
    for version in items(&sound["versions"]) {
        println!("  version {} of {}", version["version"], word(&version["created_at"]));
        for place in items(&version["places"]) {
            println!("    at {} as {}", word(&place["account"]), word(&place["provider_id"]));
        }
    }
    for account in items(&sound["missing_at"]) {
        println!("  not at {}: upload it again", word(account));
    }
    print_inspection(&sound["versions"][0]["inspection"]);
}

fn print_inspection(of: &Value) {
    println!(
        "  {}, {} ms, {} Hz, {} channels, {} LUFS, peak {} dBFS, {} samples clipped",
        word(&of["format"]),
        of["duration_ms"],
        of["sample_rate"],
        of["channels"],
        of["loudness_lufs"],
        of["peak_dbfs"],
        of["clipped_samples"],
    );
    println!(
        "  silence: {} ms before, {} ms after, {} ms at most in between; played at {} LUFS",
        of["leading_silence_ms"],
        of["trailing_silence_ms"],
        of["longest_pause_ms"],
        of["converted_loudness_lufs"],
    );
    items(&of["advice"]).for_each(|line| println!("  advice: {}", word(line)));
    if of["advice"] == json!([]) {
        println!("  nothing to mend");
    }
}
