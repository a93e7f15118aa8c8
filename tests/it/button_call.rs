//! The main path: a start, a call, a press, an answer to whoever waits.

use serde_json::json;

use crate::app::TestApp;

#[tokio::test]
async fn a_press_verifies_and_the_long_poll_is_answered() {
    let app = TestApp::start().await;
    app.script("+380991234567", json!({})).await;

    let started = app.begin("+380991234567").await;
    let ended = app.outcome(&started["id"]).await;

    assert_eq!(
        (ended["status"].as_str(), ended["outcome"].as_str()),
        (Some("verified"), Some("confirmed"))
    );
    let timeline = app.timeline(&started["id"]).await;
    assert!(timeline.contains(&"key_reported".to_owned()), "{timeline:?}");
    assert_eq!(app.dialled("+380991234567").await, 1);
    app.stop().await;
}

#[tokio::test]
async fn every_way_a_call_can_go_has_its_honest_outcome() {
    let app = TestApp::start().await;
    for (script, status, outcome) in [
        (json!({ "press": "5" }), "failed", "wrong_key"),
        (json!({ "press": "" }), "failed", "no_key"),
        (json!({ "press": "11" }), "failed", "wrong_key"),
        (json!({ "does": "no_answer" }), "failed", "no_answer"),
        (json!({ "does": "rings_out" }), "failed", "no_answer"),
        (json!({ "does": "busy" }), "failed", "busy"),
        (json!({ "does": "refused" }), "failed", "rejected"),
        (json!({ "does": "failed" }), "failed", "unreachable"),
        (json!({ "does": "unallocated" }), "failed", "unreachable"),
        (json!({ "does": "no_money" }), "failed", "provider_refused"),
        (json!({ "does": "line_limit" }), "failed", "provider_refused"),
        (json!({ "api": "refuse" }), "failed", "provider_refused"),
        (json!({ "api": "unauthorized" }), "failed", "provider_refused"),
        (json!({ "api": "rate_limited_429" }), "failed", "provider_refused"),
        (json!({ "api": "rate_limited_200" }), "failed", "provider_refused"),
        (json!({}), "verified", "confirmed"),
    ] {
        let number = format!("+38099{:07}", app.notifications().await.len() + 1_000_000);
        app.script(&number, script.clone()).await;
        let started = app.begin(&number).await;
        let ended = app.outcome(&started["id"]).await;
        assert_eq!(
            (&ended["status"], &ended["outcome"]),
            (&json!(status), &json!(outcome)),
            "{script}"
        );
        // A rate-limited answer makes the client pause.
        app.advance(61);
    }
    app.stop().await;
}
