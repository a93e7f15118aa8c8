//! Deliveries from outside: a real receiver, a schedule that the clock drives, and
//! everything that receivers do wrong.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use ringproof::clock::Clock;
use ringproof::config::{self, Config};
use ringproof::domain::{Name, Secret};
use ringproof::service::Scope;
use serde_json::{Value, json};

use crate::app::{TestApp, client, made_up, note_secret, note_secrets_of, simulate};
use crate::crash::{Server, prepare};
use crate::intake_verifies::end;
use crate::receiver::{Reaction, Receiver, closing, endpoint, signing_secret, told_at};

const NUMBER: &str = "+380991234567";

/// The documented check in Rust, compiled as it is printed.
#[expect(clippy::disallowed_methods, reason = "what receivers have is the system's clock")]
#[path = "../data/verify_webhook.rs"]
mod verify_webhook;

impl TestApp {
    /// Tries everything that is due to apps.
    pub async fn deliver(&self) {
        self.app().service().deliver_due().await.unwrap();
    }

    /// Starts a verification that nobody answers, with more in its request, and takes it back.
    async fn cancel_one(&self, number: &str, more: Value) -> Value {
        self.script(number, json!({ "notify": "never" })).await;
        let mut body = json!({ "to": number });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let started = self.begin_with(body).await;
        let path = format!("/v1/verifications/{}/cancel", started["id"].as_str().unwrap());
        assert_eq!(self.call(Method::POST, &path, None).await.status, 200);
        started["id"].clone()
    }

    /// The log of deliveries, newest first.
    async fn log(&self) -> Vec<Value> {
        self.get("/v1/deliveries").await.json()["deliveries"].as_array().unwrap().clone()
    }

    /// The one delivery about a verification.
    async fn told_of(&self, verification: &Value) -> Value {
        let path = format!("/v1/deliveries?verification_id={}", verification.as_str().unwrap());
        let mut found = self.get(&path).await.json();
        assert_eq!(found["deliveries"].as_array().unwrap().len(), 1, "{found:#}");
        found["deliveries"][0].take()
    }

