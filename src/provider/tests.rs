//! The client against a server that answers canned bytes.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::*;
use crate::clock::ClockHand;

const HALF_A_BODY: &str = "HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n{";
const SUCCESS: &str = r#"{"status":"success"}"#;

/// What the server does with one request.
enum Reply {
    Bytes(String),
    BytesThenClose(String),
    Close,
    Silence,
}

struct Server {
    base_url: String,
    /// Every request as received.
    seen: Arc<Mutex<Vec<String>>>,
    connections: Arc<AtomicUsize>,
}

impl Server {
    /// Answers in this order; what comes after the last is accepted, so that a
    /// request sent again would show.
    fn start(replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let connections = Arc::new(AtomicUsize::new(0));
        let (log, count) = (seen.clone(), connections.clone());
        std::thread::spawn(move || {
            let mut replies = replies.into_iter();
            let mut silent = Vec::new();
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                count.fetch_add(1, Relaxed);
                while let Some(request) = read_request(&mut stream) {
                    log.lock().unwrap().push(request);
                    match replies.next().unwrap_or_else(|| json(SUCCESS)) {
                        Reply::Bytes(bytes) => stream.write_all(bytes.as_bytes()).unwrap(),
                        Reply::BytesThenClose(bytes) => {
                            stream.write_all(bytes.as_bytes()).unwrap();
                            break;
                        }
                        Reply::Close => break,
                        Reply::Silence => {
                            silent.push(stream);
                            break;
                        }
                    }
                }
            }
        });
        Self { base_url, seen, connections }
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut request = String::new();
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return None,
            Ok(count) => request.push_str(std::str::from_utf8(&buffer[..count]).unwrap()),
        }
        let Some((head, body)) = request.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
            return Some(request);
        }
    }
}

