//! What is stored of a person, and how it goes.

use reqwest::Method;
use serde_json::{Value, json};

use crate::app::TestApp;
use crate::command::ringproof;

const NUMBER: &str = "+380991234567";
const DAY: u64 = 24 * 60 * 60;

async fn erase(app: &TestApp, to: &str) -> crate::app::Answer {
    app.call(Method::POST, "/v1/erasures", Some(json!({ "to": to }))).await
}

/// Whether the store's files hold a text anywhere.
fn is_stored(app: &TestApp, text: &str) -> bool {
    let files = std::fs::read_dir(app.data()).unwrap();
    let paths = files.map(|file| file.unwrap().path()).filter(|path| path.is_file());
    let mut all = paths.map(|path| std::fs::read(path).unwrap());
    all.any(|bytes| bytes.windows(text.len()).any(|window| window == text.as_bytes()))
}

#[tokio::test]
async fn an_erased_number_leaves_nothing_but_counts_and_a_keyed_hash() {
    let mut app = TestApp::start().await;
    let body = json!({
        "to": NUMBER, "reference": "order-of-erased", "metadata": { "note": "meta-of-erased" },
    });
    let started = app.begin_with(body).await;
    app.outcome(&started["id"]).await;
    let kept = app.begin("+380991234568").await;
    app.outcome(&kept["id"]).await;
    let busy = erase(&app, NUMBER).await;
    assert_eq!(busy.problem(409), "number_busy");
    let again_at = busy.json()["retry_after"].as_u64().unwrap();
    assert!((DAY..2 * DAY).contains(&again_at), "{again_at}");
    assert_eq!(app.show(&started["id"]).await["status"], "verified", "nothing was erased");
    assert!(is_stored(&app, "order-of-erased"));

    app.advance(again_at);
    let erased = erase(&app, NUMBER).await;
    assert_eq!((erased.status.as_u16(), &erased.json()["verifications"]), (200, &json!(1)));
    let path = format!("/v1/verifications/{}", started["id"].as_str().unwrap());
    assert_eq!(app.get(&path).await.problem(404), "not_found");
    let found = app.get("/v1/verifications?to=%2B380991234567").await.json();
    assert_eq!(found["verifications"], json!([]));
    assert_eq!(app.show(&kept["id"]).await["status"], "verified");
    let told = app.get("/v1/audit?limit=1").await;
    assert!(told.text.contains("recipient.erased") && !told.text.contains("380991234567"));
    assert_eq!(erase(&app, NUMBER).await.json()["verifications"], 0);
    app.restart().await;
    for text in ["order-of-erased", "meta-of-erased"] {
        assert!(!is_stored(&app, text), "{text}");
    }
    assert_eq!(app.get("/v1/audit/verification").await.json()["whole"], true);
    app.stop().await;
}

#[tokio::test]
async fn a_pending_verification_is_to_be_canceled_first() {
    let app = TestApp::start().await;
    let body = json!({ "to": NUMBER, "channel": "sms" });
    let started = app.begin_with(body).await;
    assert_eq!(erase(&app, NUMBER).await.problem(409), "number_busy");
    let path = format!("/v1/verifications/{}/cancel", started["id"].as_str().unwrap());
    assert_eq!(app.call(Method::POST, &path, None).await.status, 200);
    // A code's way is claimed by nothing.
    assert_eq!(erase(&app, NUMBER).await.json()["verifications"], 1);
    app.stop().await;
}

#[tokio::test]
async fn what_matched_nothing_is_erased_by_its_keyed_hash() {
    let app = TestApp::start().await;
    for number in ["380991234567", "0991234567", "00380991234567", "380991234560"] {
        let time = app.pbx_time();
        app.notify(&crate::intake_verifies::end(number, &time, "1")).await;
    }
    let erased = erase(&app, NUMBER).await.json();
    assert_eq!((&erased["verifications"], &erased["notifications"]), (&json!(0), &json!(3)));
    app.stop().await;
}

#[tokio::test]
async fn only_operators_erase_and_only_what_can_be_somebodys() {
    let app = TestApp::start().await;
    for (to, code) in
        [("0991234567", "invalid_number"), ("", "invalid_number"), ("a@", "invalid_address")]
    {
        assert_eq!(erase(&app, to).await.problem(422), code);
    }
    let none = app.call(Method::POST, "/v1/erasures", Some(json!({}))).await;
    assert_eq!(none.problem(422), "missing_field");
    let made = app.call(Method::POST, "/v1/keys", Some(json!({ "app": "shop" }))).await.json();
    let body = Some(json!({ "to": NUMBER }));
    let key = made["key"].as_str().unwrap();
    let refused = app.call_as(key, Method::POST, "/v1/erasures", body).await;
    assert_eq!(refused.problem(403), "missing_scope");
    app.stop().await;
}

#[tokio::test]
async fn the_command_erases_through_a_running_service() {
    let app = TestApp::start().await;
    let (base, key) = (app.base.clone(), app.key.clone());
    let run = move || {
        let shared = ["--server", &base, "--key", &key];
        ringproof(
            &[&["erase", "a@example.com", "--json"], &shared[..]].concat(),
            std::path::Path::new("."),
        )
    };
    let output = tokio::task::spawn_blocking(run).await.unwrap();
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(printed, json!({ "verifications": 0, "notifications": 0 }));
    app.stop().await;
}

/// What the store of an app finds a number, its written forms and an address by.
async fn found_by(app: &TestApp) -> Vec<Vec<i64>> {
    app.script(NUMBER, json!({ "does": "no_answer" })).await;
    app.begin(NUMBER).await;
    let email = json!({ "to": "ann@example.com", "channel": "email", "code_length": 10 });
    app.begin_with(email).await;
    let store = rusqlite::Connection::open(app.data().join("ringproof.db")).unwrap();
    let column = |sql: &str| {
        let mut statement = store.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.collect::<Result<Vec<i64>, _>>().unwrap()
    };
    vec![
        column("SELECT to_number FROM verifications ORDER BY id"),
        column("SELECT form FROM claims"),
    ]
}

#[tokio::test]
async fn numbers_and_addresses_are_found_by_keyed_hashes_that_no_other_server_makes() {
    let (app, other) = (TestApp::start().await, TestApp::start().await);
    let (ours, theirs) = (found_by(&app).await, found_by(&other).await);
    assert_eq!((ours[0].len(), theirs[0].len()), (2, 2));
    assert!(ours[1].len() >= 3, "{ours:?}");
    for (ours, theirs) in ours.iter().zip(&theirs) {
        for kept in ours {
            assert!(!theirs.contains(kept), "{kept} does not depend on the key");
            let digits = kept.to_string();
            assert!(!digits.contains("991234567"), "{digits}");
        }
    }
    for to in ["%2B380991234567", "ann@example.com"] {
        let found = app.get(&format!("/v1/verifications?to={to}")).await.json();
        assert_eq!(found["verifications"].as_array().unwrap().len(), 1, "{to}");
    }
    app.stop().await;
    other.stop().await;
}
