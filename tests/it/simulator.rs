//! The simulator alone, over HTTP: every method of the provider's API as it is
//! documented, the control API, and what both say when asked wrongly.
//!
//! The client here signs for itself and knows nothing of the service.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use reqwest::{Client, Method};
use ringproof::clock::{Clock, ClockHand};
use ringproof::domain::Secret;
use ringproof::simulator::Simulator;
use ringproof::zadarma::form::{self, Params};
use ringproof::zadarma::sign;
use serde_json::{Value, json};

use crate::app::{Answer, START, answer, client, made_up, note_secret, simulate};

const NUMBER: &str = "+380999999999";
const DIGITS: &str = "380999999999";
const VERIFY: &str = "/v1/verify/";
const CHECK: &str = "/v1/verify/check/";

/// An account at a simulator of its own, with its API client.
struct Account {
    simulator: Simulator,
    hand: ClockHand,
    http: Client,
    base: String,
    secret: Secret,
}

impl Account {
    async fn start() -> Self {
        let secret = Secret::new(made_up());
        let (clock, hand) = Clock::settable(now());
        let simulator = simulate(secret.expose(), None, clock);
        let base = format!("http://{}", simulator.address());
        Self { simulator, hand, http: client(), base, secret }
    }

    async fn stop(self) {
        self.simulator.stop().await;
    }

    fn advance(&self, seconds: u64) {
        self.hand.advance(Duration::from_secs(seconds));
    }

    fn authorization(&self, path: &str, query: &str) -> String {
        sign::authorization("test_key", &self.secret, path, query)
    }

    /// One signed request to the provider's API.
    async fn ask(&self, method: Method, path: &str, fields: &[(&str, &str)]) -> Answer {
        let query = query(fields);
        let authorization = self.authorization(path, &query);
        self.send(method, path, &query, Some(&authorization)).await
    }

    async fn get(&self, path: &str, fields: &[(&str, &str)]) -> Value {
        self.good(Method::GET, path, fields).await
    }

    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Value {
        self.good(Method::POST, path, fields).await
    }

    /// The body of an answer with HTTP 200, whatever it says.
    async fn good(&self, method: Method, path: &str, fields: &[(&str, &str)]) -> Value {
        let answer = self.ask(method, path, fields).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        answer.json()
    }

    /// Sends exactly this text with exactly this header.
    async fn send(
        &self,
        method: Method,
        path: &str,
        query: &str,
        authorization: Option<&str>,
    ) -> Answer {
        let url = format!("{}{path}", self.base);
        let mut request = match method {
            Method::GET if query.is_empty() => self.http.get(url),
            Method::GET => self.http.get(format!("{url}?{query}")),
            method => self
                .http
                .request(method, url)
                .header("content-type", "application/x-www-form-urlencoded")
                .body(query.to_owned()),
        };
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        answer(request).await
    }

    /// Asks for a call that ends with the press of a key.
    async fn call(&self, number: &str) -> Answer {
        let sounds = self.get("/v1/pbx/ivr/sounds/list", &[]).await;
        let sound = sounds["sounds"][0]["id"].as_str().unwrap();
        let fields = [
            ("channel", "call_button"),
            ("to", number),
            ("greeting_sound_id", sound),
            ("button_1_sound_id", sound),
            ("fallback_sound_id", sound),
        ];
        self.ask(Method::POST, VERIFY, &fields).await
    }

    /// One request to the control API, its body as it is.
    async fn control(&self, method: Method, path: &str, body: &str) -> Answer {
        let url = format!("{}/_simulator{path}", self.base);
        answer(self.http.request(method, url).body(body.to_owned())).await
    }

    async fn look(&self, path: &str) -> Value {
        let answer = self.control(Method::GET, path, "").await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        answer.json()
    }

    async fn put(&self, path: &str, body: Value) {
        let answer = self.control(Method::PUT, path, &body.to_string()).await;
        assert!(answer.status.is_success(), "{path}: {}", answer.text);
    }

    /// The newest call to a number, once it has come so far.
    async fn newest_call(&self, number: &str, reaches: &str) -> Value {
        let number = number.trim_start_matches('+');
        let calls = self.look(&format!("/calls?number={number}&reaches={reaches}")).await;
        calls["calls"].as_array().unwrap().last().unwrap().clone()
    }

    /// The events that were notified, once nothing more is to come.
    async fn events(&self) -> Vec<String> {
        let sent = self.look("/notifications?settled=true").await;
        let sent = sent["notifications"].as_array().unwrap().iter();
        sent.map(|sent| sent["fields"][0][1].as_str().unwrap().to_owned()).collect()
    }
}

fn now() -> Timestamp {
    START.parse().unwrap()
}

/// Fields as they are signed and sent.
fn query(fields: &[(&str, &str)]) -> String {
    fields.iter().fold(Params::new(), |params, (name, value)| params.text(*name, *value)).query()
}

fn header(answer: &Answer, name: &str) -> i64 {
    answer.headers[name].to_str().unwrap().parse().unwrap()
}

/// Ten digits, which no output holds by chance.
fn made_up_code() -> String {
    let code = rand::random_range(1_000_000_000..10_000_000_000_u64).to_string();
    note_secret(&code);
    code
}

#[track_caller]
fn assert_error(answer: &Answer, status: u16, message: &str) {
    let expected = json!({ "status": "error", "message": message });
    assert_eq!((answer.status.as_u16(), answer.json()), (status, expected));
}

/// A notification URL that does what its path says, and answers 200 to notifications.
fn notified() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut first, mut length) = (String::new(), 0);
            reader.read_line(&mut first).unwrap();
            let mut line = String::new();
            while reader.read_line(&mut line).unwrap() > 2 {
                if let Some(told) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = told.trim().parse().unwrap();
                }
                line.clear();
            }
            reader.read_exact(&mut vec![0; length]).unwrap();
            let target = first.split(' ').nth(1).unwrap();
            let value = target.split_once("zd_echo=").map_or("", |(_, value)| value);
            let (status, body) = match target.split('?').next().unwrap() {
                "/other" => ("200 OK", "something else".to_owned()),
                "/longer" => ("200 OK", format!("{value}\n")),
                "/failing" => ("500 Internal Server Error", value.to_owned()),
                "/moved" => ("302 Found\r\nlocation: /", value.to_owned()),
                _ => ("200 OK", value.to_owned()),
            };
            let length = body.len();
            write!(
                stream,
                "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
            )
            .unwrap();
        }
    });
    base
}

