//! The guard from outside: what it refuses, how it says so, and what operators do with it.

use futures_util::future::join_all;
use reqwest::Method;
use ringproof::config::{Countries, Rate};
use ringproof::domain::{Channel, Country, Limit, Mode};
use serde_json::{Value, json};

use crate::app::{Answer, TestApp};

const NUMBER: &str = "+380991234567";

fn rate(limits: &[(u64, i64)]) -> Rate {
    let limit = |(max, seconds): &(u64, i64)| Limit {
        max: *max,
        per: jiff::SignedDuration::from_secs(*seconds),
    };
    Rate { mode: Mode::Enforce, limits: limits.iter().map(limit).collect() }
}

async fn start(app: &TestApp, body: Value) -> Answer {
    app.call(Method::POST, "/v1/verifications", Some(body)).await
}

/// Code, rule and whether it passes, after the status has been compared.
#[track_caller]
fn refused(answer: &Answer, status: u16) -> (String, String, bool) {
    let code = answer.problem(status);
    let json = answer.json();
    (code, json["rule"].as_str().unwrap().to_owned(), json["passes"].as_bool().unwrap())
}

fn limited(rule: &str) -> (String, String, bool) {
    ("guard_limited".to_owned(), rule.to_owned(), true)
}

fn forbidden(rule: &str) -> (String, String, bool) {
    ("guard_refused".to_owned(), rule.to_owned(), false)
}

async fn totals(app: &TestApp) -> Vec<(String, String, u64)> {
    let guard = app.get("/v1/guard").await.json();
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    let totals = guard["totals"].as_array().unwrap().iter();
    totals
        .map(|total| (word(&total["rule"]), word(&total["mode"]), total["total"].as_u64().unwrap()))
        .collect()
}

#[tokio::test]
async fn by_default_a_number_is_reached_five_times_in_ten_minutes_and_ten_times_a_day() {
    let defaults = ringproof::config::load(None, std::iter::empty(), &[]).unwrap().guard;
    let app = TestApp::with(|config| config.guard = defaults).await;
    for round in 0..2 {
        for _ in 0..5 {
            let id = app.begin(NUMBER).await["id"].clone();
            app.outcome(&id).await;
            app.advance(61);
        }
        let answer = start(&app, json!({ "to": NUMBER })).await;
        assert_eq!(refused(&answer, 429), limited("per_number"));
        if round == 0 {
            // 305 s after the first of them.
            assert_eq!(answer.headers["retry-after"], "295");
            assert_eq!(answer.headers["ratelimit-policy"], "\"per_number\";q=5;w=600");
            assert_eq!(answer.headers["ratelimit"], "\"per_number\";r=0;t=295");
            assert!(answer.json()["retry_at"].is_string() && answer.json()["retry_after"] == 295);
            app.advance(600);
        } else {
            assert_eq!(answer.headers["ratelimit-policy"], "\"per_number\";q=10;w=86400");
        }
    }
    assert_eq!(app.dialled(NUMBER).await, 10);
    app.advance(86_400);
    app.begin(NUMBER).await;
    assert_eq!(totals(&app).await, [("per_number".into(), "enforce".into(), 2)]);
    app.stop().await;
}

#[tokio::test]
async fn of_many_starts_at_once_a_limit_admits_exactly_as_many_as_it_says() {
    let app = TestApp::with(|config| {
        config.guard.per_app = rate(&[(5, 600)]);
        config.accounts.get_mut("main").unwrap().requests_per_minute = 1000;
    })
    .await;
    let starts = (0..200).map(|number| {
        start(&app, json!({ "to": format!("+380991{number:06}"), "channel": "sms" }))
    });
    let answers = join_all(starts).await;
    let admitted = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(admitted, 5);
    let others = answers.iter().filter(|answer| answer.status != 201);
    assert!(others.clone().all(|answer| refused(answer, 429) == limited("per_app")));
    app.stop().await;
}

