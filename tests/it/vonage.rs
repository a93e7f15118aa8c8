//! The surface for clients of Vonage Verify, from outside: what they send in every
//! shape, and what they are answered.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use ringproof::domain::Secret;
use ringproof::service::SignatureMethod;

use crate::app::{TestApp, answer, note_secret};

pub const NUMBER: &str = "380991234567";

/// The key's id and its secret, as such clients have them.
pub fn credentials(key: &str) -> (&str, &str) {
    key.split_once('.').unwrap()
}

/// One request with its parameters in the query.
pub async fn ask(app: &TestApp, path: &str, parameters: &[(&str, &str)]) -> Value {
    ask_as(app, &app.key, path, parameters).await
}

pub async fn ask_as(app: &TestApp, key: &str, path: &str, parameters: &[(&str, &str)]) -> Value {
    let (id, secret) = credentials(key);
    let request = app.http.get(format!("{}/verify{path}", app.base)).query(parameters);
    json_of(request.query(&[("api_key", id), ("api_secret", secret)])).await
}

/// The answer of a request, which is always a 200.
pub async fn json_of(request: RequestBuilder) -> Value {
    let answer = answer(request).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.headers["content-type"], "application/json", "{}", answer.text);
    let json = answer.json();
    assert_only_texts(&json);
    json
}

fn assert_only_texts(value: &Value) {
    match value {
        Value::Object(members) => members.values().for_each(assert_only_texts),
        Value::Array(items) => items.iter().for_each(assert_only_texts),
        other => assert!(other.is_string(), "{other} is no text"),
    }
}

/// Starts a verification for a brand; its id.
pub async fn request(app: &TestApp, more: &[(&str, &str)]) -> String {
    let mut parameters = vec![("number", NUMBER), ("brand", "Acme")];
    parameters.extend(more);
    let started = ask(app, "/json", &parameters).await;
    assert_eq!(started["status"], "0", "{started:#}");
    started["request_id"].as_str().unwrap().to_owned()
}

pub async fn check(app: &TestApp, id: &str, code: &str) -> Value {
    ask(app, "/check/json", &[("request_id", id), ("code", code)]).await
}

pub async fn search(app: &TestApp, id: &str) -> Value {
    ask(app, "/search/json", &[("request_id", id)]).await
}

pub async fn control(app: &TestApp, id: &str, command: &str) -> Value {
    ask(app, "/control/json", &[("request_id", id), ("cmd", command)]).await
}

/// Everything that a number has been sent, in order: texts of SMS and codes of calls.
pub async fn texts(app: &TestApp, number: &str) -> Vec<String> {
    let path = format!("/_simulator/inbox?to={number}");
    let inbox = app.simulator(Method::GET, &path, None).await;
    let messages = inbox["messages"].as_array().unwrap().iter();
    messages.map(|message| message["text"].as_str().unwrap().to_owned()).collect()
}

/// The code in the newest of them: these clients' codes have 4 or 6 digits.
pub async fn code(app: &TestApp) -> String {
    code_of(texts(app, NUMBER).await.last().unwrap())
}

pub fn code_of(text: &str) -> String {
    let words = text.split(|c: char| !c.is_ascii_digit());
    words.into_iter().find(|word| [4, 6].contains(&word.len())).unwrap().to_owned()
}

pub fn wrong(code: &str) -> String {
    crate::codes::wrong(code)
}

