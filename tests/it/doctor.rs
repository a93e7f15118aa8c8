//! `doctor`: what it finds, says to do, and does, at the simulated provider.

use reqwest::Method;
use ringproof::app::doctor::{self, Finding, Mark, Treatment};
use ringproof::config::{Config, Tls};
use ringproof::domain::Secret;
use ringproof::zadarma::{form, sign};
use serde_json::{Value, json};

use crate::app::{TestApp, answer};

pub const LOOK: Treatment = Treatment { fix: false, replace_url: false, floor: 1.0 };
pub const FIX: Treatment = Treatment { fix: true, ..LOOK };
const REPLACE: Treatment = Treatment { replace_url: true, ..FIX };
const CRM: &str = "https://crm.example.com/zadarma";

/// The configuration, with the address under which the provider reaches the service.
pub fn reachable(app: &TestApp) -> Config {
    let mut config = app.config.clone();
    config.server.public_url = Some(app.base.clone());
    config
}

/// What the doctor finds, and what it says that it changes.
pub async fn examined(
    app: &TestApp,
    config: &Config,
    treatment: Treatment,
) -> (Vec<Finding>, String) {
    let mut told = String::new();
    let mut say = |change: &str| told.push_str(&format!("{change}\n"));
    let found = doctor::examine(config, treatment, &app.clock, &mut say).await.unwrap();
    (found, told)
}

pub fn finding<'a>(found: &'a [Finding], about: &str) -> &'a Finding {
    let found = found.iter().find(|finding| finding.about == about);
    found.unwrap_or_else(|| panic!("nothing is said about {about}"))
}

async fn set(app: &TestApp, settings: Value) {
    app.simulator(Method::PUT, "/_simulator/settings", Some(settings)).await;
}

async fn notification_url(app: &TestApp) -> Value {
    app.simulator(Method::GET, "/_simulator/settings", None).await["notification_url"].clone()
}

/// Turns a notification off, as in the provider's cabinet.
async fn turn_off(app: &TestApp, toggle: &str) {
    let path = "/v1/pbx/callinfo/notifications/";
    let body = form::Params::new().text(toggle, "false").query();
    let secret = Secret::new(app.config.accounts["main"].secret.expose());
    let authorization = sign::authorization("test_key", &secret, path, &body);
    let request = app.http.post(format!("{}{path}", app.simulator_base));
    let request = request.header("authorization", authorization);
    let form = "application/x-www-form-urlencoded";
    assert_eq!(answer(request.header("content-type", form).body(body)).await.status, 200);
}

#[tokio::test]
async fn a_good_deployment_is_found_good() {
    let app = TestApp::start().await;
    let (found, told) = examined(&app, &reachable(&app), LOOK).await;
    for about in [
        "store",
        "disk",
        "keys",
        "balance",
        "clock",
        "time_zone",
        "numbers",
        "pbx",
        "notification_url",
        "notification_toggles",
        "sounds",
        "rate_limit",
    ] {
        let finding = finding(&found, about);
        assert_eq!((finding.mark, &finding.advice), (Mark::Ok, &None), "{finding:?}");
    }
    assert_eq!(told, "");
    let said = format!("{found:?}");
    assert!(!said.contains(&app.token), "{said}");
    app.stop().await;
}