#[tokio::test]
async fn numbers_are_refused_by_country_for_a_channel_by_prefix_and_by_type() {
    let app = TestApp::with(|config| {
        let list = |allow: &[&str]| ringproof::config::CountryList {
            allow: allow.iter().filter_map(|text| Country::parse(text)).collect(),
            ..Default::default()
        };
        config.guard.countries = Countries {
            mode: Mode::Enforce,
            general: list(&["UA", "PL", "GB"]),
            by_channel: vec![(Channel::Sms, list(&["PL"]))],
        };
        config.guard.prefixes.refuse = vec!["380999".to_owned()];
    })
    .await;
    for (to, channel, rule) in [
        ("+4930123456", "call_button", "countries"),
        ("+8816123456789", "call_button", "countries"),
        ("+380991234567", "sms", "countries"),
        ("+380999234567", "call_button", "prefixes"),
        ("+449098790123", "call_code", "number_types"),
        ("+445612345678", "call_button", "number_types"),
        ("+448431234567", "call_button", "number_types"),
    ] {
        let answer = start(&app, json!({ "to": to, "channel": channel })).await;
        assert_eq!(refused(&answer, 403), forbidden(rule), "{to}");
        assert!(!answer.headers.contains_key("retry-after"), "{to}");
        assert!(!answer.text.contains(&to[4..]), "{to}");
    }
    assert_eq!(start(&app, json!({ "to": "+48512345678", "channel": "sms" })).await.status, 201);
    // A plan passes over what the country does not get.
    let plan = json!([{ "channel": "sms" }, { "channel": "call_button" }]);
    let started = app.begin_with(json!({ "to": "+380991234567", "plan": plan })).await;
    assert_eq!(app.outcome(&started["id"]).await["outcome"], "confirmed");
    app.stop().await;
}

#[tokio::test]
async fn numbers_that_cost_and_satellites_are_refused_by_default() {
    let app = TestApp::start().await;
    let satellites = ["+870773123456", "+881612345678", "+88213300655", "+883510012345"];
    // Premium-rate, shared cost, VoIP.
    for to in ["+449098790123", "+4918012345678", "+445612345678"].into_iter().chain(satellites) {
        let answer = start(&app, json!({ "to": to })).await;
        assert_eq!(refused(&answer, 403), forbidden("number_types"), "{to}");
    }
    app.stop().await;
}

#[tokio::test]
async fn starts_are_counted_by_prefix_country_address_and_the_apps_own_keys() {
    let app = TestApp::with(|config| {
        config.guard.per_prefix = rate(&[(2, 60)]);
        config.guard.per_country = rate(&[(4, 60)]);
        config.guard.per_address = rate(&[(1, 60)]);
        config.guard.per_rate_key = rate(&[(1, 60)]);
    })
    .await;
    let go = |to: &'static str, extra: Value| {
        let mut body = json!({ "to": to });
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        start(&app, body)
    };
    let (one, other) =
        (json!({ "client_ip": "2001:db8::1" }), json!({ "client_ip": "2001:db8::2" }));
    assert_eq!(go("+380991110001", one).await.status, 201);
    // The same line, since a household has 64 bits of addresses.
    assert_eq!(refused(&go("+380992220001", other).await, 429), limited("per_address"));
    let (one, other) = (json!({ "rate_keys": ["s1", "d1"] }), json!({ "rate_keys": ["d1", "s2"] }));
    assert_eq!(go("+380991110002", one).await.status, 201);
    assert_eq!(refused(&go("+380992220001", other).await, 429), limited("per_rate_key"));
    assert_eq!(refused(&go("+380991110003", json!({})).await, 429), limited("per_prefix"));
    assert_eq!(go("+380992220001", json!({})).await.status, 201);
    assert_eq!(go("+380993330001", json!({})).await.status, 201);
    assert_eq!(refused(&go("+380994440001", json!({})).await, 429), limited("per_country"));
    assert_eq!(go("+48512345678", json!({})).await.status, 201);
    for bad in [
        json!({ "client_ip": "here" }),
        json!({ "rate_keys": [""] }),
        json!({ "rate_keys": ["x".repeat(129)] }),
        json!({ "rate_keys": (0..9).map(|key| key.to_string()).collect::<Vec<_>>() }),
    ] {
        assert_eq!(go("+48512345678", bad).await.problem(422), "invalid_field");
    }
    app.stop().await;
}

