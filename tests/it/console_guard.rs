//! The console's page of the guard, by plain HTTP and in a browser.

use reqwest::Method;
use ringproof::config::Rate;
use ringproof::domain::{Limit, Mode};
use serde_json::json;

use crate::app::{Answer, TestApp};
use crate::console::Visitor;
use crate::console_browser::Desk;

const NUMBER: &str = "+380991234567";
const OTHER: &str = "+380501234567";

async fn starts(app: &TestApp, to: &str) -> Answer {
    app.call(Method::POST, "/v1/verifications", Some(json!({ "to": to }))).await
}

async fn page(visitor: &Visitor) -> String {
    let page = visitor.get("/console/guard").await;
    assert_eq!(page.status, 200, "{}", page.text);
    page.text
}

/// The id in the first form of the page that posts to `/console/guard/{of}/ID/{verb}`.
fn id_in(page: &str, of: &str, verb: &str) -> String {
    let (_, rest) = page.split_once(&format!("action=\"/console/guard/{of}/")).unwrap();
    let (id, _) = rest.split_once(&format!("/{verb}\"")).unwrap();
    id.to_owned()
}

#[tokio::test]
async fn the_kill_switch_stops_everything_an_app_or_a_channel_until_starts_may_be_again() {
    let app = TestApp::start().await;
    let visitor = Visitor::signed_in(&app, &app.key).await;
    assert!(page(&visitor).await.contains("nothing is stopped"));
    let own = app.app().service().list_keys().await.unwrap()[0].app.to_string();
    for switch in [
        [("app", ""), ("channel", "")],
        [("app", ""), ("channel", "call_button")],
        [("app", &*own), ("channel", "call_button")],
    ] {
        let fields = [switch[0], switch[1], ("reason", "a flood")];
        assert_eq!(visitor.post("/console/guard/stop", &fields).await.status, 303);
        let refused = starts(&app, NUMBER).await;
        assert_eq!(refused.json()["rule"], "kill_switch", "{switch:?}");
        let stopped = page(&visitor).await;
        assert!(stopped.contains("a flood") && !stopped.contains("nothing is stopped"));

        let resumed = visitor.post("/console/guard/resume", &switch).await;
        assert_eq!(resumed.status, 303);
        assert!(page(&visitor).await.contains("nothing is stopped"), "{switch:?}");
    }
    // One channel of the app does not stop another app's.
    let fields = [("app", "bakery"), ("channel", "")];
    visitor.post("/console/guard/stop", &fields).await;
    assert_eq!(starts(&app, NUMBER).await.status, 201);
    app.stop().await;
}

#[tokio::test]
async fn rules_tell_what_they_refused_and_what_they_would_have() {
    let limit = Limit { max: 1, per: jiff::SignedDuration::from_secs(600) };
    let rate = |mode| Rate { mode, limits: vec![limit] };
    let app = TestApp::with(|config| {
        config.guard.per_number = rate(Mode::Enforce);
        config.guard.per_app = rate(Mode::Shadow);
    })
    .await;
    let visitor = Visitor::signed_in(&app, &app.key).await;
    let started = starts(&app, NUMBER).await.json();
    app.outcome(&started["id"]).await;
    assert_eq!(starts(&app, NUMBER).await.status, 429);
    assert_eq!(starts(&app, OTHER).await.status, 201);
    let page = page(&visitor).await;
    let row = |rule: &str| {
        let (_, rest) = page
            .split_once(&format!("data-label=\"Rule\"><span class=\"strong\">{rule}<"))
            .unwrap();
        rest.split("</tr>").next().unwrap().to_owned()
    };
    let enforced = row("per number");
    assert!(enforced.contains(">enforce</span>") && enforced.contains("1 in 10 min<"));
    assert!(enforced.contains("data-label=\"Refused\">1<"), "{enforced}");
    assert!(enforced.contains("data-label=\"Would have\">0<"), "{enforced}");
    let shadowed = row("per app");
    assert!(shadowed.contains("data-label=\"Refused\">0<"), "{shadowed}");
    assert!(!shadowed.contains("data-label=\"Would have\">0<"), "{shadowed}");
    app.stop().await;
}