    async fn delivery(&self, id: &str) -> Value {
        let answer = self.get(&format!("/v1/deliveries/{id}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()
    }
}

async fn app_told_at(receiver: &Receiver, change: impl FnOnce(&mut Config)) -> TestApp {
    let endpoint = receiver.endpoint();
    TestApp::with(|config| {
        told_at(config, "orders", endpoint);
        change(config);
    })
    .await
}

fn seconds_until(at: &Value, now: Timestamp) -> i64 {
    let at: Timestamp = at.as_str().unwrap().parse().unwrap();
    at.duration_since(now).as_secs()
}

#[tokio::test]
async fn an_ended_verification_is_told_once_and_signed_as_the_standard_says() {
    let receiver = Receiver::start();
    let app = app_told_at(&receiver, |_| {}).await;
    let body = json!({ "to": NUMBER, "reference": "order-1", "metadata": { "cart": 7.10 } });
    let started = app.begin_with(body).await;
    let ended = app.outcome(&started["id"]).await;
    app.deliver().await;

    let received = receiver.received();
    assert_eq!(received.len(), 1, "{received:#?}");
    let told = &received[0];
    assert!(told.is_signed_by(&receiver.secret) && !told.is_signed_by(&signing_secret()));
    assert_eq!(told.timestamp, app.now().as_second());
    let payload = told.json();
    assert_eq!(payload["type"], "verification.verified");
    for field in ["id", "status", "outcome", "to", "reference", "metadata", "ended_at", "disputed"]
    {
        assert_eq!(payload["data"][field], ended[field], "{field}: {payload:#}");
    }
    assert_eq!(payload["data"]["event"]["type"], "concluded");
    assert!(!told.text.contains("press") && !told.text.contains("wait_"), "{}", told.text);

    let log = app.log().await;
    assert_eq!((log.len(), &log[0]["state"]), (1, &json!("delivered")), "{log:#?}");
    assert_eq!((&log[0]["id"], &log[0]["endpoint"]), (&json!(told.id), &json!("orders")));
    assert_eq!(log[0]["last_try"]["status"], 200);
    let shown = app.delivery(&told.id).await;
    assert_eq!((&shown["payload"], shown["log"].as_array().unwrap().len()), (&payload, 1));
    app.stop().await;
    receiver.stop().await;
}

#[tokio::test]
async fn an_app_without_endpoints_has_no_deliveries() {
    let app = TestApp::start().await;
    let started = app.begin(NUMBER).await;
    app.outcome(&started["id"]).await;
    app.deliver().await;
    assert!(app.log().await.is_empty());
    assert_eq!(app.get("/v1/endpoints").await.json()["endpoints"], json!([]));
    app.stop().await;
}

#[tokio::test]
async fn a_receiver_that_fails_is_tried_ten_times_on_the_schedule_with_one_id() {
    let receiver = Receiver::start();
    receiver.will(vec![Reaction::status(500); 10]);
    let app = app_told_at(&receiver, |_| {}).await;
    app.cancel_one(NUMBER, json!({})).await;
    app.deliver().await;
    for (tries, wait) in
        (1..).zip([5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400_u64])
    {
        assert_eq!(receiver.received().len(), tries);
        app.advance(wait - 1);
        app.deliver().await;
        assert_eq!(receiver.received().len(), tries, "too early, after {wait} s");
        app.advance(wait / 5 + 2);
        app.deliver().await;
    }
    let received = receiver.received();
    assert_eq!(received.len(), 10);
    assert!(received.iter().all(|one| one.id == received[0].id && one.text == received[0].text));
    assert!(received.iter().all(|one| one.is_signed_by(&receiver.secret)));
    let shown = app.delivery(&received[0].id).await;
    assert_eq!((&shown["state"], &shown["tries"]), (&json!("failed"), &json!(10)));
    assert_eq!(shown["next_try_at"], Value::Null);

    let path = format!("/v1/deliveries/{}/redeliver", received[0].id);
    let answer = app.call(Method::POST, &path, None).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["state"]), (202, &json!("pending")));
    app.deliver().await;
    assert_eq!(receiver.received()[10].id, received[0].id);
    let shown = app.delivery(&received[0].id).await;
    assert_eq!((&shown["state"], &shown["tries"]), (&json!("delivered"), &json!(11)));
    app.stop().await;
    receiver.stop().await;
}

#[tokio::test]
async fn only_2xx_counts_and_what_a_receiver_does_wrong_is_in_the_log() {
    let receiver = Receiver::start();
    let elsewhere = format!("{}/elsewhere", receiver.base);
    let redirect = Reaction::Answer(302, vec![("location", elsewhere)], String::new());
    let endless = "x".repeat(1_000_000);
    let app = app_told_at(&receiver, |config| {
        config.outbound.request_timeout = Duration::from_millis(500);
    })
    .await;
    for (place, (reaction, state, status, error)) in [
        (Reaction::status(500), "pending", json!(500), Value::Null),
        (Reaction::status(404), "pending", json!(404), Value::Null),
        (redirect, "pending", json!(302), Value::Null),
        (Reaction::Answer(500, vec![], endless), "pending", json!(500), Value::Null),
        (Reaction::Hang, "pending", Value::Null, json!("no answer came in time")),
        (Reaction::Endless, "delivered", json!(200), Value::Null),
        (Reaction::status(204), "delivered", json!(204), Value::Null),
    ]
    .into_iter()
    .enumerate()
    {
        receiver.will([reaction]);
        let id = app.cancel_one(&format!("+38099123456{place}"), json!({})).await;
        app.deliver().await;
        let newest = app.told_of(&id).await;
        let last = &newest["last_try"];
        assert_eq!(newest["state"], state, "{newest:#}");
        assert_eq!((&last["status"], &last["error"]), (&status, &error), "{newest:#}");
    }
    assert!(receiver.received().iter().all(|one| one.path == "/hook"), "a redirect was followed");
    app.stop().await;
    receiver.stop().await;
}

