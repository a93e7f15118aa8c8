//! What is in `packaging/`: the proxy's configuration run for real, the unit held against
//! systemd's own checks, the container's file read.

use std::net::{IpAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Output};

use reqwest::Client;
use ringproof::domain::Secret;
use ringproof::zadarma::{form, sign};
use serde_json::json;

use crate::app::{TestApp, answer, made_up, note_secret};
use crate::intake_verifies::end;

const NUMBER: &str = "+380991234567";
const PROVIDER: &str = "127.0.0.2";
const STRANGER: &str = "127.0.0.3";

fn packaged(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging").join(name);
    std::fs::read_to_string(path).unwrap()
}

/// `text` with each of the pairs replaced, all of which must be there.
fn replaced(mut text: String, pairs: &[(&str, &str)]) -> String {
    for (from, to) in pairs {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    text
}

/// nginx with the packaged configuration in front of a service.
struct Proxy {
    child: Child,
    folder: tempfile::TempDir,
    base: String,
    certificate: reqwest::Certificate,
}

impl Proxy {
    async fn start(service: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        note_secret(key.lines().nth(1).unwrap());
        std::fs::write(folder.path().join("certificate.pem"), &certificate).unwrap();
        std::fs::write(folder.path().join("key.pem"), key).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let place = |name: &str| folder.path().join(name).display().to_string();
        let site = replaced(
            packaged("nginx.conf"),
            &[
                ("127.0.0.1:8080", service.trim_start_matches("http://")),
                ("listen 443 ssl", &format!("listen 127.0.0.1:{port} ssl")),
                ("/etc/ssl/verify.example.com/fullchain.pem", &place("certificate.pem")),
                ("/etc/ssl/verify.example.com/privkey.pem", &place("key.pem")),
                ("/var/log/nginx/ringproof.log", &place("access.log")),
                ("185.45.152.40/30", &format!("{PROVIDER}/32")),
                ("rate=5r/s", "rate=1r/m"),
                ("burst=20", "burst=2"),
            ],
        );
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
        let temporary = temporary.map(|name| format!("{name}_temp_path {};", place(name)));
        let whole = format!(
            "pid {}; error_log {}; worker_processes 1; events {{}} http {{ access_log off; {} {site} }}",
            place("pid"),
            place("error.log"),
            temporary.join(" "),
        );
        std::fs::write(folder.path().join("nginx.conf"), whole).unwrap();
        let child = Command::new("nginx")
            .env("PATH", "/usr/sbin:/usr/bin:/bin")
            .args([
                "-c",
                &place("nginx.conf"),
                "-p",
                &place(""),
                "-g",
                "daemon off; master_process off;",
            ])
            .arg("-e")
            .arg(place("start.log"))
            .spawn()
            .expect("nginx is needed; tests/run.sh installs it");
        let certificate = reqwest::Certificate::from_pem(certificate.as_bytes()).unwrap();
        let mut proxy =
            Self { child, folder, base: format!("https://localhost:{port}"), certificate };
        proxy.listens(port).await;
        proxy
    }

    /// Returns once it takes connections; fails if it has ended instead.
    async fn listens(&mut self, port: u16) {
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!(
                    "nginx ended, {status}: {}",
                    self.read("start.log") + &self.read("error.log")
                );
            }
            tokio::task::yield_now().await;
        }
    }

    /// A client that connects from an address of this machine.
    fn client(&self, from: &str) -> Client {
        ringproof::app::install_tls();
        let client = Client::builder().no_proxy().local_address(from.parse::<IpAddr>().unwrap());
        client.tls_certs_only([self.certificate.clone()]).build().unwrap()
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(name)).unwrap_or_default()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A service that believes what the proxy says of addresses.
async fn behind_a_proxy() -> TestApp {
    TestApp::with(|config| {
        config.server.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
        let account = config.accounts.get_mut("main").unwrap();
        account.source_addresses = vec![PROVIDER.parse().unwrap()];
    })
    .await
}

