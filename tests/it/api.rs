//! The v1 API: what a back end can ask, and what it is told when it asks wrongly.

use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{OUR_NUMBER, START, TestApp, answer};
use crate::intake_verifies::end;

const NUMBER: &str = "+380991234567";

async fn silent(app: &TestApp) {
    app.simulator(
        Method::PUT,
        "/_simulator/settings",
        Some(json!({ "default_script": { "notify": "never" } })),
    )
    .await;
}

async fn press(app: &TestApp, number: &str, key: &str) {
    let time = app.pbx_time();
    assert_eq!(app.notify(&end(number, &time, key)).await["status"], 200);
}

fn path(id: &Value, rest: &str) -> String {
    format!("/v1/verifications/{}{rest}", id.as_str().unwrap())
}

#[tokio::test]
async fn a_start_says_everything_that_the_app_needs_next() {
    let app = TestApp::start().await;
    silent(&app).await;
    let body = json!({ "to": "+380 99 123-45-67", "reference": "order-1", "metadata": { "cart": [1, 2] }, "language": "uk" });

    let answer = app.call(Method::POST, "/v1/verifications", Some(body)).await;

    assert_eq!(answer.status, 201);
    let started = answer.json();
    assert_eq!(answer.headers["location"], path(&started["id"], ""));
    for (field, value) in [
        ("status", json!("pending")),
        ("channel", json!("call_button")),
        ("to", json!(NUMBER)),
        ("press", json!("1")),
        ("prompt", json!("default")),
        ("language", json!("uk")),
        ("reference", json!("order-1")),
        ("metadata", json!({ "cart": [1, 2] })),
        ("disputed", json!(false)),
        ("warnings", json!([])),
    ] {
        assert_eq!(started[field], value, "{field}");
    }
    assert!(started["created_at"].as_str().unwrap().starts_with(&START[..19]));
    assert!(started["wait_token"].as_str().unwrap().len() > 32);
    app.stop().await;
}

#[tokio::test]
async fn bad_requests_are_refused_by_name_and_nobody_is_called() {
    let app = TestApp::start().await;
    let own = format!("+{OUR_NUMBER}");
    for (body, status, code, said) in [
        (json!({}), 422, "missing_field", "to"),
        (json!({ "to": 380_991_234_567_i64 }), 422, "invalid_field", "to"),
        (json!({ "to": "0991234567" }), 422, "invalid_number", "E.164"),
        (json!({ "to": "+999123456789" }), 422, "invalid_number", "calling code"),
        (json!({ "to": "+380991234567 ext. 5" }), 422, "invalid_number", "extension"),
        (json!({ "to": "+38099" }), 422, "invalid_number", "short"),
        (json!({ "to": own }), 422, "own_number", "account"),
        (json!({ "to": NUMBER, "chanel": "call_button" }), 422, "unknown_field", "chanel"),
        (json!({ "to": NUMBER, "channel": "pigeon" }), 422, "invalid_field", "call_button"),
        (json!({ "to": NUMBER, "press": "12" }), 422, "invalid_field", "one digit"),
        (json!({ "to": NUMBER, "press": "x" }), 422, "invalid_field", "one digit"),
        (json!({ "to": NUMBER, "press": "5" }), 422, "press_mismatch", "1"),
        (
            json!({ "to": NUMBER, "prompt": "default", "press": "random" }),
            422,
            "press_mismatch",
            "1",
        ),
        (json!({ "to": NUMBER, "prompt": "nonsense" }), 422, "unknown_prompt", "default"),
        (json!({ "to": NUMBER, "language": "not one" }), 422, "invalid_field", "language"),
        (json!({ "to": NUMBER, "account": "other" }), 422, "unknown_account", "other"),
        (json!({ "to": NUMBER, "expires_in": 5 }), 422, "invalid_field", "10"),
        (json!({ "to": NUMBER, "expires_in": 601 }), 422, "invalid_field", "600"),
        (json!({ "to": NUMBER, "reference": "x".repeat(257) }), 422, "invalid_field", "256"),
        (
            json!({ "to": NUMBER, "metadata": { "x": "y".repeat(4096) } }),
            422,
            "invalid_field",
            "4096",
        ),
        (json!({ "to": NUMBER, "sounds": { "greeting": "a" } }), 422, "missing_field", "confirmed"),
        (
            json!({ "to": NUMBER, "sounds": { "greeting": "a", "confirmed": "b", "fallback": "c" } }),
            422,
            "sound_missing",
            "a",
        ),
    ] {
        let refused = app.call(Method::POST, "/v1/verifications", Some(body.clone())).await;
        let got = refused.problem(status);
        assert_eq!(got, code, "{body}: {}", refused.text);
        assert!(
            refused.json()["detail"].as_str().unwrap().contains(said),
            "{body}: {}",
            refused.text
        );
    }
    assert_eq!(app.dialled(NUMBER).await, 0);
    app.stop().await;
}

