//! Limits on requests, waits, heads, and on notifications that are refused.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use reqwest::Method;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde_json::json;

use crate::app::{TestApp, made_up};
use crate::intake_verifies::end;

const NUMBER: &str = "+380991234567";

#[tokio::test]
async fn requests_with_one_key_are_limited_and_the_refusal_says_when_to_come_again() {
    let app = TestApp::with(|config| config.server.requests_per_key = 1).await;
    let ask = async || app.get("/v1/verifications").await;
    let body = json!({ "app": "shop" });
    let other = app.call(Method::POST, "/v1/keys", Some(body)).await.json();
    let other = other["key"].as_str().unwrap();
    for _ in 0..9 {
        assert_eq!(ask().await.status, 200);
    }
    let refused = ask().await;
    assert_eq!(refused.problem(429), "too_many_requests");
    let header = |name: &str| refused.headers[name].to_str().unwrap().to_owned();
    assert_eq!((&*header("retry-after"), &*header("ratelimit")), ("2", "\"key\";r=0;t=2"));
    assert_eq!(header("ratelimit-policy"), "\"key\";q=10;w=10");
    let theirs = app.call_as(other, Method::GET, "/v1/verifications", None).await;
    assert_eq!(theirs.status, 200, "another key has its own");
    // Whoever does not know its secret uses up nothing of a key.
    let stranger = format!("{}.{}", other.split_once('.').unwrap().0, "A".repeat(43));
    for _ in 0..20 {
        app.call_as(&stranger, Method::GET, "/v1/verifications", None).await;
    }
    assert_eq!(app.call_as(other, Method::GET, "/v1/verifications", None).await.status, 200);
    app.advance(2);
    assert_eq!(ask().await.status, 200);
    app.stop().await;
}

#[tokio::test]
async fn requests_from_one_address_and_refused_ones_are_limited() {
    let app = TestApp::with(|config| config.server.refusals_per_address = 1).await;
    let guess =
        async || app.call_as("key_x.AAAAAAAAAAAAAAAAAAAA", Method::GET, "/v1/keys", None).await;
    for _ in 0..10 {
        assert_eq!(guess().await.problem(401), "unauthorized");
    }
    assert_eq!(guess().await.problem(429), "too_many_requests");
    assert_eq!(app.get("/v1/keys").await.status, 200, "who has a key is not kept out");
    app.stop().await;

    let app = TestApp::with(|config| config.server.requests_per_address = 1).await;
    for _ in 0..10 {
        assert_eq!(app.get("/v1/keys").await.status, 200);
    }
    assert_eq!(app.get("/v1/keys").await.problem(429), "too_many_requests");
    assert_eq!(crate::app::answer(app.http.get(format!("{}/healthz", app.base))).await.status, 200);
    app.stop().await;
}

#[tokio::test]
async fn a_client_of_vonage_that_is_too_fast_is_told_status_1() {
    let app = TestApp::with(|config| config.server.requests_per_key = 1).await;
    let (id, secret) = app.key.split_once('.').unwrap();
    let search = async || {
        let form = [("api_key", id), ("api_secret", secret), ("request_id", "x")];
        let request = app.http.post(format!("{}/verify/search/json", app.base)).form(&form);
        crate::app::answer(request).await.json()["status"].clone()
    };
    for _ in 0..10 {
        assert_ne!(search().await, "1");
    }
    assert_eq!(search().await, "1");
    app.stop().await;
}

