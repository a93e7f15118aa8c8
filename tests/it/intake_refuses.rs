//! Notifications that must not verify, and how each is answered.

use reqwest::Method;
use ringproof::config::StoreUrl;
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};

use crate::app::{OUR_NUMBER, TestApp, answer, made_up};
use crate::intake_verifies::end;

const NUMBER: &str = "+380991234567";
const NATIONAL: &str = "0991234567";

/// A verification whose own call tells nothing, so that the test does.
async fn silent(app: &TestApp, number: &str) -> Value {
    app.script(number, json!({ "notify": "never" })).await;
    app.begin(number).await["id"].clone()
}

async fn assert_pending(app: &TestApp, id: &Value, what: &str) {
    let now = app.show(id).await;
    assert_eq!(now["status"], "pending", "{what}: {now:#}");
}

/// The last notification that the simulator sent, to be sent again.
async fn last_sent(app: &TestApp) -> Value {
    app.notifications().await.pop().unwrap()
}

#[tokio::test]
async fn an_old_genuine_notification_replayed_for_the_same_number_confirms_nothing() {
    let app = TestApp::start().await;
    app.script(NUMBER, json!({})).await;
    let first = app.begin(NUMBER).await;
    assert_eq!(app.outcome(&first["id"]).await["status"], "verified");
    let old = last_sent(&app).await;

    app.advance(61);
    let second = silent(&app, NUMBER).await;
    let replay = json!({ "fields": old["fields"], "signature": old["signature"] });
    assert_eq!(app.notify_with(replay).await["status"], 200);

    assert_pending(&app, &second, "a replay").await;
    app.stop().await;
}

#[tokio::test]
async fn a_no_key_notification_resent_with_the_key_after_it_was_judged_confirms_nothing() {
    let app = TestApp::start().await;
    app.script(NUMBER, json!({ "press": "" })).await;
    let started = app.begin(NUMBER).await;
    assert_eq!(app.outcome(&started["id"]).await["outcome"], "no_key");
    let genuine = last_sent(&app).await;
    let mut fields: Vec<(String, String)> =
        serde_json::from_value(genuine["fields"].clone()).unwrap();
    for (name, value) in &mut fields {
        if name == "callback_dtmf" {
            *value = "1".to_owned();
        }
    }

    let forged = json!({ "fields": fields, "signature": genuine["signature"] });
    assert_eq!(app.notify_with(forged).await["status"], 200);

    let now = app.show(&started["id"]).await;
    assert_eq!((&now["outcome"], &now["disputed"]), (&json!("no_key"), &json!(true)), "{now:#}");
    app.stop().await;
}

#[tokio::test]
async fn a_contradiction_after_a_true_press_disputes_it_and_it_cannot_be_redeemed() {
    let app = TestApp::start().await;
    app.script(NUMBER, json!({})).await;
    let started = app.begin(NUMBER).await;
    app.outcome(&started["id"]).await;
    let time = app.pbx_time();
    app.notify(&end(NUMBER, &time, "5")).await;

    let now = app.show(&started["id"]).await;
    assert_eq!((&now["status"], &now["disputed"]), (&json!("verified"), &json!(true)));
    let path = format!("/v1/verifications/{}/redeem", started["id"].as_str().unwrap());
    let answer = app.call(Method::POST, &path, Some(json!({ "to": NUMBER }))).await;
    assert_eq!(answer.problem(409), "disputed");
    app.stop().await;
}