// ---- verification ----

#[tokio::test]
async fn a_code_by_sms_call_or_email_is_accepted_with_an_id_and_found_in_the_inbox() {
    let account = Account::start().await;
    for (channel, to, extra, from, text) in [
        ("sms", NUMBER, ("caller_id", "Shop"), json!("Shop"), "Your code: CODE"),
        ("call_code", NUMBER, ("from", "380441234567"), json!("380441234567"), "CODE, CODE"),
        (
            "email",
            "ann@example.com",
            ("email_body", "Dear Ann, {#code#} it is"),
            Value::Null,
            "Dear Ann, CODE it is",
        ),
    ] {
        let code = made_up_code();
        let fields = [("channel", channel), ("to", to), ("code", &code), ("language", "ua"), extra];
        let accepted = account.post(VERIFY, &fields).await;

        let id = accepted["request_id"].as_str().unwrap();
        assert_eq!(accepted, json!({ "status": "success", "request_id": id }), "{channel}");
        assert_eq!(id.len(), 32, "{channel}: {id}");
        let inbox = account.look(&format!("/inbox?to={}", to.replace('+', "%2B"))).await;
        let message = inbox["messages"].as_array().unwrap().last().unwrap();
        for (field, value) in [
            ("channel", json!(channel)),
            ("to", json!(to)),
            ("from", from),
            ("code", json!(code)),
            ("language", json!("ua")),
            ("text", json!(text.replace("CODE", &code))),
            ("request_id", json!(id)),
        ] {
            assert_eq!(message[field], value, "{channel}: {field}");
        }
    }
    account.stop().await;
}

#[tokio::test]
async fn a_spoken_code_is_in_the_inbox_as_a_call_that_says_it_twice() {
    let account = Account::start().await;
    let code = made_up_code();
    account.post(VERIFY, &[("channel", "call_code"), ("to", NUMBER), ("code", &code)]).await;
    account.newest_call(NUMBER, "ended").await;

    let inbox = account.look(&format!("/inbox?to={DIGITS}")).await;
    let call = &inbox["calls"][0];
    assert_eq!(call["spoken"], format!("{code}, {code}"), "{inbox:#}");
    assert_eq!((&call["kind"], &call["state"]), (&json!("code"), &json!("ended")));
    account.stop().await;
}

#[tokio::test]
async fn a_code_that_is_not_given_is_made_up_of_six_digits() {
    let account = Account::start().await;
    account.post(VERIFY, &[("channel", "sms"), ("to", NUMBER)]).await;
    let inbox = account.look(&format!("/inbox?to={DIGITS}")).await;
    let code = inbox["messages"][0]["code"].as_str().unwrap();
    assert!(code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()), "{code}");
    assert!(!code.starts_with('0'), "{code}");
    account.stop().await;
}

#[tokio::test]
async fn a_code_is_right_or_wrong_any_number_of_times_for_ten_minutes() {
    let account = Account::start().await;
    let code = made_up_code();
    for (channel, to) in [("sms", NUMBER), ("call_code", NUMBER), ("email", "ann@example.com")] {
        let fields = [("channel", channel), ("to", to), ("code", &code)];
        let id = account.post(VERIFY, &fields).await["request_id"].as_str().unwrap().to_owned();
        let check = async |code: &str, id: &str| {
            account.post(CHECK, &[("code", code), ("request_id", id)]).await
        };
        let right = json!({ "status": "success", "message": "Code is correct" });
        let wrong = json!({ "status": "error", "message": "Invalid verification code" });
        let unknown = json!({ "status": "error", "message": "No such request id" });

        assert_eq!(check(&code, &id).await, right, "{channel}");
        assert_eq!(check("0000000000", &id).await, wrong, "{channel}");
        assert_eq!(check(&code, &id).await, right, "{channel}, again");
        assert_eq!(check(&code, "another").await, unknown, "{channel}");
        account.advance(599);
        assert_eq!(check(&code, &id).await, right, "{channel}, at the last second");
        account.advance(1);
        assert_eq!(check(&code, &id).await, unknown, "{channel}, after ten minutes");
    }
    account.stop().await;
}

#[tokio::test]
async fn a_button_call_is_accepted_without_any_id_and_is_answered_and_pressed() {
    let account = Account::start().await;
    let accepted = account.call(NUMBER).await;
    assert_eq!((accepted.status.as_u16(), accepted.json()), (200, json!({ "status": "success" })));

    let call = account.newest_call(NUMBER, "ended").await;
    for (field, value) in [
        ("kind", "button"),
        ("number", DIGITS),
        ("key", "1"),
        ("disposition", "answered"),
        ("status_code", "16"),
        ("call_start", "2026-11-22 12:00:00"),
    ] {
        assert_eq!(call[field], value, "{field}");
    }
    assert_eq!(account.events().await, [""; 0], "nobody is to be notified");
    account.stop().await;
}

#[tokio::test]
async fn what_a_number_does_ends_its_call_with_the_cause_that_the_pbx_gives() {
    let account = Account::start().await;
    for (does, disposition, cause) in [
        ("answer", "answered", "16"),
        ("no_answer", "cancel", "19"),
        ("rings_out", "no answer", "19"),
        ("busy", "busy", "17"),
        ("refused", "cancel", "21"),
        ("failed", "failed", "38"),
        ("unallocated", "unallocated number", "1"),
        ("no_money", "no money", "31"),
        ("no_limit", "no limit", "31"),
        ("line_limit", "line limit", "34"),
    ] {
        account.put(&format!("/scripts/{DIGITS}"), json!({ "does": does })).await;
        account.call(NUMBER).await;
        let call = account.newest_call(NUMBER, "ended").await;
        assert_eq!(
            (&call["disposition"], &call["status_code"]),
            (&json!(disposition), &json!(cause)),
            "{does}"
        );
    }
    account.stop().await;
}