#[tokio::test]
async fn shadow_lets_everything_through_and_counts_what_it_would_have_refused() {
    let app = TestApp::with(|config| {
        config.guard.per_app = Rate { mode: Mode::Shadow, ..rate(&[(1, 60)]) };
        config.guard.number_types.mode = Mode::Shadow;
    })
    .await;
    for to in ["+380991110001", "+380991110002", "+881612345678"] {
        assert_eq!(start(&app, json!({ "to": to })).await.status, 201, "{to}");
    }
    let counted =
        [("number_types".into(), "shadow".into(), 1), ("per_app".into(), "shadow".into(), 2)];
    assert_eq!(totals(&app).await, counted);
    let guard = app.get("/v1/guard").await.json();
    let rules = guard["rules"].as_array().unwrap();
    let own = rules.iter().find(|rule| rule["rule"] == "per_app").unwrap();
    let limits = json!([{ "max": 1, "per": 60 }]);
    assert_eq!(
        (&own["mode"], &own["app"], &own["limits"]),
        (&json!("shadow"), &Value::Null, &limits)
    );
    app.stop().await;
}

#[tokio::test]
async fn an_apps_own_rules_hold_beside_those_of_all_apps() {
    let app = TestApp::with(|config| {
        let shop = ringproof::config::App {
            guard: Some(ringproof::config::Guard {
                per_app: rate(&[(1, 60)]),
                ..Default::default()
            }),
            ..Default::default()
        };
        config.apps.insert("shop".to_owned(), shop);
    })
    .await;
    assert_eq!(start(&app, json!({ "to": NUMBER })).await.status, 201);
    let answer = start(&app, json!({ "to": "+380991110001" })).await;
    assert_eq!(refused(&answer, 429), limited("per_app"));
    app.stop().await;
}

#[tokio::test]
async fn what_a_switch_stops_is_neither_started_nor_gone_on_with() {
    let app = TestApp::start().await;
    let switch = |body: Value| app.call(Method::PUT, "/v1/guard/switches", Some(body));
    for (body, stops) in [
        (json!({ "stopped": true, "reason": "fraud" }), true),
        (json!({ "stopped": false }), false),
        (json!({ "stopped": true, "channel": "call_button" }), true),
        (json!({ "stopped": false, "channel": "call_button" }), false),
        (json!({ "stopped": true, "channel": "sms" }), false),
        (json!({ "stopped": true, "app": "shop" }), true),
        (json!({ "stopped": false, "app": "shop" }), false),
        (json!({ "stopped": true, "app": "other" }), false),
        (json!({ "stopped": true, "app": "shop", "channel": "call_button" }), true),
        (json!({ "stopped": false, "app": "shop", "channel": "call_button" }), false),
    ] {
        assert_eq!(switch(body.clone()).await.status, 200, "{body}");
        let answer = start(&app, json!({ "to": "+380991110001" })).await;
        if stops {
            assert_eq!(refused(&answer, 403), forbidden("kill_switch"), "{body}");
        } else {
            assert_eq!(answer.status, 201, "{body}");
            app.outcome(&answer.json()["id"]).await;
            app.advance(61);
        }
    }
    let stopped = app.get("/v1/guard/switches").await.json()["stopped"].clone();
    assert_eq!(stopped.as_array().unwrap().len(), 2, "{stopped:#}");
    for bad in [
        json!({}),
        json!({ "stopped": true, "app": "A" }),
        json!({ "stopped": true, "channel": "fax" }),
    ] {
        assert_eq!(switch(bad).await.status, 422);
    }
    // A later step obeys too.
    assert_eq!(switch(json!({ "stopped": false, "channel": "sms" })).await.status, 200);
    let begun = app.begin_with(json!({ "to": NUMBER, "channel": "sms" })).await;
    assert_eq!(switch(json!({ "stopped": true })).await.status, 200);
    app.advance(61);
    let next = format!("/v1/verifications/{}/next", begun["id"].as_str().unwrap());
    let answer = app.call(Method::POST, &next, None).await;
    assert_eq!(refused(&answer, 403), forbidden("kill_switch"));
    app.stop().await;
}

