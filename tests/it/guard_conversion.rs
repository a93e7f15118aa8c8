//! The conversion guard from outside: a prefix of which too little is proved is blocked by that
//! channel for a time, and operators see it, lift it and exempt from it.

use reqwest::Method;
use ringproof::config::ConversionRule;
use ringproof::domain::{Conversion, Mode};
use serde_json::{Value, json};

use crate::app::{Answer, TestApp};

/// Numbers of the prefix that is pumped, of another one, and of one that is fine.
const PUMPED: &str = "+38099111";
const OTHER: &str = "+38099222";

const RULE: Conversion = Conversion {
    min_percent: 50,
    min_volume: 4,
    window: jiff::SignedDuration::from_mins(160),
    settle: jiff::SignedDuration::from_mins(10),
    block_for: jiff::SignedDuration::from_hours(1),
};
/// When every slot of ten minutes has ended and settled.
const SETTLED: u64 = 20 * 60;

async fn app_with(mode: Mode) -> TestApp {
    TestApp::with(|config| {
        config.guard.conversion = Some(ConversionRule { mode, conversion: RULE });
        config.accounts.get_mut("main").unwrap().requests_per_minute = 1000;
    })
    .await
}

async fn start(app: &TestApp, to: &str, channel: &str) -> Answer {
    let body = json!({ "to": to, "channel": channel });
    app.call(Method::POST, "/v1/verifications", Some(body)).await
}

/// Codes that nobody enters, to numbers of a prefix.
async fn pump(app: &TestApp, prefix: &str, numbers: std::ops::Range<u16>) {
    for number in numbers {
        let answer = start(app, &format!("{prefix}{number:04}"), "sms").await;
        assert_eq!(answer.status, 201, "{}", answer.text);
    }
}

#[track_caller]
fn blocked(answer: &Answer) {
    assert_eq!(answer.problem(429), "guard_limited");
    assert_eq!(answer.json()["rule"], "conversion");
}

async fn blocks(app: &TestApp) -> Vec<Value> {
    app.get("/v1/guard/blocks").await.json()["blocks"].as_array().unwrap().clone()
}

