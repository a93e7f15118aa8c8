//! What somebody tries who wants in, or wants others called: each attack ends with
//! nothing verified, nobody called beyond the limits, and nothing lost.
//!
//! | attack | where |
//! |---|---|
//! | an old genuine notification replayed for the same number | `intake_refuses::an_old_genuine_notification_replayed_for_the_same_number_confirms_nothing` |
//! | a genuine "no key" resent with `callback_dtmf=1` | `intake_refuses::a_no_key_notification_resent_with_the_key_after_it_was_judged_confirms_nothing` |
//! | two numbers that share a national form | here |
//! | a cancel, a new start while the old call rings, a press in the old call | `intake_refuses::a_press_in_a_canceled_call_does_not_confirm_a_new_one`; over replicas `model` |
//! | digits moved over the border of two signed fields | here, and `intake_refuses::calls_that_are_not_ours_confirm_nothing` |
//! | `X-Forwarded-For` forged | `intake_refuses::an_unlisted_address_is_refused_even_with_a_true_signature`, `intake_verifies::behind_a_proxy_the_rightmost_untrusted_address_counts` |
//! | 10,000 starts over 1,000 numbers of one prefix | here |
//! | a code tried from 200 connections at once | here, and `codes::of_equal_right_codes_at_once_one_succeeds` |
//! | the clock stepped back an hour | here |
//! | a replay dated in summer time's repeated hour | `intake_refuses::a_replay_dated_in_the_repeated_hour_confirms_nothing`; a press in either pass verifies: `intake_verifies::a_press_verifies_in_both_passes_of_the_repeated_hour` |
//!
//! Whoever holds every header that was ever signed plays through random histories in
//! `src/intake/tests/adversary.rs`.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use reqwest::Method;
use ringproof::config::Rate;
use ringproof::domain::{Limit, Mode};
use serde_json::{Value, json};

use crate::app::TestApp;
use crate::codes;
use crate::intake_verifies::end;

const NUMBER: &str = "+380991234567";
/// Uzbekistan's 99 123 45 67, which is Ukraine's without its 0.
const NAMESAKE: &str = "+998991234567";

/// A verification whose own call tells nothing, so that the test does.
async fn silent(app: &TestApp, number: &str) -> Value {
    app.script(number, json!({ "notify": "never" })).await;
    app.begin(number).await["id"].clone()
}

async fn status(app: &TestApp, id: &Value) -> Value {
    app.show(id).await["status"].clone()
}

#[tokio::test]
async fn of_two_numbers_that_share_a_national_form_one_is_called_at_a_time() {
    let app = TestApp::start().await;
    let first = silent(&app, NUMBER).await;
    let body = json!({ "to": NAMESAKE });
    let refused = app.call(Method::POST, "/v1/verifications", Some(body)).await;
    assert_eq!(refused.problem(409), "number_busy");
    assert_eq!(app.dialled(NAMESAKE).await, 0);

    let time = app.pbx_time();
    app.notify(&end("991234567", &time, "1")).await;
    assert_eq!(status(&app, &first).await, "verified");

    // The shared form, by its old notification, is not the namesake's press; by a new one it is.
    app.advance(61);
    let second = silent(&app, NAMESAKE).await;
    app.notify(&end("991234567", &time, "1")).await;
    app.notify(&end(NUMBER, &app.pbx_time(), "1")).await;
    assert_eq!(status(&app, &second).await, "pending");
    app.notify(&end("991234567", &app.pbx_time(), "1")).await;
    assert_eq!(status(&app, &second).await, "verified");
    assert_eq!((app.dialled(NUMBER).await, app.dialled(NAMESAKE).await), (1, 1));
    app.stop().await;
}

#[tokio::test]
async fn digits_moved_over_the_border_of_signed_fields_confirm_nothing() {
    let app = TestApp::start().await;
    let id = silent(&app, NUMBER).await;
    let time = app.pbx_time();
    let incoming = |caller: &str, called: &str, start: &str| {
        json!([
            ["event", "NOTIFY_END"],
            ["caller_id", caller],
            ["called_did", called],
            ["call_start", start],
            ["pbx_call_id", "out_1"],
            ["calltype", "callback_leg1"],
            ["callback_dtmf", "1"],
            ["disposition", "answered"]
        ])
    };
    let outgoing = |internal: &str, destination: &str, start: &str| {
        json!([
            ["event", "NOTIFY_OUT_END"],
            ["internal", internal],
            ["destination", destination],
            ["call_start", start],
            ["pbx_call_id", "out_1"],
            ["calltype", "callback_leg1"],
            ["callback_dtmf", "1"],
            ["disposition", "answered"]
        ])
    };
    // What was signed, and how the same text may be read.
    for (signed, forged, verdict) in [
        (
            outgoing("100", "5380991234567", &time),
            outgoing("1005", "380991234567", &time),
            "ambiguous",
        ),
        (outgoing("", "7380991234567", &time), outgoing("7", "380991234567", &time), "ambiguous"),
        (
            incoming("09912345", "67380441230000", &time),
            incoming("0991234567", "380441230000", &time),
            "foreign_did",
        ),
        (incoming("09912345670", "0", &time), incoming("0991234567", "00", &time), "foreign_did"),
        (
            outgoing("100", "3809912345672", &time),
            outgoing("100", "380991234567", &format!("2{time}")),
            "ambiguous",
        ),
    ] {
        let genuine = app.notify_with(json!({ "fields": signed })).await;
        assert_eq!(genuine["status"], 200, "{signed}");
        assert_eq!(status(&app, &id).await, "pending", "{signed}");
        let before = app.verdicts().await;
        let sent =
            app.notify_with(json!({ "fields": forged, "signature": genuine["signature"] })).await;
        assert_eq!(sent["status"], 200, "it is authentic: {forged}");
        assert_eq!(status(&app, &id).await, "pending", "{forged}");
        let after = app.verdicts().await;
        assert!(after[verdict] > before[verdict], "{forged}: {before:?} {after:?}");
    }
    app.notify(&end(NUMBER, &time, "1")).await;
    assert_eq!(status(&app, &id).await, "verified", "the true press is not lost");
    app.stop().await;
}

