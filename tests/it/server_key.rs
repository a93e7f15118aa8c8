//! The server key: what it opens, how another takes its place, and what is said of a wrong one.

use std::net::TcpListener;
use std::path::PathBuf;

use reqwest::Method;
use ringproof::app::App;
use serde_json::json;

use crate::app::{TestApp, note_secret, server_key};
use crate::codes::{NUMBER, check, code, send};

fn file(app: &TestApp) -> PathBuf {
    app.data().join("ringproof.db.key")
}

/// What starting says that does not start.
async fn refusal(app: &TestApp) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    match App::start(app.config.clone(), listener, app.clock.clone()).await {
        Ok(_) => panic!("it started"),
        Err(error) => format!("{error:#}"),
    }
}

#[tokio::test]
async fn another_server_key_takes_over_and_everything_stays_valid() {
    let mut app = TestApp::start().await;
    let old = std::fs::read_to_string(file(&app)).unwrap();
    let new = server_key();
    note_secret(old.trim());
    let started = send(&app, json!({ "to": NUMBER, "channel": "sms" })).await;
    let path = format!("/v1/verifications/{}", started["id"].as_str().unwrap());
    let token = started["wait_token"].as_str().unwrap();
    note_secret(token);

    app.halt().await;
    // The newest first; then the old one is no longer needed.
    for lines in [format!("{new}\n{old}"), format!("{new}\n")] {
        std::fs::write(file(&app), lines).unwrap();
        app.resume().await;
        let shown = app.call_as(token, Method::GET, &format!("{path}?wait=0"), None).await;
        assert_eq!(shown.json()["status"], "pending", "{}", shown.text);
        let found = app.get("/v1/verifications?to=%2B380991234567").await.json();
        assert_eq!(found["verifications"].as_array().unwrap().len(), 1);
        app.halt().await;
    }
    // Nor does it open anything any more.
    std::fs::write(file(&app), &old).unwrap();
    let said = refusal(&app).await;
    assert!(said.contains("was written with another server key"), "{said}");
    assert!(said.contains("add that key to it as a further line"), "{said}");
    for secret in [&old[..64], &new] {
        assert!(!said.contains(secret), "{said}");
    }
    std::fs::write(file(&app), format!("{old}{new}")).unwrap();
    app.resume().await;
    assert_eq!(check(&app, &started["id"], &code(&app, NUMBER).await).await, "correct");
    app.stop().await;
}

#[tokio::test]
async fn a_file_that_holds_something_else_is_refused_with_what_to_change() {
    let mut app = TestApp::start().await;
    let right = std::fs::read_to_string(file(&app)).unwrap();
    app.halt().await;
    for (lines, says) in [
        (String::new(), "it is empty"),
        (format!("{right}\nnot a key\n"), "line 3 is not 64 hexadecimal digits"),
        (right.trim()[1..].to_owned(), "line 1 is not 64 hexadecimal digits"),
        (format!("{right}{right}"), "line 2 repeats a key"),
        (server_key(), "was written with another server key"),
    ] {
        std::fs::write(file(&app), lines).unwrap();
        let said = refusal(&app).await;
        assert!(said.contains(says), "{said}");
        assert!(!said.contains(right.trim()), "{said}");
    }
    std::fs::write(file(&app), right).unwrap();
    app.resume().await;
    app.stop().await;
}

#[tokio::test]
async fn a_key_in_the_store_that_nobody_sealed_is_refused() {
    let mut app = TestApp::start().await;
    app.halt().await;
    let path = app.data().join("ringproof.db");
    let execute = |sql: &str| {
        let store = rusqlite::Connection::open(&path).unwrap();
        assert_eq!(store.execute(sql, []).unwrap(), 1, "{sql}");
    };
    // Longer than it was, and what builds kept that sealed nothing: a fingerprint alone.
    for (change, says) in [
        ("value = CAST(value || x'00' AS BLOB)", "an unreadable value in meta.value"),
        ("value = x'00'", "an unreadable value in meta.value"),
        ("name = 'secret_key_fingerprint', value = zeroblob(32)", "another server key, 00000000"),
    ] {
        execute(&format!("UPDATE meta SET {change} WHERE name = 'store_key'"));
        let said = refusal(&app).await;
        assert!(said.contains(says), "{said}");
    }
}
