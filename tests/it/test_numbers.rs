//! Test numbers: fixed codes and scripted outcomes, for keys for tests and no other.

use reqwest::Method;
use ringproof::config::{Config, TestDoes, TestNumber};
use ringproof::domain::{Code, Outcome, PhoneNumber};
use serde_json::{Value, json};

use crate::app::{TestApp, note_secret};
use crate::codes::{inbox, wrong};
use crate::receiver::{Receiver, told_at};
use crate::vonage::ask_as;

const CODE: &str = "4829105736";
const WITH_CODE: &str = "+380990000001";
const SCRIPTED: &str = "+380990000002";

fn configure(config: &mut Config) {
    let does = [
        (WITH_CODE, TestDoes::Code(Code::parse(CODE).unwrap())),
        (SCRIPTED, TestDoes::Outcome(Outcome::NoAnswer)),
        ("+380990000003", TestDoes::Outcome(Outcome::ProviderRefused)),
    ];
    for (number, does) in does {
        let number = PhoneNumber::parse(number).unwrap();
        config.test_numbers.insert(number.digits(), TestNumber { number, does });
    }
    note_secret(CODE);
}

async fn start() -> (TestApp, String) {
    start_with(|_| {}).await
}

async fn start_with(change: impl FnOnce(&mut Config)) -> (TestApp, String) {
    let app = TestApp::with(|config| {
        configure(config);
        change(config);
    })
    .await;
    let body = json!({ "app": "shop", "test": true });
    let made = app.call(Method::POST, "/v1/keys", Some(body)).await.json();
    assert_eq!(made["test"], true);
    (app, made["key"].as_str().unwrap().to_owned())
}

async fn begin(app: &TestApp, key: &str, body: Value) -> Value {
    let answer = app.call_as(key, Method::POST, "/v1/verifications", Some(body)).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json()
}

/// How often the provider was asked for anything that reaches people.
async fn reached(app: &TestApp) -> usize {
    let mut count = 0;
    for path in ["/v1/verify/", "/v1/sms/send/"] {
        let path = format!("/_simulator/requests?path={path}");
        let answer = app.simulator(Method::GET, &path, None).await;
        count += answer["requests"].as_array().unwrap().len();
    }
    count
}

#[tokio::test]
async fn a_test_number_verifies_by_its_fixed_code_and_no_provider_hears_of_it() {
    let (app, key) = start().await;
    for channel in ["sms", "call_code"] {
        let started = begin(&app, &key, json!({ "to": WITH_CODE, "channel": channel })).await;
        assert_eq!((&started["test"], &started["status"]), (&json!(true), &json!("pending")));
        let events = format!("/v1/verifications/{}/events", started["id"].as_str().unwrap());
        let timeline = app.call_as(&key, Method::GET, &events, None).await.json();
        assert_eq!(timeline["test"], true);
        assert!(timeline["events"].as_array().unwrap().iter().all(|event| event["test"] == true));
        let path = format!("/v1/verifications/{}/check", started["id"].as_str().unwrap());
        for (code, result) in [(wrong(CODE), "incorrect"), (CODE.to_owned(), "correct")] {
            let body = json!({ "code": code });
            let checked = app.call_as(&key, Method::POST, &path, Some(body)).await.json();
            assert_eq!(checked["result"], result);
            assert_eq!(checked["verification"]["test"], true);
        }
        let stream = app.http.get(format!("{}{events}", app.base)).bearer_auth(&key);
        let stream = stream.header("accept", "text/event-stream").send().await.unwrap();
        let text = stream.text().await.unwrap();
        let told: Vec<_> = text.lines().filter(|line| line.starts_with("data: ")).collect();
        assert!(told.len() > 2 && told.iter().all(|line| line.contains("\"test\":true")), "{text}");
    }
    let called = begin(&app, &key, json!({ "to": WITH_CODE, "channel": "call_button" })).await;
    assert_eq!((&called["outcome"], &called["test"]), (&json!("confirmed"), &json!(true)));
    assert_eq!(reached(&app).await, 0);
    app.stop().await;
}

