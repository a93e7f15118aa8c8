//! What a request may say of codes: own ones, the provider's, e-mail, and what is refused.

use reqwest::Method;
use ringproof::config::CodeSource;
use serde_json::{Value, json};

use crate::app::{TestApp, note_secret};
use crate::codes::{NUMBER, ask, check, code, send, wrong};

const ADDRESS: &str = "person@example.com";

/// What the provider's API was asked last.
pub async fn asked(app: &TestApp, path: &str) -> Value {
    let path = format!("/_simulator/requests?path={path}");
    let requests = app.simulator(Method::GET, &path, None).await;
    requests["requests"].as_array().unwrap().last().unwrap()["params"].clone()
}

pub fn param<'a>(params: &'a Value, name: &str) -> Option<&'a str> {
    let mut pairs = params.as_array().unwrap().iter();
    pairs.find(|pair| pair[0] == name).and_then(|pair| pair[1].as_str())
}

#[tokio::test]
async fn an_own_code_is_sent_and_checked_and_is_not_in_the_store() {
    let app = TestApp::start().await;
    let own = "4829105736";
    note_secret(own);
    let started = app.begin_with(json!({ "to": NUMBER, "channel": "sms", "code": own })).await;
    assert_eq!(code(&app, NUMBER).await, own);
    assert_eq!(check(&app, &started["id"], "4829105737").await, "incorrect");
    assert_eq!(check(&app, &started["id"], "48291-057 36").await, "correct");
    // Beside the files there is the spill's folder, where only notifications go.
    let files = std::fs::read_dir(app.data()).unwrap().map(|entry| entry.unwrap().path());
    for file in files.filter(|path| path.is_file()) {
        let bytes = std::fs::read(file).unwrap();
        assert!(!bytes.windows(own.len()).any(|part| part == own.as_bytes()));
    }
    app.stop().await;
}

#[tokio::test]
async fn every_option_reaches_the_provider() {
    let app = TestApp::start().await;
    let text = "Your code is {#code#}.";
    for (body, said) in [
        (
            json!({ "to": NUMBER, "channel": "sms", "language": "uk", "template": "7", "sender": "Shop" }),
            vec![("language", "ua"), ("template_id", "7"), ("caller_id", "Shop"), ("to", NUMBER)],
        ),
        (
            json!({ "to": NUMBER, "channel": "call_code", "language": "pl", "from": "+380441230001" }),
            vec![("language", "pl"), ("from", "+380441230001"), ("channel", "call_code")],
        ),
        (
            json!({ "to": ADDRESS, "channel": "email", "from": "shop@example.com", "subject": "Your code", "body": text }),
            vec![
                ("from", "shop@example.com"),
                ("email_subject", "Your code"),
                ("email_body", text),
                ("to", ADDRESS),
            ],
        ),
    ] {
        send(&app, body).await;
        let params = asked(&app, "/v1/verify/").await;
        for (name, value) in said {
            assert_eq!(param(&params, name), Some(value), "{name}");
        }
        assert_eq!(param(&params, "code").unwrap().len(), 10);
    }
    app.stop().await;
}

#[tokio::test]
async fn a_code_by_email_verifies_and_its_address_finds_it() {
    let app = TestApp::start().await;
    let started = send(&app, json!({ "to": ADDRESS, "channel": "email" })).await;
    assert_eq!(started["to"], ADDRESS);
    assert_eq!(check(&app, &started["id"], &code(&app, ADDRESS).await).await, "correct");
    for (filter, found) in [
        ("to=person@example.com", 1),
        ("to=other@example.com", 0),
        ("channel=email", 1),
        ("channel=sms", 0),
    ] {
        let page = app.get(&format!("/v1/verifications?{filter}")).await.json();
        assert_eq!(page["verifications"].as_array().unwrap().len(), found, "{filter}");
    }
    let body = json!({ "to": ADDRESS });
    assert_eq!(ask(&app, &started["id"], "redeem", body).await.status, 200);
    app.stop().await;
}

