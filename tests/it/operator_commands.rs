//! What operators do on the command line: look, count, follow, replay, back up.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Output, Stdio};

use serde_json::{Value, json};

use crate::app::{TestApp, note_secret, note_secrets_of};

const NUMBER: &str = "+380991234567";

fn command(arguments: &[&str], folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringproof"));
    command.args(arguments).current_dir(folder).env_remove("RINGPROOF_KEY");
    command
}

fn ringproof(arguments: &[&str], folder: &Path) -> Output {
    command(arguments, folder).output().unwrap()
}

/// A command beside the service that it asks; what it prints, after it has done well.
async fn asked(app: &TestApp, arguments: &[&str]) -> String {
    let shared = ["--server", &app.base, "--key", &app.key];
    let all: Vec<String> = arguments.iter().chain(&shared).map(|word| (*word).to_owned()).collect();
    let run = move || {
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        ringproof(&all, Path::new("."))
    };
    let output = tokio::task::spawn_blocking(run).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

async fn json_of(app: &TestApp, arguments: &[&str]) -> Value {
    let answer =
        serde_json::from_str(&asked(app, &[arguments, &["--json"]].concat()).await).unwrap();
    note_secrets_of(&answer);
    answer
}

/// A verification that was confirmed, all of it told.
async fn confirmed(app: &TestApp) -> String {
    app.script(NUMBER, json!({})).await;
    let started = app.begin(NUMBER).await;
    app.outcome(&started["id"]).await;
    app.notifications().await;
    started["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_verification_is_shown_searched_and_counted() {
    let app = TestApp::start().await;
    let id = confirmed(&app).await;
    let shown = asked(&app, &["show", &id]).await;
    for said in ["verified (confirmed)", "key_reported", "pressed=1", "evidence=partial"] {
        assert!(shown.contains(said), "{said}: {shown}");
    }
    let whole = json_of(&app, &["show", &id]).await;
    assert_eq!(whole["events"].as_array().unwrap().last().unwrap()["outcome"], "confirmed");

    let found = asked(&app, &["search", "--to", NUMBER, "--outcome", "confirmed"]).await;
    assert!(found.contains(&id), "{found}");
    assert_eq!(asked(&app, &["search", "--status", "failed"]).await, "");
    let found = json_of(&app, &["search", "--limit", "1"]).await;
    assert_eq!(found["verifications"][0]["id"], json!(id));

    let counted = asked(&app, &["stats", "--by", "country"]).await;
    assert!(counted.contains("UA") && counted.contains("100.0 %"), "{counted}");
    assert_eq!(json_of(&app, &["stats"]).await["total"]["verified"], 1);
    let told = asked(&app, &["events", "--limit", "1"]).await;
    assert!(told.contains(&id) && told.contains("concluded"), "{told}");
    app.stop().await;
}

#[tokio::test]
async fn hooks_are_listed_shown_and_replayed() {
    let app = TestApp::start().await;
    let id = confirmed(&app).await;
    let listed = asked(&app, &["hooks", "list", "--verdict", "accepted"]).await;
    assert!(listed.contains("NOTIFY_END") && listed.contains(&id), "{listed}");
    let listed = json_of(&app, &["hooks", "list", "--verdict", "accepted"]).await;
    let sequence = listed["notifications"][0]["sequence"].to_string();
    let shown = asked(&app, &["hooks", "show", &sequence]).await;
    assert!(shown.contains("callback_dtmf=1"), "{shown}");
    let replayed = asked(&app, &["hooks", "replay", &sequence]).await;
    assert!(replayed.contains(&format!("replay of {sequence}")), "{replayed}");
    app.stop().await;
}

/// A command that goes on until it is killed.
struct Following {
    child: Child,
    /// Kept, or the command could not say anything more.
    _told: BufReader<ChildStderr>,
}

impl Following {
    fn start(app: &TestApp, arguments: &[&str]) -> Self {
        let shared = ["--json", "--server", &app.base, "--key", &app.key];
        let mut command = command(&[arguments, &shared].concat(), Path::new("."));
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut told = BufReader::new(child.stderr.take().unwrap());
        // From here on nothing that happens is missed.
        told.read_line(&mut String::new()).unwrap();
        Self { child, _told: told }
    }

    /// Reads lines until one is as wanted.
    async fn until(&mut self, wanted: impl Fn(&Value) -> bool + Send + 'static) {
        let stdout = self.child.stdout.take().unwrap();
        let reading = tokio::task::spawn_blocking(move || {
            let lines = BufReader::new(stdout).lines();
            lines
                .map(|line| serde_json::from_str(&line.unwrap()).unwrap())
                .any(|line| wanted(&line))
        });
        assert!(reading.await.unwrap(), "it ended");
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_are_followed_as_they_happen() {
    let app = TestApp::start().await;
    confirmed(&app).await;
    let mut following = Following::start(&app, &["events", "--follow"]);
    let next = app.begin_with(json!({ "to": "+380671112233" })).await["id"].clone();
    following
        .until(move |event| {
            event["verification_id"] == next && event["entry"]["type"] == "concluded"
        })
        .await;
    drop(following);
    app.stop().await;
}

/// A configuration file whose store is in the same folder.
fn configured(folder: &Path, store: &str) -> PathBuf {
    let path = folder.join(format!("{store}.toml"));
    std::fs::write(&path, format!("store = \"sqlite://{store}.db\"\n")).unwrap();
    path
}

#[tokio::test]
async fn a_backup_of_a_running_service_is_restored_elsewhere_and_serves() {
    let mut app = TestApp::start().await;
    let id = confirmed(&app).await;
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.db");
    let url = format!("store=sqlite://{}", app.data().join("ringproof.db").display());
    let run = |arguments: Vec<String>, folder: PathBuf| async move {
        let run = move || {
            let all: Vec<&str> = arguments.iter().map(String::as_str).collect();
            ringproof(&all, &folder)
        };
        tokio::task::spawn_blocking(run).await.unwrap()
    };
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let backup = words(&["backup", copy.to_str().unwrap(), "--set", &url]);
    let made = run(backup.clone(), folder.path().into()).await;
    let said = String::from_utf8_lossy(&made.stderr).into_owned();
    assert!(made.status.success() && said.contains("keep the two apart"), "{said}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    }
    // Nothing is overwritten.
    let again = run(backup, folder.path().into()).await;
    assert_eq!(again.status.code(), Some(1));

    let key = app.data().join("ringproof.db.key");
    std::fs::copy(key, folder.path().join("other.db.key")).unwrap();
    let config = configured(folder.path(), "other");
    let restore = words(&["restore", "copy.db", "--config", config.to_str().unwrap()]);
    let restored = run(restore.clone(), folder.path().into()).await;
    assert!(restored.status.success(), "{}", String::from_utf8_lossy(&restored.stderr));
    let again = run(restore, folder.path().into()).await;
    assert!(String::from_utf8_lossy(&again.stderr).contains("nothing is overwritten"));

    app.config.store.url = ringproof::config::StoreUrl::Sqlite(folder.path().join("other.db"));
    app.restart().await;
    assert_eq!(app.show(&json!(id)).await["status"], "verified");
    app.stop().await;
}

#[test]
fn only_a_sound_store_is_restored() {
    let folder = tempfile::tempdir().unwrap();
    let config = configured(folder.path(), "new");
    let config = config.to_str().unwrap();
    let made = ringproof(&["keys", "create", "--app", "shop"], folder.path());
    note_secret(String::from_utf8_lossy(&made.stdout).trim());
    assert!(ringproof(&["backup", "good.db"], folder.path()).status.success());
    let good = std::fs::read(folder.path().join("good.db")).unwrap();
    let mut torn = good.clone();
    // The pages behind the first ones hold the rows.
    let from = torn.len() / 2;
    torn[from..].fill(0x5a);
    for (name, bytes) in [
        ("empty.db", Vec::new()),
        ("text.db", b"no database".repeat(300)),
        ("short.db", good[..good.len() / 2].to_vec()),
        ("torn.db", torn),
    ] {
        std::fs::write(folder.path().join(name), bytes).unwrap();
        let output = ringproof(&["restore", name, "--config", config], folder.path());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{name}: {said}");
        assert!(said.contains("not a sound store"), "{name}: {said}");
        assert!(!folder.path().join("new.db").exists(), "{name}");
    }
    let missing = ringproof(&["restore", "none.db", "--config", config], folder.path());
    assert!(String::from_utf8_lossy(&missing.stderr).contains("there is no store at none.db"));
    assert!(ringproof(&["restore", "good.db", "--config", config], folder.path()).status.success());
}

#[test]
fn completions_and_the_man_page_name_every_command() {
    let folder = Path::new(".");
    let commands = ["doctor", "hooks", "backup", "restore", "stats", "events", "search", "verify"];
    for arguments in
        [&["completion", "bash"][..], &["completion", "zsh"], &["completion", "fish"], &["man"]]
    {
        let output = ringproof(arguments, folder);
        assert!(output.status.success());
        let text = String::from_utf8(output.stdout).unwrap().to_lowercase();
        for command in commands {
            assert!(text.contains(command), "{arguments:?}: {command}");
        }
    }
    assert_eq!(ringproof(&["completion", "dos"], folder).status.code(), Some(2));
}

#[test]
fn the_configuration_is_judged_as_json_too() {
    let folder = tempfile::tempdir().unwrap();
    let good = ringproof(&["config", "check", "--json"], folder.path());
    let answer: Value = serde_json::from_slice(&good.stdout).unwrap();
    assert_eq!(answer, json!({ "good": true, "problems": [] }));
    let wrong = ["config", "check", "--json", "--set", "server.workers=-1"];
    let wrong = ringproof(&wrong, folder.path());
    let answer: Value = serde_json::from_slice(&wrong.stdout).unwrap();
    assert_eq!((wrong.status.code(), &answer["good"]), (Some(2), &json!(false)));
    assert!(answer["problems"][0].as_str().unwrap().contains("server.workers"), "{answer}");
}

#[test]
fn the_doctor_ends_with_4_where_something_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let missing = ringproof(&["doctor"], folder.path());
    assert_eq!(missing.status.code(), Some(2), "without an account there is nothing to look at");
    // Nobody listens there.
    let nowhere = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let settings = [
        format!("accounts.main.base_url=http://{nowhere}"),
        "accounts.main.key=test_key".to_owned(),
        "accounts.main.secret=0123456789abcdef0123".to_owned(),
        "accounts.main.notification_token=0123456789abcdef0123456789abcdef".to_owned(),
    ];
    let mut arguments = vec!["doctor", "--json"];
    for setting in &settings {
        arguments.extend(["--set", setting]);
    }
    let output = ringproof(&arguments, folder.path());
    assert_eq!(output.status.code(), Some(4), "{}", String::from_utf8_lossy(&output.stderr));
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let findings = answer["findings"].as_array().unwrap();
    let keys = findings.iter().find(|finding| finding["about"] == "keys").unwrap();
    assert_eq!((&keys["mark"], &keys["account"]), (&json!("wrong"), &json!("main")));
    assert_eq!(ringproof(&["doctor", "--replace-url"], folder.path()).status.code(), Some(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hooks_are_followed_as_they_come() {
    let app = TestApp::start().await;
    // What came before is not told again.
    let before = confirmed(&app).await;
    app.notifications().await;
    let mut following = Following::start(&app, &["hooks", "follow", "--verdict", "accepted"]);
    let next = app.begin_with(json!({ "to": "+380671112233" })).await["id"].clone();
    following
        .until(move |one| {
            assert_ne!(one["verification_id"], before.as_str());
            assert_eq!(one["verdict"], "accepted");
            one["verification_id"] == next && one["event"] == "NOTIFY_END"
        })
        .await;
    drop(following);
    app.stop().await;
}
