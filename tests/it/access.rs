//! Who may ask: keys, scopes, apps, wait tokens, origins.

use reqwest::Method;
use serde_json::json;

use crate::app::{TestApp, answer, note_secret};
use crate::intake_verifies::end;

const NUMBER: &str = "+380991234567";

#[tokio::test]
async fn one_app_never_sees_anothers_data() {
    let app = TestApp::start().await;
    app.script(NUMBER, json!({ "notify": "never" })).await;
    let started = app.begin(NUMBER).await;
    let id = started["id"].as_str().unwrap();
    let made = app
        .call(
            Method::POST,
            "/v1/keys",
            Some(json!({ "app": "other", "scopes": ["start", "read"] })),
        )
        .await;
    let other = made.json()["key"].as_str().unwrap().to_owned();
    note_secret(&other);

    for (method, rest, body) in [
        (Method::GET, "", None),
        (Method::GET, "/events", None),
        (Method::POST, "/cancel", None),
        (Method::POST, "/redeem", Some(json!({ "to": NUMBER }))),
    ] {
        let answer =
            app.call_as(&other, method, &format!("/v1/verifications/{id}{rest}"), body).await;
        assert_eq!(answer.problem(404), "not_found", "{rest}");
    }
    let search = app.call_as(&other, Method::GET, "/v1/verifications", None).await;
    assert_eq!(search.json()["verifications"], json!([]));
    app.stop().await;
}

#[tokio::test]
async fn a_key_does_what_its_scopes_say_until_it_is_revoked() {
    let app = TestApp::start().await;
    let made = app
        .call(Method::POST, "/v1/keys", Some(json!({ "app": "shop", "scopes": ["read"] })))
        .await;
    assert_eq!(made.status, 201);
    let key = made.json();
    let secret = key["key"].as_str().unwrap();
    note_secret(secret);

    let start =
        app.call_as(secret, Method::POST, "/v1/verifications", Some(json!({ "to": NUMBER }))).await;
    assert_eq!(start.problem(403), "missing_scope");
    assert_eq!(
        app.call_as(secret, Method::GET, "/v1/keys", None).await.problem(403),
        "missing_scope"
    );
    assert_eq!(app.call_as(secret, Method::GET, "/v1/verifications", None).await.status, 200);

    let id = key["id"].as_str().unwrap();
    assert!(app.call(Method::DELETE, &format!("/v1/keys/{id}"), None).await.status.is_success());
    assert_eq!(
        app.call_as(secret, Method::GET, "/v1/verifications", None).await.problem(401),
        "unauthorized"
    );
    assert_eq!(
        app.call(Method::DELETE, &format!("/v1/keys/{id}"), None).await.problem(404),
        "not_found"
    );
    let listed = app.get("/v1/keys").await;
    assert!(!listed.text.contains(secret.split_once('.').unwrap().1));
    for body in [json!({ "app": "Shop!" }), json!({}), json!({ "app": "shop", "scopes": ["fly"] })]
    {
        assert!(app.call(Method::POST, "/v1/keys", Some(body)).await.status.is_client_error());
    }
    app.stop().await;
}

#[tokio::test]
async fn keys_outlive_a_restart() {
    let mut app = TestApp::start().await;
    app.restart().await;
    assert_eq!(app.get("/v1/verifications").await.status, 200);
    app.stop().await;
}

#[tokio::test]
async fn a_wait_token_shows_and_awaits_its_one_verification_without_what_is_private() {
    let app = TestApp::start().await;
    app.script(NUMBER, json!({ "notify": "never" })).await;
    app.script("+380991234568", json!({ "notify": "never" })).await;
    let started = app
        .begin_with(
            json!({ "to": NUMBER, "reference": "secret-ref", "metadata": { "a": "secret-meta" } }),
        )
        .await;
    let other = app.begin("+380991234568").await;
    let token = started["wait_token"].as_str().unwrap();
    note_secret(token);
    let path = format!("/v1/verifications/{}", started["id"].as_str().unwrap());

    let shown = app.call_as(token, Method::GET, &format!("{path}?wait=0"), None).await;
    assert_eq!((shown.status.as_u16(), &shown.json()["status"]), (200, &json!("pending")));
    for private in ["380991234567", "secret-ref", "secret-meta"] {
        assert!(!shown.text.contains(private), "{private}: {}", shown.text);
    }
    let foreign = format!("/v1/verifications/{}", other["id"].as_str().unwrap());
    assert!(app.call_as(token, Method::GET, &foreign, None).await.status.is_client_error());
    assert!(
        app.call_as(token, Method::POST, &format!("{path}/cancel"), None)
            .await
            .status
            .is_client_error()
    );
    assert!(
        app.call_as(token, Method::GET, "/v1/verifications", None).await.status.is_client_error()
    );

    let poll = format!("{path}?wait=60");
    let press = async {
        let time = app.pbx_time();
        app.notify(&end(NUMBER, &time, "1")).await;
    };
    let (ended, ()) = tokio::join!(app.call_as(token, Method::GET, &poll, None), press);
    assert_eq!(ended.json()["status"], "verified");
    let timeline = app.call_as(token, Method::GET, &format!("{path}/events"), None).await;
    assert!(
        timeline.status.is_success() && !timeline.text.contains("\"pressed\":\"1\""),
        "{}",
        timeline.text
    );
    app.stop().await;
}

#[tokio::test]
async fn only_listed_origins_may_use_a_wait_token_in_a_browser() {
    let app = TestApp::with(|config| {
        let shop = ringproof::config::App {
            allowed_origins: vec!["https://shop.example".to_owned()],
            ..Default::default()
        };
        config.apps.insert("shop".to_owned(), shop);
    })
    .await;
    app.script(NUMBER, json!({ "notify": "never" })).await;
    let started = app.begin(NUMBER).await;
    let token = started["wait_token"].as_str().unwrap();
    let url = format!("{}/v1/verifications/{}?wait=0", app.base, started["id"].as_str().unwrap());
    for (origin, allowed) in [("https://shop.example", true), ("https://evil.example", false)] {
        let preflight = app
            .http
            .request(Method::OPTIONS, &url)
            .header("origin", origin)
            .header("access-control-request-method", "GET")
            .header("access-control-request-headers", "authorization");
        let preflight = answer(preflight).await;
        let shown = answer(app.http.get(&url).bearer_auth(token).header("origin", origin)).await;
        for answer in [&preflight, &shown] {
            let header = answer
                .headers
                .get("access-control-allow-origin")
                .map(|value| value.to_str().unwrap());
            assert_eq!(header, allowed.then_some(origin), "{origin}");
        }
        assert!(shown.headers.get("access-control-allow-credentials").is_none());
    }
    app.stop().await;
}
