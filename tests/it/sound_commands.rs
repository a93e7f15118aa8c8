//! `ringproof sounds` and `ringproof prompts` against a running service.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::app::{TestApp, note_secrets_of, suite_folder};
use crate::audio::{FLAC, MP3, OPUS, tone};

const NUMBER: &str = "+380991234567";

/// What a command exits with and prints.
struct Ended {
    code: Option<i32>,
    text: String,
    json: Value,
}

async fn ringproof(app: &TestApp, arguments: &[&str]) -> Ended {
    let place = ["--server", &app.base, "--key", &app.key];
    let all: Vec<String> = arguments.iter().chain(&place).map(|word| (*word).to_owned()).collect();
    let run = move || Command::new(env!("CARGO_BIN_EXE_ringproof")).args(all).output().unwrap();
    let output = tokio::task::spawn_blocking(run).await.unwrap();
    let log = format!("command-{}-{}.txt", std::process::id(), rand::random::<u64>());
    fs::write(suite_folder().join(log), &output.stderr).unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let json: Value = serde_json::from_str(&printed).unwrap_or_default();
    note_secrets_of(&json);
    Ended {
        code: output.status.code(),
        text: printed + &String::from_utf8_lossy(&output.stderr),
        json,
    }
}

fn folder_of(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, bytes) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    folder
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[tokio::test]
async fn a_folder_is_synchronised_once_and_only_what_changed_afterwards() {
    let app = TestApp::start().await;
    let folder = folder_of(&[
        ("pay/en/greeting.wav", &tone(440.0, 1.0)),
        ("pay/en/confirmed.flac", FLAC),
        ("pay/de/greeting.mp3", MP3),
        ("pay/README.md", b"not a sound"),
    ]);
    let dir = text(folder.path());
    // One was brought before: as if a first run had been stopped.
    app.uploaded("pay-en-confirmed", FLAC).await;
    let uploads = async || app.requests("/v1/pbx/ivr/sounds/upload").await.len();

    let dry = ringproof(&app, &["sounds", "sync", dir, "--dry-run"]).await;
    assert_eq!(dry.code, Some(0), "{}", dry.text);
    assert!(dry.text.contains("2 would be uploaded, 1 unchanged, 0 refused"), "{}", dry.text);
    assert_eq!(uploads().await, 1);

    let first = ringproof(&app, &["sounds", "sync", dir, "--json"]).await;
    assert_eq!(first.code, Some(0), "{}", first.text);
    let done: Vec<(&str, &str)> = first.json["sounds"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| (line["name"].as_str().unwrap(), line["done"].as_str().unwrap()))
        .collect();
    let expected =
        [("pay-de-greeting", "new"), ("pay-en-confirmed", "unchanged"), ("pay-en-greeting", "new")];
    assert_eq!(done, expected);
    assert_eq!(uploads().await, 3);

    let again = ringproof(&app, &["sounds", "sync", dir]).await;
    assert!(again.text.contains("0 uploaded, 3 unchanged, 0 refused"), "{}", again.text);
    assert_eq!(uploads().await, 3);

    fs::write(folder.path().join("pay/en/greeting.wav"), tone(880.0, 1.0)).unwrap();
    let changed = ringproof(&app, &["sounds", "sync", dir]).await;
    assert!(changed.text.contains("changed    pay-en-greeting"), "{}", changed.text);
    assert!(changed.text.contains("1 uploaded, 2 unchanged, 0 refused"), "{}", changed.text);
    assert_eq!(uploads().await, 4);
    app.stop().await;
}

#[tokio::test]
async fn a_bad_file_in_a_folder_is_named_and_the_others_are_brought() {
    let app = TestApp::start().await;
    let folder = folder_of(&[
        ("a.wav", &tone(440.0, 1.0)),
        ("b.mp3", b"only text"),
        ("c.opus", OPUS),
        ("d.wav", b""),
        ("No Name.wav", &tone(440.0, 1.0)),
    ]);
    let big = File::create(folder.path().join("e.wav")).unwrap();
    big.set_len(200 * 1024 * 1024).unwrap();
    let ended = ringproof(&app, &["sounds", "sync", text(folder.path())]).await;
    assert_eq!(ended.code, Some(1), "{}", ended.text);
    for said in ["looks like text", "Opus", "empty", "200 MiB", "1 to 64 characters"] {
        assert!(ended.text.contains(said), "{said}: {}", ended.text);
    }
    assert!(ended.text.contains("1 uploaded, 0 unchanged, 5 refused"), "{}", ended.text);

    let twins = folder_of(&[("a/b.wav", b"x"), ("a-b.mp3", b"x")]);
    let ended = ringproof(&app, &["sounds", "sync", text(twins.path())]).await;
    assert!(ended.code == Some(1) && ended.text.contains("would both be a-b"), "{}", ended.text);
    app.stop().await;
}