#[tokio::test]
async fn what_is_wrong_at_the_provider_is_found_and_told_what_to_do() {
    let app = TestApp::start().await;
    let config = reachable(&app);
    for (settings, about, mark, advice) in [
        (json!({ "balance": 0.5 }), "balance", Mark::Warning, "top up"),
        (json!({ "balance": 0.0 }), "balance", Mark::Wrong, "top up"),
        (json!({ "clock_skew_seconds": 12 }), "clock", Mark::Warning, "NTP"),
        (json!({ "clock_skew_seconds": -45 }), "clock", Mark::Wrong, "NTP"),
        (json!({ "direct_numbers": [] }), "numbers", Mark::Wrong, "buy"),
        (
            json!({ "direct_numbers": ["380441230000", "48221234567"] }),
            "numbers",
            Mark::Wrong,
            "accounts.main.from to one of: 380441230000, 48221234567",
        ),
        (json!({ "direct_number_status": "parking" }), "numbers", Mark::Warning, "cabinet"),
        (json!({ "internal_numbers": [] }), "pbx", Mark::Wrong, "switch the PBX on"),
        (json!({ "notification_url": null }), "notification_url", Mark::Wrong, "--fix"),
        (json!({ "notification_url": CRM }), "notification_url", Mark::Wrong, "--replace-url"),
        (json!({ "rate_limit": 15 }), "rate_limit", Mark::Warning, "what else uses"),
    ] {
        let before = app.simulator(Method::GET, "/_simulator/settings", None).await;
        set(&app, settings.clone()).await;
        let (found, told) = examined(&app, &config, LOOK).await;
        let finding = finding(&found, about);
        assert_eq!(finding.mark, mark, "{settings} {finding:?}");
        let said = finding.advice.as_deref().unwrap();
        assert!(said.contains(advice), "{settings} {said}");
        assert_eq!(told, "", "it was only to look");
        set(&app, before).await;
        app.advance(61);
    }
    app.stop().await;
}

#[tokio::test]
async fn a_zone_of_its_own_is_no_fault() {
    let app = TestApp::start().await;
    for (minutes, zone) in [(345, "UTC+5:45"), (-210, "UTC-3:30"), (0, "UTC+0:00")] {
        set(&app, json!({ "zone_offset_minutes": minutes, "clock_skew_seconds": 2 })).await;
        let (found, _) = examined(&app, &reachable(&app), LOOK).await;
        assert_eq!(finding(&found, "clock").mark, Mark::Ok);
        assert!(finding(&found, "time_zone").found.contains(zone), "{found:?}");
        app.advance(61);
    }
    app.stop().await;
}

#[tokio::test]
async fn wrong_settings_here_are_found() {
    let app = TestApp::start().await;
    let good = reachable(&app);
    let mut config = good.clone();
    config.accounts.get_mut("main").unwrap().from = Some("48221234567".to_owned());
    let (found, _) = examined(&app, &config, LOOK).await;
    assert_eq!(finding(&found, "numbers").mark, Mark::Wrong);

    let mut config = good.clone();
    config.accounts.get_mut("main").unwrap().extensions = vec!["777".to_owned()];
    let (found, _) = examined(&app, &config, LOOK).await;
    assert!(finding(&found, "pbx").found.contains("777"));

    let mut config = good.clone();
    let prompt = config.prompts.get_mut("default").unwrap();
    prompt.languages.get_mut("en").unwrap().greeting = "gone".to_owned();
    let (found, _) = examined(&app, &config, LOOK).await;
    let sounds = finding(&found, "sounds");
    assert!(
        sounds.mark == Mark::Wrong && sounds.found.contains("gone (default, en)"),
        "{sounds:?}"
    );
    let advice = sounds.advice.as_deref().unwrap();
    assert!(advice.contains("`ringproof sounds upload FILE --name gone`"), "{advice}");

    let mut config = good.clone();
    config.accounts.get_mut("main").unwrap().secret = Secret::new("0123456789abcdef0123");
    let (found, _) = examined(&app, &config, LOOK).await;
    assert_eq!(finding(&found, "keys").mark, Mark::Wrong);
    assert!(found.iter().all(|finding| finding.about != "balance"), "nothing more can be asked");

    let mut config = good;
    config.store.url = ringproof::config::StoreUrl::Sqlite(app.data().join("none.db"));
    let (found, _) = examined(&app, &config, LOOK).await;
    assert_eq!(finding(&found, "store").mark, Mark::Warning);
    std::fs::write(app.data().join("none.db"), "not a database, but a long enough text".repeat(99))
        .unwrap();
    let (found, _) = examined(&app, &config, LOOK).await;
    assert_eq!(finding(&found, "store").mark, Mark::Wrong);
    app.stop().await;
}