#[tokio::test]
async fn calls_that_are_not_ours_confirm_nothing() {
    let app = TestApp::start().await;
    let id = silent(&app, NUMBER).await;
    let time = app.pbx_time();
    let with = |changes: &[(&'static str, &'static str)]| {
        let mut fields: Vec<(String, String)> = end(NUMBER, &time, "1")
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        for (name, value) in changes {
            fields.retain(|(known, _)| known != name);
            fields.push(((*name).to_owned(), (*value).to_owned()));
        }
        fields
    };
    let before = app.verdicts().await;
    for (what, fields, verdict) in [
        (
            "a stranger phones us under the victim's caller ID",
            with(&[("called_did", OUR_NUMBER), ("pbx_call_id", "in_1")]),
            "not_outgoing",
        ),
        ("the same, its unsigned id changed", with(&[("called_did", OUR_NUMBER)]), "foreign_did"),
        ("an incoming call with a filler", with(&[("pbx_call_id", "in_1")]), "not_outgoing"),
        ("a start of the call with the key", with(&[("event", "NOTIFY_START")]), "progress"),
        ("an IVR event with the key", with(&[("event", "NOTIFY_IVR")]), "not_a_result"),
        (
            "fields shifted over their boundary",
            with(&[("caller_id", "09912345670"), ("called_did", "")]),
            "foreign_did",
        ),
        ("a time of another length", with(&[("call_start", "2026-11-22 12:00:000")]), "ambiguous"),
        ("a time that is none", with(&[("call_start", "2026-13-45 99:00:00")]), "ambiguous"),
        (
            "a call before the window",
            with(&[("call_start", "2026-11-22 11:59:29")]),
            "outside_window",
        ),
        (
            "a call after the window",
            with(&[("call_start", "2026-11-22 12:10:01")]),
            "outside_window",
        ),
        ("a number that shares its ending", with(&[("caller_id", "+48991234567")]), "near_miss"),
        ("another number", with(&[("caller_id", "0990000000")]), "no_match"),
        ("a hidden number", with(&[("caller_id", "anonymous")]), "no_number"),
    ] {
        let earlier = app.verdicts().await;
        let sent = app.notify_with(json!({ "fields": fields })).await;
        assert_eq!((&sent["status"], &sent["body"]), (&json!(200), &json!("")), "{what}");
        assert_pending(&app, &id, what).await;
        let later = app.verdicts().await;
        assert!(later[verdict] > earlier[verdict], "{what}: {verdict}");
    }
    assert!(before["accepted"] <= app.verdicts().await["accepted"]);
    app.stop().await;
}

#[tokio::test]
async fn an_agents_own_call_confirms_nothing_and_only_hints_at_the_end() {
    let app = TestApp::start().await;
    let id = silent(&app, NUMBER).await;
    let call = json!({ "kind": "agent", "number": NUMBER, "answered": true });
    app.simulator(Method::POST, "/_simulator/calls", Some(call)).await;
    assert_pending(&app, &id, "an agent's call").await;

    app.advance(181);

    assert_eq!(app.outcome(&id).await["outcome"], "provider_lost");
    app.stop().await;
}

#[tokio::test]
async fn a_press_in_a_canceled_call_does_not_confirm_a_new_one() {
    let app = TestApp::start().await;
    let old = silent(&app, NUMBER).await;
    let path = format!("/v1/verifications/{}/cancel", old.as_str().unwrap());
    assert_eq!(app.call(Method::POST, &path, None).await.status, 200);

    let refused = app.call(Method::POST, "/v1/verifications", Some(json!({ "to": NUMBER }))).await;
    assert_eq!(refused.problem(409), "number_busy");
    assert!(refused.headers.contains_key("retry-after"));
    let time = app.pbx_time();
    assert_eq!(app.notify(&end(NATIONAL, &time, "1")).await["status"], 200);
    assert_eq!(app.show(&old).await["status"], "canceled");

    // The claim holds for a minute after the result, and then a new call is nobody's past.
    app.advance(59);
    let refused = app.call(Method::POST, "/v1/verifications", Some(json!({ "to": NUMBER }))).await;
    assert_eq!(refused.problem(409), "number_busy");
    app.advance(2);
    let new = silent(&app, NUMBER).await;
    app.notify(&end(NATIONAL, &time, "1")).await;
    assert_pending(&app, &new, "the old press").await;
    app.stop().await;
}

#[tokio::test]
async fn a_second_leg_of_the_old_call_reported_late_confirms_nothing_new() {
    let app = TestApp::start().await;
    let old = silent(&app, NUMBER).await;
    let time = app.pbx_time();
    app.notify(&end(NATIONAL, &time, "")).await;
    assert_eq!(app.outcome(&old).await["outcome"], "no_key");

    app.advance(61);
    let new = silent(&app, NUMBER).await;
    app.notify(&end(NATIONAL, &time, "1")).await;

    assert_pending(&app, &new, "a late leg").await;
    app.stop().await;
}

#[tokio::test]
async fn a_result_at_the_last_moment_holds_the_claim_until_no_leg_of_it_can_count() {
    let app = TestApp::start().await;
    let old = silent(&app, NUMBER).await;
    app.advance(590);
    let late_leg = app.pbx_time_at(-5);
    app.notify(&end(NATIONAL, &late_leg, "")).await;
    assert_ne!(app.outcome(&old).await["status"], "verified");
    app.advance(50);
    let refused = app.call(Method::POST, "/v1/verifications", Some(json!({ "to": NUMBER }))).await;
    assert_eq!(refused.problem(409), "number_busy");

    app.advance(11);
    let new = silent(&app, NUMBER).await;
    app.notify(&end(NATIONAL, &late_leg, "1")).await;

    assert_pending(&app, &new, "a leg of the old call").await;
    app.stop().await;
}