#[tokio::test]
async fn a_connection_that_breaks_or_is_refused_is_tried_again() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (base, error) in [
        (closing().await, "the connection broke before an answer came"),
        (format!("http://{nobody}"), "no connection could be made"),
    ] {
        let secret = signing_secret();
        let app = TestApp::with(|config| told_at(config, "orders", endpoint(&base, &secret))).await;
        app.cancel_one(NUMBER, json!({})).await;
        app.deliver().await;
        let newest = app.log().await.remove(0);
        assert_eq!(
            (&newest["state"], newest["last_try"]["error"].as_str().unwrap()),
            (&json!("pending"), error)
        );
        app.stop().await;
    }
}

#[tokio::test]
async fn a_retry_after_is_honoured_in_seconds_and_as_a_date() {
    let receiver = Receiver::start();
    let app = app_told_at(&receiver, |_| {}).await;
    let later = app.now() + SignedDuration::from_hours(2);
    let date =
        jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&later).unwrap();
    for (number, status, asked, seconds) in [
        ("+380991234561", 429, "3600".to_owned(), 3_600..=3_600),
        ("+380991234562", 503, date, 7_200..=7_200),
        ("+380991234563", 429, "1".to_owned(), 4..=6),
        ("+380991234564", 429, "99999999".to_owned(), 86_400..=86_400),
        ("+380991234565", 429, "soon".to_owned(), 4..=6),
    ] {
        receiver.will([Reaction::Answer(
            status,
            vec![("retry-after", asked.clone())],
            String::new(),
        )]);
        let id = app.cancel_one(number, json!({})).await;
        app.deliver().await;
        let next = seconds_until(&app.told_of(&id).await["next_try_at"], app.now());
        assert!(seconds.contains(&next), "{asked}: {next}");
    }
    app.stop().await;
    receiver.stop().await;
}

#[tokio::test]
async fn an_endpoint_that_answers_410_gets_nothing_until_it_is_enabled() {
    let receiver = Receiver::start();
    receiver.will([Reaction::status(410)]);
    let app = app_told_at(&receiver, |_| {}).await;
    app.cancel_one("+380991234561", json!({})).await;
    app.deliver().await;
    app.cancel_one("+380991234562", json!({})).await;
    app.deliver().await;
    assert_eq!(receiver.received().len(), 1);
    assert!(app.log().await.iter().all(|delivery| delivery["state"] == "held"));
    let endpoint = app.get("/v1/endpoints").await.json()["endpoints"][0].clone();
    assert_eq!((&endpoint["name"], &endpoint["enabled"]), (&json!("orders"), &json!(false)));
    assert_eq!(endpoint["reason"], "it answered 410 Gone");
    let path = format!("/v1/deliveries/{}/redeliver", receiver.received()[0].id);
    assert_eq!(app.call(Method::POST, &path, None).await.problem(409), "endpoint_disabled");

    let enabled = app.call(Method::POST, "/v1/endpoints/orders/enable", None).await;
    assert_eq!((enabled.status.as_u16(), &enabled.json()["enabled"]), (200, &json!(true)));
    app.deliver().await;
    assert_eq!(receiver.received().len(), 3);
    assert!(app.log().await.iter().all(|delivery| delivery["state"] == "delivered"));
    let told = app.get("/v1/audit").await.json();
    let told = &told["entries"][0];
    assert_eq!(
        (&told["action"], &told["subject"]),
        (&json!("endpoint.enabled"), &json!("shop/orders"))
    );
    assert_eq!(
        (&told["before"]["enabled"], &told["after"]["enabled"]),
        (&json!(false), &json!(true))
    );
    let unknown = app.call(Method::POST, "/v1/endpoints/nowhere/enable", None).await;
    assert_eq!(unknown.problem(404), "not_found");
    app.stop().await;
    receiver.stop().await;
}