async fn alarms(app: &TestApp) -> String {
    let text = app.get("/metrics").await.text;
    let line = text.lines().find(|line| line.contains("alarm=\"prefix_blocked\""));
    line.unwrap().rsplit(' ').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_prefix_of_which_too_little_is_proved_is_blocked_by_that_channel_for_a_time() {
    let app = app_with(Mode::Enforce).await;
    pump(&app, PUMPED, 0..5).await;
    // They may all still be proved, so nothing is held against the prefix.
    pump(&app, PUMPED, 5..6).await;
    assert!(blocks(&app).await.is_empty());
    let before: u64 = alarms(&app).await.parse().unwrap();
    app.advance(SETTLED);

    let answer = start(&app, "+380991119999", "sms").await;
    blocked(&answer);
    assert_eq!(answer.headers["retry-after"], "3600");
    assert!(!answer.text.contains("38099111"), "{}", answer.text);
    assert_eq!(alarms(&app).await.parse::<u64>().unwrap(), before + 1);
    blocked(&start(&app, "+380991119999", "sms").await);
    assert_eq!(alarms(&app).await.parse::<u64>().unwrap(), before + 1, "one for a block");
    // Neither another channel nor another prefix.
    assert_eq!(start(&app, "+380991119998", "call_code").await.status, 201);
    pump(&app, OTHER, 0..1).await;

    let listed = blocks(&app).await;
    assert_eq!(listed.len(), 1);
    let block = &listed[0];
    assert_eq!((&block["rule"], &block["app"]), (&json!("conversion"), &Value::Null));
    assert_eq!(block["subject"], "+38099111 by sms");
    assert_eq!(block["reason"], "0 of 6 attempts were proved");
    app.advance(3599);
    blocked(&start(&app, "+380991119999", "sms").await);
    app.advance(1);
    assert!(blocks(&app).await.is_empty());
    // Counting began afresh, so that it is not blocked again for the same.
    pump(&app, PUMPED, 10..14).await;
    app.advance(SETTLED);
    blocked(&start(&app, "+380991119999", "sms").await);
    app.stop().await;
}

#[tokio::test]
async fn a_prefix_that_is_proved_often_enough_is_let_be_however_late_the_proof_comes() {
    let app = app_with(Mode::Enforce).await;
    // Of five by code and five by button, three each prove.
    for number in 0..5 {
        let to = format!("{PUMPED}000{number}");
        let mut body = json!({ "to": to, "channel": "sms" });
        body["code"] = json!("482913");
        let begun = app.begin_with(body).await;
        if number < 3 {
            app.advance(120);
            let path = format!("/v1/verifications/{}/check", begun["id"].as_str().unwrap());
            let checked = app.call(Method::POST, &path, Some(json!({ "code": "482913" }))).await;
            assert_eq!(checked.json()["result"], "correct", "{}", checked.text);
        }
        let to = format!("{OTHER}000{number}");
        app.script(&to, json!({ "press": if number < 3 { "1" } else { "" } })).await;
        let begun = app.begin(&to).await;
        let wanted = if number < 3 { "confirmed" } else { "no_key" };
        assert_eq!(app.outcome(&begun["id"]).await["outcome"], wanted);
    }
    app.advance(SETTLED);
    assert_eq!(start(&app, "+380991119999", "sms").await.status, 201);
    assert_eq!(start(&app, "+380992229999", "call_button").await.status, 201);
    assert!(blocks(&app).await.is_empty());
    app.stop().await;
}

#[tokio::test]
async fn calls_that_the_provider_did_not_place_are_not_held_against_their_prefix() {
    let app = app_with(Mode::Enforce).await;
    for number in 0..6 {
        let to = format!("{PUMPED}000{number}");
        let how = if number % 2 == 0 {
            json!({ "api": "refuse" })
        } else {
            json!({ "does": "no_money" })
        };
        app.script(&to, how).await;
        let begun = app.begin(&to).await;
        assert_eq!(app.outcome(&begun["id"]).await["outcome"], "provider_refused");
    }
    app.advance(SETTLED);
    assert_eq!(start(&app, "+380991119999", "call_button").await.status, 201);
    app.stop().await;
}

#[tokio::test]
async fn in_shadow_it_counts_what_it_would_have_refused_and_blocks_nothing() {
    let app = app_with(Mode::Shadow).await;
    pump(&app, PUMPED, 0..5).await;
    app.advance(SETTLED);
    pump(&app, PUMPED, 5..7).await;
    assert!(blocks(&app).await.is_empty());
    let guard = app.get("/v1/guard").await.json();
    assert_eq!(guard["totals"], json!([{ "rule": "conversion", "mode": "shadow", "total": 2 }]));
    let rules = guard["rules"].as_array().unwrap();
    let own = rules.iter().find(|rule| rule["rule"] == "conversion").unwrap();
    let wanted = json!({
        "min_percent": 50, "min_volume": 4, "window": 9600, "settle": 600, "block_for": 3600,
    });
    assert_eq!((&own["mode"], &own["conversion"]), (&json!("shadow"), &wanted));
    app.stop().await;
}

#[tokio::test]
async fn an_apps_own_rule_blocks_that_app_alone_and_a_lifted_block_begins_afresh() {
    let app = TestApp::with(|config| {
        let conversion = Some(ConversionRule { mode: Mode::Enforce, conversion: RULE });
        let guard = ringproof::config::Guard { conversion, ..Default::default() };
        let shop = ringproof::config::App { guard: Some(guard), ..Default::default() };
        config.apps.insert("shop".to_owned(), shop);
        config.accounts.get_mut("main").unwrap().requests_per_minute = 1000;
    })
    .await;
    pump(&app, PUMPED, 0..4).await;
    app.advance(SETTLED);
    blocked(&start(&app, "+380991119999", "sms").await);
    let block = blocks(&app).await.remove(0);
    assert_eq!(block["app"], "shop");
    let other = ringproof::domain::Name::parse("other").unwrap();
    let scopes = [ringproof::service::Scope::Start];
    let key = app.app().service().create_key(other, &scopes).await.unwrap().key;
    crate::app::note_secret(key.expose());
    let body = json!({ "to": "+380991119999", "channel": "sms" });
    let answer = app.call_as(key.expose(), Method::POST, "/v1/verifications", Some(body)).await;
    assert_eq!(answer.status, 201, "{}", answer.text);

    let path = format!("/v1/guard/blocks/{}", block["id"].as_str().unwrap());
    assert_eq!(app.call(Method::DELETE, &path, None).await.status, 204);
    pump(&app, PUMPED, 10..13).await;
    app.advance(SETTLED);
    pump(&app, PUMPED, 13..14).await;
    app.advance(SETTLED);
    blocked(&start(&app, "+380991119999", "sms").await);
    let entries = app.get("/v1/audit?limit=1").await.json();
    assert_eq!(entries["entries"][0]["action"], "block.lifted");
    app.stop().await;
}

#[tokio::test]
async fn an_exempt_prefix_is_not_blocked_and_a_block_that_stands_holds_it_no_more() {
    let app = app_with(Mode::Enforce).await;
    let exempt = |body: Value| app.call(Method::POST, "/v1/guard/exemptions", Some(body));
    pump(&app, PUMPED, 0..4).await;
    app.advance(SETTLED);
    blocked(&start(&app, "+380991119999", "sms").await);
    let by_call = exempt(json!({ "prefix": "+38099", "channel": "call_code" })).await;
    assert_eq!(by_call.status, 201, "{}", by_call.text);
    blocked(&start(&app, "+380991119999", "sms").await);
    let all = exempt(json!({ "prefix": "+38099111", "reason": "a fair" })).await;
    assert_eq!(
        (all.status.as_u16(), &all.json()["subject"]),
        (201, &json!("+38099111 by every channel"))
    );
    assert_eq!(all.json()["until"], Value::Null);
    pump(&app, PUMPED, 10..15).await;
    app.advance(SETTLED + 3600);
    pump(&app, PUMPED, 15..16).await;

    let listed = app.get("/v1/guard/exemptions").await.json();
    assert_eq!(listed["exemptions"].as_array().unwrap().len(), 2, "{listed:#}");
    assert!(blocks(&app).await.is_empty(), "an exemption is no block");
    let id = all.json()["id"].as_str().unwrap().to_owned();
    let as_block = format!("/v1/guard/blocks/{id}");
    assert_eq!(app.call(Method::DELETE, &as_block, None).await.problem(404), "not_found");
    let path = format!("/v1/guard/exemptions/{id}");
    assert_eq!(app.call(Method::DELETE, &path, None).await.status, 204);
    assert_eq!(app.call(Method::DELETE, &path, None).await.problem(404), "not_found");
    blocked(&start(&app, "+380991119999", "sms").await);
    let block = blocks(&app).await.remove(0);
    let as_exemption = format!("/v1/guard/exemptions/{}", block["id"].as_str().unwrap());
    assert_eq!(app.call(Method::DELETE, &as_exemption, None).await.problem(404), "not_found");

    let log = app.get("/v1/audit?limit=2").await.json();
    let entries = log["entries"].as_array().unwrap();
    let actions: Vec<&str> =
        entries.iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["prefix.unexempted", "prefix.exempted"]);
    for (bad, code) in [
        (json!({}), "missing_field"),
        (json!({ "prefix": "38099" }), "invalid_field"),
        (json!({ "prefix": "+380991234567" }), "invalid_field"),
        (json!({ "prefix": "+38", "channel": "fax" }), "invalid_field"),
        (json!({ "prefix": "+38", "channel": "email" }), "invalid_field"),
        (json!({ "prefix": "+38", "reason": "x".repeat(257) }), "invalid_field"),
        (json!({ "prefix": "+38", "until": "now" }), "unknown_field"),
    ] {
        assert_eq!(exempt(bad.clone()).await.problem(422), code, "{bad}");
    }
    app.stop().await;
}