#[tokio::test]
async fn requests_that_cannot_be_read_are_problems_too() {
    let app = TestApp::start().await;
    let url = format!("{}/v1/verifications", app.base);
    let post = || app.http.post(&url).bearer_auth(&app.key);
    for (request, status) in [
        (post().header("content-type", "application/json").body("{\"to\":"), 400),
        (post().header("content-type", "application/json").body(""), 400),
        (post().header("content-type", "application/json").body("[]"), 422),
        (post().header("content-type", "text/plain").body("{}"), 415),
        (
            post()
                .header("content-type", "application/json")
                .body(format!("{{\"to\":\"{}\"}}", "1".repeat(20_000))),
            413,
        ),
        (post().json(&json!({ "to": NUMBER })).header("idempotency-key", ""), 400),
        (post().json(&json!({ "to": NUMBER })).header("idempotency-key", "x".repeat(256)), 400),
        (post().json(&json!({ "to": NUMBER })).header("prefer", "wait=soon"), 400),
        (app.http.get(format!("{url}/nonsense")).bearer_auth(&app.key), 404),
        (
            app.http
                .get(format!("{url}/ver_00000000000000000000000000000000"))
                .bearer_auth(&app.key),
            404,
        ),
        (app.http.get(format!("{url}?colour=red")).bearer_auth(&app.key), 422),
        (app.http.get(format!("{url}?limit=1000")).bearer_auth(&app.key), 422),
        (app.http.get(format!("{url}?status=lost")).bearer_auth(&app.key), 422),
        (app.http.get(format!("{url}?cursor=x")).bearer_auth(&app.key), 422),
        (app.http.get(format!("{}/v1/nothing", app.base)).bearer_auth(&app.key), 404),
        (app.http.delete(&url).bearer_auth(&app.key), 405),
        (app.http.get(&url), 401),
        (app.http.get(&url).bearer_auth("key_0000.wrong"), 401),
        (app.http.get(&url).header("authorization", "Basic abc"), 401),
    ] {
        let refused = answer(request).await;
        assert!(!refused.problem(status).is_empty());
        let detail = refused.json()["detail"].as_str().unwrap_or_default().len();
        assert!(detail > 10, "{}", refused.text);
    }
    app.stop().await;
}

#[tokio::test]
async fn the_same_idempotency_key_starts_once_and_another_body_is_refused() {
    let app = TestApp::start().await;
    silent(&app).await;
    let send = |body: Value| {
        let url = format!("{}/v1/verifications", app.base);
        answer(
            app.http
                .post(url)
                .bearer_auth(&app.key)
                .header("idempotency-key", "order-1")
                .json(&body),
        )
    };
    let first = send(json!({ "to": NUMBER })).await;
    let again = send(json!({ "to": NUMBER })).await;
    let other = send(json!({ "to": "+380991234568" })).await;

    assert_eq!((first.status.as_u16(), again.status.as_u16()), (201, 201));
    assert_eq!(first.json()["id"], again.json()["id"]);
    assert_eq!(first.json()["wait_token"], again.json()["wait_token"]);
    assert_eq!(again.headers["idempotent-replayed"], "true");
    assert_eq!(other.problem(422), "idempotency_mismatch");
    assert_eq!(app.dialled(NUMBER).await, 1);
    app.stop().await;
}

