//! What operators do to the guard is on record, and what is erased of a number there.

use reqwest::Method;
use ringproof::config::Rate;
use ringproof::domain::{Limit, Mode};
use serde_json::{Value, json};

use crate::app::{Answer, TestApp};

const NUMBER: &str = "+380991234567";
const DAY: u64 = 24 * 60 * 60;

async fn post(app: &TestApp, path: &str, body: Value) -> Answer {
    app.call(Method::POST, path, Some(body)).await
}

fn rejected_keeps_away_for(config: &mut ringproof::config::Config, days: i64) {
    config.guard.cooldown = ringproof::config::Cooldown {
        mode: Mode::Enforce,
        rejected: Some(jiff::SignedDuration::from_hours(24 * days)),
        not_me: None,
    };
}

/// A call that the person rejects.
async fn reject(app: &TestApp) {
    app.script(NUMBER, json!({ "does": "refused" })).await;
    let begun = app.begin(NUMBER).await;
    app.notifications().await;
    app.advance(11);
    assert_eq!(app.outcome(&begun["id"]).await["outcome"], "rejected");
}

#[tokio::test]
async fn whatever_operators_do_to_the_guard_is_in_the_audit_log() {
    let app = TestApp::with(|config| rejected_keeps_away_for(config, 1)).await;
    reject(&app).await;
    let block = app.get("/v1/guard/blocks").await.json()["blocks"][0]["id"].clone();
    let suppress = json!({ "to": NUMBER, "app": "shop", "reason": "asked by letter" });
    let suppressed = post(&app, "/v1/suppressions", suppress).await.json()["id"].clone();
    let path = |root: &str, id: &Value| format!("{root}/{}", id.as_str().unwrap());
    let switch = |stopped: bool| json!({ "stopped": stopped, "channel": "sms", "reason": "fraud" });
    for (method, path, body) in [
        (Method::DELETE, path("/v1/suppressions", &suppressed), None),
        (Method::DELETE, path("/v1/guard/blocks", &block), None),
        (Method::PUT, "/v1/guard/switches".to_owned(), Some(switch(true))),
        (Method::PUT, "/v1/guard/switches".to_owned(), Some(switch(false))),
        // There is nothing to do any more, so nothing is told.
        (Method::PUT, "/v1/guard/switches".to_owned(), Some(switch(false))),
    ] {
        assert!(app.call(method, &path, body).await.status.is_success(), "{path}");
    }
    let log = app.get("/v1/audit?limit=5").await;
    let entries = log.json()["entries"].as_array().unwrap().clone();
    let actions: Vec<_> = entries.iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    let wanted = [
        "starts.resumed",
        "starts.stopped",
        "block.lifted",
        "recipient.unsuppressed",
        "recipient.suppressed",
    ];
    assert_eq!(actions, wanted);
    let key = format!("key:{}", app.key.split_once('.').unwrap().0);
    assert!(entries.iter().all(|entry| entry["actor"] == json!(key)), "{}", log.text);
    let (stopped, suppressed_entry) = (&entries[1], &entries[4]);
    assert_eq!((&stopped["before"], &stopped["after"]["subject"]), (&Value::Null, &json!("sms")));
    assert_eq!(entries[0]["before"], stopped["after"]);
    assert_eq!(suppressed_entry["subject"], suppressed);
    assert_eq!(suppressed_entry["after"]["subject"], "+380•••••••67");
    assert!(!log.text.contains("380991234567"), "{}", log.text);
    assert_eq!(app.get("/v1/audit/verification").await.json()["whole"], true);
    app.stop().await;
}

#[tokio::test]
async fn what_is_erased_of_a_number_is_counted_and_blocked_no_more_but_stays_suppressed() {
    let app = TestApp::with(|config| {
        rejected_keeps_away_for(config, 5);
        let limit = Limit { max: 1, per: jiff::SignedDuration::from_hours(24 * 5) };
        config.guard.per_number = Rate { mode: Mode::Enforce, limits: vec![limit] };
    })
    .await;
    reject(&app).await;
    let other = json!({ "to": NUMBER, "app": "other" });
    assert_eq!(post(&app, "/v1/suppressions", other).await.status, 201);
    app.advance(3 * DAY);
    let start = || post(&app, "/v1/verifications", json!({ "to": NUMBER }));
    assert_eq!(start().await.problem(429), "guard_limited");
    let erased = post(&app, "/v1/erasures", json!({ "to": NUMBER })).await;
    assert_eq!(erased.json()["verifications"], 1, "{}", erased.text);
    assert_eq!(app.get("/v1/guard/blocks").await.json()["blocks"], json!([]));
    let kept = app.get("/v1/suppressions").await.json();
    assert_eq!(kept["suppressions"].as_array().unwrap().len(), 1, "{kept:#}");
    assert_eq!(start().await.status, 201, "neither the cooldown nor the limit is known any more");
    assert_eq!(start().await.json()["rule"], "per_number", "it counts from here on");
    app.stop().await;
}