#[tokio::test]
async fn a_replay_dated_in_the_repeated_hour_confirms_nothing() {
    let app = TestApp::start().await;
    app.hand.set("2026-10-25T00:30:00Z".parse().unwrap());
    app.simulator(Method::PUT, "/_simulator/settings", Some(json!({ "zone_offset_minutes": 180 })))
        .await;
    app.learn().await;
    app.script(NUMBER, json!({})).await;
    let first = app.begin(NUMBER).await;
    assert_eq!(app.outcome(&first["id"]).await["status"], "verified");
    let old = last_sent(&app).await;

    // An hour later the wall clock shows 03:30 again, and nothing but the text tells them apart.
    app.hand.set("2026-10-25T01:30:00Z".parse().unwrap());
    app.simulator(Method::PUT, "/_simulator/settings", Some(json!({ "zone_offset_minutes": 120 })))
        .await;
    app.learn().await;
    let second = silent(&app, NUMBER).await;
    app.notify_with(json!({ "fields": old["fields"], "signature": old["signature"] })).await;

    assert_pending(&app, &second, "the first pass replayed in the second").await;
    assert!(app.verdicts().await["stale_call_start"] >= 1);
    app.stop().await;
}

#[tokio::test]
async fn what_is_not_the_providers_is_refused_with_its_status_and_an_empty_body() {
    let app = TestApp::start().await;
    let id = silent(&app, NUMBER).await;
    let time = app.pbx_time();
    let fields = end(NUMBER, &time, "1");
    let before = app.verdicts().await;
    for (what, request, status) in [
        (
            "another secret",
            json!({ "fields": fields, "signature": "NWJmMzIwZjk0YjViYzdlMDFmZGMwZjMyYjdlOTM5Y2FjNjgyN2EzNQ==" }),
            401,
        ),
        ("no signature", json!({ "fields": fields, "unsigned": true }), 401),
        (
            "raw bytes in base64",
            json!({ "fields": fields, "signature": "DZI3FjnCm42Kv8yUTAb/Cs9j0Q8=" }),
            401,
        ),
        (
            "a wrong token",
            json!({ "fields": fields, "url": format!("{}/hooks/zadarma/{}", app.base, made_up()) }),
            404,
        ),
    ] {
        let sent = app.notify_with(request).await;
        assert_eq!((&sent["status"], &sent["body"]), (&json!(status), &json!("")), "{what}");
    }
    let url = format!("{}/hooks/zadarma/{}", app.base, app.token);
    let large = answer(app.http.post(&url).body("a".repeat(64 * 1024 + 1))).await;
    assert_eq!((large.status.as_u16(), large.text.as_str()), (413, ""));
    let after = app.verdicts().await;
    for (verdict, times) in [("bad_signature", 3), ("unknown_token", 1), ("too_large", 1)] {
        assert!(after[verdict] >= before[verdict] + times, "{verdict} is counted");
    }
    let log = std::fs::read_to_string(crate::app::log_file()).unwrap();
    for length in ["signature.length=28", "signature.length=56", "has no signature"] {
        assert!(log.contains(length), "the log tells {length}");
    }
    assert_pending(&app, &id, "refusals").await;
    app.stop().await;
}

#[tokio::test]
async fn an_unlisted_address_is_refused_even_with_a_true_signature() {
    let app = TestApp::with(|config| {
        config.accounts.get_mut("main").unwrap().source_addresses =
            vec!["185.45.152.40/30".parse().unwrap()];
    })
    .await;
    let id = silent(&app, NUMBER).await;
    let time = app.pbx_time();

    let forged = json!({ "fields": end(NUMBER, &time, "1"), "headers": [["X-Forwarded-For", "185.45.152.41"]] });
    assert_eq!(app.notify_with(forged).await["status"], 403);

    assert_pending(&app, &id, "an unlisted address").await;
    assert!(app.verdicts().await["bad_source"] >= 1);
    let metrics = answer(app.http.get(format!("{}/metrics", app.base))).await.text;
    assert!(!metrics.contains("ringproof_alarms_total{alarm=\"unlisted_source\"} 0"), "{metrics}");
    app.stop().await;
}

