//! The binary from outside: what its commands print and exit with.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::app::{TestApp, note_secret, note_secrets_of, suite_folder};

const NUMBER: &str = "+380991234567";

pub fn ringproof(arguments: &[&str], folder: &Path) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_ringproof"))
        .args(arguments)
        .current_dir(folder)
        .env_remove("RINGPROOF_KEY")
        .output()
        .unwrap();
    let log = suite_folder().join(format!(
        "command-{}-{}.txt",
        std::process::id(),
        rand::random::<u64>()
    ));
    // What a command prints on purpose, such as a new key, is not a log.
    std::fs::write(log, &output.stderr).unwrap();
    output
}

/// `verify` with the key of an app, beside the service that it asks.
async fn verify(app: &TestApp, arguments: &[&str]) -> (Option<i32>, String) {
    let shared = ["verify", "--server", &app.base, "--key", &app.key];
    let all: Vec<String> = shared.iter().chain(arguments).map(|word| (*word).to_owned()).collect();
    let run = move || {
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        ringproof(&all, Path::new("."))
    };
    let output = tokio::task::spawn_blocking(run).await.unwrap();
    (output.status.code(), text(&output.stdout) + &text(&output.stderr))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn demo_once_verifies_and_exits_0() {
    let folder = tempfile::tempdir().unwrap();
    let key = "demo.0123456789abcdef0123456789abcdef";
    note_secret(key);
    let output = ringproof(&["demo", "--once", "--key", key, "--data", "data"], folder.path());
    let printed = text(&output.stdout);

    assert!(output.status.success(), "{printed}{}", text(&output.stderr));
    for said in [
        "ringing",
        "answered",
        "pressed 1",
        "checked: token, signature, source",
        "ended: confirmed",
        "ms after",
    ] {
        assert!(printed.contains(said), "{said}: {printed}");
    }
    assert!(folder.path().join("data/ringproof.db").exists());
}

#[test]
fn config_check_tells_everything_that_is_wrong_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = "store = \"sqlite://x.db\"\n[server]\nlistn = \"127.0.0.1:1\"\nworkers = -1\n[verification]\nexpires_in = 300\n";
    std::fs::write(folder.path().join("c.toml"), file).unwrap();
    let output = ringproof(&["config", "check", "--config", "c.toml"], folder.path());
    let said = text(&output.stderr);

    assert_eq!(output.status.code(), Some(2), "{said}");
    for problem in ["c.toml:3", "listen", "c.toml:4", "c.toml:6", "\"300s\""] {
        assert!(said.contains(problem), "{problem}: {said}");
    }
}

#[test]
fn serve_without_an_account_says_what_to_set() {
    let folder = tempfile::tempdir().unwrap();
    let output = ringproof(&["serve"], folder.path());
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(said.contains("notification_token") && said.contains("ringproof demo"), "{said}");
}

#[test]
fn keys_are_made_listed_and_revoked_without_a_running_service() {
    let folder = tempfile::tempdir().unwrap();
    let made = ringproof(&["keys", "create", "--app", "shop"], folder.path());
    let key = text(&made.stdout).trim().to_owned();
    note_secret(&key);
    let (id, secret) = key.split_once('.').unwrap();
    let listed = text(&ringproof(&["keys", "list"], folder.path()).stdout);
    assert!(
        listed.contains(id) && listed.contains("in force") && !listed.contains(secret),
        "{listed}"
    );
    assert!(ringproof(&["keys", "revoke", id], folder.path()).status.success());
    assert!(text(&ringproof(&["keys", "list"], folder.path()).stdout).contains("revoked"));
    assert!(!ringproof(&["keys", "revoke", "key_none"], folder.path()).status.success());
    assert!(!ringproof(&["keys", "create", "--app", "Shop!"], folder.path()).status.success());
}

/// The keys as `keys list --json` prints them: each one's id, whether it is for tests and
/// whether it signs.
fn listed(output: &Output) -> Vec<(String, bool, bool)> {
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let keys = answer["keys"].as_array().unwrap().iter();
    let flag = |value: &Value| value.as_bool().unwrap();
    keys.map(|key| {
        (key["id"].as_str().unwrap().to_owned(), flag(&key["test"]), flag(&key["signs"]))
    })
    .collect()
}

