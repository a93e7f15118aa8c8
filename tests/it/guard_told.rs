//! What the guard does where others see it: at the dispatch, in deliveries, on Vonage's surface.

use reqwest::Method;
use ringproof::config::{Countries, CountryList, Rate};
use ringproof::domain::{Channel, Country, Limit, Mode};
use serde_json::json;

use crate::app::TestApp;
use crate::receiver::{Receiver, told_at};
use crate::vonage::ask;

const NUMBER: &str = "+380991234567";

#[tokio::test]
async fn what_a_switch_stops_while_it_waits_for_its_turn_is_never_dialled() {
    let app =
        TestApp::with(|config| config.accounts.get_mut("main").unwrap().requests_per_minute = 10)
            .await;
    let fill = async |national: u32| {
        let to = format!("+380{national}");
        app.script(&to, json!({ "notify": "never" })).await;
        app.call(Method::POST, "/v1/verifications", Some(json!({ "to": to }))).await.status == 201
    };
    let mut national = 991_000_000;
    while fill(national).await {
        national += 1;
    }
    // A place is free in 4 seconds, within the queue's deadline.
    app.advance(56);
    let held = app.app().service().load().0;
    let stop = async {
        while app.app().service().load().0 == held {
            tokio::task::yield_now().await;
        }
        let body = json!({ "stopped": true, "channel": "call_button" });
        assert_eq!(app.call(Method::PUT, "/v1/guard/switches", Some(body)).await.status, 200);
        app.advance(1);
    };
    let (started, ()) = tokio::join!(app.begin(NUMBER), stop);
    app.advance(10);
    while app.show(&started["id"]).await["attempts"][0]["dispatch"] == "intended" {
        tokio::task::yield_now().await;
    }
    assert_eq!(app.dialled(NUMBER).await, 0);
    assert_ne!(app.show(&started["id"]).await["status"], "verified");
    app.stop().await;
}

#[tokio::test]
async fn the_app_is_told_that_a_person_did_not_ask_for_it() {
    let receiver = Receiver::start();
    let app = TestApp::with(|config| {
        told_at(config, "orders", receiver.endpoint());
        let prompt = config.prompts.get_mut("default").unwrap();
        prompt.languages.get_mut("en").unwrap().never_again = Some('9');
    })
    .await;
    app.script(NUMBER, json!({ "press": "9" })).await;
    let begun = app.begin_with(json!({ "to": NUMBER, "language": "en" })).await;
    app.outcome(&begun["id"]).await;
    app.deliver().await;
    let received = receiver.received();
    assert_eq!(received.len(), 1, "{received:#?}");
    let told = received[0].json();
    assert_eq!(told["type"], "verification.failed", "{told:#}");
    assert_eq!((&told["data"]["outcome"], &told["data"]["id"]), (&json!("not_me"), &begun["id"]));
    app.stop().await;
    receiver.stop().await;
}

#[tokio::test]
async fn clients_of_vonage_get_their_own_statuses_for_what_the_guard_refuses() {
    let app = TestApp::with(|config| {
        let refuse = [Country::parse("PL").unwrap()].into();
        config.guard.countries = Countries {
            mode: Mode::Enforce,
            general: CountryList { refuse, ..Default::default() },
            by_channel: Vec::new(),
        };
        config.guard.prefixes.refuse = vec!["380999".to_owned()];
        let limit = Limit { max: 1, per: jiff::SignedDuration::from_mins(1) };
        config.guard.per_prefix = Rate { mode: Mode::Enforce, limits: vec![limit] };
    })
    .await;
    let start = async |number: &str| {
        let parameters = [("number", number), ("brand", "Acme")];
        ask(&app, "/json", &parameters).await["status"].as_str().unwrap().to_owned()
    };
    assert_eq!(start("48512345678").await, "15", "the country");
    assert_eq!(start("380999234567").await, "7", "the prefix");
    assert_eq!(start("881612345678").await, "7", "the kind of number");
    let suppressed = json!({ "to": "+380501234567" });
    assert_eq!(app.call(Method::POST, "/v1/suppressions", Some(suppressed)).await.status, 201);
    assert_eq!(start("380501234567").await, "7", "who does not want to be reached");
    assert_eq!(start("380991234567").await, "0");
    assert_eq!(start("380991234568").await, "1", "too many to the prefix");
    let stopped = json!({ "stopped": true, "channel": Channel::Sms.as_str() });
    assert_eq!(app.call(Method::PUT, "/v1/guard/switches", Some(stopped)).await.status, 200);
    assert_eq!(start("380671234567").await, "8", "a switch");
    app.stop().await;
}