#[tokio::test]
async fn the_delays_of_a_script_are_kept_by_the_settable_clock() {
    let account = Account::start().await;
    let script = json!({ "dial_ms": 1000, "answer_after_ms": 2000, "hang_up_after_ms": 4000 });
    account.put(&format!("/scripts/{DIGITS}"), script).await;
    account.call(NUMBER).await;
    for (reaches, seconds) in [("dialing", 1), ("ringing", 2), ("answered", 4)] {
        assert_eq!(account.newest_call(NUMBER, reaches).await["state"], reaches);
        account.advance(seconds);
    }
    let call = account.newest_call(NUMBER, "ended").await;
    assert_eq!(call["answered_at"], "2026-11-22T12:00:03Z");
    assert_eq!(call["ended_at"], "2026-11-22T12:00:07Z");
    account.stop().await;
}

#[tokio::test]
async fn wrong_requests_are_answered_as_the_provider_answers_them() {
    let account = Account::start().await;
    let sounds = account.get("/v1/pbx/ivr/sounds/list", &[]).await;
    let sound = sounds["sounds"][0]["id"].as_str().unwrap();
    let to = ("to", NUMBER);
    let sms = ("channel", "sms");
    let email = ("channel", "email");
    let ann = ("to", "ann@example.com");
    let button = ("channel", "call_button");
    let greeting = ("greeting_sound_id", sound);
    let pressed = ("button_1_sound_id", sound);
    let phone = "Check phone's number";
    for (path, fields, status, message) in [
        (VERIFY, vec![to], 200, "\"channel\" param is required"),
        (VERIFY, vec![sms], 200, "\"to\" param is required"),
        (VERIFY, vec![sms, ("to", "")], 200, "\"to\" param is required"),
        (VERIFY, vec![("channel", "pigeon"), to], 200, "Wrong \"channel\" param"),
        (VERIFY, vec![sms, ("to", "+380 99 999 99 99")], 200, phone),
        (VERIFY, vec![sms, ("to", "12345")], 200, phone),
        (VERIFY, vec![sms, ("to", "1234567890123456")], 200, phone),
        (VERIFY, vec![sms, ann], 200, phone),
        (
            VERIFY,
            vec![("channel", "call_code"), to, ("from", DIGITS)],
            200,
            "Field to cannot be equal to Callerid",
        ),
        (VERIFY, vec![sms, to, ("code", "12a4")], 200, "Wrong \"code\" param"),
        (VERIFY, vec![sms, to, ("language", "uk")], 200, "Wrong \"language\" param"),
        (VERIFY, vec![email, to], 200, "Check e-mail address"),
        (
            VERIFY,
            vec![email, ann, ("email_body", "no mark")],
            200,
            "\"email_body\" must contain {#code#}",
        ),
        (VERIFY, vec![button, to], 200, "\"greeting_sound_id\" param is required"),
        (VERIFY, vec![button, to, greeting], 200, "\"button_1_sound_id\" param is required"),
        (
            VERIFY,
            vec![button, to, greeting, pressed],
            200,
            "\"fallback_sound_id\" param is required",
        ),
        (
            VERIFY,
            vec![button, to, greeting, pressed, ("fallback_sound_id", "none")],
            200,
            "Wrong \"fallback_sound_id\" param",
        ),
        (CHECK, vec![("request_id", "x")], 200, "\"code\" param is required"),
        (CHECK, vec![("code", "123456")], 200, "\"request_id\" param is required"),
        ("/v1/pbx/callinfo/url/", vec![], 200, "\"url\" param is required"),
        ("/v1/pbx/ivr/sounds/upload", vec![], 200, "\"name\" param is required"),
        ("/v1/pbx/ivr/sounds/upload", vec![("name", "x")], 200, "\"file\" param is required"),
        ("/v1/info/balance/", vec![], 404, "Wrong method"),
        ("/v1/nothing/", vec![], 404, "Wrong method"),
    ] {
        let answered = account.ask(Method::POST, path, &fields).await;
        assert_error(&answered, status, message);
    }
    let phone = "Check phone's number";
    for (path, fields, status, message) in [
        ("/v1/info/price/", vec![], 200, "\"number\" param is required"),
        ("/v1/info/price/", vec![("number", "12")], 400, phone),
        ("/v1/statistics/pbx/", vec![("start", "yesterday")], 400, "Wrong date format"),
        (VERIFY, vec![], 404, "Wrong method"),
    ] {
        assert_error(&account.ask(Method::GET, path, &fields).await, status, message);
    }
    let delete = "/v1/pbx/ivr/sounds/delete";
    for (fields, message) in
        [(vec![], "\"id\" param is required"), (vec![("id", "none")], "Sound not found")]
    {
        assert_error(&account.ask(Method::DELETE, delete, &fields).await, 200, message);
    }
    let not_utf8 = account.send(Method::POST, VERIFY, "to=%ff", None).await;
    assert_error(&not_utf8, 400, "Wrong encoding");
    account.put("/settings", json!({ "balance": 0 })).await;
    let poor = account.ask(Method::POST, VERIFY, &[sms, to]).await;
    assert_error(&poor, 200, "Not enough money on your account");
    assert_eq!(account.look(&format!("/inbox?to={DIGITS}")).await["messages"], json!([]));
    account.stop().await;
}