#[tokio::test]
async fn a_scripted_outcome_ends_a_verification_of_any_channel() {
    let (app, key) = start().await;
    for channel in ["sms", "call_code", "call_button"] {
        let ended = begin(&app, &key, json!({ "to": SCRIPTED, "channel": channel })).await;
        assert_eq!((&ended["outcome"], &ended["test"]), (&json!("no_answer"), &json!(true)));
    }
    let body = json!({ "to": "+380990000003", "channel": "sms" });
    assert_eq!(begin(&app, &key, body).await["outcome"], "provider_refused");
    assert_eq!(reached(&app).await, 0);
    app.stop().await;
}

#[tokio::test]
async fn to_any_other_key_a_test_number_is_an_ordinary_one() {
    let (app, key) = start().await;
    let body = json!({ "to": WITH_CODE, "channel": "sms", "code_length": 10 });
    let started = app.begin_with(body).await;
    assert!(started.get("test").is_none());
    assert_ne!(inbox(&app, WITH_CODE).await[0]["code"], CODE);
    // And to a key for tests any other number is one.
    let other = begin(&app, &key, json!({ "to": "+380991234567", "channel": "call_button" })).await;
    assert!(other.get("test").is_none());
    assert_eq!(reached(&app).await, 2);
    app.stop().await;
}

#[tokio::test]
async fn clients_of_vonage_may_use_test_numbers_too() {
    let (app, key) = start().await;
    let number = WITH_CODE.trim_start_matches('+');
    let started = ask_as(&app, &key, "/json", &[("number", number), ("brand", "Acme")]).await;
    assert_eq!((&started["status"], &started["test"]), (&json!("0"), &json!("true")));
    let id = started["request_id"].as_str().unwrap();
    let checked = ask_as(&app, &key, "/check/json", &[("request_id", id), ("code", CODE)]).await;
    assert_eq!((&checked["status"], &checked["test"]), (&json!("0"), &json!("true")));
    let shown = ask_as(&app, &key, "/search/json", &[("request_id", id)]).await;
    assert_eq!((&shown["status"], &shown["test"]), (&json!("SUCCESS"), &json!("true")));
    let refused = [("number", "380990000003"), ("brand", "Acme"), ("workflow_id", "6")];
    assert_eq!(ask_as(&app, &key, "/json", &refused).await["status"], "6");
    assert_eq!(reached(&app).await, 0);
    app.stop().await;
}

#[tokio::test]
async fn what_an_app_is_told_of_a_test_says_so_and_of_anything_else_does_not() {
    let receiver = Receiver::start();
    let (app, key) = start_with(|config| told_at(config, "orders", receiver.endpoint())).await;
    let tested = begin(&app, &key, json!({ "to": SCRIPTED, "channel": "call_button" })).await;
    let called = app.begin("+380991234567").await;
    app.outcome(&called["id"]).await;
    app.deliver().await;

    let told = receiver.received();
    let data_of = |id: &Value| {
        let all: Vec<Value> = told.iter().map(|one| one.json()["data"].clone()).collect();
        let mut of: Vec<Value> = all.into_iter().filter(|data| data["id"] == *id).collect();
        assert_eq!(of.len(), 1, "{of:?}");
        of.remove(0)
    };
    let data = data_of(&tested["id"]);
    assert_eq!((&data["test"], &data["outcome"]), (&json!(true), &json!("no_answer")));
    assert!(data_of(&called["id"]).get("test").is_none());
    app.stop().await;
    receiver.stop().await;
}

#[tokio::test]
async fn a_service_with_test_numbers_warns_of_them_at_its_start() {
    let only = PhoneNumber::parse(WITH_CODE).unwrap().digits();
    // As many as no other test has, since all of them log to one file.
    let app = TestApp::with(|config| {
        configure(config);
        config.test_numbers.retain(|digits, _| *digits == only);
    })
    .await;
    let log = std::fs::read_to_string(crate::app::log_file()).unwrap();
    let warning = "1 test numbers are configured: keys for tests verify them without a provider";
    assert!(log.lines().any(|line| line.contains("WARN") && line.contains(warning)));
    app.stop().await;
}