#[tokio::test]
async fn a_suppressed_number_is_reached_by_nobody_and_the_answer_tells_nothing_of_it() {
    let app = TestApp::start().await;
    // One that was verified before, and one that nobody has heard of.
    let (known, unknown) = (NUMBER, "+380997654321");
    app.outcome(&app.begin(known).await["id"]).await;
    app.advance(61);
    let mut bodies = Vec::new();
    for to in [known, unknown] {
        let body = json!({ "to": to, "reason": "asked by letter" });
        let answer = app.call(Method::POST, "/v1/suppressions", Some(body)).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        assert!(!answer.text.contains(&to[5..]), "{}", answer.text);
        let answer = start(&app, json!({ "to": to })).await;
        assert_eq!(refused(&answer, 403), forbidden("suppression"));
        bodies.push(answer.text);
    }
    assert_eq!(bodies[0], bodies[1]);
    assert_eq!(app.dialled(unknown).await, 0);

    let found = app.get("/v1/suppressions?to=%2B380991234567").await.json();
    let bar = &found["suppressions"][0];
    assert_eq!((&bar["subject"], &bar["app"]), (&json!("+380•••••••67"), &Value::Null));
    assert_eq!(
        app.get("/v1/suppressions").await.json()["suppressions"].as_array().unwrap().len(),
        2
    );
    let path = format!("/v1/suppressions/{}", bar["id"].as_str().unwrap());
    assert_eq!(app.call(Method::DELETE, &path, None).await.status, 204);
    assert_eq!(app.call(Method::DELETE, &path, None).await.problem(404), "not_found");
    assert_eq!(start(&app, json!({ "to": known })).await.status, 201);

    let other = json!({ "to": "+380991110001", "app": "other" });
    assert_eq!(app.call(Method::POST, "/v1/suppressions", Some(other)).await.status, 201);
    assert_eq!(start(&app, json!({ "to": "+380991110001" })).await.status, 201, "another app's");
    for (bad, code) in [
        (json!({}), "missing_field"),
        (json!({ "to": "1" }), "invalid_number"),
        (json!({ "to": NUMBER, "reason": "x".repeat(257) }), "invalid_field"),
    ] {
        let answer = app.call(Method::POST, "/v1/suppressions", Some(bad)).await;
        assert_eq!(answer.problem(422), code);
    }
    app.stop().await;
}

#[tokio::test]
async fn a_rule_answers_alike_for_numbers_it_has_met_and_for_others() {
    let app = TestApp::with(|config| config.guard.per_app = rate(&[(1, 60)])).await;
    app.outcome(&app.begin(NUMBER).await["id"]).await;
    let answers = [
        start(&app, json!({ "to": NUMBER })).await,
        start(&app, json!({ "to": "+380997654321" })).await,
    ];
    assert_eq!(refused(&answers[0], 429), limited("per_app"));
    assert_eq!(answers[0].text, answers[1].text);
    app.stop().await;
}

#[tokio::test]
async fn operators_only_see_and_change_the_guard() {
    let app = TestApp::start().await;
    let scopes = [ringproof::service::Scope::Start, ringproof::service::Scope::Read];
    let shop = ringproof::domain::Name::parse("shop").unwrap();
    let key = app.app().service().create_key(shop, &scopes).await.unwrap().key;
    crate::app::note_secret(key.expose());
    let bar = format!("bar_{}", "0".repeat(32));
    for (method, path) in [
        (Method::GET, "/v1/guard".to_owned()),
        (Method::GET, "/v1/guard/switches".to_owned()),
        (Method::PUT, "/v1/guard/switches".to_owned()),
        (Method::GET, "/v1/guard/blocks".to_owned()),
        (Method::DELETE, format!("/v1/guard/blocks/{bar}")),
        (Method::GET, "/v1/guard/exemptions".to_owned()),
        (Method::POST, "/v1/guard/exemptions".to_owned()),
        (Method::DELETE, format!("/v1/guard/exemptions/{bar}")),
        (Method::GET, "/v1/suppressions".to_owned()),
        (Method::POST, "/v1/suppressions".to_owned()),
        (Method::DELETE, format!("/v1/suppressions/{bar}")),
    ] {
        let answer = app.call_as(key.expose(), method, &path, None).await;
        assert_eq!(answer.problem(403), "missing_scope", "{path}");
    }
    for path in [format!("/v1/guard/blocks/{bar}"), "/v1/suppressions/bar_1".to_owned()] {
        assert_eq!(app.call(Method::DELETE, &path, None).await.problem(404), "not_found");
    }
    app.stop().await;
}