#[tokio::test]
async fn the_provider_makes_and_checks_codes_where_the_configuration_says_so() {
    let app = TestApp::with(|config| config.channels.sms = CodeSource::Provider).await;
    let started = app.begin_with(json!({ "to": NUMBER, "channel": "sms" })).await;
    assert_eq!(param(&asked(&app, "/v1/verify/").await, "code"), None);
    let right = code(&app, NUMBER).await;
    let wrong = wrong(&right);

    let checks = (0..20).map(|_| check(&app, &started["id"], &wrong));
    let results = futures_util::future::join_all(checks).await;
    let count = |word: &str| results.iter().filter(|result| **result == word).count();
    assert_eq!((count("incorrect"), count("exhausted")), (5, 15));
    let path = "/_simulator/requests?path=/v1/verify/check/";
    let requests = app.simulator(Method::GET, path, None).await;
    assert_eq!(requests["requests"].as_array().unwrap().len(), 5, "no guess beyond the limit");

    let started = app.begin_with(json!({ "to": "+380992222222", "channel": "sms" })).await;
    let right = code(&app, "+380992222222").await;
    let checks = (0..2).map(|_| check(&app, &started["id"], &right));
    let mut results = futures_util::future::join_all(checks).await;
    results.sort_by_key(ToString::to_string);
    assert_eq!(results, ["already_verified", "correct"]);
    app.stop().await;
}

#[tokio::test]
async fn a_provider_that_does_not_check_uses_up_no_check_unless_it_may_have() {
    let app = TestApp::with(|config| config.channels.sms = CodeSource::Provider).await;
    let started = app.begin_with(json!({ "to": NUMBER, "channel": "sms" })).await;
    let right = code(&app, NUMBER).await;
    app.simulator(Method::PUT, "/_simulator/settings", Some(json!({ "refuse_all": "not now" })))
        .await;
    let failed = ask(&app, &started["id"], "check", json!({ "code": right })).await;
    assert_eq!(failed.problem(503), "provider_failed");
    assert_eq!(app.show(&started["id"]).await["checks_left"], 5);

    let down = json!({ "refuse_all": null, "drop_all": true });
    app.simulator(Method::PUT, "/_simulator/settings", Some(down)).await;
    let failed = ask(&app, &started["id"], "check", json!({ "code": right })).await;
    assert_eq!(failed.problem(503), "provider_failed");
    assert_eq!(app.show(&started["id"]).await["checks_left"], 4);

    app.simulator(Method::PUT, "/_simulator/settings", Some(json!({ "drop_all": false }))).await;
    assert_eq!(check(&app, &started["id"], &right).await, "correct");
    app.stop().await;
}

#[tokio::test]
async fn bad_requests_are_refused_by_name_and_nothing_is_sent() {
    let app = TestApp::start().await;
    let steps = |count: usize| vec![json!({ "channel": "sms" }); count];
    let email = |body: Value| json!({ "to": ADDRESS, "channel": "email", "body": body });
    for (body, code, field) in [
        (
            json!({ "to": NUMBER, "channel": "sms", "language": "tlh" }),
            "unknown_language",
            "language",
        ),
        (json!({ "to": NUMBER, "channel": "sms", "template": "" }), "invalid_field", "template"),
        (
            json!({ "to": NUMBER, "channel": "sms", "sender": "x".repeat(33) }),
            "invalid_field",
            "sender",
        ),
        (json!({ "to": NUMBER, "channel": "sms", "code": "012345" }), "invalid_code", "code"),
        (json!({ "to": NUMBER, "channel": "sms", "code": "123" }), "invalid_code", "code"),
        (json!({ "to": NUMBER, "channel": "sms", "code": "12ab56" }), "invalid_code", "code"),
        (
            json!({ "to": NUMBER, "channel": "sms", "code_length": 3 }),
            "invalid_field",
            "code_length",
        ),
        (
            json!({ "to": NUMBER, "channel": "sms", "code_length": 11 }),
            "invalid_field",
            "code_length",
        ),
        (json!({ "to": NUMBER, "code_length": 6 }), "invalid_field", "code"),
        (json!({ "to": NUMBER, "channel": "sms", "press": "1" }), "invalid_field", "press"),
        (
            json!({ "to": NUMBER, "channel": "call_code", "template": "1" }),
            "invalid_field",
            "template",
        ),
        (json!({ "to": NUMBER, "channel": "email" }), "channel_mismatch", "to"),
        (json!({ "to": ADDRESS, "channel": "sms" }), "channel_mismatch", "to"),
        (json!({ "to": ADDRESS }), "channel_mismatch", "to"),
        (json!({ "to": "person@", "channel": "email" }), "invalid_address", "to"),
        (json!({ "to": "nobody", "channel": "sms" }), "invalid_number", "to"),
        (json!({ "to": "+380441234567", "channel": "sms" }), "landline", "to"),
        (email(json!("no marker")), "invalid_field", "body"),
        (json!({ "to": ADDRESS, "channel": "email", "from": "me" }), "invalid_address", "from"),
        (json!({ "to": NUMBER, "plan": [] }), "invalid_plan", "plan"),
        (json!({ "to": NUMBER, "plan": steps(20) }), "invalid_plan", "plan"),
        (json!({ "to": NUMBER, "plan": "nonsense" }), "unknown_plan", "plan"),
        (json!({ "to": NUMBER, "plan": 7 }), "invalid_field", "plan"),
        (json!({ "to": NUMBER, "plan": steps(1), "channel": "sms" }), "invalid_field", "channel"),
        (json!({ "to": NUMBER, "plan": [{ "chanel": "sms" }] }), "unknown_field", "plan.0.chanel"),
        (
            json!({ "to": NUMBER, "plan": [{ "channel": "fax" }] }),
            "invalid_field",
            "plan.0.channel",
        ),
        (
            json!({ "to": NUMBER, "plan": [{ "channel": "sms" }, { "channel": "sms", "wait": 0 }] }),
            "invalid_field",
            "plan.1.wait",
        ),
        (
            json!({ "to": NUMBER, "plan": [{ "channel": "sms" }, { "channel": "email" }] }),
            "channel_mismatch",
            "to",
        ),
        (
            json!({ "to": NUMBER, "code": "123456", "plan": [{ "channel": "sms", "new_code": true }] }),
            "invalid_field",
            "new_code",
        ),
    ] {
        let refused = app.call(Method::POST, "/v1/verifications", Some(body.clone())).await;
        assert_eq!(refused.problem(422), code, "{body}: {}", refused.text);
        assert_eq!(refused.json()["field"], field, "{body}");
    }
    let page = app.get("/v1/verifications").await.json();
    assert_eq!(page["verifications"], json!([]), "nothing is stored");
    assert_eq!(app.dialled("").await, 0);
    app.stop().await;
}