#[tokio::test]
async fn behind_nginx_only_the_provider_is_heard_and_no_log_holds_a_token_or_a_query() {
    let app = behind_a_proxy().await;
    let proxy = Proxy::start(&app.base).await;
    app.script(NUMBER, json!({ "notify": "never" })).await;
    let id = app.begin(NUMBER).await["id"].clone();
    let time = app.pbx_time();
    let fields = end(NUMBER, &time, "1");
    let body =
        fields.iter().fold(form::Params::new(), |body, (name, value)| body.text(*name, *value));
    let secret = app.config.accounts["main"].secret.clone();
    let signature = sign::signature(&Secret::new(secret.expose()), &[NUMBER, "0", &time]);
    let url = format!("{}/hooks/zadarma/{}", proxy.base, app.token);
    let press = |client: Client| {
        let press = client.post(&url).header("signature", &signature).body(body.query());
        press.header("content-type", "application/x-www-form-urlencoded")
    };

    // A stranger who names the provider's address in the header.
    let forged = press(proxy.client(STRANGER)).header("x-forwarded-for", PROVIDER);
    assert_eq!(answer(forged).await.status, 403);
    assert_eq!(app.show(&id).await["status"], "pending");
    assert_eq!(answer(press(proxy.client(PROVIDER))).await.status, 200);
    assert_eq!(app.outcome(&id).await["status"], "verified");

    // The token's handshake and a search pass, and leave no trace of token and number.
    let handshake = proxy.client(PROVIDER).get(format!("{url}?zd_echo=abc"));
    assert_eq!(answer(handshake).await.text, "abc");
    let search = format!("{}/v1/verifications?to=%2B380991234567", proxy.base);
    let search = proxy.client(STRANGER).get(search).bearer_auth(&app.key);
    assert_eq!(answer(search).await.json()["verifications"][0]["id"], id);
    for path in ["metrics", "readyz"] {
        let hidden = proxy.client(STRANGER).get(format!("{}/{path}", proxy.base));
        assert_eq!(answer(hidden).await.status, 403, "{path}");
    }
    let logged = proxy.read("access.log");
    assert!(
        logged.contains("POST /hooks/- 403") && logged.contains("POST /hooks/- 200"),
        "{logged}"
    );
    assert!(logged.contains("GET /v1/verifications 200"), "{logged}");
    for log in ["access.log", "error.log", "start.log"] {
        let text = proxy.read(log);
        assert!(!text.contains(&app.token) && !text.contains("380991234567"), "{log}: {text}");
    }
    app.stop().await;
}

#[tokio::test]
async fn nginx_slows_strangers_on_the_hooks_and_never_the_provider() {
    let app = behind_a_proxy().await;
    let proxy = Proxy::start(&app.base).await;
    let url = format!("{}/hooks/zadarma/{}", proxy.base, made_up());
    let ask = async |from: &str| {
        let client = proxy.client(from);
        let mut found = Vec::new();
        for _ in 0..6 {
            found.push(answer(client.get(&url)).await.status.as_u16());
        }
        found
    };
    assert_eq!(ask(STRANGER).await, [404, 404, 404, 503, 503, 503]);
    assert_eq!(ask(PROVIDER).await, [404; 6]);
    app.stop().await;
}

#[tokio::test]
async fn nginx_sends_notifications_to_a_service_that_is_not_ready() {
    let app = behind_a_proxy().await;
    let proxy = Proxy::start(&app.base).await;
    app.app().service().begin_closing();
    let ready = app.http.get(format!("{}/readyz", app.base));
    assert_eq!(answer(ready).await.status, 503);
    let url = format!("{}/hooks/zadarma/{}?zd_echo=abc", proxy.base, app.token);
    assert_eq!(answer(proxy.client(PROVIDER).get(url)).await.text, "abc");
    app.stop().await;
}

