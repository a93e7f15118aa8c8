//! Every command of the command line says the same to machines: `--json`, or a reason.
//!
//! The commands come from the parser itself, so a new one is missed here until it is
//! either run below or listed with why it is not.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};

use clap::CommandFactory;
use ringproof::cli::Arguments;
use serde_json::{Value, json};

use crate::app::{TestApp, note_secrets_of};
use crate::audio::tone;
use crate::receiver::{Receiver, told_at};
use crate::replicas::server;

const NUMBER: &str = "+380991234567";
const REJECTS: &str = "+380991234568";

/// Commands without `--json`, each with the reason.
const WITHOUT: [(&str, &str); 6] = [
    ("demo", "it is for eyes, and serves until it is stopped"),
    ("serve", "it serves until it is stopped; its log is JSON by log.format"),
    ("simulate", "it serves until it is stopped"),
    ("completion", "a shell reads it"),
    ("man", "man reads it"),
    ("config example", "it is a file to be edited"),
];

/// Commands that go on until they are interrupted; another test reads their lines.
const FOLLOWED: [(&str, &str); 1] = [("hooks follow", "operator_commands::hooks_are_followed")];

/// The command that prints one JSON text a line, as it does when it follows.
const LINES: &str = "events";

/// Every command that does something, as its words, and whether it takes `--json`.
fn commands(of: &clap::Command, words: &[&str]) -> Vec<(String, bool)> {
    let mut found = Vec::new();
    for command in of.get_subcommands().filter(|command| command.get_name() != "help") {
        let words = [words, &[command.get_name()]].concat();
        if command.has_subcommands() {
            found.extend(commands(command, &words));
        } else {
            let takes = command.get_arguments().any(|one| one.get_long() == Some("json"));
            found.push((words.join(" "), takes));
        }
    }
    found
}

#[test]
fn every_command_takes_json_or_has_a_reason() {
    for (name, takes) in commands(&Arguments::command(), &[]) {
        let reason = WITHOUT.iter().find(|(without, _)| *without == name);
        assert_eq!(takes, reason.is_none(), "{name}: {reason:?}");
    }
    let known: Vec<String> =
        commands(&Arguments::command(), &[]).into_iter().map(|(name, _)| name).collect();
    for (name, _) in WITHOUT.iter().chain(&FOLLOWED) {
        assert!(known.iter().any(|known| known == name), "{name} is no command any more");
    }
}

/// Runs commands, and notes which.
struct Runs<'a> {
    app: &'a TestApp,
    folder: &'a Path,
    known: Vec<String>,
    run: BTreeSet<String>,
}

impl<'a> Runs<'a> {
    fn new(app: &'a TestApp, folder: &'a Path) -> Self {
        let known = commands(&Arguments::command(), &[]);
        let known = known.into_iter().map(|(name, _)| name).collect();
        Self { app, folder, known, run: BTreeSet::new() }
    }

    /// What a command prints, which is one JSON text and nothing else. Its words are parted by
    /// spaces; `$` stands for what follows.
    async fn says(&mut self, words: &str, values: &[&str]) -> Value {
        let mut values = values.iter();
        let mut all: Vec<String> = Vec::new();
        for word in words.split(' ') {
            all.push(if word == "$" { *values.next().unwrap() } else { word }.to_owned());
        }
        let depth = if self.known.contains(&all[0]) { 1 } else { 2 };
        let name = all[..depth].join(" ");
        assert!(self.known.contains(&name), "{name} is no command");
        all.push("--json".to_owned());
        let output = self.output(all).await;
        let said = String::from_utf8(output.stdout).unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{words}: {told}");
        assert!(!told.contains('\r') && !told.contains('█'), "{words} draws a bar: {told}");
        let parsed = if name == LINES {
            said.lines().map(serde_json::from_str::<Value>).collect()
        } else {
            serde_json::from_str(&said)
        };
        let said: Value = parsed.unwrap_or_else(|error| panic!("{words}: {error}: {said}"));
        note_secrets_of(&said);
        self.run.insert(name);
        said
    }