#[tokio::test]
async fn the_command_line_lists_lifts_and_exempts() {
    let app = app_with(Mode::Enforce).await;
    let run = async |arguments: &str| {
        let shared = format!("{arguments} --server {} --key {}", app.base, app.key);
        let run = move || {
            let arguments: Vec<&str> = shared.split(' ').collect();
            crate::command::ringproof(&arguments, std::path::Path::new("."))
        };
        let output = tokio::task::spawn_blocking(run).await.unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    pump(&app, PUMPED, 0..4).await;
    app.advance(SETTLED);
    blocked(&start(&app, "+380991119999", "sms").await);
    let (_, said) = run("guard blocks").await;
    assert!(said.contains("+38099111 by sms") && said.contains("0 of 4"), "{said}");
    let id = said.split(' ').next().unwrap();
    assert_eq!(run(&format!("guard unblock {id}")).await, (Some(0), "done\n".to_owned()));
    pump(&app, PUMPED, 10..14).await;
    app.advance(SETTLED);
    let (code, said) = run("guard exempt +38099 --channel sms --reason fair").await;
    assert!(code == Some(0) && said.contains("+38099 by sms") && said.contains("fair"), "{said}");
    pump(&app, PUMPED, 14..15).await;
    let (_, listed) = run("guard exemptions").await;
    assert_eq!(listed, said);
    let id = said.split(' ').next().unwrap();
    assert_eq!(run(&format!("guard unexempt {id}")).await, (Some(0), "done\n".to_owned()));
    assert_eq!(run("guard exemptions").await.1, "none\n");
    assert_eq!(run(&format!("guard unexempt {id}")).await.0, Some(1));
    assert_eq!(run("guard exempt 38099").await.0, Some(1));
    blocked(&start(&app, "+380991119999", "sms").await);
    app.stop().await;
}

#[tokio::test]
async fn clients_of_vonage_are_told_of_a_block_and_in_shadow_served() {
    for (mode, expected) in [(Mode::Enforce, "7"), (Mode::Shadow, "0")] {
        let app = app_with(mode).await;
        pump(&app, PUMPED, 0..4).await;
        app.advance(SETTLED);
        let before = refusals(&app, mode).await;
        let parameters = [("number", "380991119999"), ("brand", "Acme")];
        let answer = crate::vonage::ask(&app, "/json", &parameters).await;
        assert_eq!(answer["status"], expected, "{answer:#}");
        assert!(!answer.to_string().contains("38099111"), "{answer:#}");
        // Other tests of this process count there, too.
        assert!(refusals(&app, mode).await > before, "{mode:?}");
        app.stop().await;
    }
}

/// How often this process refused for conversion, or would have.
async fn refusals(app: &TestApp, mode: Mode) -> u64 {
    let text = app.get("/metrics").await.text;
    let mut lines = text.lines().filter(|line| line.starts_with("ringproof_guard_refusals_total{"));
    let mode = format!("mode=\"{}\"", mode.as_str());
    let line = lines.find(|line| line.contains("rule=\"conversion\"") && line.contains(&mode));
    line.map_or(0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
}
