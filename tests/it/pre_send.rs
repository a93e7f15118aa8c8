//! The pre-send hook: nobody is called before the app has agreed.

use std::time::Duration;

use reqwest::Method;
use ringproof::config;
use ringproof::domain::{Secret, WebhookUrl};
use serde_json::{Value, json};

use crate::app::{Answer, TestApp};
use crate::code_requests::{asked as asked_provider, param};
use crate::codes::{check, code, send};
use crate::receiver::{Reaction, Receiver, closing, signing_secret};

const NUMBER: &str = "+380991234567";

/// A service whose app is asked at `url`.
async fn asking(url: &str, secret: &str, on_failure: config::OnFailure) -> TestApp {
    let pre_send = config::PreSend {
        url: Some(WebhookUrl::parse(url).unwrap()),
        secret: Secret::new(secret),
        previous_secrets: Vec::new(),
        timeout: Duration::from_millis(500),
        on_failure,
    };
    TestApp::with(|config| {
        config.apps.entry("shop".into()).or_default().pre_send = Some(pre_send);
        config.outbound.allowed_networks = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await
}

async fn asking_at(receiver: &Receiver) -> TestApp {
    let url = format!("{}/ask", receiver.base);
    asking(&url, &receiver.secret, config::OnFailure::Deny).await
}

async fn start(app: &TestApp, body: Value) -> Answer {
    app.call(Method::POST, "/v1/verifications", Some(body)).await
}

/// Nobody was called and nothing stored.
async fn assert_nothing_happened(app: &TestApp) {
    assert_eq!(app.dialled(NUMBER).await, 0);
    assert_eq!(app.get("/v1/verifications").await.json()["verifications"], json!([]));
}

#[tokio::test]
async fn an_app_that_allows_is_asked_once_with_a_signature_and_the_call_is_made() {
    let receiver = Receiver::start();
    let app = asking_at(&receiver).await;
    receiver.will([Reaction::json(json!({ "decision": "allow" }))]);
    let body = json!({ "to": NUMBER, "reference": "order-1", "metadata": { "ip": "192.0.2.1" } });
    assert_eq!(start(&app, body).await.status, 201);
    let asked = receiver.received();
    assert_eq!(asked.len(), 1);
    assert!(asked[0].is_signed_by(&receiver.secret));
    let question = asked[0].json();
    assert_eq!(question["type"], "verification.pre_send");
    let expected = json!({
        "app": "shop", "to": NUMBER, "channel": "call_button", "plan": ["call_button"],
        "prompt": "default", "language": "en", "template": null, "reference": "order-1", "metadata": { "ip": "192.0.2.1" },
    });
    assert_eq!(question["data"], expected);
    assert_eq!(app.dialled(NUMBER).await, 1);
    app.stop().await;
    receiver.stop().await;
}

#[tokio::test]
async fn an_app_that_denies_is_heard_and_nothing_is_stored() {
    let receiver = Receiver::start();
    let app = asking_at(&receiver).await;
    receiver.will([Reaction::json(json!({ "decision": "deny", "reason": "a known abuser" }))]);
    let answer = start(&app, json!({ "to": NUMBER })).await;
    assert_eq!(answer.problem(403), "pre_send_denied");
    assert!(answer.json()["detail"].as_str().unwrap().contains("a known abuser"));
    assert_nothing_happened(&app).await;
    app.stop().await;
    receiver.stop().await;
}

#[tokio::test]
async fn what_an_app_changes_passes_admission_again() {
    let receiver = Receiver::start();
    let app = asking_at(&receiver).await;
    for (change, status, code) in [
        (json!({ "prompt": "none" }), 422, "unknown_prompt"),
        (json!({ "prompt": "No Name" }), 503, "pre_send_failed"),
        (json!({ "channel": "pigeon" }), 503, "pre_send_failed"),
        (json!({ "channel": "email" }), 422, "channel_mismatch"),
        (json!({ "channel": "sms", "language": "xx" }), 422, "unknown_language"),
        (json!({ "template": "login" }), 503, "pre_send_failed"),
        (json!({ "channel": "sms", "template": "" }), 503, "pre_send_failed"),
        (json!({ "channel": "sms", "prompt": "match" }), 503, "pre_send_failed"),
        (json!({ "to": "+380991234568" }), 503, "pre_send_failed"),
        (json!({ "press": "5" }), 503, "pre_send_failed"),
    ] {
        let mut decision = change.clone();
        decision["decision"] = json!("change");
        receiver.will([Reaction::json(decision)]);
        assert_eq!(start(&app, json!({ "to": NUMBER })).await.problem(status), code, "{change}");
    }
    assert_nothing_happened(&app).await;
    let change = json!({ "decision": "change", "language": "de", "prompt": "match", "channel": "call_button" });
    receiver.will([Reaction::json(change)]);
    let started = start(&app, json!({ "to": NUMBER, "prompt": "default" })).await;
    assert_eq!(started.status, 201, "{}", started.text);
    let started = started.json();
    assert_eq!((&started["prompt"], &started["language"]), (&json!("match"), &json!("de")));
    assert_eq!((&started["to"], &started["random"]), (&json!(NUMBER), &json!(true)));
    app.stop().await;
    receiver.stop().await;
}

#[tokio::test]
async fn an_app_may_have_a_code_sent_in_place_of_a_call() {
    let receiver = Receiver::start();
    let app = asking_at(&receiver).await;
    let change =
        json!({ "decision": "change", "channel": "sms", "template": "7", "language": "uk" });
    receiver.will([Reaction::json(change)]);
    let plan = json!([{ "channel": "call_button", "wait": 45 }, { "channel": "call_code" }]);
    let started = send(&app, json!({ "to": NUMBER, "plan": plan })).await;
    let asked = receiver.received()[0].json();
    assert_eq!(asked["data"]["plan"], json!(["call_button", "call_code"]));
    let steps = &started["plan"];
    assert_eq!((&steps[0]["channel"], &steps[0]["wait"]), (&json!("sms"), &json!(45)));
    assert_eq!(steps[1]["channel"], "call_code");
    assert_eq!(app.dialled(NUMBER).await, 1);
    let sent = asked_provider(&app, "/v1/verify/").await;
    assert_eq!(param(&sent, "channel"), Some("sms"));
    assert_eq!((param(&sent, "template_id"), param(&sent, "language")), (Some("7"), Some("ua")));
    let code = code(&app, NUMBER).await;
    assert_eq!(check(&app, &started["id"], &code).await, "correct");
    app.stop().await;
    receiver.stop().await;
}

#[tokio::test]
async fn an_app_that_is_asked_about_a_code_may_change_its_template_or_have_a_call_made() {
    let receiver = Receiver::start();
    let app = asking_at(&receiver).await;
    receiver.will([Reaction::json(json!({ "decision": "change", "channel": "call_button" }))]);
    let body = json!({ "to": NUMBER, "channel": "sms", "template": "3", "language": "uk" });
    let started = start(&app, body).await;
    let asked = receiver.received()[0].json();
    let expected = (&json!("sms"), &json!("3"), &json!("uk"));
    let asked = &asked["data"];
    assert_eq!((&asked["channel"], &asked["template"], &asked["language"]), expected);
    assert_eq!(started.status, 201, "{}", started.text);
    assert_eq!(started.json()["channel"], "call_button");
    assert_eq!(app.dialled(NUMBER).await, 1);
    app.stop().await;
    receiver.stop().await;
}

#[tokio::test]
async fn without_a_usable_answer_nobody_is_called() {
    let receiver = Receiver::start();
    let app = asking_at(&receiver).await;
    let location = vec![("location", format!("{}/allow", receiver.base))];
    let long = json!({ "decision": "deny", "reason": "x".repeat(20_000) });
    for (what, reaction) in [
        ("500", Reaction::status(500)),
        ("an empty 200", Reaction::status(200)),
        ("204", Reaction::status(204)),
        ("a redirect", Reaction::Answer(307, location, String::new())),
        ("HTML", Reaction::Answer(200, vec![], "<html>".to_owned())),
        ("another word", Reaction::json(json!({ "decision": "maybe" }))),
        ("no decision", Reaction::json(json!({}))),
        ("a long answer", Reaction::json(long)),
        ("an endless answer", Reaction::Endless),
        ("no answer", Reaction::Hang),
    ] {
        receiver.will([reaction]);
        let answer = start(&app, json!({ "to": NUMBER })).await;
        assert_eq!(answer.problem(503), "pre_send_failed", "{what}");
    }
    assert!(receiver.received().iter().all(|asked| asked.path == "/ask"));
    assert_nothing_happened(&app).await;
    app.stop().await;
    receiver.stop().await;
}

#[tokio::test]
async fn an_app_that_cannot_be_reached_denies_unless_it_says_otherwise() {
    let secret = signing_secret();
    for url in [closing().await, "https://localhost:1/ask".to_owned()] {
        let app = asking(&url, &secret, config::OnFailure::Deny).await;
        assert_eq!(start(&app, json!({ "to": NUMBER })).await.problem(503), "pre_send_failed");
        assert_nothing_happened(&app).await;
        app.stop().await;
        let app = asking(&url, &secret, config::OnFailure::Allow).await;
        assert_eq!(start(&app, json!({ "to": NUMBER })).await.status, 201);
        app.stop().await;
    }
}

#[tokio::test]
async fn a_start_that_is_refused_anyway_or_repeated_asks_nobody() {
    let receiver = Receiver::start();
    let app = asking_at(&receiver).await;
    let answer = start(&app, json!({ "to": NUMBER, "prompt": "none" })).await;
    assert_eq!(answer.problem(422), "unknown_prompt");
    assert!(receiver.received().is_empty());
    receiver.will([Reaction::json(json!({ "decision": "allow" }))]);
    for expected in [None, Some("true")] {
        let request = app.http.post(format!("{}/v1/verifications", app.base));
        let request = request.bearer_auth(&app.key).header("idempotency-key", "one");
        let answer = crate::app::answer(request.json(&json!({ "to": NUMBER }))).await;
        assert_eq!(answer.status, 201);
        let replayed = answer.headers.get("idempotent-replayed");
        assert_eq!(replayed.map(|value| value.to_str().unwrap()), expected);
    }
    assert_eq!(receiver.received().len(), 1);
    app.stop().await;
    receiver.stop().await;
}
