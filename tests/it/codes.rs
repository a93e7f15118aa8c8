//! Codes by SMS and call: sent through the provider, read from the person's inbox, checked.

use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Answer, TestApp, note_secret};

pub const NUMBER: &str = "+380991234567";

/// Starts with 10-digit codes, which the search for secrets can look for.
pub async fn send(app: &TestApp, mut body: Value) -> Value {
    if body.get("code").is_none() {
        body["code_length"] = json!(10);
    }
    app.begin_with(body).await
}

/// The messages that somebody has received, each code noted as secret.
pub async fn inbox(app: &TestApp, to: &str) -> Vec<Value> {
    let path = format!("/_simulator/inbox?to={}", to.trim_start_matches('+'));
    let inbox = app.simulator(Method::GET, &path, None).await;
    let messages = inbox["messages"].as_array().unwrap().clone();
    for message in &messages {
        let code = message["code"].as_str().unwrap();
        if code.len() >= 10 {
            note_secret(code);
        }
    }
    messages
}

/// The code that somebody has received last.
pub async fn code(app: &TestApp, to: &str) -> String {
    let messages = inbox(app, to).await;
    messages.last().unwrap()["code"].as_str().unwrap().to_owned()
}

/// Another code of the same length.
pub fn wrong(code: &str) -> String {
    let last = if code.ends_with('1') { "2" } else { "1" };
    format!("{}{last}", &code[..code.len() - 1])
}

pub async fn ask(app: &TestApp, id: &Value, verb: &str, body: Value) -> Answer {
    let path = format!("/v1/verifications/{}/{verb}", id.as_str().unwrap());
    app.call(Method::POST, &path, Some(body)).await
}

/// The result of one check.
pub async fn check(app: &TestApp, id: &Value, code: &str) -> Value {
    let answer = ask(app, id, "check", json!({ "code": code })).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["result"].clone()
}

#[tokio::test]
async fn the_code_of_an_sms_and_of_a_call_verifies() {
    let app = TestApp::start().await;
    for (channel, number) in [("sms", "+380991111111"), ("call_code", "+380992222222")] {
        let started = send(&app, json!({ "to": number, "channel": channel })).await;
        assert_eq!((&started["status"], &started["channel"]), (&json!("pending"), &json!(channel)));
        assert_eq!((&started["checks_left"], &started["sends_left"]), (&json!(5), &json!(2)));
        assert_eq!(started["attempts"][0]["dispatch"], "accepted");
        let code = code(&app, number).await;

        assert_eq!(check(&app, &started["id"], &wrong(&code)).await, "incorrect");
        assert_eq!(check(&app, &started["id"], &code).await, "correct");
        assert_eq!(check(&app, &started["id"], &code).await, "already_verified");

        let ended = app.show(&started["id"]).await;
        assert_eq!(
            (&ended["status"], &ended["outcome"]),
            (&json!("verified"), &json!("code_correct"))
        );
        let mut timeline = app.timeline(&started["id"]).await;
        // What is told of the call comes when it comes.
        timeline.retain(|kind| kind.contains("code") || kind == "concluded");
        assert_eq!(
            timeline,
            ["code_requested", "code_accepted", "code_checked", "code_checked", "concluded"]
        );
    }
    app.stop().await;
}

#[tokio::test]
async fn the_right_code_on_the_last_check_succeeds_and_after_it_none_does() {
    let app = TestApp::start().await;
    let last = send(&app, json!({ "to": NUMBER, "channel": "sms" })).await;
    let right = code(&app, NUMBER).await;
    for left in (1..5).rev() {
        let body = json!({ "code": wrong(&right) });
        let answer = ask(&app, &last["id"], "check", body).await.json();
        assert_eq!(
            (&answer["result"], &answer["checks_left"]),
            (&json!("incorrect"), &json!(left))
        );
    }
    assert_eq!(check(&app, &last["id"], &right).await, "correct");

    let spent = send(&app, json!({ "to": "+380992222222", "channel": "sms" })).await;
    let right = code(&app, "+380992222222").await;
    for _ in 0..5 {
        assert_eq!(check(&app, &spent["id"], &wrong(&right)).await, "incorrect");
    }
    assert_eq!(check(&app, &spent["id"], &right).await, "exhausted");
    let ended = app.show(&spent["id"]).await;
    assert_eq!(
        (&ended["status"], &ended["outcome"]),
        (&json!("failed"), &json!("too_many_checks"))
    );
    app.stop().await;
}

#[tokio::test]
async fn five_hundred_wrong_codes_at_once_use_exactly_the_checks_there_are() {
    let app = TestApp::start().await;
    let started = send(&app, json!({ "to": NUMBER, "channel": "sms" })).await;
    let wrong = wrong(&code(&app, NUMBER).await);

    let checks = (0..500).map(|_| check(&app, &started["id"], &wrong));
    let results = futures_util::future::join_all(checks).await;

    let count = |word: &str| results.iter().filter(|result| **result == word).count();
    assert_eq!((count("incorrect"), count("exhausted")), (5, 495));
    let timeline = app.timeline(&started["id"]).await;
    assert_eq!(timeline.iter().filter(|kind| *kind == "code_checked").count(), 5);
    app.stop().await;
}

#[tokio::test]
async fn of_equal_right_codes_at_once_one_succeeds() {
    let app = TestApp::start().await;
    let started = send(&app, json!({ "to": NUMBER, "channel": "sms" })).await;
    let right = code(&app, NUMBER).await;

    let checks = (0..20).map(|_| check(&app, &started["id"], &right));
    let results = futures_util::future::join_all(checks).await;

    let count = |word: &str| results.iter().filter(|result| **result == word).count();
    assert_eq!((count("correct"), count("already_verified")), (1, 19));
    app.stop().await;
}