#[tokio::test]
async fn a_code_tried_from_200_connections_has_no_more_checks_than_from_one() {
    let app = TestApp::start().await;
    for round in 0..4_u32 {
        let to = format!("+38099123456{round}");
        let started = codes::send(&app, json!({ "to": to, "channel": "sms" })).await;
        let right = codes::code(&app, &to).await;
        let wrong = codes::wrong(&right);
        // Never, once among the first, once among the last, every tenth time.
        let is_right = |index: u32| match round {
            0 => false,
            1 => index == 2,
            2 => index == 197,
            _ => index.is_multiple_of(10),
        };
        let checks = (0..200).map(|index| {
            codes::check(&app, &started["id"], if is_right(index) { &right } else { &wrong })
        });
        let results = join_all(checks).await;

        let count = |word: &str| results.iter().filter(|result| **result == word).count();
        let (correct, incorrect) = (count("correct"), count("incorrect"));
        let kinds = app.timeline(&started["id"]).await;
        let counted = kinds.iter().filter(|kind| *kind == "code_checked").count();
        assert!(correct <= 1, "a code succeeds once");
        assert_eq!(counted, correct + incorrect, "{results:?}");
        if correct == 0 {
            assert_eq!((incorrect, count("exhausted")), (5, 195));
        } else {
            assert!(incorrect < 5 && round > 0);
        }
        let outcome = if correct == 1 { "code_correct" } else { "too_many_checks" };
        assert_eq!(app.show(&started["id"]).await["outcome"], outcome);
    }
    app.stop().await;
}

#[tokio::test]
async fn a_clock_stepped_back_an_hour_lets_nobody_in_and_ends_nothing_early() {
    let app = TestApp::start().await;
    let zone = |minutes: i64| json!({ "zone_offset_minutes": minutes });
    app.script(NUMBER, json!({})).await;
    let old = app.begin(NUMBER).await;
    assert_eq!(app.outcome(&old["id"]).await["status"], "verified");
    let genuine = app.notifications().await.pop().unwrap();
    let (called, told) = ("+380991234568", "+380991234569");
    let waiting = silent(&app, called).await;
    let by_code = codes::send(&app, json!({ "to": told, "channel": "sms" })).await;
    // No simulated phone waits for a time that will not come soon.
    app.notifications().await;

    // Ours alone is stepped back; the provider's shows what it showed.
    app.hand.set("2026-11-22T11:00:00Z".parse().unwrap());
    app.simulator(Method::PUT, "/_simulator/settings", Some(zone(60))).await;
    app.app().service().expire_due().await.unwrap();
    app.app().service().sweep_live();
    app.app().service().sweep_store().await.unwrap();
    assert_eq!(status(&app, &waiting).await, "pending");
    assert_eq!(status(&app, &by_code["id"]).await, "pending");
    assert_eq!(status(&app, &old["id"]).await, "verified");

    // The number is not called again while its old claim holds, whatever the clock shows.
    let again = app.call(Method::POST, "/v1/verifications", Some(json!({ "to": NUMBER }))).await;
    assert_eq!(again.problem(409), "number_busy");
    let replay = json!({ "fields": genuine["fields"], "signature": genuine["signature"] });
    assert_eq!(app.notify_with(replay).await["status"], 200);
    assert_eq!(app.show(&old["id"]).await["disputed"], false);

    // A code still counts, and a new call is one like any other.
    let right = codes::code(&app, told).await;
    assert_eq!(codes::check(&app, &by_code["id"], &right).await, "correct");
    app.learn().await;
    app.script("+380991234560", json!({})).await;
    let new = app.begin("+380991234560").await;
    app.notifications().await;
    assert_eq!(app.outcome(&new["id"]).await["outcome"], "confirmed");

    // When it is right again, what was pending is what it was, and its end comes.
    app.hand.set("2026-11-22T12:01:00Z".parse().unwrap());
    app.simulator(Method::PUT, "/_simulator/settings", Some(zone(0))).await;
    app.learn().await;
    assert_eq!(status(&app, &waiting).await, "pending");
    app.advance(120);
    assert_eq!(app.outcome(&waiting).await["outcome"], "provider_lost");
    assert_eq!(app.dialled(NUMBER).await, 1);
    app.stop().await;
}

