//! The console without a mouse: everything is reached in order and seen to have the focus,
//! and what stops starts is worked by keys alone.

use fantoccini::actions::{InputSource, KeyAction, KeyActions};
use fantoccini::key::Key;
use reqwest::Method;
use serde_json::json;

use crate::console_browser::Desk;
use crate::console_tour::{fill, with_rules};
use crate::receiver::Receiver;

const NUMBER: &str = "+380991234567";
/// What can be worked and is to be seen, in the order of the page.
const WORKABLE: &str = "window.all = [...document.querySelectorAll('a[href], button, \
    input:not([type=hidden]), select, summary, [tabindex=\"0\"], audio')]\
    .filter((one) => one.checkVisibility()); return all.length";
/// The place of what has the focus, and whether that is seen.
const FOCUSED: &str = "const one = document.activeElement, style = getComputedStyle(one); \
    return [all.indexOf(one), style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2]";
/// More than any page has.
const ENOUGH: usize = 400;

impl Desk {
    async fn press(&self, key: char) {
        let down_and_up = KeyActions::new("keys".to_owned())
            .then(KeyAction::Down { value: key })
            .then(KeyAction::Up { value: key });
        self.browser.perform_actions(down_and_up).await.unwrap();
    }

    async fn types(&self, text: &str) {
        for key in text.chars() {
            self.press(key).await;
        }
    }

    /// Goes on with the tabulator until what the selector names has the focus.
    async fn tab_to(&self, css: &str) {
        self.until(css).await;
        let is_there = format!("return document.activeElement.matches('{css}')");
        for _ in 0..ENOUGH {
            if self.run(&is_there).await == json!(true) {
                return;
            }
            self.press(Key::Tab.into()).await;
        }
        panic!("{css} is not reached");
    }
}

#[tokio::test]
async fn the_tabulator_reaches_everything_in_order_and_the_focus_is_seen() {
    let receiver = Receiver::start();
    let desk = Desk::stranger_of(with_rules(&receiver).await, "/console").await;
    desk.sign_in().await;
    let mut pages = fill(&desk.app).await;
    let lists = ["overview", "verifications", "notifications", "sounds", "guard", "keys", "audit"];
    pages.extend(lists.map(|list| format!("/console/{list}")));
    for page in &pages {
        desk.go(page).await;
        let all = desk.run(WORKABLE).await.as_u64().unwrap();
        let mut reached = 0;
        for _ in 0..ENOUGH {
            desk.press(Key::Tab.into()).await;
            let focused = desk.run(FOCUSED).await;
            let place = focused[0].as_u64().unwrap_or_else(|| panic!("{page}: {focused}"));
            // What plays a sound or takes a time has several stops of its own.
            assert!(place == reached || place + 1 == reached, "{page}: {place} after {reached}");
            assert_eq!(focused[1], json!(true), "{page}: the focus at {place} is not seen");
            reached = place + 1;
            if reached == all {
                break;
            }
        }
        assert_eq!(reached, all, "{page}");
    }
    desk.close().await;
}

#[tokio::test]
async fn the_first_stop_leads_past_the_navigation() {
    let desk = Desk::at("/console/guard").await;
    desk.press(Key::Tab.into()).await;
    desk.until("a.skip:focus").await;
    let comes = "const [done] = arguments, skip = document.querySelector('.skip'); \
        Promise.all(skip.getAnimations().map((one) => one.finished))\
        .then(() => done(skip.getBoundingClientRect().top >= 0))";
    assert_eq!(desk.run_async(comes).await, json!(true), "it is seen");
    desk.press(Key::Enter.into()).await;
    desk.until("main:focus").await;
    desk.press(Key::Tab.into()).await;
    desk.until("main :focus").await;
    desk.close().await;
}

#[tokio::test]
async fn the_kill_switch_is_worked_by_keys_alone_from_the_sign_in_on() {
    let desk = Desk::stranger_at("/console/guard").await;
    desk.until("input[name=key]:focus").await;
    desk.types(&desk.app.key).await;
    desk.press(Key::Enter.into()).await;
    desk.tab_to("#stop").await;
    desk.press(' ').await;
    desk.until("#stopped .badge.bad").await;
    let start = async || {
        let body = Some(json!({ "to": NUMBER }));
        desk.app.call(Method::POST, "/v1/verifications", body).await
    };
    assert_eq!(start().await.json()["rule"], "kill_switch");
    desk.tab_to(".resume").await;
    desk.press(Key::Enter.into()).await;
    desk.until("#stop").await;
    assert_eq!(start().await.status, 201);

    // What opens is opened, filled and sent by keys too.
    desk.tab_to("details:has(input[name=prefix]) > summary").await;
    desk.press(Key::Enter.into()).await;
    desk.tab_to("input[name=prefix]").await;
    desk.types("+38099").await;
    desk.press(Key::Enter.into()).await;
    desk.until("#exemptions").await;
    desk.close().await;
}

#[tokio::test]
async fn a_form_of_an_ended_session_changes_nothing_and_leads_to_the_sign_in_and_back() {
    let desk = Desk::at("/console/guard").await;
    desk.until("#stop").await;
    desk.app.advance(30 * 60);
    desk.click("#stop").await;
    let notice = desk.until("p.notice[role=alert]").await.text().await.unwrap();
    assert!(notice.starts_with("Your session has ended."), "{notice}");
    let switches = desk.app.get("/v1/guard/switches").await.json();
    assert_eq!(switches["stopped"], json!([]), "{switches}");
    desk.sign_in().await;
    desk.until("nav a[aria-current=page]").await;
    desk.close().await;
}
