//! Keys that end, are rotated, count from some networks only; and their last use.

use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{TestApp, answer};
use crate::command::ringproof;

async fn made(app: &TestApp, more: Value) -> (String, String) {
    let mut body = json!({ "app": "shop", "scopes": ["start", "read"] });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let made = app.call(Method::POST, "/v1/keys", Some(body)).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let made = made.json();
    (made["id"].as_str().unwrap().to_owned(), made["key"].as_str().unwrap().to_owned())
}

async fn status(app: &TestApp, key: &str) -> u16 {
    app.call_as(key, Method::GET, "/v1/verifications", None).await.status.as_u16()
}

async fn listed(app: &TestApp, id: &str) -> Value {
    let keys = app.get("/v1/keys").await.json();
    keys["keys"].as_array().unwrap().iter().find(|key| key["id"] == id).unwrap().clone()
}

#[tokio::test]
async fn a_key_ends_when_its_time_is_over_and_says_so() {
    let mut app = TestApp::start().await;
    let (id, key) = made(&app, json!({ "expires_in": 3600 })).await;
    assert_eq!(listed(&app, &id).await["expires_at"], "2026-11-22T13:00:00.000Z");
    app.advance(3599);
    assert_eq!(status(&app, &key).await, 200);
    app.advance(1);
    let ended = app.call_as(&key, Method::GET, "/v1/verifications", None).await;
    assert_eq!(ended.problem(401), "unauthorized");
    assert!(ended.text.contains("has expired"), "{}", ended.text);
    let (other, _) = key.split_once('.').unwrap();
    let stranger = format!("{other}.{}", "A".repeat(43));
    let refused = app.call_as(&stranger, Method::GET, "/v1/verifications", None).await;
    assert!(!refused.text.contains("expired"), "only who knows the secret is told");
    app.restart().await;
    assert_eq!(status(&app, &key).await, 401);
    app.stop().await;
}

#[tokio::test]
async fn the_old_secret_of_a_rotated_key_is_good_until_the_overlap_ends() {
    let mut app = TestApp::start().await;
    let (id, old) = made(&app, json!({ "test": true, "signature_method": "sha256" })).await;
    let rotate = format!("/v1/keys/{id}/rotate");
    let rotated = app.call(Method::POST, &rotate, Some(json!({ "overlap": 600 }))).await.json();
    let new = rotated["key"].as_str().unwrap();
    assert!(new.starts_with(&format!("{id}.")) && new != old);
    assert_eq!(rotated["old_secret_until"], "2026-11-22T12:10:00.000Z");
    app.advance(599);
    app.restart().await;
    assert_eq!((status(&app, &old).await, status(&app, new).await), (200, 200));
    app.advance(1);
    assert_eq!((status(&app, &old).await, status(&app, new).await), (401, 200));
    let key = listed(&app, &id).await;
    assert_eq!((&key["test"], &key["signs"]), (&json!(true), &json!(true)));
    let told = app.get("/v1/audit?limit=1").await.json()["entries"][0].clone();
    assert_eq!((&told["action"], &told["subject"]), (&json!("key.rotated"), &json!(id)));

    let twice = app.call(Method::POST, &rotate, Some(json!({ "overlap": 600 }))).await.json();
    let at_once = app.call(Method::POST, &rotate, Some(json!({ "overlap": 0 }))).await.json();
    let (second, third) = (twice["key"].as_str().unwrap(), at_once["key"].as_str().unwrap());
    for (key, good) in [(new, 401), (second, 401), (third, 200)] {
        assert_eq!(status(&app, key).await, good);
    }
    app.call(Method::DELETE, &format!("/v1/keys/{id}"), None).await;
    assert_eq!(status(&app, third).await, 401);
    app.stop().await;
}