#[tokio::test]
async fn addresses_that_are_not_public_are_not_reached_unless_they_are_allowed() {
    let receiver = Receiver::start();
    let port = receiver.base.rsplit_once(':').unwrap().1.to_owned();
    for (host, allowed) in [
        ("https://127.0.0.1", "10.0.0.0/8"),
        ("http://127.0.0.1", "10.0.0.0/8"),
        ("https://localhost", "10.0.0.0/8"),
        ("http://localhost", "10.0.0.0/8"),
        ("https://[::ffff:127.0.0.1]", "10.0.0.0/8"),
        ("http://2130706433", "10.0.0.0/8"),
        ("http://127.0.0.1", "127.0.0.2/32"),
    ] {
        let endpoint = endpoint(&format!("{host}:{port}/hook"), &receiver.secret);
        let app = TestApp::with(|config| {
            told_at(config, "orders", endpoint);
            config.outbound.allowed_networks = vec![allowed.parse().unwrap()];
        })
        .await;
        app.cancel_one(NUMBER, json!({})).await;
        app.deliver().await;
        let last = app.log().await.remove(0)["last_try"].clone();
        assert_eq!(last["error"], "the host is not at an address that may be reached", "{host}");
        app.stop().await;
    }
    assert!(receiver.received().is_empty());
    receiver.stop().await;
}

#[tokio::test]
async fn during_a_rotation_both_secrets_sign() {
    let (receiver, old) = (Receiver::start(), signing_secret());
    let app = app_told_at(&receiver, |config| {
        let orders = config.apps.get_mut("shop").unwrap().endpoints.get_mut("orders").unwrap();
        orders.previous_secrets = vec![Secret::new(old.as_str())];
    })
    .await;
    app.cancel_one(NUMBER, json!({})).await;
    app.deliver().await;
    let told = receiver.received().remove(0);
    assert_eq!(told.signature.split(' ').count(), 2);
    assert!(told.is_signed_by(&receiver.secret) && told.is_signed_by(&old));
    app.stop().await;
    receiver.stop().await;
}

#[tokio::test]
async fn what_was_under_way_at_a_restart_is_made_again_with_the_same_id() {
    let receiver = Receiver::start();
    receiver.will([Reaction::Hang]);
    let mut app = app_told_at(&receiver, |_| {}).await;
    app.cancel_one(NUMBER, json!({})).await;
    receiver.arrived(1).await;
    app.restart().await;
    app.deliver().await;
    let received = receiver.received();
    assert_eq!(received.len(), 2);
    assert_eq!((&received[0].id, &received[0].text), (&received[1].id, &received[1].text));
    assert_eq!(app.delivery(&received[0].id).await["state"], "delivered");
    app.stop().await;
    receiver.stop().await;
}

#[tokio::test]
async fn no_answer_waits_for_a_receiver_that_hangs() {
    let receiver = Receiver::start();
    receiver.will(vec![Reaction::Hang; 20]);
    let app = app_told_at(&receiver, |_| {}).await;
    for last in 1..=9 {
        let number = format!("+38099123456{last}");
        let started = app.begin(&number).await;
        assert_eq!(app.outcome(&started["id"]).await["outcome"], "confirmed");
    }
    receiver.arrived(8).await;
    assert_eq!(receiver.received().len(), 8, "one receiver takes more than its share");
    app.stop().await;
    receiver.stop().await;
}

#[tokio::test]
async fn an_endpoint_may_be_told_the_whole_timeline() {
    let receiver = Receiver::start();
    let app = app_told_at(&receiver, |config| {
        let orders = config.apps.get_mut("shop").unwrap().endpoints.get_mut("orders").unwrap();
        orders.events = config::Events::Timeline;
    })
    .await;
    let started = app.begin(NUMBER).await;
    app.outcome(&started["id"]).await;
    app.notifications().await;
    app.deliver().await;
    let mut told: Vec<(u64, String)> = receiver
        .received()
        .iter()
        .map(|one| {
            let payload = one.json();
            let event = &payload["data"]["event"];
            (event["id"].as_u64().unwrap(), event["type"].as_str().unwrap().to_owned())
        })
        .collect();
    told.sort();
    let told: Vec<String> = told.into_iter().map(|(_, kind)| kind).collect();
    assert_eq!(told, app.timeline(&started["id"]).await);
    assert!(receiver.types().contains(&"verification.verified".to_owned()));
    assert!(receiver.types().contains(&"verification.requested".to_owned()));
    app.stop().await;
    receiver.stop().await;
}