#[tokio::test]
async fn the_command_line_stops_suppresses_and_lists() {
    let app = TestApp::start().await;
    let run = async |arguments: &str| {
        let shared = format!("{arguments} --server {} --key {}", app.base, app.key);
        let run = move || {
            let arguments: Vec<&str> = shared.split(' ').collect();
            crate::command::ringproof(&arguments, std::path::Path::new("."))
        };
        let output = tokio::task::spawn_blocking(run).await.unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (code, said) = run("guard stop --channel sms --reason pumping").await;
    assert!(code == Some(0) && said.contains("sms") && said.contains("pumping"), "{said}");
    let answer = start(&app, json!({ "to": NUMBER, "channel": "sms" })).await;
    assert_eq!(refused(&answer, 403), forbidden("kill_switch"));
    let (_, said) = run("guard show").await;
    assert!(said.contains("kill_switch refused 1") && said.contains("number_types"), "{said}");
    assert_eq!(run("guard resume --channel sms").await, (Some(0), "none\n".to_owned()));
    assert_eq!(run("guard switches").await.1, "none\n");
    assert_eq!(run("guard blocks").await.1, "none\n");
    assert_eq!(run(&format!("guard unblock bar_{}", "0".repeat(32))).await.0, Some(1));

    let (code, said) = run("suppress add +380991234567 --reason letter").await;
    assert!(code == Some(0) && said.contains("+380•••••••67"), "{said}");
    assert_eq!(refused(&start(&app, json!({ "to": NUMBER })).await, 403), forbidden("suppression"));
    assert!(run("suppress list").await.1.contains("letter"));
    assert_eq!(run("suppress remove +380991234567").await, (Some(0), "done\n".to_owned()));
    assert_eq!(run("suppress remove +380991234567").await.0, Some(1));
    assert_eq!(start(&app, json!({ "to": NUMBER })).await.status, 201);
    app.stop().await;
}

#[tokio::test]
async fn the_command_line_says_what_is_wrong_with_what_it_was_given() {
    let app = TestApp::start().await;
    let bar = "0".repeat(32);
    let cases = [
        ("guard stop --channel telegraph", "channel"),
        ("guard stop --app Shop!", "app"),
        ("guard resume --channel telegraph", "channel"),
        ("guard unblock nonsense", "the list has the ids"),
        (&format!("guard unblock bar_{bar}"), "the list has the ids"),
        ("guard exempt 38099", "+38099"),
        ("guard exempt +38099 --channel telegraph", "channel"),
        ("guard unexempt nonsense", "the list has the ids"),
        ("suppress add 0991234567", "+380991234567"),
        ("suppress add +380991234567 --app Shop!", "app"),
        ("suppress remove nobody", "+380991234567"),
        ("suppress remove +380991234567", "not"),
    ];
    for (arguments, says) in cases {
        let shared = format!("{arguments} --server {} --key {}", app.base, app.key);
        let run = move || {
            let arguments: Vec<&str> = shared.split(' ').collect();
            crate::command::ringproof(&arguments, std::path::Path::new("."))
        };
        let output = tokio::task::spawn_blocking(run).await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{arguments}: {said}");
        assert!(output.stdout.is_empty() && said.contains(says), "{arguments}: {said}");
    }
    for list in ["/v1/guard/switches", "/v1/guard/exemptions", "/v1/suppressions"] {
        let json = app.get(list).await.json();
        let lists = json.as_object().unwrap().values();
        assert!(lists.filter_map(Value::as_array).all(Vec::is_empty), "{list}: {json}");
    }
    app.stop().await;
}

/// A prompt whose greeting names 9 for never being called again.
fn with_refuse_key(config: &mut ringproof::config::Config) {
    let sounds = config.prompts.get_mut("default").unwrap().languages.get_mut("en").unwrap();
    sounds.never_again = Some('9');
    config.guard.cooldown = ringproof::config::Cooldown {
        mode: Mode::Enforce,
        rejected: Some(jiff::SignedDuration::from_mins(10)),
        not_me: Some(jiff::SignedDuration::from_hours(24)),
    };
}

#[tokio::test]
async fn the_key_for_never_again_ends_the_plan_tells_the_app_and_suppresses_the_number() {
    let app = TestApp::with(with_refuse_key).await;
    app.script(NUMBER, json!({ "press": "9" })).await;
    let plan = json!([{ "channel": "call_button" }, { "channel": "sms" }]);
    let begun = app.begin_with(json!({ "to": NUMBER, "plan": plan, "language": "en" })).await;
    let ended = app.outcome(&begun["id"]).await;
    assert_eq!((&ended["status"], &ended["outcome"]), (&json!("failed"), &json!("not_me")));
    assert_eq!(app.timeline(&begun["id"]).await.last().unwrap(), "concluded");

    let answer = start(&app, json!({ "to": NUMBER, "channel": "sms" })).await;
    assert_eq!(refused(&answer, 403), forbidden("suppression"));
    let found = app.get("/v1/suppressions?to=%2B380991234567&app=shop").await.json();
    assert!(found["suppressions"][0]["reason"].as_str().unwrap().contains("pressed"), "{found}");
    // Lifted, the number is still left alone for a day.
    let path = format!("/v1/suppressions/{}", found["suppressions"][0]["id"].as_str().unwrap());
    assert_eq!(app.call(Method::DELETE, &path, None).await.status, 204);
    let answer = start(&app, json!({ "to": NUMBER, "channel": "sms" })).await;
    assert_eq!(refused(&answer, 429), limited("cooldown"));
    let blocks = app.get("/v1/guard/blocks").await.json();
    let block = format!("/v1/guard/blocks/{}", blocks["blocks"][0]["id"].as_str().unwrap());
    assert_eq!(blocks["blocks"][0]["rule"], "cooldown");
    assert_eq!(app.call(Method::DELETE, &block, None).await.status, 204);
    assert_eq!(start(&app, json!({ "to": NUMBER, "channel": "sms" })).await.status, 201);
    app.stop().await;
}

#[tokio::test]
async fn after_a_rejected_call_a_person_is_left_alone_for_a_while() {
    let app = TestApp::with(with_refuse_key).await;
    app.script(NUMBER, json!({ "does": "refused" })).await;
    let begun = app.begin(NUMBER).await;
    app.notifications().await;
    app.advance(11);
    assert_eq!(app.outcome(&begun["id"]).await["outcome"], "rejected");
    let answer = start(&app, json!({ "to": NUMBER })).await;
    assert_eq!(refused(&answer, 429), limited("cooldown"));
    app.advance(600);
    assert_eq!(start(&app, json!({ "to": NUMBER })).await.status, 201);
    app.stop().await;
}

/// Asks until the accounts that bring nothing are these; what looks for them runs beside.
async fn degraded(app: &TestApp, wanted: Value) {
    let seen = async {
        while app.get("/v1/guard").await.json()["degraded"] != wanted {
            tokio::task::yield_now().await;
        }
    };
    let limit = std::time::Duration::from_secs(20);
    tokio::time::timeout(limit, seen).await.expect("the accounts that bring nothing are others");
}

#[tokio::test]
async fn calls_that_bring_no_notification_stop_by_themselves_until_one_comes() {
    let app = TestApp::start().await;
    let silent: Vec<String> = (0..7).map(|number| format!("+38099111000{number}")).collect();
    for number in &silent {
        app.script(number, json!({ "notify": "never" })).await;
    }
    for number in &silent[..5] {
        app.begin(number).await;
    }
    app.advance(179);
    app.begin(&silent[5]).await;
    assert_eq!(app.get("/v1/guard").await.json()["degraded"], json!([]));
    let alarms = app.alarms("degraded").await;
    // Past the next look, whenever the last one was.
    app.advance(6);
    // Noticed by the clock: nobody has started anything since.
    degraded(&app, json!(["main"])).await;
    assert!(app.alarms("degraded").await > alarms);
    // One passes to see whether it is over; the others are told what to take instead.
    app.begin(&silent[6]).await;
    let answer = start(&app, json!({ "to": NUMBER })).await;
    assert_eq!(refused(&answer, 429), limited("degraded"));
    assert_eq!(answer.json()["next_channel"], "sms");
    assert_eq!(answer.headers["retry-after"], "60");
    assert_eq!(start(&app, json!({ "to": NUMBER, "channel": "sms" })).await.status, 201);
    app.advance(60);
    // The next probe is heard of, and all is well.
    app.outcome(&app.begin(NUMBER).await["id"]).await;
    app.advance(5);
    degraded(&app, json!([])).await;
    for number in 0..6 {
        app.begin(&format!("+38099222000{number}")).await;
    }
    app.stop().await;
}
