//! Moving house: what a service over a file has stored is copied into PostgreSQL by the
//! command, and a service over that goes on with it. Commands are waited for on the thread of
//! the test, so that connections which end need another one.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use reqwest::Method;
use ringproof::clock::Clock;
use ringproof::config::{PromptKey, StoreUrl};
use ringproof::domain::Secret;
use ringproof::store::{self, ServerKeys};
use serde_json::{Value, json};

use super::server::{self, Server};
use crate::app::{START, TestApp, answer, note_secret, server_key};
use crate::audio::tone;
use crate::intake_verifies::end;

const CONFIRMED: &str = "+380991234567";
const PENDING: &str = "+380991234568";
const BODY: &str = r#"{"to":"+380991234568","reference":"order-7"}"#;

/// A service over a file, by the real clock, as PostgreSQL has no other.
async fn served() -> TestApp {
    let (_, hand) = Clock::settable(START.parse().unwrap());
    let data = tempfile::tempdir().unwrap();
    TestApp::over(data, Clock::real(), hand, |config| {
        for sounds in config.prompts.values_mut().flat_map(|prompt| prompt.languages.values_mut()) {
            sounds.press = PromptKey::Digit('1');
        }
    })
    .await
}

/// Starts a verification that nobody confirms, under an idempotency key; its answer.
async fn pending(app: &TestApp) -> crate::app::Answer {
    app.script(PENDING, json!({ "notify": "never" })).await;
    let post = app.http.post(format!("{}/v1/verifications", app.base)).bearer_auth(&app.key);
    let post = post.header("idempotency-key", "order-7").header("content-type", "application/json");
    answer(post.body(BODY)).await
}

/// One of everything; the ids of an ended verification and of a pending one.
async fn filled(app: &TestApp) -> [String; 2] {
    app.script(CONFIRMED, json!({})).await;
    let ended = app.begin(CONFIRMED).await["id"].clone();
    app.outcome(&ended).await;
    app.notifications().await;
    let waiting = pending(app).await.json()["id"].clone();
    for name in ["greeting", "confirmed", "fallback"] {
        app.uploaded(name, &tone(440.0, 1.0)).await;
    }
    let three = json!({ "language": "en", "greeting": "greeting", "confirmed": "confirmed",
        "fallback": "fallback", "press": "1" });
    for (method, path, body) in [
        (Method::PUT, "/v1/prompts/pay", json!({ "languages": [three] })),
        (Method::POST, "/v1/keys", json!({ "app": "other" })),
        (Method::POST, "/v1/suppressions", json!({ "to": "+380991234569", "reason": "asked" })),
    ] {
        let done = app.call(method, path, Some(body)).await;
        assert!(done.status.is_success(), "{path}: {}", done.text);
    }
    [ended, waiting].map(|id| id.as_str().unwrap().to_owned())
}

