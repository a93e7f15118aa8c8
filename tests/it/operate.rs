//! What operators read and replay: notifications, the feed, statistics.

use reqwest::{Method, Response};
use ringproof::service::Scope;
use serde_json::{Value, json};

use crate::app::{TestApp, answer, note_secret};
use crate::intake_verifies::end;

const NUMBER: &str = "+380991234567";

/// The notifications of a query, newest first.
async fn listed(app: &TestApp, query: &str) -> Vec<Value> {
    let answer = app.get(&format!("/v1/notifications?{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["notifications"].as_array().unwrap().clone()
}

async fn replay(app: &TestApp, notification: &Value) -> Value {
    let path = format!("/v1/notifications/{}/replay", notification["sequence"]);
    let answer = app.call(Method::POST, &path, None).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()
}

/// A verification whose own call tells nothing.
async fn silent(app: &TestApp) -> Value {
    app.script(NUMBER, json!({ "notify": "never" })).await;
    let id = app.begin(NUMBER).await["id"].clone();
    // That it rings and is answered is told all the same.
    app.notifications().await;
    id
}

#[tokio::test]
async fn notifications_are_listed_and_shown_with_their_verdicts() {
    let app = TestApp::start().await;
    app.script(NUMBER, json!({})).await;
    let started = app.begin(NUMBER).await;
    app.outcome(&started["id"]).await;
    app.notifications().await;
    app.notify(&end("+380507654321", &app.pbx_time(), "1")).await;

    let id = started["id"].as_str().unwrap();
    let accepted = &listed(&app, &format!("verification_id={id}&verdict=accepted")).await[0];
    assert_eq!(accepted["event"], "NOTIFY_END");
    assert!(accepted.get("body").is_none());
    let path = format!("/v1/notifications/{}", accepted["sequence"]);
    let shown = app.get(&path).await.json();
    assert!(shown["body"].as_str().unwrap().contains("callback_dtmf=1"), "{shown:#}");
    assert!(shown.get("signature").is_none());
    assert_eq!(shown["verification_id"], started["id"]);

    let stranger = &listed(&app, "limit=1").await[0];
    assert_eq!(stranger["verdict"], "no_match");
    assert_eq!((&stranger["kept"], &stranger["verification_id"]), (&json!(false), &Value::Null));
    assert_eq!(stranger["number"], "380•••••••21");
    let path = format!("/v1/notifications/{}/replay", stranger["sequence"]);
    let refused = app.call(Method::POST, &path, None).await;
    assert_eq!(refused.problem(409), "nothing_to_replay");
    app.stop().await;
}

#[tokio::test]
async fn pages_of_notifications_go_on_where_the_one_before_ended() {
    let app = TestApp::start().await;
    for digit in 1..=5 {
        let number = format!("+38050765432{digit}");
        app.notify(&end(&number, &app.pbx_time(), "1")).await;
        app.advance(60);
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let answer = app.get(&format!("/v1/notifications?limit=2{cursor}")).await.json();
        seen.extend(answer["notifications"].as_array().unwrap().clone());
        let Some(next) = answer["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen, listed(&app, "").await);
    assert_eq!(seen.len(), 5);
    let middle = "received_from=2026-11-22T12:01:00Z&received_until=2026-11-22T12:03:00Z";
    assert_eq!(listed(&app, middle).await, seen[2..4]);
    app.stop().await;
}

#[tokio::test]
async fn a_replay_goes_through_the_pipeline_and_is_marked_as_one() {
    let app = TestApp::start().await;
    let id = silent(&app).await;
    app.notify(&end(NUMBER, &app.pbx_time(), "1")).await;
    let before = app.outcome(&id).await;
    assert_eq!(before["status"], "verified");
    let original = listed(&app, "verdict=accepted").await.remove(0);

    let replayed = replay(&app, &original).await;
    assert_eq!(
        (&replayed["verdict"], &replayed["replay_of"]),
        (&json!("accepted"), &original["sequence"])
    );
    assert_eq!(replayed["verification_id"], id);
    assert_eq!(app.show(&id).await, before);
    assert_eq!(listed(&app, "limit=1").await[0]["replay_of"], original["sequence"]);
    let told = &app.get("/v1/audit?limit=1").await.json()["entries"][0];
    assert_eq!(told["action"], "notification.replayed");
    assert_eq!(told["subject"], original["sequence"].to_string());
    app.stop().await;
}

#[tokio::test]
async fn an_operator_cannot_verify_anybody_by_replaying() {
    let mut app = TestApp::start().await;
    // A genuine press of the victim, kept in the journal.
    let first = silent(&app).await;
    app.notify(&end(NUMBER, &app.pbx_time(), "1")).await;
    assert_eq!(app.outcome(&first).await["status"], "verified");
    let press = listed(&app, "verdict=accepted").await.remove(0);
    // The same, but it came while the PBX's clock was thought to be another: authentic,
    // kept, not believed then, and within the window by a clock that is believed now.
    app.advance(61);
    let second = silent(&app).await;
    let late = app.pbx_time_at(3_600);
    app.notify(&end(NUMBER, &late, "1")).await;
    let missed = listed(&app, "verdict=outside_window").await.remove(0);
    // Without a restart it would be judged again by itself once the clock is known better.
    app.restart().await;
    let zone = json!({ "zone_offset_minutes": 60 });
    app.simulator(Method::PUT, "/_simulator/settings", Some(zone)).await;
    app.learn().await;

    let judged = replay(&app, &missed).await;
    assert_eq!(judged["verification_id"], second, "{judged:#}");
    assert_eq!(judged["verdict"], "accepted");
    for notification in [&press, &missed, &judged] {
        replay(&app, notification).await;
        let now = app.show(&second).await;
        assert_eq!(now["status"], "pending", "{now:#}");
        assert_eq!(now["attempts"][0]["pressed"], Value::Null, "{now:#}");
    }
    assert!(!app.timeline(&second).await.contains(&"key_reported".to_owned()));
    app.stop().await;
}

#[tokio::test]
async fn only_operators_read_and_replay() {
    let app = TestApp::start().await;
    let name = ringproof::domain::Name::parse("shop").unwrap();
    let key = app.app().service().create_key(name, &[Scope::Start, Scope::Read]).await.unwrap();
    let key = key.key.expose().to_owned();
    note_secret(&key);
    for (method, path) in [
        (Method::GET, "/v1/notifications"),
        (Method::GET, "/v1/notifications/1"),
        (Method::POST, "/v1/notifications/1/replay"),
        (Method::GET, "/v1/events"),
        (Method::GET, "/v1/stats"),
    ] {
        let answer = app.call_as(&key, method, path, None).await;
        assert_eq!(answer.problem(403), "missing_scope", "{path}");
    }
    app.stop().await;
}

#[tokio::test]
async fn wrong_questions_are_told_what_to_change() {
    let app = TestApp::start().await;
    for (path, field) in [
        ("/v1/notifications?verdict=good", "verdict"),
        ("/v1/notifications?account=No", "account"),
        ("/v1/notifications?verification_id=7", "verification_id"),
        ("/v1/notifications?received_from=today", "received_from"),
        ("/v1/notifications?limit=0", "limit"),
        ("/v1/notifications?cursor=x", "cursor"),
        ("/v1/events?after=12", "after"),
        ("/v1/events?limit=101", "limit"),
        ("/v1/stats?from=yesterday", "from"),
        ("/v1/stats?until=2026-02-30", "until"),
        ("/v1/stats?from=2026-02-02&until=2026-02-01", "from"),
        ("/v1/stats?by=moon", "by"),
        ("/v1/stats?app=No", "app"),
    ] {
        let answer = app.get(path).await;
        assert_eq!(answer.problem(422), "invalid_parameter", "{path}");
        assert_eq!(answer.json()["field"], field, "{path}");
    }
    for path in ["/v1/notifications/0", "/v1/notifications/x", "/v1/notifications/-1"] {
        assert_eq!(app.get(path).await.problem(404), "not_found", "{path}");
    }
    let request = app.http.get(format!("{}/v1/events", app.base)).bearer_auth(&app.key);
    let request = request.header("accept", "text/event-stream").header("last-event-id", "7");
    assert_eq!(answer(request).await.problem(400), "invalid_header");
    app.stop().await;
}

/// Opens the feed as an event stream.
async fn stream(app: &TestApp, last: Option<&str>) -> Response {
    let request = app.http.get(format!("{}/v1/events", app.base)).bearer_auth(&app.key);
    let mut request = request.header("accept", "text/event-stream");
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    response
}

/// Reads events until one of a type has come whole; all that was read.
async fn read_until(response: &mut Response, kind: &str) -> String {
    let mut told = String::new();
    let line = format!("event: {kind}\n");
    while !told.contains(&line) || !told.ends_with("\n\n") {
        told.push_str(std::str::from_utf8(&response.chunk().await.unwrap().unwrap()).unwrap());
    }
    told
}

fn types(told: &str) -> Vec<&str> {
    told.lines().filter_map(|line| line.strip_prefix("event: ")).collect()
}

fn last_id(told: &str) -> &str {
    told.lines().rev().find_map(|line| line.strip_prefix("id: ")).unwrap()
}

#[tokio::test]
async fn the_feed_tells_everything_as_it_happens_and_resumes() {
    let app = TestApp::start().await;
    let before = silent(&app).await;
    let mut live = stream(&app, None).await;
    let path = format!("/v1/verifications/{}/cancel", before.as_str().unwrap());
    app.call(Method::POST, &path, None).await;
    let told = read_until(&mut live, "concluded").await;
    // It began when it was opened: the start came before.
    assert_eq!(types(&told), ["concluded"]);
    assert!(told.contains("\"to\":\"+380•••••••67\""), "{told}");
    assert!(!told.contains("380991234567"), "{told}");
    drop(live);

    app.script("+380671112233", json!({})).await;
    let next = app.begin("+380671112233").await;
    app.outcome(&next["id"]).await;
    let mut resumed = stream(&app, Some(last_id(&told))).await;
    let more = read_until(&mut resumed, "concluded").await;
    assert_eq!(types(&more)[..2], ["requested", "call_requested"]);
    assert!(!more.contains(before.as_str().unwrap()), "{more}");
    drop(resumed);
    app.stop().await;
}

#[tokio::test]
async fn pages_of_the_feed_tell_the_same_and_go_on() {
    let app = TestApp::start().await;
    let id = silent(&app).await;
    app.notify(&end(NUMBER, &app.pbx_time(), "1")).await;
    app.outcome(&id).await;
    let newest = app.get("/v1/events").await.json();
    let types = |page: &Value| -> Vec<String> {
        let events = page["events"].as_array().unwrap();
        events.iter().map(|event| event["entry"]["type"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(types(&newest), app.timeline(&id).await);
    let mut all = Vec::new();
    let mut after = "0.0".to_owned();
    loop {
        let page = app.get(&format!("/v1/events?limit=1&after={after}")).await.json();
        all.extend(types(&page));
        after = page["next_cursor"].as_str().unwrap().to_owned();
        if page["more"] == false {
            break;
        }
    }
    assert_eq!(all, types(&newest));
    assert_eq!(after, newest["next_cursor"]);
    app.stop().await;
}

#[tokio::test]
async fn statistics_count_what_happened() {
    let app = TestApp::start().await;
    let pressed = |app: &TestApp, key| end(NUMBER, app.pbx_time().leak(), key);
    let first = silent(&app).await;
    app.advance(8);
    app.notify(&pressed(&app, "1")).await;
    app.outcome(&first).await;
    app.advance(3_600);
    let second = silent(&app).await;
    app.notify(&pressed(&app, "5")).await;
    app.outcome(&second).await;
    app.advance(120);
    silent(&app).await;

    let stats = app.get("/v1/stats?by=country").await.json();
    assert_eq!((&stats["from"], &stats["until"]), (&json!("2026-11-16"), &json!("2026-11-22")));
    let total = &stats["total"];
    assert_eq!((&total["started"], &total["ended"]), (&json!(3), &json!(2)), "{stats:#}");
    assert_eq!((&total["verified"], &total["conversion"]), (&json!(1), &json!(0.5)));
    let outcomes = [("confirmed", 1), ("wrong_key", 1)];
    let outcomes = outcomes.map(|(outcome, count)| json!({ "outcome": outcome, "count": count }));
    assert_eq!(total["outcomes"], json!(outcomes));
    let p50 = total["answered_p50_ms"].as_i64().unwrap();
    assert!((7_600..8_400).contains(&p50), "{p50}");
    assert_eq!(stats["groups"][0]["key"], "UA");
    for (by, keys) in [
        ("channel", json!(["call_button"])),
        ("prefix", json!(["38099"])),
        ("day", json!(["2026-11-22"])),
        ("hour", json!(["2026-11-22T12:00:00Z", "2026-11-22T13:00:00Z"])),
        ("app", json!(["shop"])),
    ] {
        let stats = app.get(&format!("/v1/stats?by={by}")).await.json();
        let groups = stats["groups"].as_array().unwrap();
        let found: Vec<&Value> = groups.iter().map(|group| &group["key"]).collect();
        assert_eq!(json!(found), keys);
        assert_eq!(stats["total"]["started"], 3);
    }
    let nothing = app.get("/v1/stats?until=2026-11-21").await.json();
    assert_eq!((&nothing["total"]["started"], &nothing["groups"]), (&json!(0), &json!([])));
    assert_eq!(nothing["total"]["conversion"], Value::Null);
    app.stop().await;
}