#[tokio::test]
async fn what_a_rule_has_blocked_is_listed_and_unblocked() {
    let app = TestApp::with(|config| {
        config.guard.cooldown = ringproof::config::Cooldown {
            mode: Mode::Enforce,
            rejected: Some(jiff::SignedDuration::from_mins(10)),
            not_me: None,
        };
    })
    .await;
    let visitor = Visitor::signed_in(&app, &app.key).await;
    assert!(page(&visitor).await.contains("A rule that blocks for a time"));
    app.script(NUMBER, json!({ "does": "refused" })).await;
    let begun = app.begin(NUMBER).await;
    app.notifications().await;
    app.advance(11);
    assert_eq!(app.outcome(&begun["id"]).await["outcome"], "rejected");
    assert_eq!(starts(&app, NUMBER).await.json()["rule"], "cooldown");

    let listed = page(&visitor).await;
    assert!(listed.contains("<span class=\"strong\">cooldown<"), "{listed}");
    assert!(!listed.contains(&NUMBER[1..]), "it is masked");
    // By then the call before is surely over.
    app.advance(120);
    let path = format!("/console/guard/blocks/{}/lift", id_in(&listed, "blocks", "lift"));
    assert_eq!(visitor.post(&path, &[]).await.status, 303);
    app.script(NUMBER, json!({ "notify": "never" })).await;
    assert_eq!(starts(&app, NUMBER).await.status, 201);
    assert_eq!(visitor.post(&path, &[]).await.status, 404, "it was lifted before");
    app.stop().await;
}

#[tokio::test]
async fn who_is_suppressed_is_masked_and_may_be_reached_again() {
    let app = TestApp::start().await;
    let visitor = Visitor::signed_in(&app, &app.key).await;
    assert!(page(&visitor).await.contains("Nobody. Add below"));
    let fields = [("to", NUMBER), ("app", ""), ("reason", "asked to be left alone")];
    assert_eq!(visitor.post("/console/guard/suppressions", &fields).await.status, 303);
    let listed = page(&visitor).await;
    assert!(listed.contains("asked to be left alone"));
    assert!(!listed.contains(NUMBER) && !listed.contains(&NUMBER[1..]));
    assert_eq!(starts(&app, NUMBER).await.json()["rule"], "suppression");

    let id = id_in(&listed, "suppressions", "delete");
    let path = format!("/console/guard/suppressions/{id}/delete");
    assert_eq!(visitor.post(&path, &[]).await.status, 303);
    assert_eq!(starts(&app, NUMBER).await.status, 201);
    assert_eq!(visitor.post(&path, &[]).await.status, 404, "it was taken away before");
    app.stop().await;
}

#[tokio::test]
async fn what_cannot_be_is_refused_in_words_and_changes_nothing() {
    let app = TestApp::start().await;
    let visitor = Visitor::signed_in(&app, &app.key).await;
    let long = "x".repeat(257);
    for (path, fields, says) in [
        ("stop", [("app", "No App"), ("channel", "")], "1 to 64 characters"),
        ("stop", [("app", ""), ("channel", "pigeon")], "no such channel"),
        ("stop", [("app", ""), ("reason", &*long)], "at most 256 bytes"),
        ("resume", [("app", ""), ("channel", "pigeon")], "no such channel"),
        ("suppressions", [("to", "123"), ("app", "")], "The number"),
        ("suppressions", [("to", "a@b"), ("app", "")], "The address"),
        ("suppressions", [("to", NUMBER), ("app", "No App")], "1 to 64 characters"),
    ] {
        let refused = visitor.post(&format!("/console/guard/{path}"), &fields).await;
        assert_eq!(refused.status, 422, "{path} {fields:?}");
        assert!(refused.text.contains(says), "{path} {fields:?}");
    }
    for id in ["nonsense", &"0".repeat(32), "%00"] {
        for (of, verb) in [("blocks", "lift"), ("suppressions", "delete")] {
            let path = format!("/console/guard/{of}/{id}/{verb}");
            assert_eq!(visitor.post(&path, &[]).await.status, 404, "{path}");
        }
    }
    assert_eq!(visitor.get("/console/guard?cursor=nonsense").await.status, 404);
    for path in ["stop", "suppressions"] {
        let fields = [("to", NUMBER), ("app", ""), ("form_token", "of another session")];
        let foreign = visitor.request(&format!("/console/guard/{path}")).form(&fields);
        let foreign = foreign.header("sec-fetch-site", "same-origin");
        assert_eq!(crate::app::answer(foreign).await.status, 403, "{path}");
    }
    assert_eq!(starts(&app, NUMBER).await.status, 201);
    app.stop().await;
}

#[tokio::test]
async fn an_operator_flips_the_kill_switch() {
    let desk = Desk::at("/console/guard").await;
    desk.until("details[open] #stop").await.click().await.unwrap();
    desk.until("#stopped .badge.bad").await;
    assert_eq!(starts(&desk.app, NUMBER).await.json()["rule"], "kill_switch");
    let fits = desk.run("return document.documentElement.scrollWidth <= innerWidth").await;
    assert_eq!(fits, json!(true), "the page fits a phone's screen");
    desk.click("button.resume").await;
    desk.until(".panel .badge.good").await;
    assert_eq!(starts(&desk.app, NUMBER).await.status, 201);
    desk.close().await;
}
