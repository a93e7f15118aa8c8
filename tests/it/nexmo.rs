//! The npm client `nexmo` 2.9.1, unmodified: installed by npm at test time and pointed at
//! the service by its options alone.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use reqwest::Method;
use ringproof::app;
use ringproof::clock::Clock;
use ringproof::service::SignatureMethod;
use serde_json::{Value, json};

use crate::app::{TestApp, suite_folder};
use crate::vonage::credentials;

/// The client's name and version, as npm writes it.
const CLIENT: &str = "nexmo@2.9.1";

/// One installation at a time.
static INSTALLING: Mutex<()> = Mutex::new(());

/// Installs the client once for this build folder; its folder.
fn install() -> PathBuf {
    let _alone = INSTALLING.lock();
    let prefix = Path::new(env!("CARGO_TARGET_TMPDIR")).join("nexmo");
    let folder = prefix.join("node_modules/nexmo");
    let installed = std::fs::read_to_string(folder.join("package.json"));
    if installed.is_ok_and(|text| text.contains("\"version\": \"2.9.1\"")) {
        return folder;
    }
    std::fs::create_dir_all(&prefix).unwrap();
    let output = Command::new("npm")
        .args(["install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"])
        .args([prefix.as_os_str(), CLIENT.as_ref()])
        .output()
        .expect("npm is needed: install Debian's nodejs and npm");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "npm did not install {CLIENT}: {said}");
    folder
}

/// Runs the script, lets `wait` happen when it asks for it, and returns its other lines.
fn run(arguments: &[String], wait: impl FnOnce()) -> Vec<String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/nexmo/flow.js");
    let mut node = Command::new("node")
        .arg(script)
        .arg(install())
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("node is needed: install Debian's nodejs and npm");
    let mut wait = Some(wait);
    let mut lines = Vec::new();
    for line in BufReader::new(node.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        if line == "wait" {
            wait.take().unwrap()();
            node.stdin.as_mut().unwrap().write_all(b"go on\n").unwrap();
        } else {
            lines.push(line);
        }
    }
    let output = node.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{lines:#?}\n{said}");
    lines
}

#[tokio::test]
async fn the_unmodified_client_requests_checks_searches_and_cancels() {
    let app = TestApp::start().await;
    let (id, secret) = credentials(&app.key);
    let port = app.base.rsplit(':').next().unwrap();
    let inbox = format!("{}/_simulator/inbox", app.simulator_base);
    let arguments = [port, id, secret, &inbox, "380991234567", "380992222222"].map(str::to_owned);
    let hand = app.hand.clone();

    let work = move || run(&arguments, || hand.advance(std::time::Duration::from_secs(31)));
    let lines = tokio::task::spawn_blocking(work).await.unwrap();

    let printed = lines.join("\n") + "\n";
    print!("{printed}");
    std::fs::write(suite_folder().join("nexmo.txt"), printed).unwrap();
    let results: Vec<(&str, Value)> = lines
        .iter()
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, json)| (name, serde_json::from_str(json).unwrap()))
        .collect();
    let statuses: Vec<(&str, &str)> = results
        .iter()
        .map(|(name, result)| (*name, result["status"].as_str().unwrap_or_default()))
        .collect();
    assert_eq!(
        statuses,
        [
            ("request", "0"),
            ("duplicate", "10"),
            ("wrong check", "16"),
            ("right check", "0"),
            ("check again", "6"),
            ("search", "SUCCESS"),
            ("cancel of the verified", "6"),
            ("second request", "0"),
            ("early cancel", "19"),
            ("cancel", "0"),
            ("search both", ""),
        ]
    );
    let started = &results[0].1["request_id"];
    assert_eq!(&results[1].1["request_id"], started);
    let both = &results[10].1["verification_requests"];
    assert_eq!((&both[0]["request_id"], &both[1]["status"]), (started, &"CANCELLED".into()));
    app.stop().await;
}

#[tokio::test]
async fn the_unmodified_client_signs_its_requests_in_every_way() {
    // The client stamps its requests with the system's time.
    let (clock, hand) = Clock::settable(app::real_clock().now());
    let app = TestApp::over(tempfile::tempdir().unwrap(), clock, hand, |_| {}).await;
    for (index, method) in SignatureMethod::ALL.into_iter().enumerate() {
        let body = json!({ "app": "shop", "signature_method": method.as_str() });
        let made = app.call(Method::POST, "/v1/keys", Some(body)).await.json();
        let (id, _) = credentials(made["key"].as_str().unwrap());
        let secret = made["signature_secret"].as_str().unwrap();
        let port = app.base.rsplit(':').next().unwrap();
        let inbox = format!("{}/_simulator/inbox", app.simulator_base);
        let number = format!("38099123450{index}");
        // It signs in place of the secret, so that any will do.
        let arguments = [port, id, "none", &inbox, &number, "", secret, method.as_str()];
        let arguments = arguments.map(str::to_owned);
        let work = move || run(&arguments, || {});
        let lines = tokio::task::spawn_blocking(work).await.unwrap();
        let statuses: Vec<Value> = lines
            .iter()
            .map(|line| serde_json::from_str::<Value>(line.split_once(": ").unwrap().1).unwrap())
            .map(|result| result["status"].clone())
            .collect();
        assert_eq!(statuses, ["0", "16", "0", "SUCCESS"], "{}", method.as_str());
    }
    app.stop().await;
}
