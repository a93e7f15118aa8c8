//! Every page of the console in a browser, empty and full: none is wider than a phone's
//! screen, in either theme.

use ringproof::config::{ConversionRule, Rate, Spending};
use ringproof::domain::{Conversion, Limit, Mode, Money};
use serde_json::{Value, json};

use crate::app::TestApp;
use crate::audio::tone;
use crate::console::Visitor;
use crate::console_browser::Desk;
use crate::console_sounds::upload;
use crate::receiver::{Receiver, told_at};

/// Pages that are there whatever happened.
const ALWAYS: [&str; 13] = [
    "/console/overview",
    "/console/overview?days=30",
    "/console/verifications",
    "/console/verifications?to=%2B380631234567",
    "/console/verifications?to=nonsense",
    "/console/notifications",
    "/console/sounds",
    "/console/guard",
    "/console/keys",
    "/console/audit",
    "/console/nowhere",
    "/console/verifications/ver_none",
    "/console/sign-in?ended=1",
];

fn money(mode: Mode, amount: &str) -> Spending {
    Spending { mode, amount: Some(Money::parse(amount).unwrap()) }
}

/// A service with rules of every kind, whose app is told at `receiver`.
pub async fn with_rules(receiver: &Receiver) -> TestApp {
    let per = jiff::SignedDuration::from_mins(10);
    let conversion =
        Conversion { min_percent: 20, min_volume: 50, window: per, settle: per, block_for: per };
    let app = TestApp::with(|config| {
        told_at(config, "orders", receiver.endpoint());
        config.guard.money.app_budget = money(Mode::Enforce, "5 USD");
        config.guard.money.price_ceiling = money(Mode::Shadow, "0.05 USD");
        config.guard.money.balance_floor = money(Mode::Enforce, "1 USD");
        config.guard.per_app = Rate { mode: Mode::Shadow, limits: vec![Limit { max: 2, per }] };
        config.guard.conversion = Some(ConversionRule { mode: Mode::Enforce, conversion });
        config.guard.cooldown.rejected = Some(jiff::SignedDuration::from_hours(1));
        config.guard.cooldown.mode = Mode::Enforce;
    })
    .await;
    let account = ringproof::service::AccountIndex(0);
    app.app().service().refresh_balance(account).await.unwrap();
    app
}

/// One of everything, and the pages on which it is.
pub async fn fill(app: &TestApp) -> Vec<String> {
    let visitor = Visitor::signed_in(app, &app.key).await;
    for (name, hertz) in [("hello", 400.0), ("thanks", 500.0), ("sorry", 600.0)] {
        assert_eq!(upload(&visitor, name, &tone(hertz, 1.2)).await.status, 303);
    }
    let prompt = [("name", "login"), ("language", "en"), ("press", "1"), ("never_again", "9")];
    let sounds = [("greeting", "hello"), ("confirmed", "thanks"), ("fallback", "sorry")];
    let posts: [(&str, &[(&str, &str)]); 5] = [
        ("/console/prompts", &[&prompt[..], &sounds[..]].concat()),
        ("/console/keys", &[("app", "bakery"), ("scope", "read"), ("networks", "192.0.2.0/24")]),
        ("/console/guard/exemptions", &[("prefix", "+38099"), ("reason", "a fair")]),
        ("/console/guard/suppressions", &[("to", "+380671234567"), ("reason", "asked by letter")]),
        ("/console/guard/stop", &[("app", "bakery"), ("reason", "a flood")]),
    ];
    for (path, fields) in posts {
        assert!(visitor.post(path, fields).await.status.as_u16() < 400, "{path}");
    }
    app.script("+447911123456", json!({ "press": "2" })).await;
    app.script("+380931234567", json!({ "does": "refused" })).await;
    let long = "order-2026-11-22-0000000000000000000000000000000000000000000000017";
    let mut pages = Vec::new();
    for body in [
        json!({ "to": "+380501234567", "reference": long, "metadata": { "cart": 7, "of": "shop" } }),
        json!({ "to": "+447911123456" }),
        json!({ "to": "+380931234567" }),
        json!({ "to": "somebody.with.a.long.name@subdomain.example.com", "channel": "email" }),
    ] {
        let begun = app.begin_with(body).await;
        pages.push(format!("/console/verifications/{}", begun["id"].as_str().unwrap()));
    }
    app.notifications().await;
    app.advance(11);
    let shown = |page: &String| json!(page.rsplit('/').next().unwrap());
    for page in &pages[..3] {
        let ended: Value = app.outcome(&shown(page)).await;
        assert_ne!(ended["status"], "pending");
    }
    app.deliver().await;
    app.script("+380991234567", json!({ "does": "handset" })).await;
    let pending = app.begin("+380991234567").await;
    pages.push(format!("/console/verifications/{}", pending["id"].as_str().unwrap()));
    let list = visitor.get("/console/notifications?verdict=accepted").await.text;
    let (_, rest) = list.split_once("href=\"/console/notifications/").unwrap();
    let notification = format!("/console/notifications/{}", rest.split('"').next().unwrap());
    let replayed = visitor.post(&format!("{notification}/replay"), &[]).await;
    pages.push(replayed.headers["location"].to_str().unwrap().to_owned());
    pages.push(notification);
    pages.push("/console/sounds/hello".to_owned());
    pages
}

/// Goes to each page in both themes and looks at it with all that opens opened.
async fn tour(desk: &Desk, pages: &[String]) {
    for theme in ["light", "dark"] {
        desk.run(&format!("document.cookie = 'ringproof_theme={theme}; path=/console'")).await;
        for page in pages {
            desk.go(page).await;
            let themed = desk.run("return document.documentElement.dataset.theme").await;
            assert_eq!(themed, json!(theme), "{page}");
            for opened in [false, true] {
                if opened {
                    desk.run(
                        "document.querySelectorAll('details').forEach((one) => one.open = true)",
                    )
                    .await;
                }
                let wide =
                    desk.run("return [document.scrollingElement.scrollWidth, innerWidth]").await;
                assert!(wide[0].as_i64() <= wide[1].as_i64(), "{page} {theme} {opened}: {wide}");
                assert_eq!(wide[1], 360, "the window is as wide as a phone's");
            }
        }
    }
}

#[tokio::test]
async fn no_page_is_wider_than_a_phones_screen_be_it_empty_or_full_light_or_dark() {
    let receiver = Receiver::start();
    let desk = Desk::stranger_of(with_rules(&receiver).await, "/console").await;
    desk.sign_in().await;
    let mut pages = ALWAYS.map(ToOwned::to_owned).to_vec();
    tour(&desk, &pages).await;
    pages.extend(fill(&desk.app).await);
    tour(&desk, &pages).await;
    desk.close().await;
}