#[tokio::test]
async fn a_backlog_larger_than_one_look_is_made_whole_and_each_once() {
    let receiver = Receiver::start();
    let app = app_told_at(&receiver, |config| {
        let orders = config.apps.get_mut("shop").unwrap().endpoints.get_mut("orders").unwrap();
        orders.events = config::Events::Timeline;
    })
    .await;
    receiver.will(vec![Reaction::status(503); 10_000]);
    for last in 10..40 {
        app.cancel_one(&format!("+3809912345{last}"), json!({})).await;
    }
    app.deliver().await;
    let backlog = receiver.received().len();
    assert!(backlog > 64, "{backlog}");
    receiver.forgive();
    app.advance(7);
    app.deliver().await;
    let mut ids: Vec<String> = receiver.received().into_iter().map(|one| one.id).collect();
    let again = ids.split_off(backlog);
    let (ids, again) = (BTreeSet::from_iter(ids), BTreeSet::from_iter(again));
    assert_eq!((ids.len(), &ids), (backlog, &again));
    let left = app.get("/v1/deliveries?state=pending").await.json();
    assert_eq!(left["deliveries"], json!([]));
    app.stop().await;
    receiver.stop().await;
}

#[tokio::test]
async fn a_disputed_result_is_told_in_any_case() {
    let receiver = Receiver::start();
    let app = app_told_at(&receiver, |_| {}).await;
    app.script(NUMBER, json!({ "notify": "never" })).await;
    let started = app.begin(NUMBER).await;
    let (number, time) = (NUMBER.to_owned(), app.pbx_time());
    app.notify(&end(&number, &time, "1")).await;
    let alarms = app.alarms("disputed").await;
    app.notify(&end(&number, &time, "5")).await;
    assert!(app.alarms("disputed").await > alarms);
    assert_eq!(app.show(&started["id"]).await["disputed"], true);
    app.deliver().await;
    let mut types = receiver.types();
    types.sort();
    assert_eq!(types, ["verification.disputed", "verification.verified"]);
    let payload = receiver.received().pop().unwrap().json();
    assert_eq!(payload["data"]["id"], started["id"]);
    app.stop().await;
    receiver.stop().await;
}