    async fn output(&self, words: Vec<String>) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ringproof"));
        command.args(&words).current_dir(self.folder).env_remove("RINGPROOF_KEY");
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    }

    /// The same of a running service.
    async fn asks(&mut self, words: &str, values: &[&str]) -> Value {
        let app = self.app;
        let words = format!("{words} --server $ --key $");
        self.says(&words, &[values, &[&app.base, &app.key]].concat()).await
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

async fn app_with_an_endpoint(receiver: &Receiver) -> TestApp {
    let endpoint = receiver.endpoint();
    TestApp::with(|config| {
        told_at(config, "orders", endpoint);
        config.guard.cooldown = ringproof::config::Cooldown {
            mode: ringproof::domain::Mode::Enforce,
            rejected: Some(jiff::SignedDuration::from_hours(24)),
            not_me: None,
        };
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_every_command_prints_for_machines_is_json() {
    let receiver = Receiver::start();
    let app = app_with_an_endpoint(&receiver).await;
    let folder = tempfile::tempdir().unwrap();
    let mut runs = Runs::new(&app, folder.path());
    of_verifications(&mut runs).await;
    of_deliveries(&mut runs).await;
    of_keys(&mut runs).await;
    of_sounds(&mut runs).await;
    of_the_guard(&mut runs).await;
    of_this_machine(&mut runs).await;
    let excused = WITHOUT.iter().chain(&FOLLOWED).map(|(name, _)| (*name).to_owned());
    let all: BTreeSet<String> = runs.run.iter().cloned().chain(excused).collect();
    let known: BTreeSet<String> = runs.known.iter().cloned().collect();
    assert_eq!(all, known, "a command is neither run here nor excused");
    app.stop().await;
    receiver.stop().await;
}

async fn of_verifications(runs: &mut Runs<'_>) {
    let app = runs.app;
    app.script(NUMBER, json!({})).await;
    let id = runs.asks("verify $ --channel call_button --wait", &[NUMBER]).await["id"].clone();
    app.notifications().await;
    runs.asks("show $", &[text(&id)]).await;
    assert!(runs.asks("search", &[]).await.to_string().contains(text(&id)));
    runs.asks("events", &[]).await;
    runs.asks("stats --by channel", &[]).await;
    let hooks = runs.asks("hooks list --verdict accepted", &[]).await;
    let sequence = hooks["notifications"][0]["sequence"].to_string();
    runs.asks("hooks show $", &[&sequence]).await;
    runs.asks("hooks replay $", &[&sequence]).await;
    runs.says("health --server $", &[&app.base]).await;
}

async fn of_deliveries(runs: &mut Runs<'_>) {
    let list = runs.asks("deliveries list", &[]).await;
    let id = text(&list["deliveries"][0]["id"]).to_owned();
    runs.asks("deliveries show $", &[&id]).await;
    runs.asks("deliveries redeliver $", &[&id]).await;
    runs.asks("deliveries endpoints", &[]).await;
    runs.asks("deliveries enable orders", &[]).await;
}

async fn of_keys(runs: &mut Runs<'_>) {
    let made = runs.asks("keys create --app other", &[]).await;
    let id = text(&made["key"]).split('.').next().unwrap().to_owned();
    runs.asks("keys list", &[]).await;
    runs.asks("keys rotate $", &[&id]).await;
    runs.asks("keys revoke $", &[&id]).await;
    runs.asks("audit list", &[]).await;
    runs.asks("audit verify", &[]).await;
}

async fn of_sounds(runs: &mut Runs<'_>) {
    let sounds = runs.folder.join("sounds");
    std::fs::create_dir(&sounds).unwrap();
    std::fs::write(sounds.join("hello.wav"), tone(440.0, 1.0)).unwrap();
    runs.asks("sounds inspect sounds/hello.wav", &[]).await;
    runs.asks("sounds sync sounds", &[]).await;
    runs.asks("sounds upload sounds/hello.wav --name other", &[]).await;
    runs.asks("sounds list", &[]).await;
    runs.asks("sounds show hello", &[]).await;
    runs.asks("sounds delete other", &[]).await;
    let set = "prompts set pay --language en --greeting hello --confirmed hello --fallback hello \
               --press 1";
    runs.asks(set, &[]).await;
    runs.asks("prompts list", &[]).await;
    runs.asks("prompts show pay", &[]).await;
    runs.asks("prompts try pay --to $", &["+380671112233"]).await;
    runs.asks("prompts delete pay", &[]).await;
}

async fn of_the_guard(runs: &mut Runs<'_>) {
    let app = runs.app;
    app.script(REJECTS, json!({ "does": "refused" })).await;
    let begun = app.begin(REJECTS).await;
    app.notifications().await;
    app.advance(11);
    assert_eq!(app.outcome(&begun["id"]).await["outcome"], "rejected");
    runs.asks("guard show", &[]).await;
    let blocks = runs.asks("guard blocks", &[]).await;
    runs.asks("guard unblock $", &[text(&blocks["blocks"][0]["id"])]).await;
    runs.asks("guard stop --reason fraud", &[]).await;
    runs.asks("guard switches", &[]).await;
    runs.asks("guard resume", &[]).await;
    let exempt = runs.asks("guard exempt +38099", &[]).await;
    runs.asks("guard exemptions", &[]).await;
    runs.asks("guard unexempt $", &[text(&exempt["id"])]).await;
    runs.asks("suppress add $", &[REJECTS]).await;
    runs.asks("suppress list", &[]).await;
    runs.asks("suppress remove $", &[REJECTS]).await;
    runs.asks("erase $", &["+380501112233"]).await;
}

async fn of_this_machine(runs: &mut Runs<'_>) {
    let app = runs.app;
    let account = &app.config.accounts["main"];
    let store = format!("store=sqlite://{}", app.data().join("ringproof.db").display());
    runs.says("config check", &[]).await;
    let settings = [
        format!("accounts.main.base_url={}", app.simulator_base),
        "accounts.main.key=test_key".to_owned(),
        format!("accounts.main.secret={}", account.secret.expose()),
        format!("accounts.main.notification_token={}", app.token),
        format!("server.public_url={}", app.base),
    ];
    let [base, key, secret, token, url] = settings.each_ref().map(String::as_str);
    let set = "doctor --set $ --set $ --set $ --set $ --set $ --set $";
    runs.doctor(set, &[&store, base, key, secret, token, url]).await;
    runs.says("backup copy.db --set $", &[&store]).await;
    runs.says("restore copy.db --set $", &["store=sqlite://new.db"]).await;
    std::fs::copy(app.data().join("ringproof.db.key"), runs.folder.join("new.db.key")).unwrap();
    let database = server::shared().new_database();
    runs.says("store copy --from $ --to $", &["sqlite://new.db", &database]).await;
}

impl Runs<'_> {
    /// The doctor, who may find what he likes here.
    async fn doctor(&mut self, words: &str, values: &[&str]) {
        let mut values = values.iter();
        let word = |word| if word == "$" { *values.next().unwrap() } else { word };
        let mut all: Vec<String> = words.split(' ').map(word).map(str::to_owned).collect();
        all.push("--json".to_owned());
        let output = self.output(all).await;
        assert!(matches!(output.status.code(), Some(0 | 4)), "{output:?}");
        let said: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(said["findings"].as_array().unwrap().len() > 10, "{said:#}");
        self.run.insert("doctor".to_owned());
    }
}
