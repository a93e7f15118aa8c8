//! Trust in notifications: evidence that an app demands, tokens during a rotation, and
//! what is set at the provider.

use reqwest::Method;
use serde_json::{Value, json};

use ringproof::app::MAINTENANCE;
use ringproof::domain::Secret;
use ringproof::service::AccountIndex;

use crate::app::{TestApp, made_up};
use crate::console::Visitor;
use crate::intake_verifies::end;

const NUMBER: &str = "+380991234567";

async fn start(app: &TestApp, body: Value) -> crate::app::Answer {
    app.call(Method::POST, "/v1/verifications", Some(body)).await
}

#[tokio::test]
async fn a_start_that_cannot_bring_the_evidence_demanded_is_refused_with_what_to_change() {
    let app = TestApp::start().await;
    for (body, says) in [
        (json!({ "evidence": "strong" }), "press \\\"random\\\""),
        (json!({ "evidence": "partial", "channel": "sms" }), "its proof is a code"),
        (json!({ "evidence": "weak" }), "is one of: partial, strong"),
    ] {
        let mut body = body;
        body["to"] = json!(NUMBER);
        let refused = start(&app, body).await;
        assert_eq!(refused.problem(422), "invalid_field");
        assert_eq!(refused.json()["field"], "evidence");
        assert!(refused.text.contains(says), "{}", refused.text);
    }
    assert_eq!(app.dialled(NUMBER).await, 0);
    let partial = start(&app, json!({ "to": NUMBER, "evidence": "partial" })).await.json();
    let ended = app.outcome(&partial["id"]).await;
    assert_eq!(
        (&ended["status"], &ended["attempts"][0]["evidence"]["level"]),
        (&json!("verified"), &json!("partial"))
    );
    assert_eq!(partial["evidence_demanded"], "partial");
    assert_eq!(ended["evidence_demanded"], "partial", "it stays on record");
    let visitor = Visitor::signed_in(&app, &app.key).await;
    let path = format!("/console/verifications/{}", partial["id"].as_str().unwrap());
    let page = visitor.get(&path).await.text;
    assert!(page.contains("Evidence demanded"), "{page}");
    app.stop().await;

    let app = TestApp::with(|config| {
        config.accounts.get_mut("main").unwrap().require_source = false;
    })
    .await;
    let refused = start(&app, json!({ "to": NUMBER, "evidence": "partial" })).await;
    assert!(refused.text.contains("require_source"), "{}", refused.text);
    let weak = app.begin(NUMBER).await;
    let ended = app.outcome(&weak["id"]).await;
    assert_eq!(ended["evidence_demanded"], Value::Null);
    assert_eq!(ended["attempts"][0]["evidence"]["level"], "weak");
    app.stop().await;
}

#[tokio::test]
async fn a_result_that_is_checked_less_than_was_demanded_proves_nothing() {
    let mut app = TestApp::start().await;
    app.script(NUMBER, json!({ "notify": "never" })).await;
    let demanding = start(&app, json!({ "to": NUMBER, "evidence": "partial" })).await.json();
    let other = "+380991234568";
    app.script(other, json!({ "notify": "never" })).await;
    let any = app.begin(other).await;

    app.config.accounts.get_mut("main").unwrap().require_source = false;
    app.restart().await;

    app.learn().await;
    for number in [NUMBER, other] {
        let pressed = app.notify(&end(number, &app.pbx_time(), "1")).await;
        assert_eq!(pressed["status"], 200);
    }
    assert_eq!(app.outcome(&any["id"]).await["outcome"], "confirmed");
    assert_eq!(app.show(&demanding["id"]).await["status"], "pending");
    assert!(app.verdicts().await["weak_evidence"] >= 1);
    app.advance(181);
    assert_ne!(app.outcome(&demanding["id"]).await["status"], "verified");
    app.stop().await;
}

#[tokio::test]
async fn a_previous_token_is_taken_while_it_is_listed_and_no_longer() {
    let old = made_up();
    let kept = old.clone();
    let mut app = TestApp::with(|config| {
        let account = config.accounts.get_mut("main").unwrap();
        account.previous_notification_tokens = vec![Secret::new(kept)];
    })
    .await;
    let by_old = async |app: &TestApp, number: &str| {
        app.script(number, json!({ "notify": "never" })).await;
        let started = app.begin(number).await;
        let url = format!("{}/hooks/zadarma/{old}", app.base);
        let time = app.pbx_time();
        let form = json!({ "fields": end(number, &time, "1"), "url": url });
        let status = app.notify_with(form).await["status"].clone();
        (status, app.show(&started["id"]).await["status"].clone())
    };
    assert_eq!(by_old(&app, NUMBER).await, (json!(200), json!("verified")));
    app.config.accounts.get_mut("main").unwrap().previous_notification_tokens.clear();
    app.restart().await;
    assert_eq!(by_old(&app, "+380991234568").await, (json!(404), json!("pending")));
    app.stop().await;
}

#[tokio::test]
async fn an_address_or_a_toggle_that_was_changed_at_the_provider_raises_an_alarm() {
    let app = TestApp::start().await;
    let raised = async || app.alarms("notification_settings").await;
    let watched = async |settings: Value| {
        app.simulator(Method::PUT, "/_simulator/settings", Some(settings)).await;
        let before = raised().await;
        let alarmed = app.app().intake().watch_settings(AccountIndex(0)).await;
        assert!(!alarmed || raised().await > before);
        alarmed
    };
    let ours = format!("{}/hooks/zadarma/{}", app.base, app.token);
    assert!(!watched(json!({ "notification_url": ours })).await);
    let theirs = format!("{}/hooks/zadarma/{}", app.base, made_up());
    assert!(watched(json!({ "notification_url": theirs })).await);
    assert!(watched(json!({ "notification_url": "" })).await);
    for toggle in ["notify_end", "notify_out_end"] {
        let set = async |on| {
            app.simulator(Method::PUT, "/_simulator/toggles", Some(json!({ toggle: on }))).await;
        };
        set(false).await;
        assert!(watched(json!({ "notification_url": ours })).await, "{toggle}");
        set(true).await;
        assert!(!watched(json!({ "notification_url": ours })).await, "{toggle}");
    }
    app.stop().await;
}

#[tokio::test]
async fn what_is_set_at_the_provider_is_looked_at_from_the_start_on_and_every_hour() {
    let app = TestApp::start().await;
    let looks = async || {
        let path = "/_simulator/requests?path=/v1/pbx/callinfo/";
        let asked = app.simulator(Method::GET, path, None).await;
        asked["requests"].as_array().unwrap().len()
    };
    // Nothing but the look of the start asks for it, and no time passes.
    while looks().await == 0 {}
    for _ in 0..3 {
        // The next look is an hour after the one before has ended.
        let before = looks().await;
        while looks().await == before {
            app.hand.advance(MAINTENANCE);
        }
    }
    app.stop().await;
}