#[tokio::test]
async fn the_same_key_while_the_first_request_runs_is_a_conflict() {
    let app = TestApp::start().await;
    app.script(NUMBER, json!({ "notify": "never", "api": "slow", "api_delay_ms": 10_000 })).await;
    let send = || {
        let url = format!("{}/v1/verifications", app.base);
        let request = app.http.post(url).bearer_auth(&app.key).header("idempotency-key", "order-1");
        answer(request.json(&json!({ "to": NUMBER })))
    };
    let second = async {
        // The provider has been asked, so the first request is being worked on.
        app.simulator(Method::GET, "/_simulator/calls?number=380991234567&reaches=ended", None)
            .await;
        let refused = send().await;
        app.advance(1);
        refused
    };
    let (first, second) = tokio::join!(send(), second);

    assert_eq!(first.status, 201);
    assert_eq!(second.problem(409), "idempotency_running");
    app.stop().await;
}

#[tokio::test]
async fn twenty_starts_at_once_for_one_number_call_it_once() {
    let app = TestApp::start().await;
    silent(&app).await;
    let starts =
        (0..20).map(|_| app.call(Method::POST, "/v1/verifications", Some(json!({ "to": NUMBER }))));
    let answers = futures_util::future::join_all(starts).await;

    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    for refused in answers.iter().filter(|answer| answer.status != 201) {
        assert_eq!(refused.problem(409), "number_busy");
    }
    assert_eq!(app.dialled(NUMBER).await, 1);
    app.stop().await;
}

#[tokio::test]
async fn what_cannot_make_its_deadline_is_refused_before_it_is_stored() {
    let app =
        TestApp::with(|config| config.accounts.get_mut("main").unwrap().requests_per_minute = 10)
            .await;
    silent(&app).await;
    let mut refused = 0;
    for index in 0..14 {
        let body = json!({ "to": format!("+3809912345{index:02}") });
        let answer = app.call(Method::POST, "/v1/verifications", Some(body)).await;
        if answer.status != 201 {
            assert_eq!(answer.problem(503), "provider_busy");
            assert!(answer.headers["retry-after"].to_str().unwrap().parse::<u64>().unwrap() >= 1);
            refused += 1;
        }
    }
    let stored = app.get("/v1/verifications?limit=100").await.json()["verifications"]
        .as_array()
        .unwrap()
        .len();
    assert!(refused >= 4, "{refused}");
    assert_eq!(stored + refused, 14);
    app.stop().await;
}

#[tokio::test]
async fn what_is_canceled_while_it_waits_for_its_turn_is_never_dialled() {
    let few = |config: &mut ringproof::config::Config| {
        config.accounts.get_mut("main").unwrap().requests_per_minute = 10;
    };
    let app = TestApp::with(few).await;
    silent(&app).await;
    let fill = async |national: u32| {
        let body = json!({ "to": format!("+380{national}") });
        app.call(Method::POST, "/v1/verifications", Some(body)).await.status == 201
    };
    let mut national = 991_000_000;
    while fill(national).await {
        national += 1;
    }
    // A place is free in 4 seconds, within the queue's deadline.
    app.advance(56);
    let held = app.app().service().load().0;
    let cancel = async {
        while app.app().service().load().0 == held {
            tokio::task::yield_now().await;
        }
        let newest = app_get(&app, "/v1/verifications?limit=1").await["verifications"][0].clone();
        assert_eq!(newest["to"], NUMBER);
        app.call(Method::POST, &path(&newest["id"], "/cancel"), None).await;
        app.advance(1);
    };
    let (started, ()) = tokio::join!(app.begin(NUMBER), cancel);
    app.advance(10);

    while app.show(&started["id"]).await["attempts"][0]["dispatch"] == "intended" {
        tokio::task::yield_now().await;
    }
    assert_eq!(app.dialled(NUMBER).await, 0);
    assert_eq!(app.show(&started["id"]).await["status"], "canceled");
    app.stop().await;
}

#[tokio::test]
async fn prefer_wait_starts_and_awaits_in_one_request() {
    let app = TestApp::start().await;
    app.script(NUMBER, json!({})).await;
    let url = format!("{}/v1/verifications", app.base);
    let request = app
        .http
        .post(url)
        .bearer_auth(&app.key)
        .header("prefer", "wait=30")
        .json(&json!({ "to": NUMBER }));
    let ended = answer(request).await;

    assert_eq!((ended.status.as_u16(), &ended.json()["status"]), (201, &json!("verified")));
    app.stop().await;
}