/// What a client sees of all that.
async fn seen(app: &TestApp, [ended, waiting]: &[String; 2]) -> Vec<(String, Value)> {
    let mut seen = Vec::new();
    for path in [
        format!("/v1/verifications/{ended}?wait=0"),
        format!("/v1/verifications/{ended}/events"),
        format!("/v1/verifications/{waiting}/events"),
        "/v1/verifications?reference=order-7".to_owned(),
        format!("/v1/verifications?to=%2B{}", &CONFIRMED[1..]),
        "/v1/notifications?limit=50".to_owned(),
        "/v1/stats".to_owned(),
        "/v1/audit?limit=100".to_owned(),
        "/v1/sounds".to_owned(),
        "/v1/prompts".to_owned(),
        "/v1/suppressions".to_owned(),
    ] {
        let answer = app.get(&path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        seen.push((path, answer.json()));
    }
    seen
}

fn file(app: &TestApp) -> PathBuf {
    app.data().join("ringproof.db")
}

fn command(from: &Path, to: &str, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringproof"));
    command.args(["store", "copy", "--from", &format!("sqlite://{}", from.display())]);
    command.args(["--to", to]).args(more).stdin(Stdio::null());
    command
}

fn copy(from: &Path, to: &str, more: &[&str]) -> Output {
    command(from, to, more).output().unwrap()
}

/// What the command tells after it has done well.
#[track_caller]
fn copied(from: &Path, to: &str, more: &[&str]) -> Value {
    let output = copy(from, to, &[&["--json"], more].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What it says when it did not, after its exit code has been compared.
#[track_caller]
fn refused(output: &Output, code: i32) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(output.stdout.is_empty());
    said
}

/// Goes on with the copy, by the key of before.
async fn resume_over(app: &mut TestApp, to: &str) {
    app.config.store.url = StoreUrl::Postgres(Secret::new(to));
    app.config.store.secret_key_file = Some(app.data().join("ringproof.db.key"));
    app.config.spill.folder = Some(app.data().join("spill"));
    app.resume().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_was_served_from_a_file_is_served_on_from_postgresql() {
    let mut app = served().await;
    let ids = filled(&app).await;
    let before = seen(&app, &ids).await;
    let feed = app.get("/v1/events?limit=100&after=0.0").await.json();
    app.halt().await;
    let to = server::shared().new_database();

    let told = copied(&file(&app), &to, &[]);

    assert_eq!((&told["already_there"], &told["secret_key_file_fits"]), (&json!(0), &json!(true)));
    let rows = |name: &str| {
        let tables = told["tables"].as_array().unwrap();
        tables.iter().find(|table| table["table"] == name).unwrap()["rows"].as_u64().unwrap()
    };
    assert_eq!((rows("verifications"), rows("sound_files"), rows("idempotency")), (2, 3, 1));
    assert!(rows("keys") == 2 && rows("guard_bars") == 1 && rows("journal") > 5, "{told:#}");

    resume_over(&mut app, &to).await;
    for ((path, was), (_, is)) in before.into_iter().zip(seen(&app, &ids).await) {
        assert_eq!(was, is, "{path}");
    }
    let all = app.get("/v1/events?limit=100&after=0.0").await.json();
    assert_eq!(all["events"], feed["events"]);
    assert_eq!(pending(&app).await.json()["id"], json!(ids[1]), "the idempotency key is known");
    assert_eq!(app.dialled(PENDING).await, 1);
    let busy = app.call(Method::POST, "/v1/verifications", Some(json!({ "to": PENDING }))).await;
    assert_eq!(busy.status, 409, "the claim holds: {}", busy.text);

    app.notify(&end(PENDING, &app.pbx_time(), "1")).await;
    assert_eq!(app.outcome(&json!(ids[1])).await["outcome"], "confirmed");
    let cursor = feed["next_cursor"].as_str().unwrap();
    let since = app.get(&format!("/v1/events?after={cursor}")).await.json();
    let since = since["events"].as_array().unwrap();
    assert!(!since.is_empty());
    assert!(since.iter().all(|event| event["verification_id"] == ids[1]), "{since:#?}");

    let sql = "SELECT count(*) = count(DISTINCT sequence) FROM journal";
    assert_eq!(server::shared().execute(Server::database(&to), sql), "t");
    let whole = app.get("/v1/audit/verification").await.json();
    assert_eq!(whole["whole"], true, "{whole:#}");
    app.stop().await;
}

/// The target of a copy that stops at a row of the audit log until it is let on. The row is the
/// first of its transaction, which has written nothing yet: it would hold back every feed of
/// the server.
struct Stopped {
    to: String,
    database: String,
}

impl Stopped {
    async fn new() -> Self {
        let to = server::shared().new_database();
        let url = StoreUrl::Postgres(Secret::new(to.clone()));
        store::open(store::Settings::of(url, ServerKeys::one([7; 32])))
            .await
            .unwrap()
            .close()
            .await;
        let database = Server::database(&to).to_owned();
        // Its tables alone, without the key that it was given.
        let stop = "DELETE FROM meta; CREATE SCHEMA test; CREATE TABLE test.stop (at int8); \
                    INSERT INTO test.stop VALUES (4); \
                    CREATE FUNCTION test.stop() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN \
                    IF NEW.sequence = (SELECT at FROM test.stop) THEN PERFORM pg_sleep(600); END IF; \
                    RETURN NEW; END$$; \
                    CREATE TRIGGER stop BEFORE INSERT ON audit FOR EACH ROW \
                    EXECUTE FUNCTION test.stop()";
        server::shared().execute(&database, stop);
        Self { to, database }
    }

    /// Copies with few rows a transaction, until it has come to that row.
    fn copying(&self, from: &Path) -> Child {
        let mut child = command(from, &self.to, &["--batch", "3"]).spawn().unwrap();
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' \
                   AND datname = current_database()";
        while server::shared().execute(&self.database, sql) != "1" {
            assert!(child.try_wait().unwrap().is_none(), "it ended before it came there");
        }
        child
    }

    fn let_on(&self) {
        server::shared().execute(&self.database, "DELETE FROM test.stop");
    }

    /// Copies until it has come to that row, and is killed there.
    fn interrupted(&self, from: &Path) {
        let mut child = self.copying(from);
        child.kill().unwrap();
        child.wait().unwrap();
        self.let_on();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_is_killed_is_gone_on_with_and_nobody_serves_on_half_of_it() {
    let mut app = served().await;
    let ids = filled(&app).await;
    let before = seen(&app, &ids).await;
    app.halt().await;
    let target = Stopped::new().await;
    let mut child = target.copying(&file(&app));

    let said = refused(&copy(&file(&app), &target.to, &[]), 1);
    assert!(said.contains("in use by the process with pid"), "{said}");
    let other_file = app.data().join("other.db");
    std::fs::copy(file(&app), &other_file).unwrap();
    let said = refused(&copy(&other_file, &target.to, &[]), 1);
    assert!(said.contains("another process copies into the store"), "{said}");
    child.kill().unwrap();
    child.wait().unwrap();
    target.let_on();

    let url = StoreUrl::Postgres(Secret::new(target.to.clone()));
    let half = store::open(store::Settings::of(url, ServerKeys::one([7; 32])))
        .await
        .err()
        .unwrap()
        .to_string();
    assert!(half.contains("unfinished copy of another store"), "{half}");
    let told = copied(&file(&app), &target.to, &["--batch", "3"]);
    let there = told["already_there"].as_u64().unwrap();
    assert!(there > 4 && there < told["rows"].as_u64().unwrap(), "{told:#}");

    resume_over(&mut app, &target.to).await;
    for ((path, was), (_, is)) in before.into_iter().zip(seen(&app, &ids).await) {
        assert_eq!(was, is, "{path}");
    }
    let other = "+380991234560";
    app.script(other, json!({})).await;
    let more = app.begin(other).await;
    assert_eq!(app.outcome(&more["id"]).await["outcome"], "confirmed");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unfinished_copy_is_not_gone_on_with_after_its_source_was_used() {
    let mut app = served().await;
    filled(&app).await;
    app.halt().await;
    let target = Stopped::new().await;
    target.interrupted(&file(&app));
    app.resume().await;
    app.call(Method::POST, "/v1/keys", Some(json!({ "app": "third" }))).await;
    app.halt().await;

    let said = refused(&copy(&file(&app), &target.to, &[]), 1);

    assert!(said.contains("used since that copy began"), "{said}");
    let marked = "SELECT count(*) FROM unfinished_copy";
    assert_eq!(server::shared().execute(&target.database, marked), "1");
    app.resume().await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_something_else_wrote_into_the_target_is_found() {
    let mut app = served().await;
    filled(&app).await;
    app.halt().await;
    let target = Stopped::new().await;
    target.interrupted(&file(&app));
    let sql = "UPDATE keys SET scopes = 'start' WHERE app = 'shop'";
    server::shared().execute(&target.database, sql);

    let said = refused(&copy(&file(&app), &target.to, &[]), 1);

    assert!(said.contains("keys differs after it was copied"), "{said}");
    let marked = "SELECT count(*) FROM unfinished_copy";
    assert_eq!(server::shared().execute(&target.database, marked), "1");
    app.resume().await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_source_and_no_target_is_refused_and_says_what_to_do() {
    let mut app = served().await;
    let server = server::shared();
    let (file, empty) = (file(&app), server.new_database());
    let in_use = refused(&copy(&file, &empty, &[]), 1);
    assert!(in_use.contains("in use by the process with pid"), "{in_use}");
    app.halt().await;

    let text = app.data().join("notes.txt");
    std::fs::write(&text, "no database at all, only words, and enough of them to be read").unwrap();
    let other_key = app.data().join("other.key");
    std::fs::write(&other_key, server_key()).unwrap();
    let other_key = ["--secret-key-file", other_key.to_str().unwrap()];
    let full = server.new_database();
    copied(&file, &full, &[]);
    let foreign = server.new_database();
    server.execute(
        Server::database(&foreign),
        "CREATE TABLE mine (a int); INSERT INTO mine VALUES (1)",
    );
    server.execute("postgres", "CREATE ROLE guest LOGIN");
    let guest = server.new_database().replace("ringproof@", "guest@");
    let missing_database = server.url("none");
    let secret = "a-very-secret-word";
    note_secret(secret);
    let away = format!("postgres://me:{secret}@127.0.0.1:1/x");
    let newer = format!("{}&newest_schema=1", server.new_database());

    for (from, to, more, code, said) in [
        (app.data().join("none.db"), &empty, &[][..], 1, "there is no store at"),
        (text, &empty, &[], 1, "is not a Ringproof database"),
        (app.data().to_owned(), &empty, &[], 1, "cannot be"),
        (file.clone(), &empty, &other_key, 1, "does not belong to the store"),
        (file.clone(), &empty, &["--secret-key-file", "none.key"], 1, "none.key"),
        (file.clone(), &empty, &["--batch", "0"], 2, "--batch"),
        (file.clone(), &full, &[], 1, "is not empty: audit has rows"),
        (file.clone(), &foreign, &[], 1, "is not empty: mine has rows"),
        (file.clone(), &guest, &[], 1, "check that the user owns the database"),
        (file.clone(), &missing_database, &[], 1, "check user, password and database"),
        (file.clone(), &away, &[], 1, "cannot be reached"),
        (file.clone(), &newer, &[], 1, "has schema 1, and this release fills schema"),
        (file.clone(), &"mysql://x/y".to_owned(), &[], 2, "--to must be"),
        (file.clone(), &"postgres://nodatabase".to_owned(), &[], 2, "--to must be"),
        (file.clone(), &format!("sqlite://{}", file.display()), &[], 2, "--to must be postgres"),
    ] {
        let refused = refused(&copy(&from, to, more), code);
        assert!(refused.contains(said) && !refused.contains(secret), "{said}: {refused}");
    }
    let from_postgres = Command::new(env!("CARGO_BIN_EXE_ringproof"))
        .args(["store", "copy", "--from", &full, "--to", &empty])
        .output()
        .unwrap();
    assert!(refused(&from_postgres, 2).contains("--from must be sqlite"));
    // None of that left anything behind.
    copied(&file, &empty, &[]);
    app.resume().await;
    app.stop().await;
}