#[tokio::test]
async fn what_cannot_be_made_of_a_key_is_refused_with_its_field() {
    let app = TestApp::start().await;
    let (id, _) = made(&app, json!({})).await;
    for (field, value) in [
        ("expires_in", json!(59)),
        ("expires_in", json!(315_360_001)),
        ("networks", json!(["10.0.0.0/33"])),
        ("networks", json!(["example.com"])),
        ("networks", json!(vec!["10.0.0.1"; 33])),
    ] {
        let body = json!({ "app": "shop", field: value });
        let refused = app.call(Method::POST, "/v1/keys", Some(body)).await;
        assert_eq!(
            (refused.problem(422), &refused.json()["field"]),
            ("invalid_field".to_owned(), &json!(field))
        );
    }
    let rotate = |id: &str, body| {
        let path = format!("/v1/keys/{id}/rotate");
        async {
            let path = path;
            app.call(Method::POST, &path, Some(body)).await
        }
    };
    assert_eq!(rotate(&id, json!({ "overlap": 2_592_001 })).await.problem(422), "invalid_field");
    assert_eq!(rotate(&id, json!({ "overlap": -1 })).await.problem(422), "invalid_field");
    assert_eq!(rotate(&id, json!({})).await.problem(422), "missing_field");
    assert_eq!(rotate("key_none", json!({ "overlap": 0 })).await.problem(404), "not_found");
    app.stop().await;
}

#[tokio::test]
async fn a_key_counts_from_its_networks_only_behind_trusted_proxies_alone() {
    let app = TestApp::with(|config| {
        config.server.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    })
    .await;
    let (_, key) = made(&app, json!({ "networks": ["192.0.2.0/24", "2001:db8::/32"] })).await;
    let from = async |forwarded: &str| {
        let request = app.http.get(format!("{}/v1/verifications", app.base)).bearer_auth(&key);
        answer(request.header("x-forwarded-for", forwarded)).await
    };
    for inside in ["192.0.2.7", "203.0.113.9, 192.0.2.7", "2001:db8::1"] {
        assert_eq!(from(inside).await.status, 200, "{inside}");
    }
    for outside in ["203.0.113.9", "192.0.2.7, 203.0.113.9", "what"] {
        assert_eq!(from(outside).await.problem(403), "forbidden_source", "{outside}");
    }
    assert_eq!(status(&app, &key).await, 403, "from the proxy itself");
    app.stop().await;

    // Without a trusted proxy the header says nothing.
    let app = TestApp::start().await;
    let (_, key) = made(&app, json!({ "networks": ["192.0.2.0/24"] })).await;
    let request = app.http.get(format!("{}/v1/verifications", app.base)).bearer_auth(&key);
    let forged = answer(request.header("x-forwarded-for", "192.0.2.7")).await;
    assert_eq!(forged.problem(403), "forbidden_source");
    app.stop().await;
}

#[tokio::test]
async fn the_last_use_of_a_key_is_listed_and_kept_over_a_restart() {
    let mut app = TestApp::start().await;
    let (id, key) = made(&app, json!({})).await;
    assert_eq!(listed(&app, &id).await["last_used_at"], Value::Null);
    app.advance(90);
    status(&app, &key).await;
    status(&app, &format!("{id}.{}", "A".repeat(43))).await;
    app.restart().await;
    app.advance(90);
    status(&app, &format!("{id}.{}", "A".repeat(43))).await;
    assert_eq!(listed(&app, &id).await["last_used_at"], "2026-11-22T12:01:30.000Z");
    app.stop().await;
}

#[test]
fn keys_are_rotated_without_a_running_service() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let output = ringproof(arguments, folder.path());
        (output.status.success(), String::from_utf8(output.stdout).unwrap().trim().to_owned())
    };
    let (_, key) =
        run(&["keys", "create", "--app", "shop", "--expires-in", "90d", "--network", "10.0.0.0/8"]);
    crate::app::note_secret(&key);
    let (id, _) = key.split_once('.').unwrap();
    let (done, rotated) = run(&["keys", "rotate", id, "--overlap", "1h"]);
    crate::app::note_secret(&rotated);
    assert!(done && rotated.starts_with(id) && rotated != key);
    let (_, listed) = run(&["keys", "list"]);
    assert!(listed.contains("from 10.0.0.0/8") && listed.contains("until 20"), "{listed}");
    assert!(!run(&["keys", "rotate", "key_none"]).0);
    for wrong in ["1 fortnight", "-1h", "31d"] {
        assert!(!run(&["keys", "rotate", id, "--overlap", wrong]).0, "{wrong}");
    }
}
