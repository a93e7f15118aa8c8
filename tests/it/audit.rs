//! The audit log: who administered what, when, and how it was before and after.

use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{TestApp, note_secret};
use crate::command::ringproof;

async fn entries(app: &TestApp, query: &str) -> Vec<Value> {
    let answer = app.get(&format!("/v1/audit{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["entries"].as_array().unwrap().clone()
}

#[tokio::test]
async fn each_administrative_action_is_told_with_its_actor_and_its_before_and_after() {
    let app = TestApp::start().await;
    let actor = format!("key:{}", app.key.split_once('.').unwrap().0);
    let made = app.call(Method::POST, "/v1/keys", Some(json!({ "app": "other" }))).await.json();
    let id = made["id"].as_str().unwrap();
    app.advance(5);
    app.call(Method::DELETE, &format!("/v1/keys/{id}"), None).await;
    let told = entries(&app, "").await;
    // The harness made its own key first, without a key.
    assert_eq!((told.len(), &told[2]["actor"]), (3, &json!("local")));
    let (revoked, created) = (&told[0], &told[1]);
    let is = json!({ "app": "other", "scopes": ["start", "read"], "test": false, "signs": false });
    assert_eq!(created["action"], "key.created");
    assert_eq!((&created["before"], &created["after"]["app"]), (&Value::Null, &is["app"]));
    assert_eq!(created["after"]["scopes"], is["scopes"]);
    assert_eq!((&revoked["action"], &revoked["subject"]), (&json!("key.revoked"), &json!(id)));
    assert_eq!((&revoked["before"], &revoked["after"]), (&created["after"], &Value::Null));
    assert_eq!((&revoked["actor"], &created["actor"]), (&json!(actor), &json!(actor)));
    assert_eq!(revoked["at"], "2026-11-22T12:00:05.000Z");
    app.stop().await;
}

#[tokio::test]
async fn the_log_comes_in_pages_and_only_to_operators() {
    let app = TestApp::start().await;
    for _ in 0..3 {
        app.call(Method::POST, "/v1/keys", Some(json!({ "app": "other" }))).await;
    }
    let first = app.get("/v1/audit?limit=3").await.json();
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = app.get(&format!("/v1/audit?limit=3&cursor={cursor}")).await.json();
    assert_eq!(first["entries"].as_array().unwrap().len(), 3);
    let rest: Vec<_> = second["entries"].as_array().unwrap().iter().collect();
    assert_eq!(
        (rest.len(), &rest[0]["sequence"], &second["next_cursor"]),
        (1, &json!(1), &Value::Null)
    );
    for wrong in ["?cursor=x", "?cursor=-1", "?limit=0", "?limit=101"] {
        assert_eq!(app.get(&format!("/v1/audit{wrong}")).await.problem(422), "invalid_parameter");
    }
    assert_eq!(app.get("/v1/audit?what=1").await.problem(422), "unknown_parameter");
    let wrong = app.get("/v1/audit/verification?head=1").await;
    assert_eq!(wrong.problem(422), "invalid_parameter");
    let body = json!({ "app": "shop", "scopes": ["start", "read"] });
    let plain = app.call(Method::POST, "/v1/keys", Some(body)).await.json();
    let plain = plain["key"].as_str().unwrap();
    for path in ["/v1/audit", "/v1/audit/verification"] {
        assert_eq!(app.call_as(plain, Method::GET, path, None).await.problem(403), "missing_scope");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_check_by_the_api_knows_a_head_that_was_noted_before() {
    let app = TestApp::start().await;
    let check = async |query: &str| app.get(&format!("/v1/audit/verification{query}")).await.json();
    let noted = check("").await;
    assert_eq!(noted["whole"], true, "{noted}");
    let head = noted["head"].as_str().unwrap();
    app.call(Method::POST, "/v1/keys", Some(json!({ "app": "other" }))).await;
    assert_eq!(check(&format!("?head={head}")).await["whole"], true);
    let foreign = format!("1:{}", "00".repeat(32));
    let rewritten = check(&format!("?head={foreign}")).await;
    assert_eq!((&rewritten["whole"], &rewritten["head"]), (&json!(false), &Value::Null));
    assert!(rewritten["fault"].as_str().unwrap().contains("rewritten"), "{rewritten}");
    app.stop().await;
}

#[test]
fn audit_verify_finds_a_removed_end_in_the_file_and_what_a_noted_head_does_not_fit() {
    let folder = tempfile::tempdir().unwrap();
    for app in ["one", "two"] {
        let made = ringproof(&["keys", "create", "--app", app], folder.path());
        note_secret(String::from_utf8_lossy(&made.stdout).trim());
    }
    let verify = |more: &[&str]| {
        let output = ringproof(&[&["audit", "verify"], more].concat(), folder.path());
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let (code, head, _) = verify(&[]);
    assert_eq!((code, &head[..2]), (Some(0), "2:"));
    let file = rusqlite::Connection::open(folder.path().join("ringproof.db")).unwrap();
    file.execute_batch("DROP TRIGGER audit_is_not_removed; DELETE FROM audit WHERE sequence = 2")
        .unwrap();
    drop(file);
    let (code, _, said) = verify(&[]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("ends at entry 1, but 2 were written"), "{said}");
    // Whoever knows of the head cuts it too; then the one that was noted elsewhere tells.
    let file = rusqlite::Connection::open(folder.path().join("ringproof.db")).unwrap();
    file.execute_batch(
        "DROP TRIGGER audit_is_not_changed; \
         UPDATE audit_head SET count = 1, hash = (SELECT hash FROM audit)",
    )
    .unwrap();
    drop(file);
    assert_eq!(verify(&[]).0, Some(0));
    let (code, _, said) = verify(&["--head", &head]);
    assert_eq!(code, Some(1), "{said}");
    assert_eq!(verify(&["--head", "2"]).0, Some(2));
}
