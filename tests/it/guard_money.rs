//! The guard's rules on money from outside, with the simulator's prices and balance.

use futures_util::future::join_all;
use reqwest::Method;
use ringproof::config::{self, MoneyRules, Spending};
use ringproof::domain::{Mode, Money};
use ringproof::service::AccountIndex;
use serde_json::{Value, json};

use crate::app::{Answer, TestApp, answer};

const CALL: &str = "+380991234567";
const MIDNIGHT: &str = "2026-11-23T00:00:00.000Z";

fn spending(mode: Mode, amount: &str) -> Spending {
    Spending { mode, amount: Some(Money::parse(amount).unwrap()) }
}

fn enforced(amount: &str) -> Spending {
    spending(Mode::Enforce, amount)
}

async fn with_money(change: impl FnOnce(&mut MoneyRules)) -> TestApp {
    TestApp::with(|config| {
        change(&mut config.guard.money);
        config.accounts.get_mut("main").unwrap().requests_per_minute = 1000;
    })
    .await
}

async fn start(app: &TestApp, body: Value) -> Answer {
    app.call(Method::POST, "/v1/verifications", Some(body)).await
}

async fn settings(app: &TestApp, settings: Value) {
    app.simulator(Method::PUT, "/_simulator/settings", Some(settings)).await;
}

/// Code and rule, after the status has been compared.
#[track_caller]
fn refused(answer: &Answer, status: u16) -> (String, String) {
    (answer.problem(status), answer.json()["rule"].as_str().unwrap().to_owned())
}

#[track_caller]
fn assert_refused(answer: &Answer, rule: &str) {
    assert_eq!(refused(answer, 403), ("guard_refused".to_owned(), rule.to_owned()));
    assert_eq!(answer.json()["passes"], false);
}

/// How often the provider was asked by this method.
async fn asked(app: &TestApp, path: &str) -> usize {
    let path = format!("/_simulator/requests?path={path}");
    app.simulator(Method::GET, &path, None).await["requests"].as_array().unwrap().len()
}

/// How often a rule refused, or would have.
async fn total(app: &TestApp, rule: &str, mode: &str) -> u64 {
    let guard = app.get("/v1/guard").await.json();
    let mut totals = guard["totals"].as_array().unwrap().iter();
    let found = totals.find(|total| total["rule"] == rule && total["mode"] == mode);
    found.map_or(0, |total| total["total"].as_u64().unwrap())
}

async fn metric(app: &TestApp, line: &str) -> u64 {
    let text = answer(app.http.get(format!("{}/metrics", app.base))).await.text;
    let mut lines = text.lines();
    let value = lines.find_map(|found| found.strip_prefix(line)?.strip_prefix(' '));
    value.unwrap_or_else(|| panic!("no {line}")).parse().unwrap()
}

#[tokio::test]
async fn an_attempt_that_costs_more_than_the_ceiling_is_refused_and_prices_are_asked_for_once() {
    let app = with_money(|money| money.price_ceiling = enforced("0.02 USD")).await;
    settings(&app, json!({ "prices": { "38099": "0.02", "4479": "0.0200001" } })).await;
    let price = "/v1/info/price/";
    for number in ["+380991234567", "+380991234568", "+380991234569"] {
        app.begin(number).await;
    }
    assert_eq!(asked(&app, price).await, 1, "neighbours cost the same");
    // A ceiling holds to the millionth, and what is finer is rounded up.
    for _ in 0..2 {
        assert_refused(&start(&app, json!({ "to": "+447911123456" })).await, "price_ceiling");
    }
    assert_eq!(asked(&app, price).await, 2);
    assert_eq!(app.dialled("+447911123456").await, 0);
    // What another rule refuses costs no request.
    let answer = start(&app, json!({ "to": "+881612345678" })).await;
    assert_refused(&answer, "number_types");
    assert_eq!(asked(&app, price).await, 2);
    // A day later they are asked for anew.
    settings(&app, json!({ "prices": { "38099": "0.03" } })).await;
    app.begin("+380991234560").await;
    app.advance(86_400);
    assert_refused(&start(&app, json!({ "to": CALL })).await, "price_ceiling");
    assert_eq!(total(&app, "price_ceiling", "enforce").await, 3);
    app.stop().await;
}