#[tokio::test]
async fn a_scripted_fault_is_answered_instead_and_nobody_is_called() {
    let account = Account::start().await;
    let error = |message: &str| json!({ "status": "error", "message": message }).to_string();
    let html = "<html><h1>nginx</h1></html>".to_owned();
    for (script, status, body) in [
        (json!({ "api": "refuse" }), 200, error("Check phone's number")),
        (json!({ "api": "refuse", "api_status": 400, "api_message": "No" }), 400, error("No")),
        (json!({ "api": "http" }), 500, html.clone()),
        (json!({ "api": "http", "api_status": 503 }), 503, html.clone()),
        (json!({ "api": "unreadable" }), 200, html),
        (json!({ "api": "unauthorized" }), 401, error("Not authorized")),
        (json!({ "api": "rate_limited_429" }), 429, error("You exceeded the rate limit")),
        (
            json!({ "api": "rate_limited_200" }),
            200,
            error("You exceeded the rate limit by User Limits"),
        ),
    ] {
        account.put(&format!("/scripts/{DIGITS}"), script.clone()).await;
        let answered = account.call(NUMBER).await;
        assert_eq!(answered.status, status, "{script}");
        let same = serde_json::from_str::<Value>(&body)
            .map_or(answered.text == body, |body| answered.json() == body);
        assert!(same, "{script}: {}", answered.text);
    }
    assert_eq!(account.look("/calls").await["calls"], json!([]));
    account.stop().await;
}

// ---- the account ----

#[tokio::test]
async fn sounds_are_listed_uploaded_without_an_id_and_deleted() {
    let account = Account::start().await;
    let list = "/v1/pbx/ivr/sounds/list";
    let before = account.get(list, &[]).await["sounds"].as_array().unwrap().len();
    let upload = async |content: &'static [u8]| {
        let path = "/v1/pbx/ivr/sounds/upload";
        let file = reqwest::multipart::Part::bytes(content).file_name("hello.wav");
        let body = reqwest::multipart::Form::new().text("name", "hello").part("file", file);
        let authorization = account.authorization(path, &query(&[("name", "hello")]));
        let request = account.http.post(format!("{}{path}", account.base));
        answer(request.header("authorization", authorization).multipart(body)).await
    };
    assert_error(&upload(b"no sound at all").await, 200, "Wrong file format");
    assert_eq!(upload(b"RIFF....WAVE").await.json(), json!({ "status": "success" }));

    let listed = account.get(list, &[]).await;
    let sounds = listed["sounds"].as_array().unwrap();
    let new = sounds.last().unwrap();
    assert_eq!((sounds.len(), &new["name"]), (before + 1, &json!("hello")));
    assert!(listed["pbx_id"].is_number(), "{listed}");
    let id = new["id"].as_str().unwrap();
    let file = account.control(Method::GET, &format!("/sounds/{id}"), "").await;
    assert_eq!(
        (file.text.as_str(), &file.headers["content-type"]),
        ("RIFF....WAVE", &"audio/wav".parse().unwrap())
    );
    let delete = "/v1/pbx/ivr/sounds/delete";
    let deleted = account.good(Method::DELETE, delete, &[("id", id)]).await;
    assert_eq!(deleted, json!({ "status": "success" }));
    assert_eq!(account.get(list, &[]).await["sounds"].as_array().unwrap().len(), before);
    account.stop().await;
}

#[tokio::test]
async fn a_notification_url_is_saved_only_if_it_returns_the_echo() {
    let account = Account::start().await;
    let (set, show) = ("/v1/pbx/callinfo/url/", "/v1/pbx/callinfo/");
    let base = notified();
    let nobody = {
        let closed = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}/", closed.local_addr().unwrap())
    };
    let bad = ["other", "longer", "failing", "moved"].map(|path| format!("{base}/{path}"));
    for url in bad.into_iter().chain([nobody, "no address".to_owned()]) {
        let refused = account.post(set, &[("url", &url)]).await;
        assert_eq!(refused["status"], "error", "{url}");
        assert_eq!(account.get(show, &[]).await["url"], "", "{url}");
    }
    for url in [format!("{base}/echo"), format!("{base}/echo?account=main")] {
        let saved = account.post(set, &[("url", &url)]).await;
        assert_eq!(saved, json!({ "status": "success", "url": url }));
        assert_eq!(account.get(show, &[]).await["url"], url);
    }
    let cleared = account.good(Method::DELETE, set, &[]).await;
    assert_eq!(cleared, json!({ "status": "success", "url": "" }));
    assert_eq!(account.get(show, &[]).await["url"], "");
    account.stop().await;
}

#[tokio::test]
async fn a_toggle_that_is_off_silences_its_event_and_no_other() {
    let account = Account::start().await;
    let path = "/v1/pbx/callinfo/notifications/";
    account.put("/settings", json!({ "notification_url": notified() })).await;
    account.call(NUMBER).await;
    let all = ["NOTIFY_OUT_START", "NOTIFY_ANSWER", "NOTIFY_END"];
    assert_eq!(account.events().await, all);

    let set = account.post(path, &[("notify_answer", "false"), ("notify_start", "true")]).await;
    assert_eq!((&set["notify_answer"], &set["notify_end"]), (&json!("false"), &json!("true")));
    let shown = account.get("/v1/pbx/callinfo/", &[]).await;
    assert_eq!(shown["notifications"]["notify_answer"], "false");
    assert_eq!(shown["notifications"].as_object().unwrap().len(), 6);
    assert_eq!(account.look("/toggles").await["notify_answer"], json!(false));
    account.call(NUMBER).await;
    assert_eq!(account.events().await[3..], ["NOTIFY_OUT_START", "NOTIFY_END"]);
    account.put("/toggles", json!({ "notify_answer": true, "notify_end": false })).await;
    account.call(NUMBER).await;
    assert_eq!(account.events().await[5..], ["NOTIFY_OUT_START", "NOTIFY_ANSWER"]);
    account.stop().await;
}

