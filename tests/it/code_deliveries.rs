//! Deliveries of plans: every step is told as the first one is, and no code ever.

use ringproof::config::Events;
use ringproof::domain::Secret;
use serde_json::{Value, json};

use crate::app::TestApp;
use crate::codes::{NUMBER, check, code, send};
use crate::plans::walks_on;
use crate::receiver::{Received, Receiver, told_at};

/// An app whose endpoint is told the whole timeline, and whose callbacks have the same secret.
async fn told_everything(receiver: &Receiver) -> TestApp {
    let (mut endpoint, secret) = (receiver.endpoint(), receiver.secret.clone());
    endpoint.events = Events::Timeline;
    TestApp::with(|config| {
        told_at(config, "orders", endpoint);
        config.apps.get_mut("shop").unwrap().callback_secret = Some(Secret::new(secret));
    })
    .await
}

/// What came to a path: each event's type with its channel, in the order of the timeline.
fn told(received: &[Received], path: &str) -> Vec<(String, String)> {
    let mut told: Vec<(u64, String, String)> = received
        .iter()
        .filter(|one| one.path == path)
        .map(|one| {
            let data = one.json()["data"].clone();
            let word = |value: &Value| value.as_str().unwrap().to_owned();
            let event = &data["event"];
            (event["id"].as_u64().unwrap(), word(&event["type"]), word(&data["channel"]))
        })
        .collect();
    told.sort();
    told.into_iter().map(|(_, kind, channel)| (kind, channel)).collect()
}

#[tokio::test]
async fn a_ladder_that_ends_with_an_sms_is_told_step_by_step_and_its_callback_the_end() {
    let receiver = Receiver::start();
    let app = told_everything(&receiver).await;
    app.script(NUMBER, json!({ "does": "no_answer" })).await;
    let plan = json!([{ "channel": "call_button", "wait": 45 }, { "channel": "sms" }]);
    let url = format!("{}/callback", receiver.base);
    let body = json!({ "to": NUMBER, "plan": plan, "callback_url": url });
    let started = send(&app, body).await;
    assert_eq!(started["callback_url"], json!(url));
    app.notifications().await;
    walks_on(&app, &started["id"], 2).await;
    let code = code(&app, NUMBER).await;
    assert_eq!(check(&app, &started["id"], &code).await, "correct");
    app.deliver().await;

    assert_eq!(app.show(&started["id"]).await["callback_url"], json!(url));
    let received = receiver.received();
    assert!(received.iter().all(|one| one.is_signed_by(&receiver.secret)));
    assert!(received.iter().all(|one| !one.text.contains(&code)));
    let timeline = app.timeline(&started["id"]).await;
    let by_endpoint = told(&received, "/hook");
    assert!(by_endpoint.iter().map(|(kind, _)| kind).eq(&timeline), "{by_endpoint:?} {timeline:?}");
    for (kind, channel) in [
        ("call_requested", "call_button"),
        ("code_requested", "sms"),
        ("code_accepted", "sms"),
        ("concluded", "sms"),
    ] {
        assert!(by_endpoint.contains(&(kind.into(), channel.into())), "{by_endpoint:?}");
    }
    assert_eq!(told(&received, "/callback"), [("concluded".into(), "sms".into())]);
    let end = received.iter().find(|one| one.path == "/callback").unwrap().json();
    assert_eq!(
        (&end["type"], &end["data"]["outcome"]),
        (&json!("verification.verified"), &json!("code_correct"))
    );
    app.stop().await;
    receiver.stop().await;
}

#[tokio::test]
async fn a_later_step_that_claims_its_number_is_told_too() {
    let receiver = Receiver::start();
    let app = told_everything(&receiver).await;
    app.script(NUMBER, json!({ "notify": "never" })).await;
    let plan = json!([{ "channel": "sms", "wait": 20 }, { "channel": "call_button" }]);
    let started = send(&app, json!({ "to": NUMBER, "plan": plan })).await;
    code(&app, NUMBER).await;
    app.advance(20);
    let shown = walks_on(&app, &started["id"], 2).await;
    assert_eq!((&shown["channel"], &shown["callback_url"]), (&json!("call_button"), &Value::Null));
    app.deliver().await;
    let told = told(&receiver.received(), "/hook");
    assert!(told.contains(&("call_requested".into(), "call_button".into())), "{told:?}");
    app.stop().await;
    receiver.stop().await;
}