#[tokio::test]
async fn a_callback_is_signed_with_the_apps_own_secret_and_told_status_changes() {
    let (receiver, secret) = (Receiver::start(), signing_secret());
    let app = TestApp::with(|config| {
        let shop = config.apps.entry("shop".into()).or_default();
        shop.callback_secret = Some(Secret::new(secret.as_str()));
        config.outbound.allowed_networks = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    let url = format!("{}/back?order=1", receiver.base);
    app.cancel_one(NUMBER, json!({ "callback_url": url })).await;
    app.cancel_one("+380991234568", json!({})).await;
    app.deliver().await;
    let received = receiver.received();
    assert_eq!(receiver.types(), ["verification.canceled"]);
    assert!(received[0].is_signed_by(&secret) && received[0].path == "/back");
    let log = app.log().await;
    assert_eq!((&log[0]["callback_url"], &log[0]["endpoint"]), (&json!(url), &Value::Null));

    receiver.will([Reaction::status(410)]);
    let id = app.cancel_one("+380991234569", json!({ "callback_url": url })).await;
    app.deliver().await;
    assert_eq!(app.told_of(&id).await["state"], "failed");
    app.stop().await;
    receiver.stop().await;
}

#[tokio::test]
async fn callbacks_that_hang_hold_up_nobody_else_whatever_addresses_they_name() {
    let (hanging, receiver, secret) = (Receiver::start(), Receiver::start(), signing_secret());
    hanging.will(vec![Reaction::Hang; 20]);
    let app = app_told_at(&receiver, |config| {
        let shop = config.apps.get_mut("shop").unwrap();
        shop.callback_secret = Some(Secret::new(secret.as_str()));
    })
    .await;
    for last in 10..22 {
        let url = format!("{}/{last}", hanging.base);
        app.cancel_one(&format!("+3809912345{last}"), json!({ "callback_url": url })).await;
    }
    receiver.arrived(12).await;
    hanging.arrived(8).await;
    assert_eq!(hanging.received().len(), 8);
    app.stop().await;
    receiver.stop().await;
    hanging.stop().await;
}

#[tokio::test]
async fn a_callback_that_could_not_be_signed_or_reached_is_refused_before_the_call() {
    let refused = async |app: &TestApp, url: &str| {
        let body = json!({ "to": NUMBER, "callback_url": url });
        let answer = app.call(Method::POST, "/v1/verifications", Some(body)).await;
        assert_eq!(answer.problem(422), "invalid_field", "{url}");
        assert_eq!(answer.json()["field"], "callback_url", "{url}");
    };
    let app = TestApp::start().await;
    refused(&app, "https://shop.example/hook").await;
    assert_eq!(app.dialled(NUMBER).await, 0);
    app.stop().await;
    let app = TestApp::with(|config| {
        let shop = config.apps.entry("shop".into()).or_default();
        shop.callback_secret = Some(Secret::new(signing_secret()));
    })
    .await;
    let long = format!("https://shop.example/{}", "a".repeat(2_048));
    for url in [
        "",
        "hook",
        "ftp://shop.example/",
        "https://user:pass@shop.example/",
        "http://shop.example/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://169.254.169.254/latest",
        "https://0x7f.1/",
        "https://[::ffff:10.0.0.1]/",
        "https://shop.example/#fragment",
        &long,
    ] {
        refused(&app, url).await;
    }
    assert_eq!(app.dialled(NUMBER).await, 0);
    app.stop().await;
}

#[tokio::test]
async fn an_app_sees_and_repeats_its_own_deliveries_only() {
    let receiver = Receiver::start();
    let app = app_told_at(&receiver, |_| {}).await;
    app.cancel_one(NUMBER, json!({})).await;
    app.deliver().await;
    let id = receiver.received()[0].id.clone();
    let other = Name::parse("other").unwrap();
    let other = app.app().service().create_key(other, &Scope::ALL).await.unwrap().key;
    note_secret(other.expose());
    let ask = async |method, path: &str| app.call_as(other.expose(), method, path, None).await;
    assert_eq!(ask(Method::GET, "/v1/deliveries").await.json()["deliveries"], json!([]));
    assert_eq!(ask(Method::GET, "/v1/endpoints").await.json()["endpoints"], json!([]));
    let path = format!("/v1/deliveries/{id}");
    assert_eq!(ask(Method::GET, &path).await.problem(404), "not_found");
    let again = format!("{path}/redeliver");
    assert_eq!(ask(Method::POST, &again).await.problem(404), "not_found");
    assert_eq!(ask(Method::POST, "/v1/endpoints/orders/enable").await.problem(404), "not_found");
    for path in ["/v1/deliveries/msg_1", "/v1/deliveries/ver_00000000000000000000000000000000"] {
        assert_eq!(app.get(path).await.problem(404), "not_found");
    }
    for query in ["state=lost", "endpoint=!", "verification_id=1", "cursor=1", "limit=0", "kind=x"]
    {
        let answer = app.get(&format!("/v1/deliveries?{query}")).await;
        assert!(answer.problem(422).ends_with("_parameter"), "{query}");
    }
    app.stop().await;
    receiver.stop().await;
}

#[tokio::test]
async fn the_log_comes_in_pages_and_by_filter() {
    let receiver = Receiver::start();
    receiver.will([Reaction::status(500)]);
    let app = app_told_at(&receiver, |_| {}).await;
    let mut ids = Vec::new();
    for last in 1..=3 {
        app.advance(1);
        ids.push(app.cancel_one(&format!("+38099123456{last}"), json!({})).await);
        app.deliver().await;
    }
    let page = app.get("/v1/deliveries?limit=2").await.json();
    assert_eq!(page["deliveries"][0]["verification_id"], ids[2]);
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest = app.get(&format!("/v1/deliveries?limit=2&cursor={cursor}")).await.json();
    assert_eq!(rest["deliveries"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&rest["deliveries"][0]["verification_id"], &rest["next_cursor"]),
        (&ids[0], &Value::Null)
    );
    for (query, count) in [
        ("state=pending".to_owned(), 1),
        ("state=delivered".to_owned(), 2),
        ("endpoint=orders".to_owned(), 3),
        ("endpoint=others".to_owned(), 0),
        (format!("verification_id={}", ids[1].as_str().unwrap()), 1),
    ] {
        let found = app.get(&format!("/v1/deliveries?{query}")).await.json();
        assert_eq!(found["deliveries"].as_array().unwrap().len(), count, "{query}");
    }
    app.stop().await;
    receiver.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_survives_kill_9_and_the_commands_show_and_repeat_it() {
    let (folder, receiver) = (tempfile::tempdir().unwrap(), Receiver::start());
    let (secret, token) = (made_up(), made_up());
    let simulator = simulate(&secret, None, Clock::real());
    let base = format!("http://{}", simulator.address());
    let (config, key) = prepare(folder.path(), &base, &secret, &token);
    let mut text = std::fs::read_to_string(&config).unwrap();
    text.push_str(&format!(
        "[outbound]\nallowed_networks = [\"127.0.0.0/8\"]\n\
         [apps.shop.endpoints.orders]\nurl = \"{}/hook\"\nsecret_file = \"webhook.secret\"\n",
        receiver.base,
    ));
    std::fs::write(&config, text).unwrap();
    std::fs::write(folder.path().join("webhook.secret"), format!("{}\n", receiver.secret)).unwrap();
    receiver.will([Reaction::Hang]);

    let mut server = Server::start(&config);
    let path = format!("{}/v1/verifications", server.base);
    let ask = |path: String| client().post(path).bearer_auth(&key).json(&json!({ "to": NUMBER }));
    let started: Value = ask(path.clone()).send().await.unwrap().json().await.unwrap();
    note_secrets_of(&started);
    let canceled = ask(format!("{path}/{}/cancel", started["id"].as_str().unwrap())).send().await;
    assert_eq!(canceled.unwrap().status(), 200);
    receiver.arrived(1).await;
    server.kill();
    let server = Server::start(&config);
    receiver.arrived(2).await;
    let received = receiver.received();
    assert_eq!((&received[0].id, &received[0].text), (&received[1].id, &received[1].text));
    let documented = |secret: &str| {
        let told = &received[1];
        let sent = told.timestamp.to_string();
        verify_webhook::verify(secret, &told.id, &sent, &told.signature, told.text.as_bytes())
    };
    assert!(documented(&receiver.secret) && !documented(&signing_secret()));
    assert!(
        received[1].is_taken_by(&receiver.secret) && !received[1].is_taken_by(&signing_secret())
    );

    let run = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_ringproof"));
        command.arg("deliveries").args(arguments).args(["--server", &server.base, "--key", &key]);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let id = received[0].id.as_str();
    let again = run(&["redeliver", id]);
    assert!(again.contains(id), "{again}");
    receiver.arrived(3).await;
    assert_eq!(receiver.received()[2].id, id);
    let listed: Value = serde_json::from_str(&run(&["list", "--json"])).unwrap();
    assert_eq!(listed["deliveries"][0]["id"], id);
    let shown = run(&["show", id]);
    assert!(shown.contains("verification.canceled") && shown.contains("orders"), "{shown}");
    assert!(run(&["endpoints"]).contains("enabled"));
    assert!(run(&["enable", "orders"]).contains("enabled"));
    assert_eq!(run(&["list", "--endpoint", "others"]), "");
    simulator.stop().await;
    receiver.stop().await;
}

#[test]
fn the_readme_prints_the_code_for_receivers_that_is_tested() {
    let readme = include_str!("../../README.md");
    assert!(readme.contains(include_str!("../data/verify_webhook.rs").trim_end()));
}