#[tokio::test]
async fn in_shadow_money_refuses_nothing_and_is_counted_and_off_asks_nothing() {
    let app = with_money(|money| {
        money.price_ceiling = spending(Mode::Shadow, "0.001 USD");
        money.app_budget = spending(Mode::Shadow, "0.01 USD");
        money.balance_floor = spending(Mode::Shadow, "100 USD");
        // What cannot be judged is taken no more strictly than the rule itself.
        money.prefix_budget = spending(Mode::Shadow, "1 EUR");
        money.other_currency = Mode::Enforce;
    })
    .await;
    for number in ["+380991110001", "+380991110002"] {
        app.begin(number).await;
    }
    for (rule, times) in
        [("price_ceiling", 2), ("app_budget", 1), ("balance_floor", 2), ("other_currency", 2)]
    {
        assert_eq!(total(&app, rule, "shadow").await, times, "{rule}");
        assert_eq!(total(&app, rule, "enforce").await, 0, "{rule}");
    }
    app.stop().await;
    let app = with_money(|money| {
        money.price_ceiling = spending(Mode::Off, "0.001 USD");
        money.balance_floor = spending(Mode::Off, "100 USD");
    })
    .await;
    app.begin(CALL).await;
    assert_eq!(asked(&app, "/v1/info/price/").await + asked(&app, "/v1/info/balance/").await, 0);
    app.stop().await;
}

#[tokio::test]
async fn a_budget_for_five_calls_admits_exactly_five_of_two_hundred_at_once_until_midnight() {
    // 0.009 each: what is left after five is not enough for a sixth.
    let app = with_money(|money| money.app_budget = enforced("0.0539 USD")).await;
    let starts = (0..200).map(|number| start(&app, json!({ "to": format!("+380991{number:06}") })));
    let answers = join_all(starts).await;
    let admitted = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(admitted, 5);
    assert_eq!(asked(&app, "/v1/info/price/").await, 1);
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        assert_eq!(refused(answer, 429), ("guard_limited".into(), "app_budget".into()));
        let json = answer.json();
        assert_eq!((&json["day"], &json["retry_at"]), (&json!("2026-11-22"), &json!(MIDNIGHT)));
        assert_eq!(answer.headers["retry-after"], "43200");
        let policy = "\"app_budget\";q=53900;w=86400;qu=\"millionths\"";
        assert_eq!(answer.headers["ratelimit-policy"], policy);
        assert_eq!(answer.headers["ratelimit"], "\"app_budget\";r=0;t=43200");
    }
    // Each call has brought its notification, or the account would count as silent.
    app.notifications().await;
    app.advance(43_199);
    assert_eq!(refused(&start(&app, json!({ "to": CALL })).await, 429).1, "app_budget");
    // The day is over, though the last call was twelve hours ago.
    app.advance(1);
    for number in 0..5 {
        app.begin(&format!("+38099123400{number}")).await;
    }
    let answer = start(&app, json!({ "to": CALL })).await;
    assert_eq!(
        (refused(&answer, 429).1, &answer.json()["day"]),
        ("app_budget".into(), &json!("2026-11-23"))
    );
    app.stop().await;
}

#[tokio::test]
async fn prefixes_have_budgets_of_their_own_and_a_price_beyond_a_budget_never_passes() {
    let app = with_money(|money| money.prefix_budget = enforced("0.02 USD")).await;
    settings(&app, json!({ "prices": { "447911": "0.021" } })).await;
    for (number, refusal) in [
        ("+380991110001", None),
        ("+380991110002", None),
        ("+380991110003", Some((429, "guard_limited"))),
        ("+380991120001", None),
        ("+447911123456", Some((403, "guard_refused"))),
    ] {
        let answer = start(&app, json!({ "to": number })).await;
        match refusal {
            None => assert_eq!(answer.status, 201, "{number}: {}", answer.text),
            Some((status, code)) => {
                assert_eq!(refused(&answer, status), (code.into(), "prefix_budget".into()));
            }
        }
    }
    app.stop().await;
}

