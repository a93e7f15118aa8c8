//! The virtual handset in a real browser: it rings, is answered, plays the
//! prompt's sounds, takes a key and hangs up.
//!
//! The page notes on itself what the browser has begun to play; what a headless
//! browser then does with the sound is not looked at.

use std::time::Duration;

use fantoccini::elements::Element;
use fantoccini::{Client, Locator};
use serde_json::{Value, json};

use crate::app::TestApp;
use crate::browser::Driver;

const NUMBER: &str = "+380991234567";

/// A browser that shows the handset of [`NUMBER`], with its sound on, at a
/// phone that does what the person does. After the last sound the call goes on
/// until the test moves the clock, so that the browser has time to play it.
struct Handset {
    app: TestApp,
    browser: Client,
    /// Ends with the test, after the browser.
    _driver: Driver,
    _profile: tempfile::TempDir,
}

impl Handset {
    async fn open() -> Self {
        let app = TestApp::start().await;
        let does = json!({ "does": "handset", "hang_up_after_ms": 60_000 });
        app.script(NUMBER, does).await;
        let driver = Driver::start();
        let profile = tempfile::tempdir().unwrap();
        let browser = driver.browser(profile.path()).await;
        let page = format!("{}/_simulator/handset?number=%2B380991234567", app.simulator_base);
        browser.goto(&page).await.unwrap();
        let handset = Self { app, browser, _driver: driver, _profile: profile };
        handset.until("#handset[data-state=idle]").await;
        handset.click("#sound").await;
        handset.until("#sound[aria-pressed=true]").await;
        handset
    }

    async fn until(&self, css: &str) -> Element {
        let wait = self.browser.wait().at_most(Duration::from_secs(20));
        let found = wait.for_element(Locator::Css(css)).await;
        if found.is_err() {
            panic!("{css} did not come: {}", self.browser.source().await.unwrap());
        }
        found.unwrap()
    }

    async fn click(&self, css: &str) {
        self.until(&format!("{css}:enabled")).await.click().await.unwrap();
    }

    async fn text(&self, css: &str) -> String {
        self.until(css).await.text().await.unwrap()
    }

    /// Waits until the browser has begun to play a part of the call, and checks
    /// that the sound it was given is the one that we ship.
    async fn hears(&self, part: &str) {
        let call = self.call().await;
        let id = call["sounds"][part].as_str().unwrap();
        self.until(&format!("#handset[data-heard~=\"{part}={id}\"]")).await;
        let url = format!("{}/_simulator/sounds/{id}", self.app.simulator_base);
        let played = self.app.http.get(url).send().await.unwrap().bytes().await.unwrap();
        let shipped = format!("{}/sounds/default/en/{part}.wav", env!("CARGO_MANIFEST_DIR"));
        assert!(played == std::fs::read(shipped).unwrap(), "{part} is another sound");
    }

    /// The newest call, as the provider knows it.
    async fn call(&self) -> Value {
        let path = "/_simulator/calls?number=380991234567";
        let answer = self.app.simulator(reqwest::Method::GET, path, None).await;
        answer["calls"].as_array().unwrap().last().unwrap().clone()
    }

    async fn close(self) {
        self.browser.close().await.unwrap();
        self.app.stop().await;
    }
}

#[tokio::test]
async fn a_person_at_the_virtual_handset_answers_presses_1_and_is_verified() {
    let handset = Handset::open().await;
    assert_eq!(handset.text("#state").await, "Waiting for a call");

    let started = handset.app.begin(NUMBER).await;
    handset.until("#handset[data-state=ringing][data-heard~=ring]").await;
    assert_eq!(handset.text("#number").await, NUMBER);
    assert_eq!(handset.text("#state").await, "Incoming call");
    let fits = "return document.documentElement.scrollWidth <= innerWidth";
    let fits = handset.browser.execute(fits, vec![]).await.unwrap();
    assert_eq!(fits, json!(true), "the page fits a phone's screen");

    handset.click("#answer").await;
    handset.until("#handset[data-state=answered]").await;
    assert_eq!(handset.text("#state").await, "In call");
    handset.hears("greeting").await;

    handset.click("[data-key=\"1\"]").await;
    handset.hears("confirmed").await;
    assert_eq!(handset.text("#detail").await, "Pressed 1: the confirmation plays");
    handset.app.advance(60);

    let ended = handset.app.outcome(&started["id"]).await;
    assert_eq!(ended["outcome"], "confirmed", "{ended:#}");
    handset.until("#handset[data-state=ended]").await;
    assert_eq!(handset.text("#state").await, "Call ended");
    assert_eq!(handset.text("#detail").await, "Pressed 1");
    assert_eq!(handset.call().await["key"], "1");
    handset.close().await;
}

#[tokio::test]
async fn a_person_at_the_virtual_handset_who_presses_another_key_hears_the_fallback() {
    let handset = Handset::open().await;
    let started = handset.app.begin(NUMBER).await;
    handset.click("#answer").await;
    handset.hears("greeting").await;

    handset.click("[data-key=\"7\"]").await;
    handset.hears("fallback").await;
    assert_eq!(handset.text("#detail").await, "Pressed 7: the fallback plays");
    let heard = handset.until("#handset").await.attr("data-heard").await.unwrap().unwrap();
    assert!(!heard.contains("confirmed"), "{heard}");
    handset.app.advance(60);

    let ended = handset.app.outcome(&started["id"]).await;
    assert_eq!(ended["outcome"], "wrong_key", "{ended:#}");
    handset.close().await;
}

#[tokio::test]
async fn a_person_at_the_virtual_handset_hangs_up_a_ringing_and_an_answered_call() {
    let handset = Handset::open().await;
    let rejected = handset.app.begin(NUMBER).await;
    handset.until("#handset[data-state=ringing]").await;
    handset.click("#hangup").await;
    handset.until("#handset[data-state=ended]").await;
    assert_eq!(handset.text("#detail").await, "Not answered (cancel)");
    let ended = handset.app.outcome(&rejected["id"]).await;
    assert_eq!(ended["outcome"], "rejected", "{ended:#}");

    // The number is free again once no late report of the call can come.
    handset.app.advance(61);
    let unkeyed = handset.app.begin(NUMBER).await;
    handset.click("#answer").await;
    handset.hears("greeting").await;
    handset.click("#hangup").await;
    handset.until("#handset[data-state=ended]").await;
    assert_eq!(handset.text("#detail").await, "No key pressed");
    handset.app.notifications().await;
    handset.app.advance(60);
    let ended = handset.app.outcome(&unkeyed["id"]).await;
    assert_eq!(ended["outcome"], "no_key", "{ended:#}");
    handset.close().await;
}
