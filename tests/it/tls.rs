//! TLS on the listener: it serves with a good certificate, and says which file is
//! at fault with a bad one.

use std::path::{Path, PathBuf};

use reqwest::{Certificate, Client, Version};
use ringproof::app;
use ringproof::config::Tls;
use ringproof::zadarma::sign;
use serde_json::json;

use crate::app::{TestApp, answer, note_secret};
use crate::config::refused;
use crate::intake_verifies::end;

const NUMBER: &str = "+380991234567";

/// A certificate for this machine and its key, as PEM.
struct Pair {
    certificate: String,
    key: String,
}

impl Pair {
    fn new() -> Self {
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        let pair = Self { certificate: made.cert.pem(), key: made.signing_key.serialize_pem() };
        note_secret(pair.key.lines().nth(1).unwrap());
        pair
    }

    /// A client that trusts this certificate and no other.
    fn client(&self) -> Client {
        app::install_tls();
        let certificate = Certificate::from_pem(self.certificate.as_bytes()).unwrap();
        Client::builder().no_proxy().tls_certs_only([certificate]).build().unwrap()
    }
}

fn put(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

/// A service over TLS, and the client that trusts it.
async fn start(folder: &Path, pair: &Pair) -> TestApp {
    let tls = Tls {
        certificate: put(folder, "certificate.pem", &pair.certificate),
        key: put(folder, "key.pem", &pair.key),
    };
    let mut app = TestApp::with(|config| config.server.tls = Some(tls)).await;
    app.http = pair.client();
    app.base = app.base.replace("http://", "https://");
    app.script(NUMBER, json!({ "notify": "never" })).await;
    app
}

#[tokio::test]
async fn a_verification_runs_over_https_and_nothing_is_said_in_the_open() {
    let folder = tempfile::tempdir().unwrap();
    let pair = Pair::new();
    let app = start(folder.path(), &pair).await;

    let started = app.begin(NUMBER).await;
    let time = app.pbx_time();
    let secret = &app.config.accounts["main"].secret;
    let hook = app
        .http
        .post(format!("{}/hooks/zadarma/{}", app.base, app.token))
        .header("signature", sign::signature(secret, &[NUMBER, "0", &time]))
        .form(&end(NUMBER, &time, "1"));
    assert_eq!(answer(hook).await.status, 200);
    assert_eq!(app.outcome(&started["id"]).await["status"], "verified");

    let healthz = format!("{}/healthz", app.base);
    let open = app.http.get(healthz.replace("https://", "http://")).send().await;
    assert!(open.is_err(), "plain HTTP is not answered");
    let distrusted = Pair::new().client().get(healthz).send().await;
    assert!(distrusted.is_err(), "another certificate is not trusted");
    app.stop().await;
}

/// The server frees neither waiters nor idle connections of HTTP/2, so it is not offered.
#[tokio::test]
async fn a_waiter_over_https_whose_client_has_gone_is_freed_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let app = start(folder.path(), &Pair::new()).await;
    let started = app.begin(NUMBER).await;
    let url = format!("{}/v1/verifications/{}?wait=60", app.base, started["id"].as_str().unwrap());
    let poll = tokio::spawn(app.http.get(url).bearer_auth(&app.key).send());
    waiting(&app, 1).await;

    poll.abort();

    waiting(&app, 0).await;
    let request = app.http.get(format!("{}/healthz", app.base));
    assert_eq!(request.send().await.unwrap().version(), Version::HTTP_11);
    app.stop().await;
}

/// Returns once this many callers wait.
async fn waiting(app: &TestApp, wanted: usize) {
    while app.app().service().load().1 != wanted {
        tokio::task::yield_now().await;
    }
}

#[test]
fn a_file_that_is_missing_or_wrong_is_named_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let (pair, other) = (Pair::new(), Pair::new());
    put(folder.path(), "good.pem", &pair.certificate);
    put(folder.path(), "good-key.pem", &pair.key);
    put(folder.path(), "other-key.pem", &other.key);
    put(folder.path(), "empty.pem", "");
    put(folder.path(), "text.pem", "this is no certificate");
    put(folder.path(), "cut.pem", &pair.certificate[..pair.certificate.len() / 2]);
    put(
        folder.path(),
        "nonsense.pem",
        "-----BEGIN CERTIFICATE-----\nbm9uc2Vuc2U=\n-----END CERTIFICATE-----\n",
    );
    put(
        folder.path(),
        "nonsense-key.pem",
        "-----BEGIN PRIVATE KEY-----\nbm9uc2Vuc2U=\n-----END PRIVATE KEY-----\n",
    );
    std::fs::create_dir(folder.path().join("folder")).unwrap();
    for (certificate, key, named) in [
        ("gone.pem", "good-key.pem", "gone.pem cannot be read"),
        ("good.pem", "gone-key.pem", "gone-key.pem cannot be read"),
        ("folder", "good-key.pem", "folder cannot be read"),
        ("empty.pem", "good-key.pem", "empty.pem holds no certificate"),
        ("text.pem", "good-key.pem", "text.pem holds no certificate"),
        ("good-key.pem", "good-key.pem", "good-key.pem holds no certificate"),
        ("cut.pem", "good-key.pem", "cut.pem cannot be read"),
        ("good.pem", "empty.pem", "empty.pem cannot be read"),
        ("good.pem", "good.pem", "good.pem cannot be read"),
        (
            "good.pem",
            "other-key.pem",
            "other-key.pem does not belong to the certificate in good.pem",
        ),
        ("nonsense.pem", "good-key.pem", "nonsense.pem"),
        ("good.pem", "nonsense-key.pem", "nonsense-key.pem"),
    ] {
        let certificate = format!("server.tls.certificate={certificate}");
        let key = format!("server.tls.key={key}");
        let arguments = ["--set", &certificate, "--set", &key];
        let (code, said) = refused(folder.path(), &arguments, &[]);
        assert_eq!(code, Some(1), "{certificate} {key}: {said}");
        assert!(said.contains(named), "{certificate} {key}: {said}");
        for pem in [&pair.key, &other.key] {
            let secret = pem.lines().nth(1).unwrap();
            assert!(!said.contains(secret), "{certificate} {key}: the key is shown");
        }
    }
}