#[tokio::test]
async fn what_can_be_read_in_two_ways_is_malformed_and_changes_nothing() {
    let app = TestApp::start().await;
    let id = silent(&app, NUMBER).await;
    let time = app.pbx_time();
    let mut repeated = end(NUMBER, &time, "");
    repeated.push(("callback_dtmf", "1"));
    let mut foreign = end("+٣٨٠٩٩١٢٣٤٥٦٧", &time, "1");
    foreign.push(("x", "y"));
    let not_utf8 =
        json!({ "fields": [], "body": "event=NOTIFY_END&caller_id=%ff%fe", "signature": "x" });
    for request in [json!({ "fields": repeated }), json!({ "fields": foreign }), not_utf8] {
        let before = app.verdicts().await["malformed"];
        let sent = app.notify_with(request).await;
        assert_eq!((&sent["status"], &sent["body"]), (&json!(200), &json!("")));
        assert!(app.verdicts().await["malformed"] > before);
    }
    assert_pending(&app, &id, "malformed").await;
    app.stop().await;
}

#[tokio::test]
async fn any_body_at_all_is_answered_and_changes_nothing() {
    let app = TestApp::start().await;
    let id = silent(&app, NUMBER).await;
    let url = format!("{}/hooks/zadarma/{}", app.base, app.token);
    for (content_type, body) in [
        ("application/x-www-form-urlencoded", ""),
        ("application/x-www-form-urlencoded", "&&&&===%"),
        ("application/x-www-form-urlencoded", "event"),
        ("application/json", "{\"event\":\"NOTIFY_END\"}"),
        ("multipart/form-data", "no boundary"),
        ("multipart/form-data; boundary=x", "--x\r\nnot a part"),
        ("text/plain", "\u{0}\u{1}\u{2}"),
        ("", "event=NOTIFY_END&event=NOTIFY_END"),
    ] {
        let request = app.http.post(&url).header("content-type", content_type).body(body);
        let status = answer(request).await.status.as_u16();
        assert!(matches!(status, 200 | 400 | 401), "{content_type} {body:?}: {status}");
    }
    assert_pending(&app, &id, "nonsense").await;
    app.stop().await;
}

#[tokio::test]
async fn unknown_events_are_acknowledged_and_journaled() {
    let app = TestApp::start().await;
    let before = app.verdicts().await["unknown_event"];
    let sent = app
        .notify(&[
            ("event", "NOTIFY_FUTURE"),
            ("caller_id", "1"),
            ("called_did", "2"),
            ("call_start", "3"),
        ])
        .await;
    assert_eq!((&sent["status"], &sent["body"]), (&json!(200), &json!("")));
    assert!(app.verdicts().await["unknown_event"] > before);
    // The journal is the store's alone; an operator reads it in the file.
    let StoreUrl::Sqlite(path) = &app.config.store.url else { panic!("it is no file") };
    let journal = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let row: (String, bool) = journal
        .query_row(
            "SELECT verdict, verification_id IS NULL FROM journal WHERE event = 'NOTIFY_FUTURE'",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    assert_eq!(row, ("unknown_event".to_owned(), true));
    app.stop().await;
}

#[tokio::test]
async fn the_handshake_is_answered_after_the_token_only_and_mirrors_nothing_else() {
    let app = TestApp::start().await;
    let url = format!("{}/hooks/zadarma/{}", app.base, app.token);
    for request in [
        app.http.get(format!("{url}?zd_echo=abc-DEF_123")),
        app.http.post(format!("{url}?zd_echo=abc-DEF_123")),
        app.http.post(&url).form(&[("zd_echo", "abc-DEF_123")]),
    ] {
        let echo = answer(request).await;
        assert_eq!((echo.status.as_u16(), echo.text.as_str()), (200, "abc-DEF_123"));
        assert!(echo.headers["content-type"].to_str().unwrap().starts_with("text/plain"));
    }
    let long = "a".repeat(129);
    for (request, what) in [
        (app.http.get(format!("{url}?zd_echo=%3Cscript%3E")), "other characters"),
        (app.http.get(format!("{url}?zd_echo=")), "nothing"),
        (app.http.get(format!("{url}?zd_echo={long}")), "too long"),
        (app.http.post(&url).form(&[("event", "NOTIFY_END"), ("zd_echo", "abc")]), "an event"),
        (
            app.http.get(format!("{}/hooks/zadarma/{}?zd_echo=abc", app.base, made_up())),
            "a wrong token",
        ),
    ] {
        let refused = answer(request).await;
        assert!(refused.text.is_empty(), "{what}: {}", refused.text);
    }
    app.stop().await;
}
