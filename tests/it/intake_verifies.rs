//! Notifications that must verify: every documented form of a true press.

use ringproof::domain::Secret;
use serde_json::{Value, json};

use crate::app::{TestApp, made_up};

const NUMBER: &str = "+380991234567";

/// One verification of a phone that follows `script`, to its end.
async fn verify(app: &TestApp, number: &str, script: Value) -> Value {
    app.script(number, script).await;
    let started = app.begin(number).await;
    app.notifications().await;
    app.outcome(&started["id"]).await
}

#[track_caller]
fn assert_verified(ended: &Value, what: &str) {
    assert_eq!(ended["outcome"], "confirmed", "{what}: {ended:#}");
    assert_eq!(ended["disputed"], false, "{what}: {ended:#}");
}

/// The fields of a result as the provider's article prints them.
pub fn end<'a>(number: &'a str, call_start: &'a str, key: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("event", "NOTIFY_END"),
        ("call_start", call_start),
        ("pbx_call_id", "out_0e7d449cac2f0a3ce54919e91cd999194e8f2d97"),
        ("caller_id", number),
        ("called_did", "0"),
        ("internal", "100"),
        ("last_internal", "100"),
        ("duration", "3"),
        ("status_code", "16"),
        ("is_recorded", "0"),
        ("calltype", "callback_leg1"),
        ("callback_dtmf", key),
        ("disposition", "answered"),
    ]
}

#[tokio::test]
async fn a_press_verifies_in_every_documented_form_of_its_notification() {
    let app = TestApp::start().await;
    let scripts = [
        ("call_start 1 s before the request", json!({ "clock_skew_s": -1 })),
        ("PBX clock 20 s ahead", json!({ "clock_skew_s": 20 })),
        ("PBX clock 20 s behind", json!({ "clock_skew_s": -20 })),
        ("before the API's reply", json!({ "notify": "before_answer" })),
        ("NOTIFY_START first", json!({ "notify_start": true })),
        ("as NOTIFY_OUT_END", json!({ "result": "out_end" })),
        ("as both", json!({ "result": "both" })),
        ("as both, the other way round", json!({ "result": "out_end_then_end" })),
        ("the key in the first of two events", json!({ "result": "both", "key_in": "first" })),
        ("the key in the second of two events", json!({ "result": "both", "key_in": "second" })),
        (
            "the same, the other way round",
            json!({ "result": "out_end_then_end", "key_in": "second" }),
        ),
        ("two legs with one id", json!({ "legs": 2 })),
        ("two legs, the key in the second", json!({ "legs": 2, "key_in": "second" })),
        ("one call with two ids", json!({ "two_ids": true })),
        ("an incoming call meanwhile", json!({ "meanwhile": ["incoming"] })),
        ("an agent's call meanwhile", json!({ "meanwhile": ["agent"] })),
        ("both meanwhile", json!({ "meanwhile": ["agent", "incoming"] })),
        ("twice", json!({ "notify": "twice" })),
        ("in national form", json!({ "number_form": "national" })),
        ("bare", json!({ "number_form": "bare" })),
        ("with a plus sign", json!({ "number_form": "plus" })),
        ("with 00", json!({ "number_form": "double_zero" })),
        ("with 011", json!({ "number_written": "011380NATIONAL" })),
        ("as national significant number", json!({ "number_written": "NATIONAL" })),
        ("with separators", json!({ "number_written": "+380 (NATIONAL)" })),
        ("multipart", json!({ "content_type": "multipart" })),
        ("without an extension", json!({ "internal": "", "result": "out_end" })),
        ("with an ordinary calltype", json!({ "calltype": "normal" })),
        ("while the API drops the connection", json!({ "api": "accept_then_drop" })),
        ("in capitals", json!({ "disposition": "ANSWERED" })),
    ];
    for (index, (what, script)) in scripts.into_iter().enumerate() {
        let number = format!("+3809912000{:02}", index + 2);
        let script =
            serde_json::from_str(&script.to_string().replace("NATIONAL", &number[4..])).unwrap();
        let ended = verify(&app, &number, script).await;
        assert_verified(&ended, what);
    }
    app.stop().await;
}

