//! Plans: one ladder of channels, walked by failures, by time and by the app.

use ringproof::config::{Plan, PlanBy, PlanCode, PlanStep};
use serde_json::{Value, json};

use crate::app::TestApp;
use crate::codes::{NUMBER, ask, check, code, inbox, send};
use crate::intake_verifies::end;

/// A button call, then an SMS.
fn ladder() -> Value {
    json!([{ "channel": "call_button", "wait": 45 }, { "channel": "sms" }])
}

/// Waits until the verification has so many attempts, the last one answered by the provider.
async fn attempts(app: &TestApp, id: &Value, count: usize) -> Value {
    loop {
        let shown = app.show(id).await;
        let attempts = shown["attempts"].as_array().unwrap();
        assert!(attempts.len() <= count, "{shown:#}");
        if attempts.len() == count && attempts[count - 1]["dispatch"] != "intended" {
            return shown;
        }
        tokio::task::yield_now().await;
    }
}

/// Lets the worker look at what is due, and be sure that nothing was.
async fn settle(app: &TestApp) {
    app.app().service().expire_due().await.unwrap();
}

pub async fn walks_on(app: &TestApp, id: &Value, count: usize) -> Value {
    settle(app).await;
    attempts(app, id, count).await
}

#[tokio::test]
async fn a_step_that_failed_for_a_curable_reason_is_followed_at_once() {
    let app = TestApp::start().await;
    let scripts = [
        json!({ "does": "no_answer" }),
        json!({ "does": "busy" }),
        json!({ "does": "unallocated" }),
        json!({ "does": "no_money" }),
        json!({ "press": "" }),
        json!({ "does": "refused" }),
    ];
    for (index, script) in scripts.into_iter().enumerate() {
        let number = format!("+38099100000{index}");
        app.script(&number, script.clone()).await;
        let started = send(&app, json!({ "to": number, "plan": ladder() })).await;
        app.notifications().await;
        let shown = walks_on(&app, &started["id"], 2).await;
        assert_eq!((&shown["status"], &shown["channel"]), (&json!("pending"), &json!("sms")));
        assert_eq!(check(&app, &started["id"], &code(&app, &number).await).await, "correct");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_refusal_by_the_provider_is_followed_at_once_and_the_last_one_ends_it() {
    let app = TestApp::start().await;
    app.script(NUMBER, json!({ "api": "refuse" })).await;
    let plan = json!([{ "channel": "sms" }, { "channel": "call_code" }]);
    let started = send(&app, json!({ "to": NUMBER, "plan": plan })).await;
    settle(&app).await;
    let ended = app.outcome(&started["id"]).await;
    assert_eq!(ended["outcome"], "provider_refused");
    assert_eq!(ended["attempts"].as_array().unwrap().len(), 2);
    app.stop().await;
}

#[tokio::test]
async fn a_person_who_says_no_ends_the_ladder() {
    let app = TestApp::start().await;
    app.script(NUMBER, json!({ "press": "5" })).await;
    let started = send(&app, json!({ "to": NUMBER, "plan": ladder() })).await;
    let ended = app.outcome(&started["id"]).await;
    assert_eq!((&ended["outcome"], &ended["next_channel"]), (&json!("wrong_key"), &Value::Null));
    app.advance(60);
    settle(&app).await;
    assert!(inbox(&app, NUMBER).await.is_empty());
    app.stop().await;
}

#[tokio::test]
async fn a_step_whose_wait_ends_is_followed_and_a_late_press_still_confirms() {
    let app = TestApp::start().await;
    app.script(NUMBER, json!({ "notify": "never" })).await;
    let plan = json!([{ "channel": "call_button", "wait": 45 }, { "channel": "call_code" }]);
    let started = send(&app, json!({ "to": NUMBER, "plan": plan })).await;
    let began = app.pbx_time();
    // While the phone may ring, no second call of ours goes to it.
    app.advance(50);
    settle(&app).await;
    assert_eq!(attempts(&app, &started["id"], 1).await["channel"], "call_button");
    app.advance(10);
    let shown = walks_on(&app, &started["id"], 2).await;
    assert_eq!(shown["channel"], "call_code");

    assert_eq!(app.notify(&end(NUMBER, &began, "1")).await["status"], 200);
    let ended = app.outcome(&started["id"]).await;
    assert_eq!((&ended["status"], &ended["outcome"]), (&json!("verified"), &json!("confirmed")));
    app.stop().await;
}

#[tokio::test]
async fn the_same_code_is_valid_over_the_ladder_unless_a_step_has_a_new_one() {
    let app = TestApp::start().await;
    for (new_code, number) in [(false, "+380991111111"), (true, "+380992222222")] {
        app.script(number, json!({ "notify": "never" })).await;
        let plan = json!([
            { "channel": "sms", "wait": 20 },
            { "channel": "call_code", "new_code": new_code },
        ]);
        let started = send(&app, json!({ "to": number, "plan": plan })).await;
        let first = code(&app, number).await;
        // The gap between codes holds though the step's wait is shorter.
        app.advance(59);
        settle(&app).await;
        assert_eq!(inbox(&app, number).await.len(), 1);
        app.advance(1);
        walks_on(&app, &started["id"], 2).await;
        let second = code(&app, number).await;
        assert_eq!(first != second, new_code);
        let expected = if new_code { "incorrect" } else { "correct" };
        assert_eq!(check(&app, &started["id"], &first).await, expected);
        if new_code {
            assert_eq!(check(&app, &started["id"], &second).await, "correct");
        }
    }
    app.stop().await;
}

#[tokio::test]
async fn an_unanswered_call_with_a_code_moves_the_ladder_on_and_an_answered_one_does_not() {
    let app = TestApp::start().await;
    let plan = json!([{ "channel": "call_code", "wait": 90 }, { "channel": "sms" }]);
    let (missed, heard) = ("+380991111111", "+380992222222");
    app.script(missed, json!({ "does": "no_answer" })).await;
    let started = send(&app, json!({ "to": missed, "plan": plan })).await;
    app.notifications().await;
    let shown = walks_on(&app, &started["id"], 2).await;
    assert_eq!(
        (&shown["channel"], &shown["attempts"][0]["result"]),
        (&json!("sms"), &json!("no_answer"))
    );

    let started = send(&app, json!({ "to": heard, "plan": plan })).await;
    app.notifications().await;
    app.advance(89);
    settle(&app).await;
    assert_eq!(attempts(&app, &started["id"], 1).await["attempts"][0]["result"], "answered");
    app.advance(1);
    walks_on(&app, &started["id"], 2).await;
    app.stop().await;
}

#[tokio::test]
async fn a_code_that_nobody_heard_ends_honestly() {
    let app = TestApp::start().await;
    app.script(NUMBER, json!({ "does": "busy" })).await;
    let started = send(&app, json!({ "to": NUMBER, "channel": "call_code" })).await;
    app.notifications().await;
    // It may have been another call with the number that was busy.
    app.advance(179);
    assert_eq!(app.show(&started["id"]).await["status"], "pending");
    app.advance(1);
    let ended = app.outcome(&started["id"]).await;
    assert_eq!((&ended["outcome"], &ended["next_channel"]), (&json!("busy"), &json!("sms")));
    app.stop().await;
}

#[tokio::test]
async fn next_begins_the_next_step_and_sends_the_last_code_again() {
    let app = TestApp::start().await;
    app.script(NUMBER, json!({ "notify": "never" })).await;
    let started = send(&app, json!({ "to": NUMBER, "plan": ladder() })).await;
    assert_eq!(started["next_channel"], "sms");
    let next = ask(&app, &started["id"], "next", json!(null)).await;
    assert_eq!(next.status, 200, "{}", next.text);
    assert_eq!((&next.json()["channel"], &next.json()["sends_left"]), (&json!("sms"), &json!(2)));

    let too_soon = ask(&app, &started["id"], "next", json!(null)).await;
    assert_eq!(too_soon.problem(409), "too_soon");
    assert_eq!(too_soon.json()["retry_after"], 60);
    for _ in 0..2 {
        app.advance(60);
        assert_eq!(ask(&app, &started["id"], "next", json!(null)).await.status, 200);
    }
    app.advance(60);
    let spent = ask(&app, &started["id"], "next", json!(null)).await;
    assert_eq!(spent.problem(409), "send_limit");
    let messages = inbox(&app, NUMBER).await;
    assert_eq!(messages.len(), 3);
    assert!(messages.iter().all(|message| message["code"] == messages[0]["code"]));
    assert_eq!(check(&app, &started["id"], messages[0]["code"].as_str().unwrap()).await, "correct");
    let ended = ask(&app, &started["id"], "next", json!(null)).await;
    assert_eq!(ended.problem(409), "already_ended");
    app.stop().await;
}

#[tokio::test]
async fn a_button_call_alone_has_no_next_step_and_no_code() {
    let app = TestApp::start().await;
    app.script(NUMBER, json!({ "notify": "never" })).await;
    let started = app.begin(NUMBER).await;
    let next = ask(&app, &started["id"], "next", json!(null)).await;
    assert_eq!(next.problem(409), "no_next_step");
    let checked = ask(&app, &started["id"], "check", json!({ "code": "1234" })).await;
    assert_eq!(checked.problem(409), "no_code");
    app.stop().await;
}

#[tokio::test]
async fn a_second_button_call_waits_for_the_claim_of_the_first() {
    let app = TestApp::start().await;
    app.script(NUMBER, json!({ "does": "no_answer" })).await;
    let plan = json!([{ "channel": "call_button" }, { "channel": "call_button" }]);
    let started = app.begin_with(json!({ "to": NUMBER, "plan": plan })).await;
    app.notifications().await;
    app.advance(59);
    settle(&app).await;
    attempts(&app, &started["id"], 1).await;
    app.script(NUMBER, json!({})).await;
    app.advance(2);
    settle(&app).await;
    let ended = app.outcome(&started["id"]).await;
    assert_eq!(ended["outcome"], "confirmed");
    assert_eq!(app.dialled(NUMBER).await, 2);
    app.stop().await;
}

#[tokio::test]
async fn a_button_step_waits_while_another_verification_calls_the_number() {
    let app = TestApp::start().await;
    app.script(NUMBER, json!({ "notify": "never" })).await;
    let plan = json!([{ "channel": "sms", "wait": 30 }, { "channel": "call_button" }]);
    let waiting = send(&app, json!({ "to": NUMBER, "plan": plan })).await;
    let calling = app.begin(NUMBER).await;
    let began = app.pbx_time();
    app.advance(40);
    settle(&app).await;
    attempts(&app, &waiting["id"], 1).await;
    assert_eq!(app.notify(&end(NUMBER, &began, "1")).await["status"], 200);
    assert_eq!(app.outcome(&calling["id"]).await["outcome"], "confirmed");

    let busy = ask(&app, &waiting["id"], "next", json!(null)).await;
    assert_eq!(busy.problem(409), "number_busy");
    app.script(NUMBER, json!({})).await;
    app.advance(61);
    let next = ask(&app, &waiting["id"], "next", json!(null)).await;
    assert_eq!(next.status, 200, "{}", next.text);
    let ended = app.outcome(&waiting["id"]).await;
    assert_eq!(
        (&ended["outcome"], &ended["attempts"][1]["result"]),
        (&json!("confirmed"), &json!("answered"))
    );
    app.stop().await;
}

#[tokio::test]
async fn a_call_that_says_a_code_hides_no_press_of_another_verification() {
    let app = TestApp::start().await;
    app.script(NUMBER, json!({ "notify": "never" })).await;
    let pressing = app.begin(NUMBER).await;
    let began = app.pbx_time();
    let typing = send(&app, json!({ "to": NUMBER, "channel": "call_code" })).await;
    assert_eq!(app.notify(&end(NUMBER, &began, "1")).await["status"], 200);
    assert_eq!(app.outcome(&pressing["id"]).await["outcome"], "confirmed");
    assert_eq!(app.show(&typing["id"]).await["status"], "pending");
    app.stop().await;
}

#[tokio::test]
async fn a_ladder_that_goes_on_takes_no_claim_from_a_later_call() {
    let mut app = TestApp::start().await;
    app.script(NUMBER, json!({ "does": "no_answer" })).await;
    let plan = json!([{ "channel": "call_button" }, { "channel": "sms", "wait": 500 }, { "channel": "call_code" }]);
    let body = json!({ "to": NUMBER, "plan": plan, "expires_in": 600 });
    let ladder = send(&app, body).await;
    app.notifications().await;
    walks_on(&app, &ladder["id"], 2).await;
    app.advance(61);
    app.script(NUMBER, json!({ "notify": "never" })).await;
    let calling = app.begin(NUMBER).await;
    let began = app.pbx_time();
    assert_eq!(ask(&app, &ladder["id"], "next", json!(null)).await.status, 200);
    app.restart().await;
    app.advance(5);
    assert_eq!(app.notify(&end(NUMBER, &began, "1")).await["status"], 200);
    assert_eq!(app.outcome(&calling["id"]).await["outcome"], "confirmed");
    assert_eq!(app.show(&ladder["id"]).await["status"], "pending");
    app.stop().await;
}

#[tokio::test]
async fn no_step_begins_by_itself_just_before_the_end() {
    let app = TestApp::start().await;
    let plan = json!([{ "channel": "sms", "wait": 60 }, { "channel": "call_code" }]);
    let body = json!({ "to": NUMBER, "plan": plan, "expires_in": 65 });
    let started = send(&app, body).await;
    app.advance(64);
    settle(&app).await;
    assert_eq!(attempts(&app, &started["id"], 1).await["status"], "pending");
    app.advance(1);
    assert_eq!(app.outcome(&started["id"]).await["outcome"], "expired");
    assert_eq!(inbox(&app, NUMBER).await.len(), 1);
    app.stop().await;
}

#[tokio::test]
async fn a_landline_skips_sms_and_is_told_so() {
    let app = TestApp::start().await;
    let landline = "+380441234567";
    let plan = json!([{ "channel": "sms" }, { "channel": "call_code" }]);
    let started = send(&app, json!({ "to": landline, "plan": plan })).await;
    assert_eq!(
        (&started["channel"], &started["plan"][0]["skipped"]),
        (&json!("call_code"), &json!(true))
    );
    assert_eq!(started["warnings"][0]["code"], "landline");
    assert_eq!(inbox(&app, landline).await.len(), 1);
    app.stop().await;
}

#[tokio::test]
async fn a_plan_of_the_configuration_is_known_by_its_name() {
    let steps = vec![
        PlanStep {
            wait: None,
            by: PlanBy::Button { from: None, prompt: None, language: None, press: None },
        },
        PlanStep {
            wait: None,
            by: PlanBy::Code {
                new_code: false,
                language: None,
                by: PlanCode::Sms { template: None, sender: Some("Shop".to_owned()) },
            },
        },
    ];
    let app = TestApp::with(|config| {
        config.plans.insert("login".to_owned(), Plan { steps });
    })
    .await;
    app.script(NUMBER, json!({ "does": "busy" })).await;
    let started = send(&app, json!({ "to": NUMBER, "plan": "login", "language": "en" })).await;
    app.notifications().await;
    walks_on(&app, &started["id"], 2).await;
    let messages = inbox(&app, NUMBER).await;
    assert_eq!((&messages[0]["from"], &messages[0]["language"]), (&json!("Shop"), &json!("en")));
    app.stop().await;
}

#[tokio::test]
async fn a_step_without_room_at_the_provider_waits() {
    let app = TestApp::with(|config| {
        let account = config.accounts.get_mut("main").unwrap();
        account.requests_per_minute = 8;
        account.queue_deadline = std::time::Duration::ZERO;
    })
    .await;
    app.advance(61);
    app.script(NUMBER, json!({ "notify": "never" })).await;
    let plan = json!([{ "channel": "sms", "wait": 70 }, { "channel": "call_code" }]);
    let started = send(&app, json!({ "to": NUMBER, "plan": plan })).await;
    app.advance(65);
    let mut other = 0;
    loop {
        let body =
            json!({ "to": format!("+3809920000{other:02}"), "channel": "sms", "code_length": 10 });
        let answer = app.call(reqwest::Method::POST, "/v1/verifications", Some(body)).await;
        if answer.status == 503 {
            break;
        }
        other += 1;
    }
    app.advance(5);
    settle(&app).await;
    attempts(&app, &started["id"], 1).await;
    app.advance(61);
    walks_on(&app, &started["id"], 2).await;
    app.stop().await;
}

#[tokio::test]
async fn after_a_restart_the_ladder_goes_on_and_the_code_is_the_same() {
    let mut app = TestApp::start().await;
    app.script(NUMBER, json!({ "notify": "never" })).await;
    let plan = json!([{ "channel": "sms" }, { "channel": "call_code" }]);
    let started = send(&app, json!({ "to": NUMBER, "plan": plan })).await;
    let first = code(&app, NUMBER).await;
    app.restart().await;
    app.advance(60);
    walks_on(&app, &started["id"], 2).await;
    assert_eq!(inbox(&app, NUMBER).await.len(), 2);
    assert_eq!(check(&app, &started["id"], &first).await, "correct");
    app.stop().await;
}