#[tokio::test]
async fn later_steps_cost_money_too_and_an_apps_own_budget_holds_beside() {
    let app = TestApp::with(|config| {
        config.guard.money.prices.sms = Some(Money::parse("0.05 USD").unwrap());
        let own = MoneyRules { app_budget: enforced("0.06 USD"), ..MoneyRules::default() };
        let shop = config::App {
            guard: Some(config::Guard { money: own, ..Default::default() }),
            ..Default::default()
        };
        config.apps.insert("shop".to_owned(), shop);
    })
    .await;
    let plan = json!([{ "channel": "sms" }, { "channel": "sms" }]);
    let begun = app.begin_with(json!({ "to": CALL, "plan": plan })).await;
    let next = format!("/v1/verifications/{}/next", begun["id"].as_str().unwrap());
    app.advance(61);
    let answer = app.call(Method::POST, &next, None).await;
    assert_eq!(refused(&answer, 429), ("guard_limited".into(), "app_budget".into()));
    assert_eq!(answer.json()["retry_at"], MIDNIGHT);
    // 0.009 more is still there.
    app.begin("+380992220001").await;
    assert_eq!(refused(&start(&app, json!({ "to": "+380993330001" })).await, 429).1, "app_budget");
    app.stop().await;
}

#[tokio::test]
async fn below_the_floor_nothing_starts_until_money_is_paid_in() {
    let app = with_money(|money| money.balance_floor = enforced("20 USD")).await;
    let lows = "ringproof_alarms_total{alarm=\"balance_low\"}";
    // The first answer is waited for.
    assert_refused(&start(&app, json!({ "to": CALL })).await, "balance_floor");
    assert!(metric(&app, lows).await >= 1);
    let service = app.app().service();
    settings(&app, json!({ "balance": 20 })).await;
    service.refresh_balance(AccountIndex(0)).await.unwrap();
    app.begin(CALL).await;
    settings(&app, json!({ "balance": -0.5 })).await;
    service.refresh_balance(AccountIndex(0)).await.unwrap();
    assert_refused(&start(&app, json!({ "to": "+380992220001" })).await, "balance_floor");
    app.stop().await;
}

#[tokio::test]
async fn the_balance_is_looked_at_after_fifty_attempts() {
    let app = with_money(|money| money.balance_floor = enforced("5 USD")).await;
    app.begin("+380990000000").await;
    let before = asked(&app, "/v1/info/balance/").await;
    settings(&app, json!({ "balance": 4.99 })).await;
    let mut admitted = 1;
    while start(&app, json!({ "to": format!("+38099{admitted:07}") })).await.status == 201 {
        admitted += 1;
        assert!(admitted < 500, "the balance is never looked at");
    }
    assert!(admitted >= 50, "{admitted}");
    assert!(asked(&app, "/v1/info/balance/").await > before);
    app.stop().await;
}

#[tokio::test]
async fn a_price_that_is_not_told_lets_the_call_through_unless_the_operator_wants_otherwise() {
    for (mode, passes) in [(Mode::Shadow, true), (Mode::Off, true), (Mode::Enforce, false)] {
        let app = with_money(|money| {
            money.price_ceiling = enforced("0.02 USD");
            money.money_unknown = mode;
        })
        .await;
        settings(&app, json!({ "price": "ask us" })).await;
        let answer = start(&app, json!({ "to": CALL })).await;
        if passes {
            assert_eq!(answer.status, 201, "{}", answer.text);
            let counted = u64::from(mode == Mode::Shadow);
            assert_eq!(total(&app, "money_unknown", "shadow").await, counted);
        } else {
            assert_eq!(refused(&answer, 429), ("guard_limited".into(), "money_unknown".into()));
            assert_eq!(answer.headers["retry-after"], "60");
            // The same prefix asks nobody again within the minute.
            assert_eq!(start(&app, json!({ "to": CALL })).await.status, 429);
            assert_eq!(asked(&app, "/v1/info/price/").await, 1);
            settings(&app, json!({ "price": "0.009" })).await;
            app.advance(60);
            app.begin(CALL).await;
        }
        app.stop().await;
    }
}