#[tokio::test]
async fn what_is_typed_and_cannot_be_a_code_uses_up_no_check() {
    let app = TestApp::start().await;
    let started = send(&app, json!({ "to": NUMBER, "channel": "sms" })).await;
    for typed in ["", "abcdef", "12345678901", "½", "12.34"] {
        let refused = ask(&app, &started["id"], "check", json!({ "code": typed })).await;
        assert_eq!(refused.problem(422), "invalid_code", "{typed}");
    }
    assert_eq!(app.show(&started["id"]).await["checks_left"], 5);
    app.stop().await;
}

#[tokio::test]
async fn a_short_code_is_warned_of_and_an_old_one_has_expired() {
    let app = TestApp::start().await;
    let body = json!({ "to": NUMBER, "channel": "sms", "code_length": 4 });
    let started = app.begin_with(body).await;
    assert_eq!(started["warnings"][0]["code"], "short_code");
    let right = code(&app, NUMBER).await;
    assert_eq!(right.len(), 4);
    app.advance(300);
    assert_eq!(check(&app, &started["id"], &right).await, "expired");
    assert_eq!(app.outcome(&started["id"]).await["outcome"], "expired");
    app.stop().await;
}

#[tokio::test]
async fn what_the_provider_does_to_a_code_ends_as_honestly_as_a_call() {
    let app = TestApp::start().await;
    for (index, (script, dispatch, outcome)) in [
        (
            json!({ "api": "refuse", "api_message": "no such template" }),
            "refused",
            "provider_refused",
        ),
        (json!({ "api": "unauthorized" }), "refused", "provider_refused"),
        (json!({ "api": "rate_limited_200" }), "refused", "provider_refused"),
        (json!({ "api": "http", "api_status": 500 }), "unknown", "expired"),
        (json!({ "api": "unreadable" }), "unknown", "expired"),
        (json!({ "api": "drop" }), "unknown", "expired"),
        (json!({ "api": "accept_then_drop" }), "unknown", "expired"),
    ]
    .into_iter()
    .enumerate()
    {
        let number = format!("+38099300000{index}");
        app.script(&number, script.clone()).await;
        let started = send(&app, json!({ "to": number, "channel": "sms" })).await;
        assert_eq!(started["attempts"][0]["dispatch"], dispatch, "{script}");
        app.advance(301);
        assert_eq!(app.outcome(&started["id"]).await["outcome"], outcome, "{script}");
        assert_eq!(app.dialled(&number).await, 1, "{script}");
    }
    let empty = json!({ "balance": 0.0 });
    app.simulator(Method::PUT, "/_simulator/settings", Some(empty)).await;
    let started = send(&app, json!({ "to": NUMBER, "channel": "sms" })).await;
    assert_eq!(started["outcome"], "provider_refused");
    app.stop().await;
}