#[tokio::test]
async fn one_wait_token_and_one_key_hold_only_their_share_of_the_places() {
    let app = TestApp::with(|config| {
        config.server.max_waits = 3;
        config.server.max_waits_per_key = 2;
        config.server.max_waits_per_token = 1;
    })
    .await;
    app.script(NUMBER, json!({ "notify": "never" })).await;
    let started = app.begin(NUMBER).await;
    let path = format!("/v1/verifications/{}?wait=60", started["id"].as_str().unwrap());
    let token = started["wait_token"].as_str().unwrap();
    let stream = async |bearer: &str| {
        let path = path.replace("?wait=60", "/events");
        let request = app.http.get(format!("{}{path}", app.base)).bearer_auth(bearer);
        request.header("accept", "text/event-stream").send().await.unwrap()
    };
    let by_token = stream(token).await;
    assert_eq!(by_token.status(), 200);
    let refused = app.call_as(token, Method::GET, &path, None).await;
    assert_eq!(refused.problem(429), "too_many_waits_of_one");
    assert_eq!(refused.headers["retry-after"], "5");
    assert_eq!(stream(token).await.status(), 429);
    let (first, second) = (stream(&app.key).await, stream(&app.key).await);
    assert_eq!((first.status().as_u16(), second.status().as_u16()), (200, 200));
    // No place at all is left; without waiting everything is shown.
    assert_eq!(app.get(&path).await.problem(503), "too_many_waits");
    assert_eq!(app.show(&started["id"]).await["status"], "pending");
    // Each place is free again once its wait has ended.
    let (number, time) = (NUMBER.to_owned(), app.pbx_time());
    app.notify(&end(&number, &time, "1")).await;
    for told in [by_token, first, second] {
        assert!(told.text().await.unwrap().contains("confirmed"));
    }
    let next = app.begin_with(json!({ "to": "+380991234568" })).await;
    assert_eq!(app.outcome(&next["id"]).await["status"], "verified");
    app.stop().await;
}

#[tokio::test]
async fn whoever_floods_forged_notifications_does_not_stop_a_genuine_one_from_the_same_address() {
    let app = TestApp::with(|config| config.server.refusals_per_address = 1).await;
    app.script(NUMBER, json!({ "notify": "never" })).await;
    let started = app.begin(NUMBER).await;
    let (number, time) = (NUMBER.to_owned(), app.pbx_time());
    let genuine: Vec<(&str, &str)> = end(&number, &time, "1");
    let forged = async || {
        let form = json!({ "fields": genuine, "signature": "Zm9yZ2Vk" });
        app.notify_with(form).await["status"].clone()
    };
    let before = app.alarms("forged_notification").await;
    for _ in 0..10 {
        assert_eq!(forged().await, 401);
    }
    for _ in 0..50 {
        assert_eq!(forged().await, 429);
    }
    assert!(app.alarms("forged_notification").await > before);
    let guess = format!("{}/hooks/zadarma/{}", app.base, made_up());
    let unknown = json!({ "fields": genuine, "url": guess });
    assert_eq!(app.notify_with(unknown).await["status"], 429, "unknown tokens count too");
    assert_eq!(app.show(&started["id"]).await["status"], "pending");
    assert_eq!(app.notify(&genuine).await["status"], 200);
    assert_eq!(app.outcome(&started["id"]).await["status"], "verified");
    app.stop().await;
}

