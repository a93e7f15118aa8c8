//! The virtual handset in a real browser: it rings, is answered, a key is
//! pressed, and the verification is verified.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};

use crate::app::TestApp;

const NUMBER: &str = "+380991234567";

/// A browser driver of this test's own.
struct Driver {
    child: Child,
    address: String,
}

impl Driver {
    fn start() -> Self {
        let mut child = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is needed; tests/run.sh installs it");
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines.map_while(Result::ok).find_map(|line| {
            let (_, rest) = line.split_once("started successfully on port ")?;
            rest.trim_end_matches('.').parse::<u16>().ok()
        });
        Self {
            child,
            address: format!("http://127.0.0.1:{}", port.expect("chromedriver names its port")),
        }
    }

    /// A browser with a window of a phone's size.
    async fn browser(&self, profile: &std::path::Path) -> Client {
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=360,740",
            &format!("--user-data-dir={}", profile.display()),
        ];
        let Value::Object(capabilities) = json!({ "goog:chromeOptions": { "args": arguments } })
        else {
            unreachable!()
        };
        ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(&self.address)
            .await
            .unwrap()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn until(browser: &Client, css: &str) -> fantoccini::elements::Element {
    browser.wait().at_most(Duration::from_secs(20)).for_element(Locator::Css(css)).await.unwrap()
}

#[tokio::test]
async fn a_person_at_the_virtual_handset_answers_presses_1_and_is_verified() {
    let app = TestApp::start().await;
    app.script(NUMBER, json!({ "does": "handset" })).await;
    let driver = Driver::start();
    let profile = tempfile::tempdir().unwrap();
    let browser = driver.browser(profile.path()).await;
    browser
        .goto(&format!("{}/_simulator/handset?number=%2B380991234567", app.simulator_base))
        .await
        .unwrap();
    until(&browser, "#handset[data-state=idle]").await;

    let started = app.begin(NUMBER).await;
    until(&browser, "#handset[data-state=ringing]").await;
    let shown = until(&browser, "#number").await.text().await.unwrap();
    assert!(shown.replace(' ', "").contains("380991234567"), "{shown}");
    let width = browser
        .execute("return document.documentElement.scrollWidth <= innerWidth", vec![])
        .await
        .unwrap();
    assert_eq!(width, json!(true), "the page fits a phone's screen");
    until(&browser, "#answer").await.click().await.unwrap();
    until(&browser, "#handset[data-state=answered]").await;
    until(&browser, "[data-key=\"1\"]").await.click().await.unwrap();

    let ended = app.outcome(&started["id"]).await;
    assert_eq!(ended["outcome"], "confirmed", "{ended:#}");
    let sounds =
        app.simulator(reqwest::Method::GET, "/_simulator/calls?number=380991234567", None).await;
    assert_eq!(sounds["calls"][0]["key"], "1", "{sounds:#}");
    browser.close().await.unwrap();
    app.stop().await;
}
