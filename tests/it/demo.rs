//! `ringproof demo` as a process: what it prints, where it listens, when it ends.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};

use reqwest::{Client, Method};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::app::{Answer, answer, client, note_secret, suite_folder};

/// The number that the demo verifies, in digits.
const ITS_NUMBER: &str = "442079460123";

/// A running demo; killed when dropped.
pub struct Demo {
    child: Child,
    stdout: BufReader<ChildStdout>,
    pub service: String,
    simulator: String,
    pub key: String,
    http: Client,
}

impl Demo {
    /// Starts the demo with its temporary files in `folder`, once it has told where it is.
    pub fn start(arguments: &[&str], folder: &Path) -> Self {
        Self::of(Command::new(env!("CARGO_BIN_EXE_ringproof")).arg("demo").args(arguments), folder)
    }

    /// The same by a command that runs it in the end.
    pub fn of(command: &mut Command, folder: &Path) -> Self {
        let log = suite_folder().join("demo-log.txt");
        let log = std::fs::OpenOptions::new().create(true).append(true).open(log).unwrap();
        let command = command.env("TMPDIR", folder).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut told = |name: &str| {
            let mut line = String::new();
            stdout.read_line(&mut line).unwrap();
            let rest = line.strip_prefix(name).unwrap_or_else(|| panic!("no {name} in {line:?}"));
            rest.split_whitespace().next().unwrap().to_owned()
        };
        let (service, simulator, key) = (told("service:"), told("simulator:"), told("key:"));
        note_secret(&key);
        Self { child, stdout, service, simulator, key, http: client() }
    }

    /// What it prints until a line holds `last`.
    fn prints_until(&mut self, last: &str) -> String {
        let mut printed = String::new();
        while !printed.lines().next_back().is_some_and(|line| line.contains(last)) {
            let read = self.stdout.read_line(&mut printed).unwrap();
            assert_ne!(read, 0, "it ended before {last:?}: {printed}");
        }
        printed
    }

    async fn get(&self, path: &str) -> Answer {
        answer(self.http.get(format!("{}{path}", self.service)).bearer_auth(&self.key)).await
    }

    async fn simulator(&self, method: Method, path: &str) -> Value {
        let url = format!("{}/_simulator{path}", self.simulator);
        let answer = answer(self.http.request(method, url)).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        answer.json()
    }

    /// Does to the call of a number, once it has come so far, what a person does.
    async fn person(&self, number: &str, reaches: &str, steps: &[&str]) {
        let path = format!("/calls?number={number}&reaches={reaches}");
        let id = self.simulator(Method::GET, &path).await["calls"][0]["id"].clone();
        for step in steps {
            self.simulator(Method::POST, &format!("/calls/{id}/{step}")).await;
        }
    }

    /// How many files the process has open.
    pub fn open_files(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap().count()
    }

    /// Ctrl-C.
    fn interrupt(&mut self) -> ExitStatus {
        kill_process(Pid::from_child(&self.child), Signal::INT).unwrap();
        self.child.wait().unwrap()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A loopback address that no other test listens at.
fn address() -> String {
    let [a, b, c]: [u8; 3] = rand::random();
    format!("127.{}.{b}.{}:8080", a.max(1), c.clamp(1, 254))
}

#[tokio::test]
async fn demo_without_a_call_listens_where_told_and_stays_up_until_ctrl_c() {
    let folder = tempfile::tempdir().unwrap();
    let (listen, simulator) = (address(), address());
    let arguments = ["--no-call", "--listen", &listen, "--simulator-listen", &simulator];
    let mut demo = Demo::start(&arguments, folder.path());
    let printed = demo.prints_until("Ctrl-C ends the demo");

    assert_eq!(demo.service, format!("http://{listen}"));
    assert_eq!(demo.simulator, format!("http://{simulator}"));
    assert!(printed.contains(&format!("http://{simulator}/_simulator/handset")), "{printed}");
    let verifications = demo.get("/v1/verifications").await;
    assert_eq!(verifications.status, 200, "the printed key works");
    assert_eq!(verifications.json()["verifications"], Value::Array(Vec::new()));
    assert_eq!(demo.simulator(Method::GET, "/calls").await["calls"], Value::Array(Vec::new()));

    assert_eq!(demo.interrupt().code(), Some(0));
    assert!(demo.http.get(format!("http://{listen}/healthz")).send().await.is_err());
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 0, "the temporary folder is gone");
}

#[tokio::test]
async fn what_the_demo_prints_for_curl_verifies_a_number_whose_person_presses_1() {
    let folder = tempfile::tempdir().unwrap();
    let mut demo = Demo::start(&["--no-call"], folder.path());
    let printed = demo.prints_until("Ctrl-C ends the demo");
    let indented = printed.lines().filter(|line| line.starts_with("  "));
    let commands: Vec<&str> = indented.filter(|line| !line.contains("handset")).collect();
    let curl = Command::new("bash")
        .args(["-euc", &commands.join("\n")])
        .env("no_proxy", "*")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();

    demo.person("442079460456", "ringing", &["answer", "press/1", "hangup"]).await;

    let output = curl.wait_with_output().unwrap();
    let answered: Value = serde_json::from_slice(&output.stdout).unwrap();
    crate::app::note_secrets_of(&answered);
    assert_eq!(answered["status"], "verified", "{answered:#}");
    assert_eq!(demo.interrupt().code(), Some(0));
}

#[tokio::test]
async fn demo_once_exits_3_when_the_person_hangs_up() {
    let folder = tempfile::tempdir().unwrap();
    let mut demo = Demo::start(&["--once"], folder.path());
    // Long before the phone would answer by itself, more than two seconds later.
    demo.person(ITS_NUMBER, "dialing", &["hangup"]).await;

    let printed = demo.prints_until("ended: ");
    assert!(printed.contains("ended: rejected"), "{printed}");
    assert!(!printed.contains("answered"), "{printed}");
    assert_eq!(demo.child.wait().unwrap().code(), Some(3));
}

#[tokio::test]
async fn a_demo_that_verified_stays_up_until_ctrl_c() {
    let folder = tempfile::tempdir().unwrap();
    let mut demo = Demo::start(&[], folder.path());
    let printed = demo.prints_until("Ctrl-C ends the demo");
    assert!(printed.contains("ended: confirmed"), "{printed}");
    assert_eq!(demo.get("/healthz").await.status, 200);
    assert_eq!(demo.interrupt().code(), Some(0));
}

#[tokio::test]
async fn ctrl_c_during_the_verification_leaves_nothing_behind_and_exits_3() {
    let folder = tempfile::tempdir().unwrap();
    let mut demo = Demo::start(&[], folder.path());
    demo.person(ITS_NUMBER, "dialing", &[]).await;
    assert_eq!(demo.interrupt().code(), Some(3));
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 0, "the temporary folder is gone");
}
