//! `ringproof sounds sync`: a folder's sounds, as they are in the folder.
//!
//! What to do follows from what the service has, so that a run that was stopped is
//! resumed by the next one, and a run with nothing to do does nothing. What is in the
//! service and not in the folder stays.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::client::{Answered, Api};
use super::sounds::{Sync, items, read, word};

/// What a sound's file may end with. Opus is sent, too: the service refuses it by name.
const ENDINGS: [&str; 6] = ["wav", "mp3", "flac", "ogg", "oga", "opus"];
/// How often the service may say "later" of one sound.
const TRIES: u32 = 30;

/// One file, and what is to be done about it.
struct Item {
    name: String,
    file: PathBuf,
    todo: Todo,
}

/// What is to be done, or was.
enum Todo {
    /// Something, for this reason.
    Upload(&'static str, Vec<u8>),
    /// Nothing.
    Unchanged,
    /// Nothing can be done.
    Bad(String),
}

/// Runs the command.
pub(super) async fn run(of: &Sync) -> anyhow::Result<ExitCode> {
    let api = of.plain.api()?;
    let files = files_of(&of.folder)?;
    if files.is_empty() {
        bail!("{} holds no sounds ({})", of.folder.display(), ENDINGS.join(", "));
    }
    let answer = api.call(Method::GET, "/v1/sounds", None).await?;
    let known = items(&answer["sounds"]).map(|sound| (word(&sound["name"]), sound)).collect();
    let bar = bar(files.len());
    let mut lines = Vec::new();
    for (name, file) in files {
        let Item { name, file, todo } = look(name, file, &known);
        bar.set_message(name.clone());
        let (done, detail) = match todo {
            Todo::Unchanged => ("unchanged", None),
            Todo::Bad(detail) => ("refused", Some(detail)),
            Todo::Upload(why, _) if of.dry_run => (why, None),
            Todo::Upload(why, bytes) => match upload(&api, &name, &bytes).await? {
                Ok(()) => (why, None),
                Err(detail) => ("refused", Some(detail)),
            },
        };
        let line = json!({ "name": name, "file": file, "done": done, "detail": detail });
        if !of.plain.json {
            bar.suspend(|| print(&line));
        }
        lines.push(line);
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(end(of, &lines))
}

fn print(line: &Value) {
    let detail = line["detail"].as_str().map(|detail| format!(": {detail}")).unwrap_or_default();
    println!(
        "{:<10} {} ({}){detail}",
        word(&line["done"]),
        word(&line["name"]),
        word(&line["file"])
    );
}

fn end(of: &Sync, lines: &[Value]) -> ExitCode {
    let count = |done: &str| lines.iter().filter(|line| line["done"] == done).count();
    let (refused, unchanged) = (count("refused"), count("unchanged"));
    let uploaded = lines.len() - refused - unchanged;
    if of.plain.json {
        println!("{:#}", json!({ "dry_run": of.dry_run, "sounds": lines }));
    } else {
        let verb = if of.dry_run { "would be uploaded" } else { "uploaded" };
        println!("{uploaded} {verb}, {unchanged} unchanged, {refused} refused");
    }
    if refused == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Shown on a terminal only.
fn bar(length: usize) -> ProgressBar {
    let bar = ProgressBar::new(length as u64);
    match ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn look(name: String, file: PathBuf, known: &BTreeMap<&str, &Value>) -> Item {
    let todo = match read(&file) {
        Err(error) => Todo::Bad(format!("{error:#}")),
        Ok(bytes) => match known.get(name.as_str()) {
            None => Todo::Upload("new", bytes),
            Some(sound) => {
                let digest = const_hex::encode(Sha256::digest(&bytes));
                if word(&sound["versions"][0]["digest"]) != digest {
                    Todo::Upload("changed", bytes)
                } else if items(&sound["missing_at"]).next().is_some() {
                    Todo::Upload("missing", bytes)
                } else {
                    Todo::Unchanged
                }
            }
        },
    };
    Item { name, file, todo }
}

/// Uploads a sound, and waits as long as the service says while it has no room. Of a
/// file that is refused it says why; everything else ends the command.
async fn upload(api: &Api, name: &str, bytes: &[u8]) -> anyhow::Result<Result<(), String>> {
    for _ in 0..TRIES {
        let fields = [("name", name)];
        let answered = api.try_upload("/v1/sounds", &fields, bytes.to_vec()).await?;
        let Answered { status, body } = &answered;
        match word(&body["code"]) {
            "provider_busy" | "sounds_busy" => {
                let seconds = body["retry_after"].as_u64().unwrap_or(1);
                tokio::time::sleep(Duration::from_secs(seconds.min(60))).await;
            }
            "unsupported_sound" | "body_too_large" | "invalid_field" => {
                return Ok(Err(word(&body["detail"]).to_owned()));
            }
            _ if status.is_success() => return Ok(Ok(())),
            _ => return answered.into_value().map(|_| Ok(())),
        }
    }
    bail!("the service has no room for {name} for a long time; run the command again later")
}

/// The sounds below a folder, by name.
fn files_of(folder: &Path) -> anyhow::Result<BTreeMap<String, PathBuf>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![(folder.to_owned(), String::new())];
    while let Some((folder, prefix)) = folders.pop() {
        let context = || format!("while reading {}", folder.display());
        for entry in std::fs::read_dir(&folder).with_context(context)? {
            let path = entry.with_context(context)?.path();
            let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
            let is_sound = ENDINGS.contains(&ending.to_ascii_lowercase().as_str());
            let named = if path.is_dir() { path.file_name() } else { path.file_stem() };
            let named = named.and_then(|name| name.to_str()).unwrap_or_default();
            let name = format!("{prefix}{}", named.to_ascii_lowercase());
            if path.is_dir() {
                folders.push((path, format!("{name}-")));
            } else if is_sound && let Some(other) = files.insert(name.clone(), path.clone()) {
                bail!("{} and {} would both be {name}", other.display(), path.display());
            }
        }
    }
    Ok(files)
}
