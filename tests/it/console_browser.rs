//! The console in a real browser: what a person sees happen.

use std::time::Duration;

use fantoccini::elements::Element;
use fantoccini::{Client, Locator};
use reqwest::Method;
use serde_json::json;

use crate::app::{TestApp, answer};
use crate::browser::Driver;

const NUMBER: &str = "+380991234567";

/// A browser at the console of a service of its own.
pub struct Desk {
    pub app: TestApp,
    pub browser: Client,
    /// Ends with the test, after the browser.
    _driver: Driver,
    profile_folder: tempfile::TempDir,
}

impl Desk {
    /// A browser that has signed in, at `path`.
    pub async fn at(path: &str) -> Self {
        let desk = Self::stranger_at(path).await;
        desk.sign_in().await;
        desk
    }

    /// The same without signing in.
    pub async fn stranger_at(path: &str) -> Self {
        Self::stranger_of(TestApp::start().await, path).await
    }

    /// The same at a service that is there already.
    pub async fn stranger_of(app: TestApp, path: &str) -> Self {
        app.script(NUMBER, json!({ "does": "handset" })).await;
        let driver = Driver::start();
        let profile = tempfile::tempdir().unwrap();
        let browser = driver.browser(profile.path()).await;
        let desk = Self { app, browser, _driver: driver, profile_folder: profile };
        desk.go(path).await;
        desk
    }

    pub async fn go(&self, path: &str) {
        self.browser.goto(&format!("{}{path}", self.app.base)).await.unwrap();
    }

    pub async fn sign_in(&self) {
        self.until("input[name=key]").await.send_keys(&self.app.key).await.unwrap();
        self.click("button.primary").await;
        self.until("nav[aria-label=Console]").await;
    }

    pub async fn until(&self, css: &str) -> Element {
        let wait = self.browser.wait().at_most(Duration::from_secs(20));
        let found = wait.for_element(Locator::Css(css)).await;
        if found.is_err() {
            panic!("{css} did not come: {}", self.browser.source().await.unwrap());
        }
        found.unwrap()
    }

    pub async fn click(&self, css: &str) {
        self.until(css).await.click().await.unwrap();
    }

    pub async fn run(&self, script: &str) -> serde_json::Value {
        self.browser.execute(script, vec![]).await.unwrap()
    }

    pub async fn run_async(&self, script: &str) -> serde_json::Value {
        self.browser.execute_async(script, vec![]).await.unwrap()
    }

    /// A folder that goes with the test.
    pub fn profile(&self) -> &std::path::Path {
        self.profile_folder.path()
    }

    /// The person at the phone answers, presses a key and hangs up, unless the call ended first.
    async fn person_presses(&self, key: &str) {
        let digits = NUMBER.trim_start_matches('+');
        let path = format!("/_simulator/calls?number={digits}&reaches=ringing");
        let calls = self.app.simulator(Method::GET, &path, None).await;
        let id = calls["calls"][0]["id"].to_string();
        let id = id.trim_matches('"');
        for does in ["answer", &format!("press/{key}")] {
            let path = format!("/_simulator/calls/{id}/{does}");
            self.app.simulator(Method::POST, &path, None).await;
        }
        let hang_up = format!("{}/_simulator/calls/{id}/hangup", self.app.simulator_base);
        let hung_up = answer(self.app.http.post(hang_up)).await;
        assert!([200, 204, 409].contains(&hung_up.status.as_u16()), "{}", hung_up.text);
    }

    pub async fn close(self) {
        self.browser.close().await.unwrap();
        self.app.stop().await;
    }
}

#[tokio::test]
async fn an_operator_signs_in_opens_a_pending_verification_and_sees_it_verified_without_reload() {
    let desk = Desk::at("/console").await;
    let started = desk.app.begin(NUMBER).await;
    let id = started["id"].as_str().unwrap();
    desk.go("/console/verifications?status=pending").await;
    desk.click(&format!("a[href=\"/console/verifications/{id}\"]")).await;
    desk.until("[data-live] .state .badge.open").await;
    desk.run("window.isTheSamePage = true").await;

    desk.person_presses("1").await;
    desk.app.outcome(&started["id"]).await;
    desk.until("[data-live] .state .badge.good").await;
    let text = desk.until("#outcome").await.text().await.unwrap();
    assert_eq!(text, "confirmed");
    desk.until(".timeline [data-kind=concluded].good").await;
    assert_eq!(desk.run("return window.isTheSamePage").await, json!(true));
    let fits = desk.run("return document.documentElement.scrollWidth <= innerWidth").await;
    assert_eq!(fits, json!(true), "the page fits a phone's screen");
    let styled = "return getComputedStyle(document.querySelector('.badge.good')).fontWeight";
    assert_eq!(desk.run(styled).await, json!("600"), "the stylesheet is taken");
    desk.close().await;
}

#[tokio::test]
async fn a_page_whose_session_ends_asks_to_sign_in_and_comes_back() {
    let desk = Desk::at("/console").await;
    let started = desk.app.begin(NUMBER).await;
    let id = started["id"].as_str().unwrap();
    desk.go(&format!("/console/verifications/{id}")).await;
    desk.until("[data-live] .state .badge.open").await;
    desk.app.advance(30 * 60);
    desk.until("p.notice[role=alert]").await;
    let notice = desk.until("p.notice").await.text().await.unwrap();
    assert!(notice.starts_with("Your session has ended."), "{notice}");
    desk.sign_in().await;
    desk.until("[data-live] .state").await;
    desk.close().await;
}

#[tokio::test]
async fn signing_out_everywhere_is_two_clicks() {
    let desk = Desk::at("/console/keys").await;
    desk.click(".account summary").await;
    desk.click("#sign-out-everywhere").await;
    desk.until("input[name=key]").await;
    desk.go("/console/keys").await;
    desk.until("input[name=key]").await;
    desk.close().await;
}

#[tokio::test]
async fn the_list_and_the_overview_follow_what_happens_without_reload() {
    let desk = Desk::at("/console/verifications").await;
    desk.until(".panel.empty").await;
    desk.run("window.isTheSamePage = true").await;
    let started = desk.app.begin(NUMBER).await;
    desk.until("td .badge.open").await;
    desk.person_presses("1").await;
    desk.app.outcome(&started["id"]).await;
    desk.until("td .badge.good").await;
    assert_eq!(desk.run("return window.isTheSamePage").await, json!(true));

    desk.go("/console/overview").await;
    assert_eq!(desk.until("#started").await.text().await.unwrap(), "1");
    desk.until("figure.chart .narrow svg rect.good").await;
    let fits = desk.run("return document.documentElement.scrollWidth <= innerWidth").await;
    assert_eq!(fits, json!(true), "the page fits a phone's screen");
    desk.close().await;
}

#[tokio::test]
async fn an_operator_opens_a_notification_and_replays_it() {
    let desk = Desk::at("/console").await;
    let started = desk.app.begin(NUMBER).await;
    desk.person_presses("1").await;
    desk.app.outcome(&started["id"]).await;
    desk.app.notifications().await;
    desk.go("/console/notifications?verdict=accepted").await;
    desk.click("td a.strong").await;
    desk.click("#replay").await;
    desk.until(".state .badge.open").await;
    let state = desk.until(".state").await.text().await.unwrap();
    assert!(state.ends_with("replay"), "{state}");
    desk.close().await;
}
