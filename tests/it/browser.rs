//! A headless browser, for what only a browser shows.

use std::io::{BufRead, BufReader, ErrorKind};
use std::net::TcpListener;
use std::process::{Child, ChildStdout, Command, Stdio};

use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use reqwest::Method;
use serde_json::{Value, json};
use url::{ParseError, Url};

use crate::app::suite_folder;

/// A browser driver of this test's own.
pub struct Driver {
    child: Child,
    address: String,
    /// Kept open, since it may say more.
    _stdout: BufReader<ChildStdout>,
}

impl Driver {
    pub fn start() -> Self {
        let log = suite_folder().join("chromedriver-log.txt");
        let log = std::fs::OpenOptions::new().create(true).append(true).open(log).unwrap();
        let port = free_port();
        let mut child = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("chromedriver is needed; tests/run.sh installs it");
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut said = String::new();
        while !said.contains("started successfully") {
            let read = stdout.read_line(&mut said).unwrap();
            assert_ne!(read, 0, "chromedriver ended, {:?}: {said}", child.wait());
        }
        Self { child, address: format!("http://127.0.0.1:{port}"), _stdout: stdout }
    }

    /// A browser with a screen of a phone's size.
    pub async fn browser(&self, profile: &std::path::Path) -> Client {
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            &format!("--user-data-dir={}", profile.display()),
        ];
        let Value::Object(capabilities) = json!({ "goog:chromeOptions": { "args": arguments } })
        else {
            unreachable!()
        };
        let browser = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(&self.address)
            .await
            .unwrap();
        browser.issue_cmd(Screen { width: 360, height: 740 }).await.unwrap();
        browser
    }
}

/// Gives pages a screen of this size: no window is narrower than 500.
#[derive(Debug)]
pub struct Screen {
    pub width: u32,
    pub height: u32,
}

impl WebDriverCompatibleCommand for Screen {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _url: &Url) -> (Method, Option<String>) {
        let Self { width, height } = self;
        let parameters = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false
        });
        let body = json!({ "cmd": "Emulation.setDeviceMetricsOverride", "params": parameters });
        (Method::POST, Some(body.to_string()))
    }
}

/// A port below those that the system hands out by itself: the driver takes it in
/// both families, and what it is given for one may be somebody's in the other.
fn free_port() -> u16 {
    let is_free = |port: &u16| {
        let taken = |ip: &str| {
            let bound = TcpListener::bind((ip, *port));
            bound.is_err_and(|error| error.kind() == ErrorKind::AddrInUse)
        };
        !taken("127.0.0.1") && !taken("::1")
    };
    std::iter::repeat_with(|| rand::random_range(20_000..32_000)).find(is_free).unwrap()
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