fn systemd(arguments: &[&str]) -> Output {
    let mut command = Command::new("systemd-analyze");
    command.args(arguments).output().expect("systemd-analyze is needed; tests/run.sh installs it")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

#[test]
fn systemd_takes_the_unit_and_finds_it_hardened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ringproof.service");
    let binary = env!("CARGO_BIN_EXE_ringproof");
    let unit = replaced(packaged("ringproof.service"), &[("/usr/bin/ringproof", binary)]);
    std::fs::write(&path, unit).unwrap();
    let path = path.to_str().unwrap();

    let verified = systemd(&["verify", "--man=no", path]);
    let complaints = said(&verified);
    let about_it = complaints.lines().filter(|line| line.contains("ringproof"));
    assert!(verified.status.success() && about_it.count() == 0, "{complaints}");
    // In tenths; what is left is that it speaks to the network.
    let secure = systemd(&["security", "--offline=true", "--threshold=20", path]);
    assert!(secure.status.success(), "{}", said(&secure));
}

/// An instruction of the container's file, and what it is given.
fn instructions() -> Vec<(String, String)> {
    let text = packaged("Dockerfile").replace("\\\n", " ");
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    lines
        .map(|line| {
            let (word, rest) = line.split_once(' ').unwrap();
            (word.to_owned(), rest.to_owned())
        })
        .collect()
}

#[test]
fn the_containers_last_stage_is_small_without_root_and_asks_for_its_own_health() {
    let all = instructions();
    let stages: Vec<usize> = (0..all.len()).filter(|at| all[*at].0 == "FROM").collect();
    let [build, last] = stages[..] else { panic!("two stages: {all:?}") };
    let manifest = include_str!("../../Cargo.toml");
    let version = manifest.lines().find_map(|line| line.strip_prefix("rust-version = ")).unwrap();
    let image = format!("rust:{}-bookworm AS build", version.trim_matches('"'));
    assert_eq!(all[build].1, image);
    assert!(all[last].1.starts_with("gcr.io/distroless/cc-debian12:nonroot"));
    let known =
        ["COPY", "USER", "WORKDIR", "VOLUME", "EXPOSE", "ENV", "HEALTHCHECK", "ENTRYPOINT", "CMD"];
    let given = |word: &str| -> Vec<&str> {
        all[last..].iter().filter(|(name, _)| name == word).map(|(_, rest)| rest.as_str()).collect()
    };
    assert!(all[last + 1..].iter().all(|(word, _)| known.contains(&word.as_str())), "{all:?}");
    assert_eq!(given("USER"), ["nonroot"]);
    assert!(given("COPY").iter().all(|copy| copy.starts_with("--from=build ")));
    assert_eq!(given("ENTRYPOINT"), [r#"["/usr/bin/ringproof"]"#]);
    // Every command that it runs is one of ours, without a shell.
    for command in [given("CMD")[0], given("HEALTHCHECK")[0].split_once("CMD ").unwrap().1] {
        let words: Vec<String> = serde_json::from_str(command).unwrap();
        let ours = words.iter().find(|word| !word.starts_with('/')).unwrap();
        let help = Command::new(env!("CARGO_BIN_EXE_ringproof")).args([ours, "--help"]).output();
        assert!(help.unwrap().status.success(), "{ours}");
    }
    let variable = given("ENV")[0].split_once('=').unwrap();
    let settings = [(variable.0.to_owned(), variable.1.to_owned())];
    let config = ringproof::config::load(None, settings.into_iter(), &[]).unwrap();
    assert_eq!(config.server.listen.port().to_string(), given("EXPOSE")[0]);
}

#[tokio::test]
async fn health_tells_containers_whether_the_service_is_ready() {
    let app = TestApp::start().await;
    let base = app.base.clone();
    let health = move |base: String| async move {
        let run = move || {
            let binary = env!("CARGO_BIN_EXE_ringproof");
            Command::new(binary).args(["health", "--server", &base]).output().unwrap()
        };
        tokio::task::spawn_blocking(run).await.unwrap().status.code()
    };
    assert_eq!(health(base.clone()).await, Some(0));
    app.app().service().begin_closing();
    assert_eq!(health(base).await, Some(1));
    app.stop().await;
    let nowhere = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert_eq!(health(format!("http://{nowhere}")).await, Some(1));
}