#[tokio::test]
async fn a_press_told_while_the_clock_is_stepped_back_is_not_lost() {
    let app = TestApp::start().await;
    let id = silent(&app, NUMBER).await;
    app.advance(10);
    let time = app.pbx_time();
    app.advance(5);
    app.hand.set("2026-11-22T11:00:15Z".parse().unwrap());
    app.simulator(Method::PUT, "/_simulator/settings", Some(json!({ "zone_offset_minutes": 60 })))
        .await;
    app.notify(&end(NUMBER, &time, "1")).await;
    assert_eq!(app.show(&id).await["outcome"], "confirmed");

    // The claim is free again by either clock; the old text is nobody's press.
    app.hand.set("2026-11-22T12:02:00Z".parse().unwrap());
    app.simulator(Method::PUT, "/_simulator/settings", Some(json!({ "zone_offset_minutes": 0 })))
        .await;
    app.learn().await;
    let second = silent(&app, NUMBER).await;
    app.notify(&end(NUMBER, &time, "1")).await;
    assert_eq!(status(&app, &second).await, "pending");
    app.stop().await;
}

#[tokio::test]
async fn ten_thousand_starts_over_a_thousand_numbers_of_a_prefix_reach_no_more_than_its_limits() {
    const OF_THE_PREFIX: usize = 600;
    const OF_A_NUMBER: usize = 5;
    const AT_ONCE: usize = 40;
    let limit = |max: usize| Rate {
        mode: Mode::Enforce,
        limits: vec![Limit { max: max as u64, per: jiff::SignedDuration::from_mins(10) }],
    };
    let app = TestApp::with(|config| {
        config.guard.per_prefix = limit(OF_THE_PREFIX);
        config.guard.per_number = limit(OF_A_NUMBER);
        // It is the guard that is to stop them.
        config.server.requests_per_key = 0;
        config.server.requests_per_address = 0;
        config.accounts.get_mut("main").unwrap().requests_per_minute = 1000;
    })
    .await;
    let plenty = json!({ "rate_limit": 10_000 });
    app.simulator(Method::PUT, "/_simulator/settings", Some(plenty)).await;
    let number = |number: usize| format!("+38099123{number:04}");
    let (mut admitted, mut refusals) = (Vec::new(), BTreeMap::new());
    // So few at once that no connection waits for its turn until it is dropped.
    for wave in 0..10_000 / AT_ONCE {
        let starts = (0..AT_ONCE).map(async |place| {
            let to = number((wave * AT_ONCE + place) / 10);
            let body = json!({ "to": to, "channel": "sms" });
            (to, app.call(Method::POST, "/v1/verifications", Some(body)).await)
        });
        for (to, answer) in join_all(starts).await {
            match answer.status.as_u16() {
                201 => admitted.push((to, answer.json()["id"].clone())),
                _ => {
                    assert_eq!(answer.problem(429), "guard_limited");
                    let rule = answer.json()["rule"].as_str().unwrap().to_owned();
                    *refusals.entry(rule).or_insert(0) += 1;
                }
            }
        }
    }
    assert_eq!(admitted.len(), OF_THE_PREFIX);
    // Five of ten to each number pass, until so many have that the prefix is closed.
    let by_number = OF_THE_PREFIX / OF_A_NUMBER * (10 - OF_A_NUMBER);
    assert!(refusals["per_number"] >= by_number - AT_ONCE, "{refusals:?}");
    assert_eq!(refusals.values().sum::<usize>(), 10_000 - OF_THE_PREFIX, "{refusals:?}");
    let reached: BTreeSet<&str> = admitted.iter().map(|(to, _)| to.as_str()).collect();
    assert_eq!(reached.len(), OF_THE_PREFIX / OF_A_NUMBER);
    for to in &reached {
        assert_eq!(codes::inbox(&app, to).await.len(), OF_A_NUMBER, "{to}");
    }
    let asked = app.simulator(Method::GET, "/_simulator/requests?path=/v1/verify/", None).await;
    assert_eq!(asked["requests"].as_array().unwrap().len(), OF_THE_PREFIX);

    // Nothing of it is verified, and what was admitted is not lost.
    let verified = app.get("/v1/verifications?status=verified").await.json();
    assert_eq!(verified["verifications"], json!([]), "{verified:#}");
    let (to, id) = admitted.last().unwrap();
    let code = codes::code(&app, to).await;
    let newest = admitted.iter().filter(|(other, _)| other == to).map(|(_, id)| id);
    let results = join_all(newest.map(|id| codes::check(&app, id, &code))).await;
    assert_eq!(
        results.iter().filter(|result| **result == "correct").count(),
        1,
        "{results:?} {id}"
    );
    app.stop().await;
}