fn answer(status: &str, headers: &str, body: &str) -> Reply {
    let length = body.len();
    Reply::Bytes(format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n{headers}\r\n{body}"))
}

fn json(body: &str) -> Reply {
    answer("200 OK", "", body)
}

fn settings(base_url: &str) -> Settings {
    Settings {
        name: Name::parse("main").unwrap(),
        base_url: base_url.to_owned(),
        key: "test_key".to_owned(),
        secret: Secret::new("test_secret"),
        requests_per_minute: 100,
        statistics_per_minute: 3,
        queue_deadline: Duration::from_secs(5),
        connect_timeout: Duration::from_secs(5),
        request_timeout: Duration::from_secs(10),
    }
}

fn provider(base_url: &str) -> (Provider, ClockHand) {
    let (clock, hand) = Clock::settable(Timestamp::from_second(1_800_000_000).unwrap());
    (build(settings(base_url), clock, None).unwrap(), hand)
}

fn call() -> ButtonCall {
    ButtonCall {
        to: PhoneNumber::parse("+380999999999").unwrap(),
        from: Some(PhoneNumber::parse("+380441234567").unwrap()),
        greeting: "657c2c822fb364c1d201f685".to_owned(),
        confirmed: "6718bc2af7cd712b0e0a96f6".to_owned(),
        fallback: "6718bd57e2cc3072e20c0ba6".to_owned(),
    }
}

async fn dial(provider: &Provider) -> Dispatched {
    provider.call_button(provider.reserve().await.unwrap(), &call()).await
}

/// One call against one reply; the request must have been sent exactly once.
async fn dial_once(reply: Reply) -> Dispatched {
    let server = Server::start(vec![reply]);
    let dispatched = dial(&provider(&server.base_url).0).await;
    assert_eq!(server.seen().len(), 1);
    dispatched
}

fn refused(reason: RefusalReason) -> Dispatched {
    Dispatched::Refused { reason, message: None }
}

fn assert_unknown(dispatched: &Dispatched, case: &str) {
    assert!(matches!(dispatched, Dispatched::Unknown { .. }), "{case}: {dispatched:?}");
}

#[tokio::test]
async fn a_call_is_asked_for_in_the_very_text_that_is_signed() {
    let server = Server::start(vec![json(SUCCESS)]);
    assert_eq!(dial(&provider(&server.base_url).0).await, Dispatched::Accepted);
    let seen = server.seen();
    let (head, body) = seen[0].split_once("\r\n\r\n").unwrap();
    assert_eq!(
        body,
        "button_1_sound_id=6718bc2af7cd712b0e0a96f6&channel=call_button\
         &fallback_sound_id=6718bd57e2cc3072e20c0ba6&format=json&from=%2B380441234567\
         &greeting_sound_id=657c2c822fb364c1d201f685&to=%2B380999999999"
    );
    for line in [
        "POST /v1/verify/ HTTP/1.1",
        "content-type: application/x-www-form-urlencoded",
        "authorization: test_key:ZjkzMDI3ODhhZjU4NjExYWM0ODA0Zjc2YjkwMjhmMDI5NWY5ZDI0OQ==",
    ] {
        assert!(head.lines().any(|found| found == line), "{line} in\n{head}");
    }
}

#[tokio::test]
async fn what_was_surely_not_placed_is_refused() {
    use RefusalReason::{RateLimited, Refused, Unauthorized};
    let error = |message: &str| format!(r#"{{"status":"error","message":"{message}"}}"#);
    let with =
        |message: &str| Dispatched::Refused { reason: Refused, message: Some(message.to_owned()) };
    let limit = error("You exceeded the rate limit by User Limits");
    for (status, body, expected) in [
        ("200 OK", error("Check your phone number"), with("Check your phone number")),
        ("400 Bad Request", error("No money for 380999999999\\n"), with("No money for •••")),
        ("403 Forbidden", "<html>".to_owned(), with("no message, HTTP status 403")),
        ("200 OK", limit, refused(RateLimited)),
        ("429 Too Many Requests", String::new(), refused(RateLimited)),
        ("401 Unauthorized", error("Not authorized"), refused(Unauthorized)),
    ] {
        assert_eq!(dial_once(answer(status, "", &body)).await, expected, "{status} {body}");
    }
}

#[tokio::test]
async fn what_may_have_been_placed_is_unknown_and_never_sent_again() {
    let elsewhere = "location: /elsewhere\r\n";
    for (case, reply) in [
        ("500", answer("500 Internal Server Error", "", r#"{"status":"error"}"#)),
        ("HTML", json("<html>")),
        ("empty", json("")),
        ("no status", json("{}")),
        ("a status of tomorrow", json(r#"{"status":"queued"}"#)),
        ("302", answer("302 Found", elsewhere, "")),
        ("307", answer("307 Temporary Redirect", elsewhere, r#"{"status":"error"}"#)),
        ("too long", json(&format!("{SUCCESS}{}", " ".repeat(64 * 1024)))),
        ("half a body", Reply::BytesThenClose(HALF_A_BODY.to_owned())),
        ("no HTTP", Reply::Bytes("hello\r\n\r\n".to_owned())),
        ("dropped", Reply::Close),
    ] {
        assert_unknown(&dial_once(reply).await, case);
    }
}

#[tokio::test]
async fn an_answer_that_does_not_come_in_time_is_unknown() {
    let server = Server::start(vec![Reply::Silence]);
    let request_timeout = Duration::from_millis(300);
    let settings = Settings { request_timeout, ..settings(&server.base_url) };
    let provider = build(settings, Clock::real(), None).unwrap();
    assert_unknown(&dial(&provider).await, "silent");
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn what_could_not_be_connected_to_is_unreachable() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mute = TcpListener::bind("127.0.0.1:0").unwrap();
    let mute_address = mute.local_addr().unwrap();
    for (case, base_url) in [
        ("refused", format!("http://{nobody}")),
        ("no TLS in time", format!("https://{mute_address}")),
        ("no such host", format!("https://{}.invalid", "a".repeat(64))),
    ] {
        let connect_timeout = Duration::from_millis(200);
        let settings = Settings { connect_timeout, ..settings(&base_url) };
        let dispatched = dial(&build(settings, Clock::real(), None).unwrap()).await;
        let Dispatched::Refused { reason, message: Some(message) } = dispatched else {
            panic!("{case}: {dispatched:?}");
        };
        assert_eq!(reason, RefusalReason::Unreachable, "{case}: {message}");
    }
}

#[tokio::test]
async fn a_call_on_a_reused_connection_that_dies_is_not_sent_again() {
    let server = Server::start(vec![json(SUCCESS), Reply::Close]);
    let (provider, _hand) = provider(&server.base_url);
    assert_eq!(dial(&provider).await, Dispatched::Accepted);
    assert_unknown(&dial(&provider).await, "second");
    assert_eq!((server.seen().len(), server.connections.load(Relaxed)), (2, 1));
}

/// Whether the client learns of the close before or after it writes is a race;
/// in both cases the call is sent at most once.
#[tokio::test]
async fn a_connection_that_closes_while_idle_costs_no_second_call() {
    let Reply::Bytes(success) = json(SUCCESS) else { unreachable!() };
    let server = Server::start(vec![Reply::BytesThenClose(success)]);
    let (provider, _hand) = provider(&server.base_url);
    assert_eq!(dial(&provider).await, Dispatched::Accepted);
    let arrived = match dial(&provider).await {
        Dispatched::Accepted => 2,
        other => {
            assert_unknown(&other, "second");
            1
        }
    };
    assert_eq!(server.seen().len(), arrived);
}

#[tokio::test]
async fn a_slot_past_its_deadline_is_not_dialled() {
    let server = Server::start(Vec::new());
    let (provider, hand) = provider(&server.base_url);
    let slot = provider.reserve().await.unwrap();
    hand.advance(Duration::from_millis(5001));
    assert_eq!(provider.call_button(slot, &call()).await, refused(RefusalReason::RateLimited));
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn nothing_goes_while_the_provider_says_that_its_limit_is_reached() {
    let headers = "x-ratelimit-remaining: 0\r\nx-ratelimit-reset: 1800000020\r\n";
    let server = Server::start(vec![answer("200 OK", headers, SUCCESS)]);
    let (provider, hand) = provider(&server.base_url);
    assert_eq!(dial(&provider).await, Dispatched::Accepted);
    let retry_after = Duration::from_secs(15);
    assert_eq!(provider.reserve().await.err(), Some(NoRoom { retry_after }));
    assert!(matches!(provider.pbx_clock().await, Err(ProviderError::RateLimited)));
    hand.advance(retry_after);
    assert_eq!(
        provider.reserve().await.unwrap().at(),
        Timestamp::from_second(1_800_000_020).unwrap()
    );
}

#[tokio::test]
async fn too_many_requests_pause_the_line() {
    let server = Server::start(vec![answer("429 Too Many Requests", "", "")]);
    let (provider, _hand) = provider(&server.base_url);
    dial(&provider).await;
    let retry_after = Duration::from_secs(5);
    assert_eq!(provider.reserve().await.err(), Some(NoRoom { retry_after }));
}

#[tokio::test]
async fn the_account_is_read_in_our_words() {
    let server = Server::start(vec![
        json(r#"{"status":"success","unixtime":60,"datetime":"1970-01-01 02:01:00"}"#),
        json(r#"{"status":"success","info":[{"number":"380441234567"}]}"#),
        json(r#"{"status":"success","pbx_id":1,"numbers":[100,"101"]}"#),
        json(r#"{"status":"success","pbx_id":1,"sounds":[{"id":42,"name":"greeting"}]}"#),
        json(r#"{"status":"success","balance":"18.1636","currency":"EUR"}"#),
        json(
            r#"{"status":"success","stats":[
                {"pbx_call_id":"out_1","callstart":"1970-01-01 02:01:00","clid":"100",
                 "destination":380999999999,"disposition":"answered"},
                {"pbx_call_id":"","callstart":"1970-01-01 02:01:00","clid":"",
                 "destination":"","disposition":"answered"}]}"#,
        ),
    ]);
    let (provider, _hand) = provider(&server.base_url);
    let clock = provider.pbx_clock().await.unwrap();
    assert_eq!(clock, PbxTime(7260));
    assert_eq!(provider.own_numbers().await.unwrap(), ["380441234567"]);
    assert_eq!(provider.extensions().await.unwrap(), ["100", "101"]);
    let sound = Sound { id: "42".to_owned(), name: "greeting".to_owned() };
    assert_eq!(provider.sounds().await.unwrap(), [sound]);
    let balance = Balance { amount: "18.1636".to_owned(), currency: "EUR".to_owned() };
    assert_eq!(provider.balance().await.unwrap(), balance);
    let finished =
        FinishedCall { to: "380999999999".to_owned(), started_at: clock, answered: true };
    assert_eq!(provider.finished_calls(PbxTime(0), clock).await.unwrap(), [finished]);
    let seen = server.seen();
    assert!(seen[0].starts_with("GET /v1/info/timezone/?format=json HTTP/1.1\r\n"), "{}", seen[0]);
    let query = "call_type=out&end=1970-01-01+02%3A01%3A00&format=json&limit=1000\
                 &start=1970-01-01+00%3A00%3A00&version=2";
    assert!(seen[5].starts_with(&format!("GET /v1/statistics/pbx/?{query} ")), "{}", seen[5]);
}

#[tokio::test]
async fn statistics_have_a_narrower_line() {
    let server =
        Server::start((0..3).map(|_| json(r#"{"status":"success","stats":[]}"#)).collect());
    let (provider, _hand) = provider(&server.base_url);
    for _ in 0..3 {
        assert_eq!(provider.finished_calls(PbxTime(0), PbxTime(1)).await.unwrap(), []);
    }
    let fourth = provider.finished_calls(PbxTime(0), PbxTime(1)).await;
    assert!(matches!(fourth, Err(ProviderError::RateLimited)));
    assert!(provider.reserve().await.is_ok());
}

#[test]
fn an_address_that_is_open_or_more_than_an_origin_is_refused() {
    for (base_url, expected) in [
        ("https://api.zadarma.com", None),
        ("https://api.zadarma.com/", None),
        ("http://localhost:1", None),
        ("http://127.0.0.9:1", None),
        ("http://[::1]:1", None),
        ("http://api.zadarma.com", Some(BuildError::Insecure)),
        ("http://localhost.example.com", Some(BuildError::Insecure)),
        ("ftp://127.0.0.1", Some(BuildError::Insecure)),
        ("https://user:word@example.com", Some(BuildError::NotAnOrigin)),
        ("https://example.com/v1", Some(BuildError::NotAnOrigin)),
        ("https://example.com/?a", Some(BuildError::NotAnOrigin)),
        ("example", Some(BuildError::NotAUrl)),
    ] {
        assert_eq!(build(settings(base_url), Clock::real(), None).err(), expected, "{base_url}");
    }
}