#[tokio::test]
async fn balance_price_numbers_and_extensions_are_told_as_documented() {
    let account = Account::start().await;
    let settings = json!({
        "balance": 18.16, "currency": "EUR",
        "direct_numbers": ["442030000000", "380441234567"], "internal_numbers": [100, 205],
    });
    account.put("/settings", settings).await;
    let balance = account.get("/v1/info/balance/", &[]).await;
    assert_eq!(balance, json!({ "status": "success", "balance": 18.16, "currency": "EUR" }));
    let price = account.get("/v1/info/price/", &[("number", NUMBER)]).await;
    assert_eq!((&price["status"], &price["info"]["price"]), (&json!("success"), &json!("0.009")));
    assert_eq!(price["info"]["prefix"], "380");
    let numbers = account.get("/v1/direct_numbers/", &[]).await;
    let numbers: Vec<_> =
        numbers["info"].as_array().unwrap().iter().map(|info| info["number"].clone()).collect();
    assert_eq!(numbers, ["442030000000", "380441234567"]);
    let internal = account.get("/v1/pbx/internal/", &[]).await;
    assert_eq!(internal["numbers"], json!([100, 205]));
    // With and without a slash at the end; the path is signed as it is sent.
    assert_eq!(account.get("/v1/info/balance", &[]).await, balance);
    account.stop().await;
}

#[tokio::test]
async fn the_clock_of_the_pbx_shows_its_zone_and_how_far_it_is_off() {
    let account = Account::start().await;
    for (offset, skew, datetime, zone) in [
        (0, 0, "2026-11-22 12:00:00", "UTC+0"),
        (210, -20, "2026-11-22 15:29:40", "UTC+3:30"),
        (-300, 20, "2026-11-22 07:00:20", "UTC-5"),
    ] {
        let settings = json!({ "zone_offset_minutes": offset, "clock_skew_seconds": skew });
        account.put("/settings", settings).await;
        let told = account.get("/v1/info/timezone/", &[]).await;
        let expected = json!({
            "status": "success", "unixtime": now().as_second() + skew,
            "datetime": datetime, "timezone": zone,
        });
        assert_eq!(told, expected);
        account.call(NUMBER).await;
        assert_eq!(account.newest_call(NUMBER, "ended").await["call_start"], datetime);
    }
    account.stop().await;
}