#[tokio::test]
async fn a_long_poll_ends_with_its_time_and_says_pending() {
    let app = TestApp::start().await;
    silent(&app).await;
    let started = app.begin(NUMBER).await;
    let poll_path = path(&started["id"], "?wait=30");
    let poll = app.get(&poll_path);
    let passes = async {
        // The waiter is there before its time passes.
        waiting(&app, 1).await;
        app.advance(30);
    };
    let (answer, ()) = tokio::join!(poll, passes);

    assert_eq!((answer.status.as_u16(), &answer.json()["status"]), (200, &json!("pending")));
    app.stop().await;
}

/// Returns once this many callers wait, by asking for what the service counts.
async fn waiting(app: &TestApp, wanted: usize) {
    while app.app().service().load().1 != wanted {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_waiter_whose_client_has_gone_is_freed_at_once() {
    let app = TestApp::start().await;
    silent(&app).await;
    let started = app.begin(NUMBER).await;
    let url = format!("{}{}", app.base, path(&started["id"], "?wait=60"));
    let poll = tokio::spawn(app.http.get(url).bearer_auth(&app.key).send());
    waiting(&app, 1).await;

    poll.abort();

    waiting(&app, 0).await;
    app.stop().await;
}

#[tokio::test]
async fn cancel_takes_back_once_and_says_what_came_first() {
    let app = TestApp::start().await;
    silent(&app).await;
    let started = app.begin(NUMBER).await;
    let cancel = path(&started["id"], "/cancel");
    for _ in 0..2 {
        let canceled = app.call(Method::POST, &cancel, None).await;
        assert_eq!(
            (canceled.status.as_u16(), &canceled.json()["status"]),
            (200, &json!("canceled"))
        );
    }
    let other = app.begin("+380991234568").await;
    press(&app, "+380991234568", "1").await;
    let late = app.call(Method::POST, &path(&other["id"], "/cancel"), None).await;
    assert_eq!(late.problem(409), "already_ended");
    app.stop().await;
}

#[tokio::test]
async fn expiry_comes_and_a_lost_result_is_never_a_success() {
    let app = TestApp::start().await;
    silent(&app).await;
    let short = app.begin_with(json!({ "to": NUMBER, "expires_in": 60 })).await;
    let long = app.begin("+380991234568").await;
    app.advance(60);
    assert_eq!(app.outcome(&short["id"]).await["status"], "expired");
    app.advance(120);
    assert_eq!(app.outcome(&long["id"]).await["outcome"], "provider_lost");

    press(&app, NUMBER, "1").await;

    assert_eq!(app.show(&short["id"]).await["status"], "expired");
    app.stop().await;
}

#[tokio::test]
async fn redeem_succeeds_once_and_names_every_other_case() {
    let app = TestApp::start().await;
    silent(&app).await;
    let started = app.begin_with(json!({ "to": NUMBER, "reference": "order-1" })).await;
    let at = path(&started["id"], "/redeem");
    let right = json!({ "to": NUMBER, "reference": "order-1" });
    let ask = |body: Value| app.call(Method::POST, &at, Some(body));

    assert_eq!(ask(right.clone()).await.problem(409), "not_verified");
    press(&app, NUMBER, "1").await;
    assert_eq!(
        ask(json!({ "to": "+380991234568", "reference": "order-1" })).await.problem(409),
        "mismatch"
    );
    assert_eq!(ask(json!({ "to": NUMBER, "reference": "order-2" })).await.problem(409), "mismatch");
    assert_eq!(ask(json!({ "to": NUMBER })).await.problem(409), "mismatch");
    let answers = futures_util::future::join_all((0..8).map(|_| ask(right.clone()))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    assert_eq!(ask(right.clone()).await.problem(409), "already_redeemed");

    let old = app.begin("+380991234569").await;
    press(&app, "+380991234569", "1").await;
    app.advance(601);
    let late = app
        .call(Method::POST, &path(&old["id"], "/redeem"), Some(json!({ "to": "+380991234569" })))
        .await;
    assert_eq!(late.problem(409), "too_old");
    app.stop().await;
}

#[tokio::test]
async fn random_keys_exclude_1_and_the_answer_carries_the_digit_for_the_app_to_show() {
    let app = TestApp::start().await;
    silent(&app).await;
    for index in 0..20 {
        let number = format!("+3809912345{index:02}");
        let started = app.begin_with(json!({ "to": number, "press": "random" })).await;
        let key = started["press"].as_str().unwrap().to_owned();
        assert_eq!(
            (started["random"].as_bool(), started["prompt"].as_str()),
            (Some(true), Some("match"))
        );
        assert_ne!(key, "1");
        press(&app, &number, &key).await;
        let ended = app.outcome(&started["id"]).await;
        assert_eq!(ended["outcome"], "confirmed");
        assert_eq!(ended["attempts"][0]["evidence"]["level"], "strong");
    }
    app.stop().await;
}

#[tokio::test]
async fn the_timeline_streams_as_it_happens_and_resumes_where_it_broke() {
    let app = TestApp::start().await;
    silent(&app).await;
    let started = app.begin(NUMBER).await;
    let url = format!("{}{}", app.base, path(&started["id"], "/events"));
    let stream = |last: Option<&str>| {
        let mut request =
            app.http.get(&url).bearer_auth(&app.key).header("accept", "text/event-stream");
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        answer(request)
    };
    let ends = async {
        press(&app, NUMBER, "1").await;
    };
    let (whole, ()) = tokio::join!(stream(None), ends);
    let rest = stream(Some("3")).await;

    assert!(whole.headers["content-type"].to_str().unwrap().starts_with("text/event-stream"));
    let ids = |text: &str| {
        text.lines()
            .filter_map(|line| line.strip_prefix("id:"))
            .map(|id| id.trim().parse().unwrap())
            .collect()
    };
    let (all, after): (Vec<u32>, Vec<u32>) = (ids(&whole.text), ids(&rest.text));
    assert_eq!(all, (1..=u32::try_from(all.len()).unwrap()).collect::<Vec<_>>());
    assert_eq!(after, all[3..]);
    assert!(whole.text.contains("event: concluded"), "{}", whole.text);
    assert_eq!(stream(Some("x")).await.problem(400), "invalid_header");
    app.stop().await;
}

#[tokio::test]
async fn search_finds_by_each_field_and_pages() {
    let app = TestApp::start().await;
    silent(&app).await;
    for index in 0..5 {
        app.advance(1);
        let body =
            json!({ "to": format!("+38099123450{index}"), "reference": format!("order-{index}") });
        app.begin_with(body).await;
    }
    press(&app, "+380991234501", "1").await;
    press(&app, "+380991234502", "5").await;
    let found = async |query: &str| -> Vec<String> {
        let page = app_get(&app, &format!("/v1/verifications?{query}")).await;
        let reference = |found: &Value| found["reference"].as_str().unwrap().to_owned();
        page["verifications"].as_array().unwrap().iter().map(reference).collect()
    };
    assert_eq!(found("").await, ["order-4", "order-3", "order-2", "order-1", "order-0"]);
    assert_eq!(found("to=%2B380991234503").await, ["order-3"]);
    assert_eq!(found("reference=order-4").await, ["order-4"]);
    assert_eq!(found("status=verified").await, ["order-1"]);
    assert_eq!(found("outcome=wrong_key").await, ["order-2"]);
    assert_eq!(found("channel=call_button&status=pending").await.len(), 3);
    assert_eq!(found("created_from=2026-11-22T12:00:04Z").await, ["order-4", "order-3"]);
    assert_eq!(found("created_until=2026-11-22T12:00:02Z").await, ["order-0"]);
    let first = app_get(&app, "/v1/verifications?limit=3").await;
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = app_get(&app, &format!("/v1/verifications?limit=3&cursor={cursor}")).await;
    assert_eq!(second["verifications"].as_array().unwrap().len(), 2);
    assert!(second["next_cursor"].is_null());
    app.stop().await;
}

async fn app_get(app: &TestApp, path: &str) -> Value {
    let answer = app.get(path).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()
}

#[tokio::test]
async fn a_number_that_is_possible_but_not_known_valid_is_admitted_with_a_warning() {
    let app = TestApp::start().await;
    silent(&app).await;
    let started = app.begin("+380111111111").await;
    assert_eq!(started["warnings"][0]["code"], "number_not_known_valid", "{started:#}");
    app.stop().await;
}
