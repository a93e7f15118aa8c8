//! Quiet hours from outside: who is left alone, what is said, and what becomes of a plan.

use jiff::civil::Time;
use reqwest::Method;
use ringproof::config::{Config, QuietHours};
use ringproof::domain::{Channel, Mode};
use serde_json::{Value, json};

use crate::app::TestApp;

/// When a test begins, it is 14:00 in Kyiv and 15:00 in Simferopol, the other zone of the
/// country; 13:00 in Warsaw; 07:00 in New York and 02:00 in Honolulu.
const NUMBER: &str = "+380991234567";

fn quiet(config: &mut Config, mode: Mode, from: &str, to: &str) {
    let time = |text: &str| text.parse::<Time>().unwrap();
    config.guard.quiet_hours = Some(QuietHours {
        mode,
        from: time(from),
        to: time(to),
        channels: vec![Channel::CallButton],
    });
}

async fn start(app: &TestApp, to: &str, channel: &str) -> crate::app::Answer {
    let body = json!({ "to": to, "channel": channel });
    app.call(Method::POST, "/v1/verifications", Some(body)).await
}

#[tokio::test]
async fn nobody_is_called_where_it_is_night_and_the_answer_says_when_it_is_over() {
    let app = TestApp::with(|config| quiet(config, Mode::Enforce, "22:00:00", "07:00:00")).await;
    // It is 22:00 in Kyiv, over midnight.
    app.advance(8 * 3600);
    let answer = start(&app, NUMBER, "call_button").await;
    assert_eq!(answer.problem(429), "guard_limited");
    let said = answer.json();
    assert_eq!(
        (&said["rule"], &said["retry_at"]),
        (&json!("quiet_hours"), &json!("2026-11-23T05:00:00.000Z"))
    );
    assert_eq!(answer.headers["retry-after"], "32400");
    assert_eq!(app.dialled(NUMBER).await, 0);
    assert_eq!(start(&app, NUMBER, "sms").await.status, 201, "an SMS wakes nobody");
    assert_eq!(
        start(&app, "+48512345678", "call_button").await.status,
        201,
        "it is 21:00 in Warsaw"
    );
    app.advance(9 * 3600 - 1);
    assert_eq!(start(&app, NUMBER, "call_button").await.problem(429), "guard_limited");
    app.advance(1);
    assert_eq!(start(&app, NUMBER, "call_button").await.status, 201);
    app.stop().await;
}

#[tokio::test]
async fn a_country_is_left_alone_while_it_is_night_in_any_of_its_zones() {
    let app = TestApp::with(|config| quiet(config, Mode::Enforce, "22:00:00", "07:00:00")).await;
    // 07:00 in New York, 02:00 in Honolulu.
    let answer = start(&app, "+12125550123", "call_button").await;
    assert_eq!(answer.json()["retry_at"], "2026-11-22T17:00:00.000Z", "{}", answer.text);
    app.advance(5 * 3600);
    assert_eq!(start(&app, "+12125550123", "call_button").await.status, 201);
    app.stop().await;
}

#[tokio::test]
async fn hours_that_never_end_somewhere_are_refused_for_good_and_shadow_lets_through() {
    let app = TestApp::with(|config| quiet(config, Mode::Enforce, "12:00:00", "09:00:00")).await;
    assert_eq!(start(&app, "+12125550123", "call_button").await.problem(403), "guard_refused");
    app.stop().await;
    let app = TestApp::with(|config| quiet(config, Mode::Shadow, "13:00:00", "15:00:00")).await;
    assert_eq!(start(&app, NUMBER, "call_button").await.status, 201);
    let guard = app.get("/v1/guard").await.json();
    let total = json!([{ "rule": "quiet_hours", "mode": "shadow", "total": 1 }]);
    assert_eq!(guard["totals"], total);
    let shown = |rule: &&Value| rule["rule"] == "quiet_hours" && rule["mode"] == "shadow";
    assert!(guard["rules"].as_array().unwrap().iter().any(|rule| shown(&rule)), "{guard:#}");
    app.stop().await;
}

#[tokio::test]
async fn a_later_step_waits_for_the_morning_while_its_verification_lasts() {
    // It is night in Kyiv for three minutes more.
    let app = TestApp::with(|config| quiet(config, Mode::Enforce, "22:00:00", "14:03:00")).await;
    let plan = json!([{ "channel": "sms", "wait": 60 }, { "channel": "call_button" }]);
    let begun = app.begin_with(json!({ "to": NUMBER, "plan": plan })).await;
    app.advance(61);
    let next = format!("/v1/verifications/{}/next", begun["id"].as_str().unwrap());
    let refused = app.call(Method::POST, &next, None).await;
    assert_eq!(refused.json()["retry_at"], "2026-11-22T12:03:00.000Z", "{}", refused.text);
    assert_eq!(app.dialled(NUMBER).await, 1, "the SMS");
    app.advance(119);
    assert_eq!(app.outcome(&begun["id"]).await["outcome"], "confirmed");
    assert_eq!(app.dialled(NUMBER).await, 2);
    app.stop().await;
}