#[tokio::test]
async fn sounds_are_inspected_uploaded_listed_shown_and_deleted() {
    let app = TestApp::start().await;
    let folder = folder_of(&[("greeting.wav", &tone(440.0, 1.0)), ("big.wav", b"")]);
    let file = folder.path().join("greeting.wav");
    let inspected = ringproof(&app, &["sounds", "inspect", text(&file)]).await;
    assert_eq!(inspected.code, Some(0), "{}", inspected.text);
    for said in ["wav, 1000 ms, 16000 Hz", "LUFS", "advice: It begins at once"] {
        assert!(inspected.text.contains(said), "{said}: {}", inspected.text);
    }
    let uploaded = ringproof(&app, &["sounds", "upload", text(&file), "--json"]).await;
    assert_eq!(uploaded.json["name"], "greeting", "{}", uploaded.text);
    let listed = ringproof(&app, &["sounds", "list"]).await;
    assert!(listed.text.contains("greeting  version 1  1000 ms"), "{}", listed.text);
    let shown = ringproof(&app, &["sounds", "show", "greeting"]).await;
    assert!(shown.text.contains("at main as "), "{}", shown.text);
    let deleted = ringproof(&app, &["sounds", "delete", "greeting"]).await;
    assert!(deleted.text.contains("greeting is deleted"), "{}", deleted.text);
    let gone = ringproof(&app, &["sounds", "show", "greeting"]).await;
    assert!(gone.code == Some(1) && gone.text.contains("not_found"), "{}", gone.text);

    let big = folder.path().join("big.wav");
    File::options().write(true).open(&big).unwrap().set_len(200 * 1024 * 1024).unwrap();
    let refused = ringproof(&app, &["sounds", "upload", text(&big)]).await;
    assert!(refused.code == Some(1) && refused.text.contains("200 MiB"), "{}", refused.text);
    app.stop().await;
}

#[tokio::test]
async fn a_prompt_is_set_tried_and_deleted() {
    let app = TestApp::start().await;
    for name in ["greeting", "confirmed", "fallback"] {
        app.uploaded(name, &tone(440.0, 1.0)).await;
    }
    let three = ["--greeting", "greeting", "--confirmed", "confirmed", "--fallback", "fallback"];
    let set = |language: &'static str, press: &'static str| {
        let more = ["prompts", "set", "pay", "--language", language, "--press", press];
        [&more[..], &three].concat()
    };
    assert_eq!(ringproof(&app, &set("en", "1")).await.code, Some(0));
    let both = ringproof(&app, &[&set("pt-BR", "2")[..], &["--default", "--json"]].concat()).await;
    assert_eq!(both.json["default_language"], "pt-br", "{}", both.text);
    assert_eq!(both.json["languages"].as_array().unwrap().len(), 2);
    let listed = ringproof(&app, &["prompts", "list"]).await;
    assert!(listed.text.contains("pay (store, otherwise pt-br)"), "{}", listed.text);
    assert!(listed.text.contains("default (configuration)"), "{}", listed.text);

    let same = [&set("uk", "2")[..], &["--never-again", "2"]].concat();
    let same = ringproof(&app, &same).await;
    assert!(same.code == Some(1) && same.text.contains("another one"), "{}", same.text);
    let never = [&set("uk", "1")[..], &["--never-again", "9"]].concat();
    assert_eq!(ringproof(&app, &never).await.code, Some(0));
    // What another language is set to leaves it as it is.
    assert_eq!(ringproof(&app, &set("en", "1")).await.code, Some(0));
    let shown = ringproof(&app, &["prompts", "show", "pay"]).await;
    assert!(shown.text.contains("uk: press 1, never again 9;"), "{}", shown.text);
    let gone = ["prompts", "delete", "pay", "--language", "uk"];
    assert_eq!(ringproof(&app, &gone).await.code, Some(0));

    app.script(NUMBER, json!({ "press": "2" })).await;
    let tried = ringproof(&app, &["prompts", "try", "pay", "--to", NUMBER]).await;
    assert_eq!(tried.code, Some(0), "{}", tried.text);
    for said in ["press 2 to confirm", "2 was pressed", "verified (confirmed)"] {
        assert!(tried.text.contains(said), "{said}: {}", tried.text);
    }
    app.script("+380991234568", json!({ "press": "" })).await;
    let more = ["prompts", "try", "pay", "--to", "+380991234568", "--language", "en"];
    let tried = ringproof(&app, &more).await;
    assert_eq!(tried.code, Some(3), "{}", tried.text);
    assert!(tried.text.contains("no key was pressed"), "{}", tried.text);

    let used = ringproof(&app, &["sounds", "delete", "greeting"]).await;
    assert!(used.code == Some(1) && used.text.contains("pay/en/greeting"), "{}", used.text);
    let one = ["prompts", "delete", "pay", "--language", "pt-br", "--json"];
    let left = ringproof(&app, &one).await;
    assert_eq!(left.json["languages"].as_array().unwrap().len(), 1, "{}", left.text);
    assert_eq!(left.json["default_language"], Value::Null);
    assert_eq!(ringproof(&app, &one).await.code, Some(1));
    assert_eq!(ringproof(&app, &["prompts", "delete", "pay"]).await.code, Some(0));
    assert_eq!(ringproof(&app, &["prompts", "show", "pay"]).await.code, Some(1));
    app.stop().await;
}