#[tokio::test]
async fn a_hang_up_at_second_170_still_verifies() {
    let app = TestApp::start().await;
    app.script(NUMBER, json!({ "hang_up_after_ms": 170_000 })).await;
    let started = app.begin(NUMBER).await;
    app.simulator(
        reqwest::Method::GET,
        "/_simulator/calls?number=380991234567&reaches=answered",
        None,
    )
    .await;

    app.advance(170);

    app.notifications().await;
    assert_verified(&app.outcome(&started["id"]).await, "second 170");
    app.stop().await;
}

#[tokio::test]
async fn a_slow_api_delays_no_answer_beyond_a_second_and_the_press_counts() {
    let app = TestApp::start().await;
    app.script(NUMBER, json!({ "api": "slow", "api_delay_ms": 3_000 })).await;
    let start = app.begin(NUMBER);
    let moved = async {
        app.notifications().await;
        app.advance(1);
    };
    let (started, ()) = tokio::join!(start, moved);
    assert_verified(&app.outcome(&started["id"]).await, "slow API");
    app.stop().await;
}

#[tokio::test]
async fn behind_a_proxy_the_rightmost_untrusted_address_counts() {
    let app = TestApp::with(|config| {
        config.server.trusted_proxies =
            vec!["127.0.0.0/8".parse().unwrap(), "10.0.0.0/8".parse().unwrap()];
        config.accounts.get_mut("main").unwrap().source_addresses =
            vec!["185.45.152.40/30".parse().unwrap()];
    })
    .await;
    for (index, (forwarded, status)) in [
        ("185.45.152.41", 200),
        ("::ffff:185.45.152.42", 200),
        ("6.6.6.6, 185.45.152.43", 200),
        ("185.45.152.41, 10.1.2.3", 200),
        ("185.45.152.41, 6.6.6.6", 403),
        ("6.6.6.6", 403),
        ("185.45.152.44", 403),
        ("nonsense", 403),
    ]
    .into_iter()
    .enumerate()
    {
        let number = format!("+38099765430{index}");
        app.script(&number, json!({ "notify": "never" })).await;
        let started = app.begin(&number).await;
        let time = app.pbx_time();
        let fields = end(&number, &time, "1");
        let sent = app
            .notify_with(json!({ "fields": fields, "headers": [["X-Forwarded-For", forwarded]] }))
            .await;
        assert_eq!(sent["status"], status, "{forwarded}");
        let expected = if status == 200 { "verified" } else { "pending" };
        assert_eq!(app.show(&started["id"]).await["status"], expected, "{forwarded}");
    }
    app.stop().await;
}

#[tokio::test]
async fn during_a_rotation_the_previous_secret_still_verifies_and_the_evidence_says_so() {
    let previous = made_up();
    let old = Secret::new(previous.clone());
    let app = TestApp::with(|config| {
        config.accounts.get_mut("main").unwrap().previous_secrets = vec![old]
    })
    .await;
    app.simulator(
        reqwest::Method::PUT,
        "/_simulator/secret",
        Some(json!({ "signing_secret": previous })),
    )
    .await;

    let ended = verify(&app, NUMBER, json!({})).await;

    assert_verified(&ended, "rotation");
    let checks = &ended["attempts"][0]["evidence"]["checks"];
    assert!(checks.as_array().unwrap().contains(&json!("previous_secret")), "{checks}");
    app.stop().await;
}

#[tokio::test]
async fn during_a_rotation_of_the_token_the_previous_one_is_taken_too() {
    let previous = made_up();
    let old = Secret::new(previous.clone());
    let app = TestApp::with(|config| {
        config.accounts.get_mut("main").unwrap().previous_notification_tokens = vec![old];
    })
    .await;
    app.script(NUMBER, json!({ "notify": "never" })).await;
    let started = app.begin(NUMBER).await;
    let time = app.pbx_time();
    let url = format!("{}/hooks/zadarma/{previous}", app.base);
    app.notify_with(json!({ "fields": end(NUMBER, &time, "1"), "url": url })).await;

    assert_verified(&app.outcome(&started["id"]).await, "previous token");
    app.stop().await;
}