/// What a connection is told, and that it is closed, once it has sent so much.
fn said(address: &str, text: &[u8]) -> String {
    let mut connection = TcpStream::connect(address).unwrap();
    connection.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    connection.write_all(text).unwrap();
    let mut answer = Vec::new();
    // A reset is an end too.
    let _ = connection.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn clients_that_are_slow_or_send_too_many_headers_are_dropped() {
    let app = TestApp::start().await;
    let address = app.base.strip_prefix("http://").unwrap().to_owned();
    let key = app.key.clone();
    let told = tokio::task::spawn_blocking(move || {
        let half_a_head = said(&address, b"GET /v1/keys HTTP/1.1\r\nhost: x\r\n");
        let half_a_body = format!(
            "POST /v1/verifications HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n\
             content-type: application/json\r\nconnection: close\r\ncontent-length: 100\r\n\r\n{{"
        );
        let half_a_body = said(&address, half_a_body.as_bytes());
        let header = |number: usize| format!("x-{number}: 1\r\n");
        let headers: String = (0..200).map(header).collect();
        let close = "connection: close\r\n";
        let many =
            said(&address, format!("GET /healthz HTTP/1.1\r\n{close}{headers}\r\n").as_bytes());
        let long = "a".repeat(1024 * 1024);
        let long =
            said(&address, format!("GET /healthz HTTP/1.1\r\n{close}x: {long}\r\n\r\n").as_bytes());
        [half_a_head, half_a_body, many, long]
    });
    let [half_a_head, half_a_body, many, long] = told.await.unwrap();
    assert!(half_a_head.is_empty() || half_a_head.starts_with("HTTP/1.1 408"), "{half_a_head}");
    assert!(half_a_body.starts_with("HTTP/1.1 408"), "{half_a_body}");
    for refused in [many, long] {
        assert!(refused.is_empty() || refused.starts_with("HTTP/1.1 4"), "{refused}");
    }
    assert_eq!(app.get("/v1/keys").await.status, 200);
    app.stop().await;
}

/// What the server says to a client that sends a byte ten times a second and never ends.
fn said_to_a_drip(address: &str, begin: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(begin.as_bytes()).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let (mut said, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        match stream.read(&mut piece) {
            Ok(read) if read > 0 => said.extend_from_slice(&piece[..read]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                if stream.write_all(b"a").is_err() {
                    break;
                }
            }
            Ok(_) | Err(_) => break,
        }
    }
    String::from_utf8(said).unwrap()
}

#[tokio::test]
async fn a_client_that_sends_a_byte_now_and_then_is_dropped_too() {
    let app = TestApp::start().await;
    let address = app.base.strip_prefix("http://").unwrap().to_owned();
    let head = "GET /v1/keys HTTP/1.1\r\nhost: x\r\nx-drip: ".to_owned();
    let body = format!(
        "POST /v1/verifications HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\nconnection: close\r\ncontent-length: 10000\r\n\r\n{{",
        app.key
    );
    let hook = format!(
        "POST /hooks/zadarma/{} HTTP/1.1\r\nhost: x\r\n\
         content-type: application/x-www-form-urlencoded\r\nconnection: close\r\n\
         content-length: 10000\r\n\r\nevent=",
        app.token
    );
    let drip = |begin: String| {
        let address = address.clone();
        tokio::task::spawn_blocking(move || said_to_a_drip(&address, &begin))
    };
    let (head, body, hook) = tokio::join!(drip(head), drip(body), drip(hook));
    let head = head.unwrap();
    assert!(head.is_empty() || head.starts_with("HTTP/1.1 408"), "{head}");
    for said in [body.unwrap(), hook.unwrap()] {
        assert!(said.starts_with("HTTP/1.1 408"), "{said}");
    }
    assert_eq!(app.get("/v1/keys").await.status, 200);
    app.stop().await;
}

/// Asks for much, reads nothing, and goes on asking; returns once it was dropped.
fn never_reads(address: &str) {
    let mut stream = TcpStream::connect(address).unwrap();
    let ask = b"GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n";
    let watched = stream.try_clone().unwrap();
    let mut told = [PollFd::new(&watched, PollFlags::empty())];
    let pause = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
    for _ in 0..600 {
        // What was dropped is told once something is sent again.
        if stream.write_all(ask).is_err() || poll(&mut told, Some(&pause)).unwrap() > 0 {
            return;
        }
    }
    panic!("the client that reads nothing was kept");
}

#[tokio::test]
async fn a_client_that_does_not_read_its_answers_is_dropped() {
    let app = TestApp::start().await;
    let address = app.base.strip_prefix("http://").unwrap().to_owned();
    tokio::task::spawn_blocking(move || never_reads(&address)).await.unwrap();
    assert_eq!(app.get("/v1/keys").await.status, 200);
    app.stop().await;
}
