//! `ringproof serve` end to end: where its configuration comes from, and what it
//! says when it cannot start. The values themselves are tested where they are read.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use reqwest::Method;
use ringproof::clock::Clock;
use serde_json::json;

use crate::app::{answer, client, made_up, simulate, suite_folder};
use crate::crash::{Server, prepare};

/// `ringproof serve` in `folder`, and the first line that it prints: empty if it gave up.
fn serve(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> (Child, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_ringproof"))
        .arg("serve")
        .args(arguments)
        .current_dir(folder)
        .env_remove("RINGPROOF_CONFIG")
        .envs(environment.iter().copied())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (child, line)
}

/// A server that listens.
fn served(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Server {
    let (child, line) = serve(folder, arguments, environment);
    let address = line.trim().rsplit(' ').next().unwrap_or_default();
    let server = Server { child, base: format!("http://{address}") };
    assert!(!address.is_empty(), "it did not start: {}", stderr(server));
    server
}

/// The exit code and the words of a `serve` that does not start. It has an account
/// unless `environment` or `arguments` take it away.
pub fn refused(
    folder: &Path,
    arguments: &[&str],
    environment: &[(&str, &str)],
) -> (Option<i32>, String) {
    let (secret, token) = (made_up(), made_up());
    let mut variables = vec![
        ("RINGPROOF__ACCOUNTS__MAIN__KEY", "test_key"),
        ("RINGPROOF__ACCOUNTS__MAIN__SECRET", secret.as_str()),
        ("RINGPROOF__ACCOUNTS__MAIN__NOTIFICATION_TOKEN", token.as_str()),
        ("RINGPROOF__SERVER__LISTEN", "127.0.0.1:0"),
    ];
    variables.extend(environment);
    let (child, line) = serve(folder, arguments, &variables);
    let mut server = Server { child, base: String::new() };
    assert_eq!(line, "", "it serves");
    let code = server.child.wait().unwrap().code();
    let said = stderr(server);
    for secret in [secret, token] {
        assert!(!said.contains(&secret), "it tells a secret");
    }
    (code, said)
}

/// What a server wrote to standard error until it ended, noted as output of the suite.
fn stderr(mut server: Server) -> String {
    server.kill();
    let mut said = String::new();
    server.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    let name = format!("serve-{}-{}.txt", std::process::id(), rand::random::<u64>());
    std::fs::write(suite_folder().join(name), &said).unwrap();
    said
}

#[tokio::test]
async fn secrets_from_files_sign_requests_and_check_notifications() {
    let folder = tempfile::tempdir().unwrap();
    let (secret, token) = (made_up(), made_up());
    let simulator = simulate(&secret, None, Clock::real());
    let provider = format!("http://{}", simulator.address());
    let (config, key) = prepare(folder.path(), &provider, &secret, &token);
    let text = std::fs::read_to_string(&config).unwrap();
    let text = text
        .replace(&format!("secret = \"{secret}\""), "secret_file = \"zadarma.secret\"")
        .replace(&format!("token = \"{token}\""), "token_file = \"zadarma.token\"");
    assert!(!text.contains(&secret) && !text.contains(&token));
    std::fs::write(&config, text).unwrap();
    // As an editor on any system leaves them.
    std::fs::write(folder.path().join("zadarma.secret"), format!("{secret}\n")).unwrap();
    std::fs::write(folder.path().join("zadarma.token"), format!("{token}\r\n")).unwrap();

    let elsewhere = tempfile::tempdir().unwrap();
    let arguments = ["--listen", "127.0.0.1:0", "--config", config.to_str().unwrap()];
    let server = served(elsewhere.path(), &arguments, &[]);
    let http = client();
    let url = format!("{}/hooks/zadarma/{token}", server.base);
    let settings = http
        .request(Method::PUT, format!("{provider}/_simulator/settings"))
        .json(&json!({ "notification_url": url }));
    assert_eq!(answer(settings).await.status, 200);
    let start = http
        .post(format!("{}/v1/verifications", server.base))
        .bearer_auth(key)
        .header("prefer", "wait=30")
        .json(&json!({ "to": "+380991234567" }));
    let ended = answer(start).await;

    assert_eq!((ended.status.as_u16(), &ended.json()["status"]), (201, &json!("verified")));
    stderr(server);
    simulator.stop().await;
}

#[tokio::test]
async fn flags_win_over_the_environment_which_wins_over_the_file() {
    let folder = tempfile::tempdir().unwrap();
    // Nobody is there, which is no reason not to start.
    let (config, _) = prepare(folder.path(), "http://127.0.0.1:9", &made_up(), &made_up());
    let text = std::fs::read_to_string(&config).unwrap();
    let text = text.replace("[server]\n", "[server]\nlisten = \"127.0.0.2:0\"\n");
    std::fs::write(&config, text).unwrap();
    let http = client();
    let set = ["--set", "server.listen=127.0.0.4:0"];
    let file = ("RINGPROOF_CONFIG", config.to_str().unwrap());
    let listen = ("RINGPROOF__SERVER__LISTEN", "127.0.0.3:0");
    for (arguments, environment, address) in [
        (vec![], vec![file], "127.0.0.2:"),
        (vec![], vec![file, listen], "127.0.0.3:"),
        (set.to_vec(), vec![file, listen], "127.0.0.4:"),
        ([&set[..], &["--listen", "127.0.0.5:0"]].concat(), vec![file, listen], "127.0.0.5:"),
    ] {
        let server = served(folder.path(), &arguments, &environment);
        assert!(server.base.contains(address), "{address} {}", server.base);
        assert_eq!(answer(http.get(format!("{}/healthz", server.base))).await.status, 200);
        stderr(server);
    }
}

#[test]
fn a_configuration_that_is_wrong_is_refused_with_the_place_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let secret_file = ("RINGPROOF__ACCOUNTS__OTHER__SECRET_FILE", "nowhere.secret");
    for (arguments, environment, named) in [
        (
            vec![],
            vec![("RINGPROOF__SERVER__LISTN", "127.0.0.1:0")],
            "RINGPROOF__SERVER__LISTN: server.listn: unknown key; did you mean \"listen\"?",
        ),
        (
            vec!["--set", "server.listn=127.0.0.1:0"],
            vec![],
            "command line: server.listn: unknown key; did you mean \"listen\"?",
        ),
        (vec![], vec![("RINGPROOF__SERVER__LISTEN", "here")], "RINGPROOF__SERVER__LISTEN: "),
        (vec!["--set", "server.workers=many"], vec![], "command line: server.workers: "),
        (vec!["--config", "gone.toml"], vec![], "gone.toml: cannot be read"),
        (vec![], vec![secret_file], "nowhere.secret cannot be read"),
    ] {
        let (code, said) = refused(folder.path(), &arguments, &environment);
        assert_eq!(code, Some(2), "{named}: {said}");
        assert!(said.contains(named), "{named}: {said}");
    }
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 0, "nothing is created before the configuration is right");
}

#[test]
fn a_second_service_on_the_same_store_is_told_the_pid_of_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let (config, _) = prepare(folder.path(), "http://127.0.0.1:9", &made_up(), &made_up());
    let mut first = Server::start(&config);
    let config = ["--config", config.to_str().unwrap()];

    let (code, said) = refused(folder.path(), &config, &[]);

    let pid = format!("the process with pid {}", first.child.id());
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains(&pid) && said.contains("ringproof.db"), "{pid}: {said}");
    first.kill();
    stderr(served(folder.path(), &[&config[..], &["--listen", "127.0.0.1:0"]].concat(), &[]));
}

#[test]
fn an_address_that_is_taken_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, said) = refused(folder.path(), &["--listen", &address], &[]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains(&address), "{said}");
}