#[tokio::test]
async fn evidence_without_a_required_source_is_weak() {
    let app = TestApp::with(|config| {
        let account = config.accounts.get_mut("main").unwrap();
        account.require_source = false;
        account.source_addresses = Vec::new();
    })
    .await;
    let ended = verify(&app, NUMBER, json!({})).await;

    assert_verified(&ended, "source not required");
    assert_eq!(ended["attempts"][0]["evidence"]["level"], "weak");
    app.stop().await;
}

#[tokio::test]
async fn an_extension_that_is_new_at_the_pbx_is_asked_for_and_the_press_counts() {
    let app = TestApp::start().await;
    let settings = json!({ "internal_numbers": [100, 205] });
    app.simulator(reqwest::Method::PUT, "/_simulator/settings", Some(settings)).await;
    let ended = verify(&app, NUMBER, json!({ "internal": "205", "result": "out_end" })).await;

    assert_verified(&ended, "new extension");
    app.stop().await;
}

#[tokio::test]
async fn the_pbx_may_keep_any_time_zone() {
    let app = TestApp::start().await;
    for (index, minutes) in [-720, -570, 0, 180, 345, 840].into_iter().enumerate() {
        let settings = json!({ "zone_offset_minutes": minutes });
        app.simulator(reqwest::Method::PUT, "/_simulator/settings", Some(settings)).await;
        // Once a minute a result that misses the window has the clock measured anew.
        app.advance(61);
        let ended = verify(&app, &format!("+38099765440{index}"), json!({})).await;
        assert_verified(&ended, &format!("zone of {minutes} minutes"));
    }
    app.stop().await;
}

#[tokio::test]
async fn a_press_verifies_in_both_passes_of_the_repeated_hour() {
    let app = TestApp::start().await;
    app.hand.set("2026-10-25T00:30:00Z".parse().unwrap());
    let zone = |minutes: i64| json!({ "zone_offset_minutes": minutes });
    app.simulator(reqwest::Method::PUT, "/_simulator/settings", Some(zone(180))).await;
    app.learn().await;
    // 03:30 for the first time.
    assert_verified(&verify(&app, NUMBER, json!({})).await, "first pass");

    app.hand.set("2026-10-25T01:00:30Z".parse().unwrap());
    app.simulator(reqwest::Method::PUT, "/_simulator/settings", Some(zone(120))).await;
    // 03:00:30 for the second time: the service does not know of the change yet.
    assert_verified(&verify(&app, "+380991234568", json!({})).await, "second pass");

    app.hand.set("2026-10-25T01:35:00Z".parse().unwrap());
    // 03:35, the same number as in the first pass.
    assert_verified(&verify(&app, NUMBER, json!({})).await, "second pass, same number");
    app.stop().await;
}

#[tokio::test]
async fn an_open_verification_is_not_decided_by_progress_or_by_another_call() {
    let app = TestApp::start().await;
    app.script(NUMBER, json!({ "notify": "never" })).await;
    let started = app.begin(NUMBER).await;
    let time = app.pbx_time();
    for fields in [
        json!([
            ["event", "NOTIFY_OUT_START"],
            ["call_start", time],
            ["pbx_call_id", "out_1"],
            ["destination", NUMBER],
            ["internal", "100"]
        ]),
        json!([
            ["event", "NOTIFY_ANSWER"],
            ["call_start", time],
            ["pbx_call_id", "out_1"],
            ["caller_id", "100"],
            ["destination", NUMBER]
        ]),
        json!([
            ["event", "NOTIFY_OUT_END"],
            ["call_start", time],
            ["pbx_call_id", "out_2"],
            ["destination", NUMBER],
            ["internal", "100"],
            ["disposition", "busy"],
            ["calltype", "normal"]
        ]),
    ] {
        assert_eq!(app.notify_with(json!({ "fields": fields })).await["status"], 200);
    }

    assert_eq!(app.show(&started["id"]).await["status"], "pending");
    let mut timeline = app.timeline(&started["id"]).await;
    // The provider's answer and its first notifications are on their way at the same time.
    timeline.retain(|entry| entry != "call_accepted");
    assert!(
        timeline.ends_with(&["ringing".into(), "answered".into(), "other_call_ended".into()]),
        "{timeline:?}"
    );
    app.notify(&end(NUMBER, &time, "1")).await;
    assert_verified(&app.outcome(&started["id"]).await, "after a hint");
    app.stop().await;
}