/// Lets the worker do what is due, and waits until so many calls and messages have arrived.
pub async fn events(app: &TestApp, id: &str, count: usize) -> Value {
    app.app().service().expire_due().await.unwrap();
    loop {
        let shown = search(app, id).await;
        let begun = shown["events"].as_array().unwrap().len();
        if begun >= count && texts(app, NUMBER).await.len() >= count {
            return shown;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_code_by_sms_is_requested_and_checked() {
    let app = TestApp::start().await;
    let id = request(&app, &[]).await;
    assert!(id.len() == 32 && id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)));
    let sent = app
        .simulator(Method::GET, "/_simulator/requests?path=/v1/sms/send/", None)
        .await["requests"]
        .clone();
    assert_eq!(sent.as_array().unwrap().len(), 1);
    assert_eq!(app.dialled(NUMBER).await, 0);
    let text = &texts(&app, NUMBER).await[0];
    let code = code_of(text);
    assert_eq!((text.as_str(), code.len()), (&*format!("Acme code: {code}"), 4));

    let refused = check(&app, &id, &wrong(&code)).await;
    let expected = json!({
        "status": "16", "request_id": id,
        "error_text": "The code provided does not match the expected value",
    });
    assert_eq!(refused, expected);
    let verified = check(&app, &id, &code).await;
    let event = verified["event_id"].clone();
    let expected = json!({
        "status": "0", "request_id": id, "event_id": event,
        "price": "0.00000000", "currency": "EUR",
    });
    assert_eq!(verified, expected);
    let again = check(&app, &id, &code).await;
    assert_eq!(again["status"], "6");
    assert!(again.get("request_id").is_none());

    let shown = search(&app, &id).await;
    let expected = json!({
        "request_id": id, "account_id": credentials(&app.key).0, "status": "SUCCESS",
        "number": NUMBER, "price": "0.00000000", "currency": "EUR", "sender_id": "verify",
        "date_submitted": "2026-11-22 12:00:00", "date_finalized": "2026-11-22 12:00:00",
        "first_event_date": "2026-11-22 12:00:00", "last_event_date": "2026-11-22 12:00:00",
        "outcome": "code_correct",
        "checks": [
            { "date_received": "2026-11-22 12:00:00", "code": wrong(&code), "status": "INVALID", "ip_address": "" },
            { "date_received": "2026-11-22 12:00:00", "code": code, "status": "VALID", "ip_address": "" },
        ],
        "events": [{ "type": "sms", "id": event }],
    });
    assert_eq!(shown, expected);
    app.stop().await;
}

#[tokio::test]
async fn every_shape_of_a_request_is_read_and_both_formats_are_written() {
    let app = TestApp::start().await;
    let (id, secret) = credentials(&app.key);
    let at = |path: &str| format!("{}/verify{path}", app.base);
    let numbers = (0..5).map(|n| format!("38099111111{n}")).collect::<Vec<_>>();
    let brand = |number: &str| json!({ "number": number, "brand": "Acme", "code_length": 4 });
    let mut inside = brand(&numbers[0]);
    (inside["api_key"], inside["api_secret"]) = (json!(id), json!(secret));
    let form = |number: &str| {
        [("number", number), ("brand", "Acme"), ("api_key", id), ("api_secret", secret)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    let encoded = format!("number={}&brand=Acme", numbers[3]);
    let requests = [
        app.http.post(at("/json")).json(&inside),
        app.http.post(at("/json")).basic_auth(id, Some(secret)).json(&brand(&numbers[1])),
        app.http.post(at("/json")).form(&form(&numbers[2])),
        // A form that says that it is JSON.
        app.http
            .post(at("/json"))
            .basic_auth(id, Some(secret))
            .header("content-type", "application/json")
            .body(encoded),
        // Parameters in the query of a POST that says JSON and has no body.
        app.http
            .post(at("/json"))
            .query(&form(&numbers[4]))
            .header("content-type", "application/json"),
    ];
    for request in requests {
        assert_eq!(json_of(request).await["status"], "0");
    }
    let xml = answer(app.http.get(at("/xml")).query(&form("+380 99 222-22-22"))).await;
    assert_eq!(
        (xml.status.as_u16(), xml.headers["content-type"].to_str().unwrap()),
        (200, "text/xml")
    );
    let found = xml.text.split("<request_id>").nth(1).unwrap().split('<').next().unwrap();
    let expected = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><verify_response><request_id>{found}</request_id>\
         <status>0</status></verify_response>"
    );
    assert_eq!(xml.text, expected);
    for (path, root) in
        [("/search", "verify_request"), ("/check", "verify_response"), ("/control", "response")]
    {
        let request = app.http.get(at(&format!("{path}/xml"))).basic_auth(id, Some(secret));
        let text = answer(request.query(&[("request_id", found)])).await.text;
        assert!(
            text.contains(&format!("?><{root}>")) && text.ends_with(&format!("</{root}>")),
            "{text}"
        );
    }
    let request = app.http.get(at("/search/xml")).basic_auth(id, Some(secret));
    let text = answer(request.query(&[("request_id", found)])).await.text;
    assert!(text.contains("<checks></checks>") && text.contains("<events><event><id>"), "{text}");
    app.stop().await;
}

#[tokio::test]
async fn credentials_that_are_missing_or_wrong_are_told_apart() {
    let app = TestApp::start().await;
    let (id, secret) = credentials(&app.key);
    let at = |path: &str| app.http.get(format!("{}/verify{path}", app.base));
    let number = [("number", NUMBER), ("brand", "Acme")];
    let expected = json!({ "status": "2", "error_text": "Missing api_key" });
    assert_eq!(json_of(at("/json").query(&number)).await, expected);
    let key_alone = json_of(at("/json").query(&[("api_key", id)])).await;
    let text = "Your request is incomplete and missing the mandatory parameter `api_secret`";
    assert_eq!(key_alone, json!({ "status": "2", "error_text": text }));
    for (path, text) in [
        ("/json", "Invalid credentials were provided"),
        ("/psd2/json", "Invalid credentials were provided"),
        ("/check/json", "Bad credentials"),
        ("/search/json", "Bad credentials"),
        ("/control/json", "Bad credentials"),
    ] {
        let wrong = at(path).query(&number).query(&[("api_key", id), ("api_secret", "wrong")]);
        let expected = json!({ "status": "4", "error_text": text });
        assert_eq!(json_of(wrong).await, expected, "{path}");
        let wrong = at(path).basic_auth("nobody", Some(secret));
        assert_eq!(json_of(wrong).await["status"], "4", "{path}");
    }
    // A key that may only read starts nothing.
    let body = json!({ "app": "shop", "scopes": ["read"] });
    let reads = app.call(Method::POST, "/v1/keys", Some(body)).await.json();
    let reads = reads["key"].as_str().unwrap();
    assert_eq!(ask_as(&app, reads, "/json", &number).await["status"], "4");
    assert_eq!(ask_as(&app, reads, "/search/json", &[("request_id", "1")]).await["status"], "101");
    let put = answer(app.http.put(format!("{}/verify/json", app.base))).await;
    assert_eq!(put.status, 405);
    app.stop().await;
}

#[tokio::test]
async fn bad_input_has_its_status_and_text() {
    let app = TestApp::start().await;
    let missing = "Your request is incomplete and missing the mandatory parameter";
    let brand = ("brand", "Acme");
    let number = ("number", NUMBER);
    for (parameters, status, text) in [
        (vec![brand], "2", format!("{missing} `number`")),
        (vec![number], "2", format!("{missing} `brand`")),
        (vec![number, ("brand", "")], "2", format!("{missing} `brand`")),
        (vec![brand, ("number", "12")], "3", "Invalid value for number".to_owned()),
        (vec![brand, ("number", "nobody")], "3", "Invalid value for number".to_owned()),
        (
            vec![brand, ("number", crate::app::OUR_NUMBER)],
            "7",
            "The number you are trying to verify is blacklisted for verification.".to_owned(),
        ),
        (
            vec![brand, number, ("pin_code", "1234")],
            "20",
            "This account does not support the parameter: pin_code.".to_owned(),
        ),
    ] {
        let answer = ask(&app, "/json", &parameters).await;
        assert_eq!(answer, json!({ "status": status, "error_text": text }), "{parameters:?}");
    }
    for (name, value) in [
        ("brand", "nineteen characters"),
        ("brand", "a{#code#}b"),
        ("code_length", "5"),
        ("workflow_id", "0"),
        ("workflow_id", "9"),
        ("pin_expiry", "59"),
        ("pin_expiry", "3601"),
        // More than a code may count here.
        ("pin_expiry", "660"),
        ("next_event_wait", "901"),
        ("next_event_wait", "1.5"),
        ("lg", "xx-yy"),
        ("country", "UKR"),
        ("sender_id", "a-b"),
    ] {
        let answer = ask(&app, "/json", &[brand, number, (name, value)]).await;
        let text = format!("Invalid value for param: {name}");
        assert_eq!(answer, json!({ "status": "3", "error_text": text }), "{name}={value}");
    }
    for (path, parameters, status) in [
        ("/check", vec![("code", "1234")], "2"),
        ("/check", vec![("request_id", "1")], "2"),
        ("/check", vec![("request_id", "1"), ("code", "1234")], "6"),
        ("/check", vec![("request_id", "1"), ("code", "123")], "3"),
        ("/search", vec![], "2"),
        ("/search", vec![("request_id", "1")], "101"),
        ("/control", vec![("request_id", "1")], "2"),
        ("/control", vec![("request_id", "1"), ("cmd", "stop")], "3"),
        ("/control", vec![("request_id", "1"), ("cmd", "cancel")], "6"),
    ] {
        let answer = ask(&app, &format!("{path}/json"), &parameters).await;
        assert_eq!(answer["status"], status, "{path} {parameters:?}: {answer}");
        assert!(answer.get("request_id").is_none() && answer.get("error_text").is_some());
    }
    assert!(texts(&app, NUMBER).await.is_empty());
    app.stop().await;
}

#[tokio::test]
async fn three_wrong_codes_end_it_and_the_right_one_comes_too_late() {
    let app = TestApp::start().await;
    let id = request(&app, &[("code_length", "6")]).await;
    let code = code(&app).await;
    assert_eq!(code.len(), 6);
    for _ in 0..3 {
        assert_eq!(check(&app, &id, &wrong(&code)).await["status"], "16");
    }
    let text = "The wrong code was provided too many times. Request terminated";
    assert_eq!(check(&app, &id, &code).await, json!({ "status": "17", "error_text": text }));
    let shown = search(&app, &id).await;
    assert_eq!(
        (&shown["status"], shown["checks"].as_array().unwrap().len()),
        (&json!("FAILED"), 3)
    );
    app.stop().await;
}

#[tokio::test]
async fn a_workflow_goes_on_with_a_new_code_that_gives_three_more_checks_but_five_in_all() {
    let app = TestApp::start().await;
    let timing = [("pin_expiry", "60"), ("next_event_wait", "60"), ("workflow_id", "2")];
    let id = request(&app, &timing).await;
    let first = code(&app).await;
    for _ in 0..2 {
        assert_eq!(check(&app, &id, &wrong(&first)).await["status"], "16");
    }
    app.advance(61);
    events(&app, &id, 2).await;
    let second = code_of(&texts(&app, NUMBER).await[1]);
    if first != second {
        assert_eq!(check(&app, &id, &first).await["status"], "16");
    } else {
        assert_eq!(check(&app, &id, &wrong(&first)).await["status"], "16");
    }
    assert_eq!(check(&app, &id, &wrong(&second)).await["status"], "16");
    app.advance(61);
    let shown = events(&app, &id, 3).await;
    let kinds: Vec<_> = shown["events"].as_array().unwrap().iter().map(|e| &e["type"]).collect();
    assert_eq!(kinds, ["sms", "sms", "tts"]);
    let third = code_of(&texts(&app, NUMBER).await[2]);
    assert_eq!(check(&app, &id, &wrong(&third)).await["status"], "16");
    assert_eq!(check(&app, &id, &third).await["status"], "17");
    app.stop().await;
}

#[tokio::test]
async fn a_code_is_over_after_its_pin_expiry_and_the_request_with_its_last_code() {
    let app = TestApp::start().await;
    let id = request(&app, &[("workflow_id", "6"), ("pin_expiry", "60")]).await;
    let code = code(&app).await;
    app.advance(60);
    assert_eq!(check(&app, &id, &code).await["status"], "6");
    // Its number is free at once.
    request(&app, &[]).await;
    app.stop().await;
}

#[tokio::test]
async fn a_running_request_is_named_to_its_own_app_only() {
    let app = TestApp::start().await;
    let id = request(&app, &[]).await;
    let again = ask(&app, "/json", &[("number", "+380 99 123 45 67"), ("brand", "Other")]).await;
    let text = "Concurrent verifications to the same number are not allowed";
    assert_eq!(again, json!({ "status": "10", "error_text": text, "request_id": id }));
    let national = [("number", "099 123-45-67"), ("country", "ua"), ("brand", "Other")];
    assert_eq!(ask(&app, "/json", &national).await["status"], "10");
    let body = json!({ "app": "other" });
    let other = app.call(Method::POST, "/v1/keys", Some(body)).await.json();
    let other = other["key"].as_str().unwrap();
    let number = [("number", NUMBER), ("brand", "Acme")];
    let busy = ask_as(&app, other, "/json", &number).await;
    assert_eq!(busy, json!({ "status": "1", "error_text": "Throttled" }));
    // Nor does another app see, check or cancel it.
    let id = [("request_id", id.as_str())];
    assert_eq!(ask_as(&app, other, "/search/json", &id).await["status"], "101");
    app.advance(31);
    let cancel = [id[0], ("cmd", "cancel")];
    assert_eq!(ask_as(&app, other, "/control/json", &cancel).await["status"], "6");
    assert_eq!(ask(&app, "/control/json", &cancel).await["status"], "0");
    assert_eq!(ask_as(&app, other, "/json", &number).await["status"], "0");
    app.stop().await;
}

#[tokio::test]
async fn of_many_requests_at_once_one_runs() {
    let app = TestApp::start().await;
    let parameters = [("number", NUMBER), ("brand", "Acme")];
    let all = (0..20).map(|_| ask(&app, "/json", &parameters));
    let answers = futures_util::future::join_all(all).await;
    let started: Vec<_> = answers.iter().filter(|answer| answer["status"] == "0").collect();
    assert_eq!(started.len(), 1);
    for answer in answers.iter().filter(|answer| answer["status"] != "0") {
        assert_eq!(
            (&answer["status"], &answer["request_id"]),
            (&json!("10"), &started[0]["request_id"])
        );
    }
    assert_eq!(texts(&app, NUMBER).await.len(), 1);
    app.stop().await;
}

#[tokio::test]
async fn a_cancel_has_its_time_and_next_events_their_end() {
    let app = TestApp::start().await;
    let id = request(&app, &[]).await;
    let early = control(&app, &id, "cancel").await;
    let text =
        format!("Verification request ['{id}'] can't be cancelled within the first 30 seconds.");
    assert_eq!(early, json!({ "status": "19", "error_text": text }));
    assert_eq!(control(&app, &id, "trigger_next_event").await["status"], "1");
    for events in 2..=3 {
        app.advance(61);
        let next = control(&app, &id, "trigger_next_event").await;
        assert_eq!(next, json!({ "status": "0", "command": "trigger_next_event" }));
        assert_eq!(search(&app, &id).await["events"].as_array().unwrap().len(), events);
    }
    app.advance(61);
    let text = format!("No more events are left to execute for the request ['{id}']");
    let last = control(&app, &id, "trigger_next_event").await;
    assert_eq!(last, json!({ "status": "19", "error_text": text }));
    let text = format!(
        "Verification request  ['{id}'] can't be cancelled now. Too many attempts to re-deliver have already been made."
    );
    assert_eq!(control(&app, &id, "cancel").await, json!({ "status": "19", "error_text": text }));
    app.stop().await;
}

#[tokio::test]
async fn a_payment_is_named_in_the_text_and_never_said_without_it() {
    let app = TestApp::start().await;
    let payment = [("number", NUMBER), ("payee", "Bob's Shop"), ("amount", "48.5")];
    let with = |more: &[(&'static str, &'static str)]| [&payment[..], more].concat();
    for workflow in ["3", "7", "8"] {
        let refused = ask(&app, "/psd2/json", &with(&[("workflow_id", workflow)])).await;
        let text = "Invalid value for param: workflow_id";
        assert_eq!(refused, json!({ "status": "3", "error_text": text }));
    }
    for (name, value) in [("amount", "0"), ("payee", ""), ("lg", "ja-jp")] {
        let status = if value.is_empty() { "2" } else { "3" };
        assert_eq!(ask(&app, "/psd2/json", &with(&[(name, value)])).await["status"], status);
    }
    let started = ask(&app, "/psd2/json", &with(&[("lg", "de-de")])).await;
    let id = started["request_id"].as_str().unwrap();
    let text = &texts(&app, NUMBER).await[0];
    let code = code_of(text);
    assert_eq!(*text, format!("Code {code} bestätigt die Zahlung von 48.50 EUR an Bob's Shop"));
    app.advance(61);
    assert_eq!(control(&app, id, "trigger_next_event").await["status"], "19");
    assert_eq!(check(&app, id, &code).await["status"], "0");
    // A landline takes no SMS, and nothing else can say it.
    let landline = [("number", "380441234567"), ("payee", "Bob"), ("amount", "1")];
    assert_eq!(ask(&app, "/psd2/json", &landline).await["status"], "15");
    app.stop().await;
}

#[tokio::test]
async fn workflow_8_asks_for_a_key_and_a_search_shows_the_outcome() {
    let app = TestApp::start().await;
    let id = request(&app, &[("workflow_id", "8")]).await;
    let verification = json!(format!("ver_{id}"));
    app.outcome(&verification).await;
    let shown = search(&app, &id).await;
    assert_eq!((&shown["status"], &shown["outcome"]), (&json!("SUCCESS"), &json!("confirmed")));
    assert_eq!(shown["events"][0]["type"], "call_button");
    app.stop().await;
}

#[tokio::test]
async fn what_the_provider_refuses_is_told_at_once() {
    let app = TestApp::start().await;
    for (number, script, workflow, status) in [
        ("380991111110", json!({ "api": "refuse" }), "6", "6"),
        ("380991111111", json!({ "api": "denied" }), "6", "6"),
        ("380991111112", json!({ "api": "unauthorized" }), "7", "5"),
        // The next step cures it.
        ("380991111113", json!({ "api": "denied" }), "1", "0"),
        // It may have been sent.
        ("380991111114", json!({ "api": "http" }), "6", "0"),
    ] {
        app.script(number, script.clone()).await;
        let parameters = [("number", number), ("brand", "Acme"), ("workflow_id", workflow)];
        let answer = ask(&app, "/json", &parameters).await;
        assert_eq!(answer["status"], status, "{script} {answer}");
    }
    app.script("380991111115", json!({ "api": "rate_limited_429" })).await;
    let parameters = [("number", "380991111115"), ("brand", "Acme"), ("workflow_id", "6")];
    assert_eq!(ask(&app, "/json", &parameters).await["status"], "1");
    app.stop().await;
}

#[tokio::test]
async fn the_answer_of_a_slow_provider_is_waited_for() {
    let app = TestApp::start().await;
    for (count, (number, api, status)) in
        [("380991111110", "normal", "0"), ("380991111111", "refuse", "6")].into_iter().enumerate()
    {
        app.script(number, json!({ "api": api, "api_delay_ms": 5_000 })).await;
        let parameters = [("number", number), ("brand", "Acme"), ("workflow_id", "6")];
        let meanwhile = async {
            let path = "/_simulator/requests?path=/v1/sms/send/";
            loop {
                let asked = app.simulator(Method::GET, path, None).await;
                if asked["requests"].as_array().unwrap().len() > count {
                    break;
                }
                tokio::task::yield_now().await;
            }
            let running = ask(&app, "/json", &parameters).await;
            assert!(texts(&app, number).await.is_empty());
            app.advance(5);
            running
        };
        let (answer, running) = tokio::join!(ask(&app, "/json", &parameters), meanwhile);
        // Of a refusal only the provider can have told, long after our own API has answered.
        assert_eq!((&answer["status"], &running["status"]), (&json!(status), &json!("10")));
        if status == "0" {
            assert_eq!(answer["request_id"], running["request_id"]);
            assert_eq!(texts(&app, number).await.len(), 1);
        }
    }
    app.stop().await;
}

#[tokio::test]
async fn a_signed_request_is_taken_once_and_only_in_time() {
    let app = TestApp::start().await;
    let body = json!({ "app": "shop", "signature_method": "sha256" });
    let made = app.call(Method::POST, "/v1/keys", Some(body)).await.json();
    let (id, _) = credentials(made["key"].as_str().unwrap());
    let secret = Secret::new(made["signature_secret"].as_str().unwrap());
    note_secret(secret.expose());
    let sign = |timestamp: i64, sender: &str| {
        let text = format!(
            "&api_key={id}&brand=A_B&number={NUMBER}&sender_id={sender}&timestamp={timestamp}"
        );
        let sig = SignatureMethod::Sha256.sign(&text, &secret).to_uppercase();
        [
            ("api_key", id.to_owned()),
            ("brand", "A&B".to_owned()),
            ("number", NUMBER.to_owned()),
            ("sender_id", sender.to_owned()),
            ("timestamp", timestamp.to_string()),
            ("sig", sig),
        ]
    };
    let send = async |parameters: &[(&str, String)]| {
        json_of(app.http.get(format!("{}/verify/json", app.base)).query(parameters)).await
    };
    let now = app.now().as_second();
    for wrong in [sign(now - 301, "old"), sign(now + 301, "young")] {
        assert_eq!(send(&wrong).await["status"], "4");
    }
    let mut changed = sign(now, "a");
    changed[3].1 = "b".to_owned();
    assert_eq!(send(&changed).await["status"], "4");
    let signed = sign(now - 299, "a");
    assert_eq!(send(&signed).await["status"], "0");
    assert_eq!(send(&signed).await["status"], "4");
    assert_eq!(send(&sign(now, "c")).await["status"], "10");
    // A key signs only if it was made for it.
    let (unsigned, _) = credentials(&app.key);
    let mut other = sign(now, "d");
    other[0].1 = unsigned.to_owned();
    assert_eq!(send(&other).await["status"], "4");
    app.stop().await;
}

#[tokio::test]
async fn an_account_without_money_is_told_from_a_number_that_is_not_served() {
    let app = TestApp::start().await;
    app.simulator(Method::PUT, "/_simulator/settings", Some(json!({ "balance": 0.0 }))).await;
    for workflow in ["6", "7"] {
        let parameters = [("number", NUMBER), ("brand", "Acme"), ("workflow_id", workflow)];
        let expected = json!({ "status": "9", "error_text": "Partner quota exceeded" });
        assert_eq!(ask(&app, "/json", &parameters).await, expected);
    }
    app.stop().await;
}

#[tokio::test]
async fn a_running_call_is_named_too_and_a_number_may_come_in_any_writing() {
    let app = TestApp::start().await;
    app.script(NUMBER, json!({ "notify": "never" })).await;
    let id = request(&app, &[("workflow_id", "8")]).await;
    for (number, country) in
        [("00380991234567", ""), ("+380 (99) 123-45-67", ""), ("0991234567", "UA"), (NUMBER, "UA")]
    {
        let parameters =
            [("number", number), ("country", country), ("brand", "A"), ("workflow_id", "8")];
        let running = ask(&app, "/json", &parameters).await;
        assert_eq!((&running["status"], &running["request_id"]), (&json!("10"), &json!(id)));
    }
    app.advance(31);
    assert_eq!(control(&app, &id, "cancel").await["status"], "0");
    // The phone may still ring, and a press in that call must confirm no other.
    let parameters = [("number", NUMBER), ("brand", "A"), ("workflow_id", "8")];
    assert_eq!(ask(&app, "/json", &parameters).await["status"], "1");
    app.stop().await;
}

#[tokio::test]
async fn several_requests_are_found_at_once_and_what_was_typed_survives_a_restart() {
    let mut app = TestApp::start().await;
    let first = request(&app, &[("sender_id", "ACME")]).await;
    let typed = wrong(&code(&app).await);
    check(&app, &first, &typed).await;
    let other = [("number", "380992222222"), ("brand", "Acme")];
    let second = ask(&app, "/json", &other).await["request_id"].as_str().unwrap().to_owned();
    app.restart().await;
    let parameters = [("request_ids", &*first), ("request_ids", &second), ("request_ids", "0")];
    let found = ask(&app, "/search/json", &parameters).await;
    let found = found["verification_requests"].as_array().unwrap();
    assert_eq!((found.len(), &found[1]["request_id"]), (2, &json!(second)));
    assert_eq!(
        (&found[0]["sender_id"], &found[0]["status"]),
        (&json!("ACME"), &json!("IN PROGRESS"))
    );
    assert_eq!(
        (&found[0]["checks"][0]["code"], &found[0]["date_finalized"]),
        (&json!(typed), &json!(""))
    );
    let eleven: Vec<_> = (0..11).map(|_| ("request_ids", &*first)).collect();
    assert_eq!(ask(&app, "/search/json", &eleven).await["status"], "3");
    app.stop().await;
}