#[tokio::test]
async fn a_certificate_is_looked_at_before_it_ends() {
    let app = TestApp::start().await;
    let path = app.data().join("certificate.pem");
    let mut config = app.config.clone();
    config.server.tls = Some(Tls { certificate: path.clone(), key: path.clone() });
    config.accounts.clear();
    // Today is the 22nd of November.
    for (month, day, mark) in [(11, 20, Mark::Wrong), (11, 30, Mark::Warning), (12, 30, Mark::Ok)] {
        let mut parameters = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        parameters.not_after = rcgen::date_time_ymd(2026, month, day);
        let made = parameters.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap();
        std::fs::write(&path, made.pem()).unwrap();
        let (found, _) = examined(&app, &config, LOOK).await;
        assert_eq!(finding(&found, "certificate").mark, mark, "{found:?}");
    }
    std::fs::write(&path, "no certificate").unwrap();
    let (found, _) = examined(&app, &config, LOOK).await;
    assert_eq!(finding(&found, "certificate").mark, Mark::Wrong);
    app.stop().await;
}

#[tokio::test]
async fn fix_sets_a_missing_url_and_turns_notifications_on_after_saying_so() {
    let app = TestApp::start().await;
    let config = reachable(&app);
    set(&app, json!({ "notification_url": null })).await;
    turn_off(&app, "notify_out_end").await;
    let (found, _) = examined(&app, &config, LOOK).await;
    assert!(finding(&found, "notification_toggles").found.contains("NOTIFY_OUT_END off"));

    let (found, told) = examined(&app, &config, FIX).await;
    assert!(told.contains("setting the notification URL"), "{told}");
    assert!(told.contains("turning on NOTIFY_OUT_END"), "{told}");
    assert!(!told.contains(&app.token), "{told}");
    assert_eq!(finding(&found, "notification_url").mark, Mark::Ok);
    let url = format!("{}/hooks/zadarma/{}", app.base, app.token);
    assert_eq!(notification_url(&app).await, url);
    let (found, told) = examined(&app, &config, FIX).await;
    assert!(found.iter().all(|finding| finding.mark == Mark::Ok), "{found:?}");
    assert_eq!(told, "", "nothing is left to do");
    app.stop().await;
}

#[tokio::test]
async fn a_foreign_url_is_replaced_only_when_told_so_and_is_printed() {
    let app = TestApp::start().await;
    let config = reachable(&app);
    set(&app, json!({ "notification_url": CRM })).await;
    let (found, told) = examined(&app, &config, FIX).await;
    assert_eq!((finding(&found, "notification_url").mark, told.as_str()), (Mark::Wrong, ""));
    assert!(finding(&found, "notification_url").found.contains(CRM));
    assert_eq!(notification_url(&app).await, CRM);

    let (found, told) = examined(&app, &config, REPLACE).await;
    assert_eq!(finding(&found, "notification_url").mark, Mark::Ok);
    assert!(told.contains(&format!("it was: {CRM}")), "{told}");
    assert_ne!(notification_url(&app).await, CRM);
    app.stop().await;
}

#[tokio::test]
async fn a_url_with_a_previous_token_is_ours() {
    let app = TestApp::start().await;
    let mut config = reachable(&app);
    let account = config.accounts.get_mut("main").unwrap();
    let old =
        std::mem::replace(&mut account.notification_token, Secret::new(crate::app::made_up()));
    account.previous_notification_tokens = vec![old];
    let (found, _) = examined(&app, &config, LOOK).await;
    assert_eq!(finding(&found, "notification_url").mark, Mark::Warning);
    app.stop().await;
}

#[tokio::test]
async fn a_service_that_the_provider_does_not_reach_is_found() {
    let mut app = TestApp::start().await;
    let config = reachable(&app);
    // The service listens elsewhere from now on.
    app.restart().await;
    let gone = format!("{}/hooks/zadarma/{}", config.server.public_url.clone().unwrap(), app.token);
    set(&app, json!({ "notification_url": gone })).await;
    let (found, _) = examined(&app, &config, LOOK).await;
    let url = finding(&found, "notification_url");
    assert!(url.mark == Mark::Wrong && url.found.contains("does not reach us"), "{url:?}");
    app.stop().await;
}