#[tokio::test]
async fn another_currency_is_never_compared_and_raises_an_alarm() {
    let alarm = "ringproof_alarms_total{alarm=\"other_currency\"}";
    for (mode, passes) in [(Mode::Shadow, true), (Mode::Enforce, false)] {
        let app = with_money(|money| {
            // More than enough if it were USD, and less than nothing.
            money.price_ceiling = enforced("100 EUR");
            money.app_budget = enforced("0.000001 EUR");
            money.balance_floor = enforced("1000 EUR");
            money.other_currency = mode;
        })
        .await;
        let before = metric(&app, alarm).await;
        let answer = start(&app, json!({ "to": CALL })).await;
        assert!(before <= metric(&app, alarm).await && metric(&app, alarm).await >= 1);
        if passes {
            assert_eq!(answer.status, 201, "{}", answer.text);
            assert_eq!(total(&app, "other_currency", "shadow").await, 1);
        } else {
            assert_refused(&answer, "other_currency");
            assert!(answer.json()["detail"].as_str().unwrap().contains("currency"));
            assert_eq!(app.dialled(CALL).await, 0);
        }
        app.stop().await;
    }
}

#[tokio::test]
async fn operators_see_the_amounts() {
    let app = with_money(|money| money.app_budget = enforced("12.50 USD")).await;
    let guard = app.get("/v1/guard").await.json();
    let rules = guard["rules"].as_array().unwrap();
    let own = rules.iter().find(|rule| rule["rule"] == "app_budget").unwrap();
    assert_eq!((&own["money"], &own["mode"]), (&json!("12.5 USD"), &json!("enforce")));
    assert!(rules.iter().any(|rule| rule["rule"] == "money_unknown" && rule["mode"] == "shadow"));
    app.stop().await;
}

#[test]
fn bad_settings_of_money_are_named_with_what_would_be_right() {
    let folder = tempfile::tempdir().unwrap();
    for (text, says) in [
        ("[guard.price_ceiling]\nmax = \"0.05\"", "such as \"0.05 EUR\""),
        ("[guard.price_ceiling]\nmax = 0.05", "must be text"),
        ("[guard.price_ceiling]\nmax = \"0.05 euro\"", "three capital letters of ISO 4217"),
        ("[guard.price_ceiling]\nmax = \"0.0000001 EUR\"", "at most six decimals"),
        ("[guard.price_ceiling]\nper_day = \"1 EUR\"", "unknown key"),
        ("[guard.app_budget]\nper_day = \"0 EUR\"", "above 0"),
        ("[guard.app_budget]\nper_day = \"-1 EUR\"", "above 0"),
        ("[guard.prefix_budget]\nper_day = \"9999999999999 EUR\"", "too large"),
        ("[guard.balance_floor]\nmin = \"\"", "must not be empty"),
        ("[guard.money_unknown]\nmode = \"admit\"", "must be \"off\", \"shadow\" or \"enforce\""),
        ("[guard.prices]\ncall = \"1 EUR\"", "unknown key"),
        ("[apps.shop.guard.prices]\nsms = \"1 EUR\"", "unknown key"),
    ] {
        let file = folder.path().join("bad.toml");
        std::fs::write(&file, text).unwrap();
        let problems = config::load(Some(&file), std::iter::empty(), &[]).unwrap_err();
        let told = problems.iter().map(ToString::to_string).collect::<String>();
        assert!(told.contains(says), "{text}: {told}");
    }
}

#[tokio::test]
async fn the_console_shows_the_money_left_where_it_is_watched() {
    let app = with_money(|money| money.balance_floor = enforced("1 USD")).await;
    let service = app.app().service();
    service.refresh_balance(ringproof::service::AccountIndex(0)).await.unwrap();
    let visitor = crate::console::Visitor::signed_in(&app, &app.key).await;
    let page = visitor.get("/console/overview").await.text;
    assert!(page.contains("10.34 USD left, asked"), "{page}");
    app.stop().await;
}
