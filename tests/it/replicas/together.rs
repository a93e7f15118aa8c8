//! Any replica does anything, and what is limited is limited over all of them.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use jiff::SignedDuration;
use reqwest::Method;
use ringproof::clock::Clock;
use ringproof::config::Spending;
use ringproof::domain::{Mode, Money};
use ringproof::service::Actor;
use serde_json::{Value, json};

use super::trio::{RIGHT, Trio};
use crate::app::{answer, note_secret, server_key};
use crate::codes::wrong;

const NUMBER: &str = "+380991234567";
/// How often the way over three replicas is gone.
const ROUNDS: usize = 30;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn started_on_one_and_pressed_on_another_it_is_told_to_who_waits_on_a_third() {
    let trio = Trio::start(|_| {}, RIGHT).await;
    let mut took = Vec::new();
    for round in 0..ROUNDS {
        let number = format!("+38099123{round:04}");
        let (first, second, third) = (round % 3, (round + 1) % 3, (round + 2) % 3);
        let id = trio.begin(first, json!({ "to": number })).await;
        let path = format!("/v1/verifications/{id}?wait=60");
        let poll = async { (trio.get(third, &path).await, Instant::now()) };
        let events = trio
            .request(third, Method::GET, &format!("/v1/verifications/{id}/events"))
            .header("accept", "text/event-stream");
        let stream = answer(events);
        let press = async {
            // Both are there before it happens.
            while trio.apps[third].service().load().1 < 2 {
                tokio::task::yield_now().await;
            }
            trio.press(second, &number).await;
            Instant::now()
        };
        let ((polled, at), streamed, pressed) = tokio::join!(poll, stream, press);
        assert_eq!(polled.json()["outcome"], "confirmed", "{}", polled.text);
        assert!(streamed.text.contains("event: concluded"), "{}", streamed.text);
        took.push(at.saturating_duration_since(pressed));
    }
    took.sort_unstable();
    println!(
        "told to a third replica after {:?}, at most {:?}",
        took[ROUNDS / 2],
        took[ROUNDS - 1]
    );
    trio.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idempotency_key_starts_once_over_all_replicas() {
    let trio = Trio::start(|_| {}, RIGHT).await;
    let start = |at| {
        let request = trio.request(at, Method::POST, "/v1/verifications");
        answer(request.header("idempotency-key", "order-1").json(&json!({ "to": NUMBER })))
    };
    let mut ids: Vec<_> = join_all((0..9).map(|i| start(i % 3)))
        .await
        .into_iter()
        .filter(|answer| answer.status.is_success())
        .map(|answer| answer.json()["id"].clone())
        .collect();
    for at in 0..3 {
        let again = start(at).await;
        assert!(again.status.is_success(), "{}", again.text);
        ids.push(again.json()["id"].clone());
    }
    ids.dedup();
    assert_eq!(ids.len(), 1, "{ids:?}");
    assert_eq!(trio.requests("/v1/verify/").await.len(), 1);
    trio.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checks_of_a_code_are_counted_over_all_replicas() {
    let trio = Trio::start(|config| config.codes.max_checks = 4, RIGHT).await;
    let body = json!({ "to": NUMBER, "channel": "sms", "code_length": 10 });
    let id = trio.begin(0, body).await;
    let path = format!("/_simulator/inbox?to={}", &NUMBER[1..]);
    let inbox = trio.simulator(Method::GET, &path, None).await;
    let code = inbox["messages"][0]["code"].as_str().unwrap();
    note_secret(code);
    let path = format!("/v1/verifications/{id}/check");
    let wrong = json!({ "code": wrong(code) });
    join_all((0..12).map(|i| trio.post(i % 3, &path, wrong.clone()))).await;

    let last = trio.post(1, &path, json!({ "code": code })).await;
    assert_ne!(last.json()["result"], "correct", "{}", last.text);
    let events = trio.get(2, &format!("/v1/verifications/{id}/events")).await.json();
    let checked = events["events"].as_array().unwrap().iter();
    assert_eq!(checked.filter(|event| event["type"] == "code_checked").count(), 4, "{events:#}");
    trio.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_limit_of_the_provider_is_kept_over_all_replicas() {
    const LIMIT: usize = 60;
    let limited = |config: &mut ringproof::config::Config| {
        for account in config.accounts.values_mut() {
            account.requests_per_minute = 60;
            account.queue_deadline = Duration::from_secs(2);
        }
    };
    let began = Instant::now();
    let trio = Trio::start(limited, RIGHT).await;
    let start = |i: usize| {
        let body = json!({ "to": format!("+38099765{i:04}") });
        trio.post(i % 3, "/v1/verifications", body)
    };
    let answers = join_all((0..120).map(start)).await;
    let started = answers.iter().filter(|answer| answer.status == 201).count();
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        assert_eq!(answer.json()["code"], "provider_busy", "{}", answer.text);
    }
    let all = trio.simulator(Method::GET, "/_simulator/requests", None).await;
    let all = all["requests"].as_array().unwrap();
    let counted = all.iter().filter(|one| !one["path"].as_str().unwrap().contains("statistics"));
    let minutes = usize::try_from(began.elapsed().as_secs() / 60).unwrap() + 1;
    let counted = counted.count();
    assert!(started > 0 && (1..=LIMIT * minutes).contains(&counted), "{started} {counted}");
    // On a slow machine some are answered before their turn has come, or it comes too late.
    let dialled = trio.requests("/v1/verify/").await;
    let to = |one: &Value| {
        let named = one["params"].as_array().unwrap().iter().find(|named| named[0] == "to");
        named.unwrap()[1].as_str().unwrap().to_owned()
    };
    let people: BTreeSet<String> = dialled.iter().map(to).collect();
    assert_eq!(people.len(), dialled.len(), "nobody was called twice");
    assert!((1..=started).contains(&dialled.len()), "{} {started}", dialled.len());
    trio.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_switch_on_one_replica_stops_is_refused_at_once_on_the_others() {
    let trio = Trio::start(|_| {}, RIGHT).await;
    for (round, stops) in [true, false].repeat(6).into_iter().enumerate() {
        let switch = trio.request(round % 3, Method::PUT, "/v1/guard/switches");
        let set = answer(switch.json(&json!({ "stopped": stops }))).await;
        assert_eq!(set.status, 200, "{}", set.text);
        for other in [1, 2] {
            let body = json!({ "to": format!("+3809912{other}{round:04}") });
            let started = trio.post((round + other) % 3, "/v1/verifications", body).await;
            if stops {
                assert_eq!(started.problem(403), "guard_refused");
                assert_eq!(started.json()["rule"], "kill_switch");
            } else {
                assert_eq!(started.status, 201, "{}", started.text);
            }
        }
    }
    trio.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_budget_for_seven_calls_admits_exactly_seven_over_all_replicas() {
    // A call costs 0.009: what is left after seven is not enough for an eighth.
    let amount = Some(Money::parse("0.0719 USD").unwrap());
    let limited = |config: &mut ringproof::config::Config| {
        config.guard.money.app_budget = Spending { mode: Mode::Enforce, amount };
        for account in config.accounts.values_mut() {
            account.requests_per_minute = 1000;
        }
    };
    let trio = Trio::start(limited, RIGHT).await;
    let day = || Clock::real().now().strftime("%Y-%m-%d").to_string();
    let began = day();
    let start = |i: usize| {
        let body = json!({ "to": format!("+38099444{i:04}") });
        trio.post(i % 3, "/v1/verifications", body)
    };
    let answers = join_all((0..90).map(start)).await;
    let (started, refused): (Vec<_>, Vec<_>) =
        answers.iter().partition(|answer| answer.status == 201);
    for answer in refused {
        assert_eq!(answer.problem(429), "guard_limited");
        assert_eq!(answer.json()["rule"], "app_budget");
    }
    // Another day has a budget of its own.
    let days = 1 + usize::from(day() != began);
    assert!(started.len() == 7 || days == 2 && started.len() <= 14, "{}", started.len());
    assert_eq!(trio.requests("/v1/verify/").await.len(), started.len());
    trio.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_revoked_on_one_replica_is_refused_on_the_others_soon() {
    let trio = Trio::start(|_| {}, RIGHT).await;
    let key_id = trio.key.split_once('.').unwrap().0;
    assert_eq!(trio.get(1, "/v1/verifications").await.status, 200);

    trio.apps[0].service().revoke_key(key_id, &Actor::Local).await.unwrap();

    for at in [0, 1, 2] {
        let refused = async { while trio.get(at, "/v1/verifications").await.status != 401 {} };
        tokio::time::timeout(Duration::from_secs(5), refused).await.unwrap();
    }
    trio.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_whose_clock_is_five_minutes_off_goes_by_the_clock_of_the_database() {
    let wrong = [0, 5, -5].map(SignedDuration::from_mins);
    let trio = Trio::start(|_| {}, wrong).await;
    let now = |at: usize| trio.apps[at].service().clock().now();
    for at in [1, 2] {
        let apart = now(at).duration_since(now(0)).abs();
        assert!(apart < SignedDuration::from_secs(2), "{apart}");
    }
    // Who would think that it is over, or has not begun, neither ends it nor refuses its press.
    for (first, second) in [(0, 1), (1, 2), (2, 0)] {
        let number = format!("+38099555000{first}");
        let id = trio.begin(first, json!({ "to": number, "expires_in": 60 })).await;
        trio.press(second, &number).await;
        let ended = trio.get(first, &format!("/v1/verifications/{id}?wait=60")).await.json();
        assert_eq!(ended["outcome"], "confirmed", "{ended:#}");
    }
    trio.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_server_key_is_brought_replica_by_replica() {
    let mut trio = Trio::start(|_| {}, RIGHT).await;
    let old = std::fs::read_to_string(&trio.key_file).unwrap();
    let new = server_key();
    // Known to all, then first, then alone; meanwhile the others go on with what they have.
    let mut number = 380_991_230_000_u64;
    for lines in [format!("{old}\n{new}"), format!("{new}\n{old}"), new] {
        std::fs::write(&trio.key_file, lines).unwrap();
        for at in 0..3 {
            trio.restart(at).await;
            number += 1;
            let to = format!("+{number}");
            let (before, after) = ((at + 2) % 3, (at + 1) % 3);
            let id = trio.begin(before, json!({ "to": to })).await;
            let second = trio.post(at, "/v1/verifications", json!({ "to": to })).await;
            assert_eq!(second.problem(409), "number_busy");
            trio.press(at, &to).await;
            let shown = trio.get(after, &format!("/v1/verifications/{id}?wait=60")).await;
            assert_eq!(shown.json()["outcome"], "confirmed", "{}", shown.text);
        }
    }
    trio.stop().await;
}