#[tokio::test]
async fn statistics_list_finished_calls_by_direction_time_and_page_and_never_the_key() {
    let account = Account::start().await;
    account.put("/settings", json!({ "statistics_rate_limit": 100 })).await;
    let path = "/v1/statistics/pbx/";
    account.put("/scripts/380999999998", json!({ "does": "handset" })).await;
    account.put("/scripts/380999999997", json!({ "does": "failed" })).await;
    account.call(NUMBER).await;
    account.newest_call(NUMBER, "ended").await;
    account.call("380999999998").await;
    account.call("380999999997").await;
    account.newest_call("380999999997", "ended").await;
    for kind in ["incoming", "agent"] {
        let body = json!({ "kind": kind, "number": NUMBER }).to_string();
        assert_eq!(account.control(Method::POST, "/calls", &body).await.status, 200);
    }
    let destinations = async |fields: &[(&str, &str)]| {
        let told = account.get(path, fields).await;
        let rows = told["stats"].as_array().unwrap().iter();
        rows.map(|row| row["destination"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };

    let told = account.get(path, &[("call_type", "out")]).await;
    let row = &told["stats"][0];
    for (field, value) in [
        ("callstart", json!("2026-11-22 12:00:00")),
        ("clid", json!("380441234567")),
        ("destination", json!(DIGITS)),
        ("disposition", json!("answered")),
        ("seconds", json!(0)),
    ] {
        assert_eq!(row[field], value, "{field}");
    }
    assert!(row["pbx_call_id"].as_str().unwrap().starts_with("out_"), "{row}");
    assert_eq!(told["stats"][1]["disposition"], "call failed");
    assert!(!row.to_string().contains("dtmf") && row.get("key").is_none(), "{row}");
    let out = [DIGITS, "380999999997", DIGITS];
    assert_eq!(destinations(&[("call_type", "out")]).await, out);
    assert_eq!(destinations(&[("call_type", "in")]).await, ["380441234567"]);
    assert_eq!(destinations(&[]).await.len(), 4);
    assert_eq!(destinations(&[("skip", "1"), ("limit", "1")]).await, out[1..2]);
    let later = [("start", "2026-11-22 12:00:01"), ("end", "2026-11-22 13:00:00")];
    assert_eq!(destinations(&later).await, [""; 0]);
    account.stop().await;
}

// ---- who may ask, and how often ----

#[tokio::test]
async fn only_the_exact_authorization_is_accepted() {
    let account = Account::start().await;
    let fields = [("code", "123456"), ("request_id", "NDlL+/=~* ü")];
    let signed = query(&fields);
    let right = account.authorization(CHECK, &signed);
    let (_, signature) = right.split_once(':').unwrap();
    let raw = const_hex::decode(STANDARD.decode(signature).unwrap()).unwrap();
    let other = |key: &str, secret: &Secret| sign::authorization(key, secret, CHECK, &signed);
    let send = async |query: &str, header: Option<&str>| {
        account.send(Method::POST, CHECK, query, header).await
    };

    assert_error(&send(&signed, Some(&right)).await, 200, "No such request id");
    for (what, query, header) in [
        ("no header", signed.clone(), None),
        ("an empty header", signed.clone(), Some(String::new())),
        ("the key alone", signed.clone(), Some("test_key".to_owned())),
        ("base64 of raw bytes", signed.clone(), Some(format!("test_key:{}", STANDARD.encode(raw)))),
        ("another secret", signed.clone(), Some(other("test_key", &Secret::new("another")))),
        ("another key", signed.clone(), Some(other("other_key", &account.secret))),
        ("a space after the colon", signed.clone(), Some(right.replace(':', ": "))),
        ("a cut signature", signed.clone(), Some(right.trim_end_matches('=').to_owned())),
        ("a scheme", signed.clone(), Some(format!("Basic {right}"))),
        ("a changed parameter", signed.replace("123456", "123457"), Some(right.clone())),
        ("one more parameter", format!("{signed}&x=1"), Some(right.clone())),
        ("one parameter less", "code=123456".to_owned(), Some(right.clone())),
        ("another path", signed.clone(), Some(account.authorization("/v1/verify/check", &signed))),
    ] {
        let refused = send(&query, header.as_deref()).await;
        assert_eq!(refused.status, 401, "{what}: {}", refused.text);
        assert_error(&refused, 401, "Not authorized");
    }
    account.stop().await;
}

#[tokio::test]
async fn the_order_and_the_escapes_on_the_wire_do_not_matter() {
    let account = Account::start().await;
    let fields = [("code", "123456"), ("format", "json"), ("request_id", "a b*~")];
    let right = account.authorization(CHECK, &query(&fields));
    for wire in [
        form::encode(fields),
        form::encode(fields.into_iter().rev()),
        "request_id=a%20b*~&format=json&code=123456".to_owned(),
        "format=json&request_id=a+b%2a%7e&code=%31%32%33456".to_owned(),
    ] {
        let answered = account.send(Method::POST, CHECK, &wire, Some(&right)).await;
        assert_error(&answered, 200, "No such request id");
    }
    let path = "/v1/info/price/";
    let right = account.authorization(path, &query(&[("format", "json"), ("number", NUMBER)]));
    let wire = format!("number=%2B{DIGITS}&format=json");
    let answered = account.send(Method::GET, path, &wire, Some(&right)).await;
    assert_eq!(answered.json()["status"], "success", "{}", answered.text);
    account.stop().await;
}

#[tokio::test]
async fn every_answer_names_its_method_and_what_is_left_until_when() {
    let account = Account::start().await;
    account.advance(20);
    for (index, (method, path, limit)) in [
        (Method::GET, "/v1/info/balance/", 100),
        (Method::POST, VERIFY, 100),
        (Method::GET, "/v1/nothing", 100),
    ]
    .into_iter()
    .enumerate()
    {
        let answered = account.ask(method, path, &[]).await;
        assert_eq!(answered.headers["x-zadarma-method"], path);
        assert_eq!(header(&answered, "x-ratelimit-limit"), limit);
        assert_eq!(header(&answered, "x-ratelimit-remaining"), limit - 1 - index as i64);
        assert_eq!(header(&answered, "x-ratelimit-reset"), now().as_second() + 60);
    }
    let refused = account.send(Method::GET, "/v1/info/balance/", "", None).await;
    assert_eq!((refused.status.as_u16(), header(&refused, "x-ratelimit-remaining")), (401, 96));
    let statistics = account.ask(Method::GET, "/v1/statistics/pbx/", &[]).await;
    assert_eq!(header(&statistics, "x-ratelimit-limit"), 3);
    assert_eq!(header(&statistics, "x-ratelimit-remaining"), 2);
    account.stop().await;
}

#[tokio::test]
async fn what_is_over_the_limit_is_refused_until_the_minute_ends_as_429_or_as_200() {
    let account = Account::start().await;
    for (mode, status, message) in [
        ("http_429", 429, "You exceeded the rate limit"),
        ("http_200", 200, "You exceeded the rate limit by User Limits"),
    ] {
        account.put("/settings", json!({ "rate_limit": 2, "rate_limit_mode": mode })).await;
        for (path, allowed) in [("/v1/info/balance/", 2), ("/v1/statistics/pbx/", 3)] {
            for _ in 0..allowed {
                assert_eq!(account.get(path, &[]).await["status"], "success", "{mode} {path}");
            }
            let refused = account.ask(Method::GET, path, &[]).await;
            assert_error(&refused, status, message);
            assert_eq!(header(&refused, "x-ratelimit-remaining"), 0);
        }
        account.advance(60);
    }
    account.put("/settings", json!({ "rate_limit": 1, "rate_limit_mode": "off" })).await;
    for _ in 0..3 {
        assert_eq!(account.get("/v1/info/balance/", &[]).await["status"], "success");
    }
    account.stop().await;
}

#[tokio::test]
async fn the_accounts_secret_and_the_one_that_signs_notifications_are_changed_apart() {
    let account = Account::start().await;
    let (rotated, signing) = (made_up(), Secret::new(made_up()));
    account.put("/settings", json!({ "notification_url": notified() })).await;
    account.put("/secret", json!({ "signing_secret": signing.expose() })).await;
    account.call(NUMBER).await;
    let sent = account.look("/notifications?settled=true").await;
    let end = &sent["notifications"][2];
    let expected = sign::signature(&signing, &["0999999999", "0", "2026-11-22 12:00:00"]);
    assert_eq!(end["signature"], expected, "{end:#}");
    assert_eq!((&end["status"], &end["fields"][0][1]), (&json!(200), &json!("NOTIFY_END")));

    account.put("/secret", json!({ "secret": rotated })).await;
    let old = account.ask(Method::GET, "/v1/info/balance/", &[]).await;
    assert_error(&old, 401, "Not authorized");
    let authorization =
        sign::authorization("test_key", &Secret::new(rotated), "/v1/info/balance/", "");
    let new = account.send(Method::GET, "/v1/info/balance/", "", Some(&authorization)).await;
    assert_eq!(new.status, 200, "{}", new.text);
    account.stop().await;
}

// ---- the control API ----

#[tokio::test]
async fn the_guide_is_served_and_every_pattern_in_it_is_what_such_a_number_does() {
    let account = Account::start().await;
    for path in ["", "/"] {
        let guide = account.control(Method::GET, path, "").await;
        assert!(guide.text.starts_with("# The simulator"), "{}", guide.text);
        assert!(guide.headers["content-type"].to_str().unwrap().starts_with("text/plain"));
    }
    let guide = account.control(Method::GET, "/", "").await.text;
    let rows: Vec<(&str, &str)> = guide
        .lines()
        .filter_map(|line| {
            let (ending, rest) = line.strip_prefix("| …")?.split_once(" | ")?;
            Some((ending, rest.split('`').nth(1)?))
        })
        .collect();
    assert_eq!(rows.len(), 40);
    account.put("/settings", json!({ "patterns": true })).await;
    for (ending, script) in rows {
        let own = account.control(Method::PUT, "/scripts/1234567", script).await;
        assert_eq!(own.status, 200, "{ending}: {}", own.text);
        let followed = account.look(&format!("/scripts/3805000000{ending}")).await;
        assert_eq!(followed, own.json(), "…{ending}");
    }
    account.stop().await;
}

#[tokio::test]
async fn scripts_are_set_shown_and_removed_by_the_digits_of_the_number() {
    let account = Account::start().await;
    account.put("/scripts/%2B380999999999", json!({ "press": "5" })).await;
    assert_eq!(account.look(&format!("/scripts/{DIGITS}")).await["press"], "5");
    assert_eq!(account.look("/scripts").await[DIGITS]["press"], "5");
    account.call(NUMBER).await;
    assert_eq!(account.newest_call(NUMBER, "ended").await["key"], "5");
    let removed = account.control(Method::DELETE, &format!("/scripts/{DIGITS}"), "").await;
    assert_eq!(removed.status, 204);
    assert_eq!(account.look(&format!("/scripts/{DIGITS}")).await["press"], "1");
    account.put("/settings", json!({ "default_script": { "press": "7" } })).await;
    assert_eq!(account.look("/scripts/1").await["press"], "7");
    account.put("/scripts/1", json!({})).await;
    assert_eq!(account.control(Method::DELETE, "/scripts", "").await.status, 204);
    assert_eq!(account.look("/scripts").await, json!({}));
    account.stop().await;
}

#[tokio::test]
async fn bad_control_requests_are_refused_with_what_is_wrong() {
    let account = Account::start().await;
    let (put, post, get) = (Method::PUT, Method::POST, Method::GET);
    for (method, path, body, status, named) in [
        (&put, "/scripts/1", r#"{"pres":"1"}"#, 400, "pres"),
        (&put, "/scripts/1", r#"{"does":"sing"}"#, 400, "sing"),
        (&put, "/scripts/1", r#"{"press":1}"#, 400, "1"),
        (&put, "/scripts/1", r#"{"legs":3}"#, 400, "legs is 1 or 2"),
        (&put, "/scripts/1", r#"{"late_ms":-1}"#, 400, "-1"),
        (&put, "/scripts/1", r#"{"meanwhile":["party"]}"#, 400, "party"),
        (&put, "/scripts/1", "", 400, "EOF"),
        (&put, "/scripts/1", "{", 400, "EOF"),
        (&put, "/scripts/1", "[]x", 400, "trailing"),
        (&put, "/scripts/none", "{}", 400, "no digits"),
        (&post, "/scripts/1", "{}", 404, "GET /_simulator/"),
        (&put, "/settings", r#"{"zone":1}"#, 400, "zone"),
        (&put, "/settings", r#"{"rate_limit":"many"}"#, 400, "many"),
        (&put, "/settings", r#"{"rate_limit_mode":"http_500"}"#, 400, "http_500"),
        (&put, "/settings", r#"{"default_script":{"pres":"1"}}"#, 400, "pres"),
        (&put, "/settings", "7", 400, "map"),
        (&put, "/toggles", r#"{"notify_all":true}"#, 400, "notify_all"),
        (&put, "/toggles", r#"{"notify_end":"true"}"#, 400, "true"),
        (&put, "/secret", r#"{"secrets":"x"}"#, 400, "secrets"),
        (&post, "/calls", r#"{"kind":"incoming"}"#, 400, "number"),
        (&post, "/calls", r#"{"kind":"stray","number":"1"}"#, 400, "stray"),
        (&post, "/calls", r#"{"kind":"agent","number":"1","keys":"1"}"#, 400, "keys"),
        (&post, "/calls/7/answer", "", 404, "no such call"),
        (&post, "/calls/seven/answer", "", 404, "seven"),
        (&post, "/calls/7/press/x", "", 400, "0-9"),
        (&post, "/calls/7/press/12", "", 400, "0-9"),
        (&post, "/calls/7/sing", "", 404, "GET /_simulator/"),
        (&get, "/calls?reaches=heaven", "", 400, "heaven"),
        (&get, "/calls?colour=red", "", 400, "colour"),
        (&get, "/inbox", "", 400, "to"),
        (&get, "/inbox?for=1", "", 400, "for"),
        (&get, "/requests?number=1", "", 400, "number"),
        (&get, "/notifications?settled=perhaps", "", 400, "true"),
        (&post, "/notifications", r#"{"fields":[["a","b"]]}"#, 409, "notification URL"),
        (&post, "/notifications", r#"{"fields":[["a"]]}"#, 400, "length"),
        (&post, "/notifications", r#"{"sign":true}"#, 400, "sign"),
        (&get, "/sounds/none", "", 404, "no such sound"),
        (&get, "/nothing", "", 404, "GET /_simulator/"),
    ] {
        let refused = account.control(method.clone(), path, body).await;
        let what = format!("{method} {path} {body}: {}", refused.text);
        assert_eq!(refused.status, status, "{what}");
        let said = serde_json::from_str::<Value>(&refused.text).expect(&what);
        assert!(said["error"].as_str().expect(&what).contains(named), "{what}");
    }
    assert_eq!(account.look("/settings").await["rate_limit"], 100);
    assert_eq!(account.look("/scripts").await, json!({}));
    account.stop().await;
}

#[tokio::test]
async fn a_person_at_the_handset_does_only_what_the_state_of_the_call_allows() {
    let account = Account::start().await;
    account.put(&format!("/scripts/{DIGITS}"), json!({ "does": "handset" })).await;
    let step = async |call: &Value, step: &str| {
        account.control(Method::POST, &format!("/calls/{}/{step}", call["id"]), "").await
    };
    account.call(NUMBER).await;
    let call = account.newest_call(NUMBER, "ringing").await;
    assert_eq!(step(&call, "press/1").await.status, 409);
    assert_eq!(step(&call, "answer").await.json()["playing"], "greeting");
    assert_eq!(step(&call, "answer").await.status, 409);
    let pressed = step(&call, "press/5").await.json();
    assert_eq!((&pressed["key"], &pressed["playing"]), (&json!("5"), &json!("fallback")));
    account.newest_call(NUMBER, "ended").await;
    for late in ["answer", "press/1", "hangup"] {
        let refused = step(&call, late).await;
        assert_eq!(refused.status, 409, "{late}");
        assert!(refused.json()["error"].is_string(), "{late}");
    }

    account.call(NUMBER).await;
    let refused = account.newest_call(NUMBER, "ringing").await;
    let refused = step(&refused, "hangup").await.json();
    assert_eq!(
        (&refused["disposition"], &refused["status_code"]),
        (&json!("cancel"), &json!("21"))
    );

    account.call(NUMBER).await;
    account.newest_call(NUMBER, "ringing").await;
    account.advance(30);
    let missed = account.newest_call(NUMBER, "ended").await;
    assert_eq!((&missed["disposition"], &missed["status_code"]), (&json!("cancel"), &json!("19")));
    account.stop().await;
}

#[tokio::test]
async fn who_follows_a_phone_is_told_every_step_even_of_a_call_that_is_over_at_once() {
    let account = Account::start().await;
    let url = format!("{}/_simulator/events?number={DIGITS}", account.base);
    let mut stream = account.http.get(url).send().await.unwrap();
    let mut told = String::new();
    while !told.ends_with("\n\n") {
        told.push_str(std::str::from_utf8(&stream.chunk().await.unwrap().unwrap()).unwrap());
    }
    assert_eq!(told, "data: {\"call\":null,\"sound\":null}\n\n");

    account.call(NUMBER).await;
    account.newest_call(NUMBER, "ended").await;
    account.look("/notifications?settled=true").await;

    told.clear();
    while !told.contains("\"settled\":true") {
        told.push_str(std::str::from_utf8(&stream.chunk().await.unwrap().unwrap()).unwrap());
    }
    let steps: Vec<_> = told
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|json| serde_json::from_str::<Value>(json).unwrap())
        .map(|step| (step["call"]["state"].clone(), step["call"]["playing"].clone()))
        .collect();
    let expected = [
        ("dialing", None),
        ("ringing", None),
        ("answered", Some("greeting")),
        ("answered", Some("confirmed")),
        ("ended", None),
        ("ended", None),
    ];
    assert_eq!(steps, expected.map(|(state, playing)| (json!(state), json!(playing))));
    account.stop().await;
}

#[tokio::test]
async fn a_scripted_call_that_a_person_hangs_up_is_over_at_once() {
    let account = Account::start().await;
    let script = json!({ "answer_after_ms": 5000 });
    account.put(&format!("/scripts/{DIGITS}"), script).await;
    account.call(NUMBER).await;
    let call = account.newest_call(NUMBER, "ringing").await;
    let path = format!("/calls/{}/hangup", call["id"]);
    assert_eq!(account.control(Method::POST, &path, "").await.status, 200);

    account.look("/notifications?settled=true").await;
    let ended = account.newest_call(NUMBER, "ended").await;
    assert_eq!((&ended["disposition"], &ended["answered_at"]), (&json!("cancel"), &Value::Null));
    account.stop().await;
}

#[tokio::test]
async fn what_the_api_received_is_listed_with_its_status() {
    let account = Account::start().await;
    account.put(&format!("/scripts/{DIGITS}"), json!({ "api": "drop" })).await;
    account.send(Method::GET, "/v1/info/balance/", "", None).await;
    account.ask(Method::POST, VERIFY, &[("channel", "sms"), ("to", "380999999991")]).await;
    let fields = query(&[("channel", "sms"), ("to", NUMBER)]);
    let dropped = account
        .http
        .post(format!("{}{VERIFY}", account.base))
        .header("content-type", "application/x-www-form-urlencoded")
        .header("authorization", account.authorization(VERIFY, &fields))
        .body(fields)
        .send()
        .await;
    assert!(dropped.is_err(), "{dropped:?}");

    let listed = account.look("/requests").await;
    let statuses: Vec<_> =
        listed["requests"].as_array().unwrap().iter().map(|one| one["status"].clone()).collect();
    assert_eq!(statuses, [401, 200, 0], "{listed:#}");
    let of_number = account.look(&format!("/requests?path={VERIFY}&to={DIGITS}")).await;
    let request = &of_number["requests"][0];
    assert_eq!(request["params"], json!([["channel", "sms"], ["to", NUMBER]]));
    assert_eq!((&request["method"], &request["path"]), (&json!("POST"), &json!(VERIFY)));
    assert_eq!(request["at"], START);
    account.stop().await;
}

#[tokio::test]
async fn everything_can_be_refused_or_dropped_at_once() {
    let account = Account::start().await;
    account.put("/settings", json!({ "refuse_all": "Under repair" })).await;
    assert_error(&account.ask(Method::GET, "/v1/info/balance/", &[]).await, 200, "Under repair");
    account.put("/settings", json!({ "refuse_all": null, "drop_all": true })).await;
    let dropped = account.http.get(format!("{}/v1/info/balance/", account.base)).send().await;
    assert!(dropped.is_err(), "{dropped:?}");
    account.put("/settings", json!({ "drop_all": false })).await;
    assert_eq!(account.get("/v1/info/balance/", &[]).await["status"], "success");
    account.stop().await;
}

#[tokio::test]
async fn a_plain_sms_is_sent_to_each_number_or_denied_and_listed_as_such() {
    const SMS: &str = "/v1/sms/send/";
    let account = Account::start().await;
    account.put("/scripts/380999999992", json!({ "api": "denied" })).await;
    let sent = account
        .ask(
            Method::POST,
            SMS,
            &[
                ("number", "380999999991,380999999992"),
                ("message", "Acme code: 1234"),
                ("sender", "Acme"),
            ],
        )
        .await
        .json();
    assert_eq!((&sent["status"], &sent["messages"]), (&json!("success"), &json!(1)));
    assert_eq!(sent["denied_numbers"][0]["number"], "380999999992");
    assert_eq!(sent["sms_detalization"][0]["callerid"], "Acme");
    let inbox = account.look("/inbox?to=380999999991").await;
    let message = &inbox["messages"][0];
    assert_eq!((&message["text"], &message["from"]), (&json!("Acme code: 1234"), &json!("Acme")));
    let without = account.ask(Method::POST, SMS, &[("number", "380999999991")]).await;
    assert_error(&without, 200, "\"message\" param is required");
    account.stop().await;
}
