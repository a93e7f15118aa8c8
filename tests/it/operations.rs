//! Health, metrics, OpenAPI, shutdown, restart.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use crate::app::{TestApp, answer};
use crate::intake_verifies::end;

const NUMBER: &str = "+380991234567";

#[tokio::test]
async fn a_healthy_service_says_so_and_counts() {
    let app = TestApp::start().await;
    app.script(NUMBER, json!({})).await;
    let started = app.begin(NUMBER).await;
    app.outcome(&started["id"]).await;
    for path in ["/healthz", "/readyz"] {
        assert_eq!(answer(app.http.get(format!("{}{path}", app.base))).await.status, 200, "{path}");
    }
    let metrics = answer(app.http.get(format!("{}/metrics", app.base))).await.text;
    for name in [
        "ringproof_notifications_total",
        "ringproof_notification_to_wake_seconds",
        "ringproof_verifications_total",
        "ringproof_waiters",
        "ringproof_store_batch_size",
        "ringproof_store_commit_seconds",
        "ringproof_provider_request_seconds",
    ] {
        assert!(metrics.contains(name), "{name}");
    }
    app.stop().await;
}

#[tokio::test]
async fn openapi_describes_every_route_and_every_route_is_there() {
    let app = TestApp::start().await;
    let described = answer(app.http.get(format!("{}/openapi.json", app.base))).await.json();
    let paths = described["paths"].as_object().unwrap();
    for (path, methods) in [
        ("/v1/verifications", vec!["get", "post"]),
        ("/v1/verifications/{id}", vec!["get"]),
        ("/v1/verifications/{id}/events", vec!["get"]),
        ("/v1/verifications/{id}/cancel", vec!["post"]),
        ("/v1/verifications/{id}/redeem", vec!["post"]),
        ("/v1/deliveries", vec!["get"]),
        ("/v1/deliveries/{id}", vec!["get"]),
        ("/v1/deliveries/{id}/redeliver", vec!["post"]),
        ("/v1/endpoints", vec!["get"]),
        ("/v1/endpoints/{name}/enable", vec!["post"]),
        ("/v1/keys", vec!["get", "post"]),
        ("/v1/keys/{id}", vec!["delete"]),
    ] {
        let operations = paths
            .get(path)
            .unwrap_or_else(|| panic!("{path} is not described"))
            .as_object()
            .unwrap();
        for method in methods {
            assert!(operations.contains_key(method), "{method} {path}");
        }
    }
    for (path, operations) in paths {
        for method in operations.as_object().unwrap().keys() {
            let method: Method = method.to_uppercase().parse().unwrap();
            let url = path
                .replace("{id}", "ver_00000000000000000000000000000000")
                .replace("{token}", "x");
            let answer =
                answer(app.http.request(method.clone(), format!("{}{url}", app.base))).await;
            assert_ne!(answer.status, 405, "{method} {path}");
            let unrouted = answer.status == 404 && answer.text.contains("no_route");
            assert!(!unrouted, "{method} {path}");
        }
    }
    app.stop().await;
}

#[tokio::test]
async fn a_stop_answers_the_waiters() {
    let app = TestApp::start().await;
    app.script(NUMBER, json!({ "notify": "never" })).await;
    let started = app.begin(NUMBER).await;
    let url = format!("{}/v1/verifications/{}?wait=60", app.base, started["id"].as_str().unwrap());
    let poll = tokio::spawn(answer(app.http.get(url).bearer_auth(&app.key)));
    while app.app().service().load().1 == 0 {
        tokio::task::yield_now().await;
    }

    app.stop().await;

    let answered = poll.await.unwrap();
    assert_eq!((answered.status.as_u16(), &answered.json()["status"]), (200, &json!("pending")));
}

#[tokio::test]
async fn what_is_pending_goes_on_after_a_restart() {
    let mut app = TestApp::start().await;
    app.script(NUMBER, json!({ "notify": "never" })).await;
    app.script("+380991234568", json!({ "notify": "never" })).await;
    let started = app.begin(NUMBER).await;
    let expiring = app.begin_with(json!({ "to": "+380991234568", "expires_in": 60 })).await;

    app.restart().await;

    let refused = app.call(Method::POST, "/v1/verifications", Some(json!({ "to": NUMBER }))).await;
    assert_eq!(refused.problem(409), "number_busy");
    let time = app.pbx_time();
    app.notify(&end(NUMBER, &time, "1")).await;
    assert_eq!(app.outcome(&started["id"]).await["status"], "verified");
    app.advance(61);
    assert!(
        ["expired", "verified"]
            .contains(&app.outcome(&expiring["id"]).await["status"].as_str().unwrap())
    );
    assert_eq!(app.dialled(NUMBER).await, 1);
    app.stop().await;
}

#[tokio::test]
async fn what_was_due_by_the_old_spans_waits_for_the_new_ones_without_being_due_again_and_again() {
    let mut app = TestApp::start().await;
    app.script(NUMBER, json!({ "notify": "never" })).await;
    let started = app.begin(NUMBER).await;
    app.config.verification.result_window = Duration::from_secs(240);
    app.restart().await;

    app.advance(181);
    let service = app.app().service();
    service.expire_due().await.unwrap();

    assert_eq!(service.expire_due().await.unwrap(), 0, "its due time is the new one");
    assert_eq!(app.show(&started["id"]).await["status"], "pending");
    app.advance(60);
    assert_eq!(app.outcome(&started["id"]).await["outcome"], "provider_lost");
    app.stop().await;
}