#[test]
fn a_key_may_be_made_for_tests_and_to_sign_and_any_other_is_for_neither() {
    let folder = tempfile::tempdir().unwrap();
    let mut expected = Vec::new();
    for (more, test, signs) in [
        (&[][..], false, false),
        (&["--test"], true, false),
        (&["--sign", "sha512"], false, true),
        (&["--test", "--sign", "md5hash"], true, true),
    ] {
        let arguments = [&["keys", "create", "--app", "shop"], more].concat();
        let made = ringproof(&arguments, folder.path());
        let (printed, said) = (text(&made.stdout), text(&made.stderr));
        let lines: Vec<&str> = printed.lines().collect();
        lines.iter().for_each(|secret| note_secret(secret));
        // A script reads the key from the first line, and what it signs with from the second.
        assert_eq!(lines.len(), if signs { 2 } else { 1 }, "{said}");
        assert_eq!(said.contains("its signature secret"), signs, "{said}");
        expected.push((lines[0].split_once('.').unwrap().0.to_owned(), test, signs));
    }
    let mut known = listed(&ringproof(&["keys", "list", "--json"], folder.path()));
    known.sort();
    expected.sort();
    assert_eq!(known, expected);

    let wrong = ["keys", "create", "--app", "shop", "--sign", "sha3"];
    assert_eq!(ringproof(&wrong, folder.path()).status.code(), Some(2));
}

#[tokio::test]
async fn a_running_service_makes_keys_for_tests_and_to_sign_too() {
    let app = TestApp::start().await;
    let (base, key) = (app.base.clone(), app.key.clone());
    let run = move || {
        let place = ["--server", &base, "--key", &key, "--json"];
        let create = ["keys", "create", "--app", "shop", "--test", "--sign", "sha256"];
        let made = ringproof(&[&create[..], &place].concat(), Path::new("."));
        (made, ringproof(&[&["keys", "list"], &place[..]].concat(), Path::new(".")))
    };
    let (made, list) = tokio::task::spawn_blocking(run).await.unwrap();

    let made: Value = serde_json::from_slice(&made.stdout).unwrap();
    note_secrets_of(&made);
    assert_eq!((&made["test"], made["signature_secret"].is_string()), (&json!(true), true));
    let id = made["id"].as_str().unwrap().to_owned();
    assert!(listed(&list).contains(&(id, true, true)));
    app.stop().await;
}

#[test]
fn a_file_that_is_no_database_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("ringproof.db"),
        "this is no database at all, but long enough to be read".repeat(100),
    )
    .unwrap();
    let output = ringproof(&["keys", "list"], folder.path());
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("ringproof.db"), "{}", text(&output.stderr));
}

#[test]
fn wrong_usage_exits_2_and_help_tells_the_exit_codes() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [
        vec!["fly"],
        vec!["verify"],
        vec!["simulate"],
        vec!["demo", "--once", "--no-call"],
        vec!["serve", "--set", "x"],
    ] {
        assert_eq!(ringproof(&arguments, folder.path()).status.code(), Some(2), "{arguments:?}");
    }
    assert!(text(&ringproof(&["--help"], folder.path()).stdout).contains("Exit codes"));
}

#[tokio::test]
async fn verify_waits_for_the_end_and_exits_by_how_it_ended() {
    let app = TestApp::start().await;
    app.script(NUMBER, json!({})).await;
    let (code, said) = verify(&app, &[NUMBER, "--wait"]).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(": verified (confirmed)"), "{said}");

    app.script("+380991234568", json!({ "press": "5" })).await;
    let (code, said) = verify(&app, &["+380991234568", "--wait"]).await;
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains(": failed (wrong_key)"), "{said}");
    app.stop().await;
}

#[tokio::test]
async fn verify_without_wait_is_done_once_the_call_is_asked_for() {
    let app = TestApp::start().await;
    app.script(NUMBER, json!({ "notify": "never" })).await;
    let arguments = [NUMBER, "--prompt", "match", "--press", "random"];
    let (code, said) = verify(&app, &arguments).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(": pending") && said.contains("is asked to press"), "{said}");
    assert_eq!(app.dialled(NUMBER).await, 1);

    let (code, said) = verify(&app, &[NUMBER]).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("number_busy"), "{said}");
    app.stop().await;
}

#[tokio::test]
async fn verify_prints_the_whole_answer_as_json() {
    let app = TestApp::start().await;
    app.script(NUMBER, json!({})).await;
    let (code, said) = verify(&app, &[NUMBER, "--wait", "--json"]).await;
    assert_eq!(code, Some(0), "{said}");
    let answer: Value = serde_json::from_str(&said).unwrap();
    note_secrets_of(&answer);
    assert_eq!((&answer["status"], &answer["to"]), (&json!("verified"), &json!(NUMBER)));
    app.stop().await;
}
