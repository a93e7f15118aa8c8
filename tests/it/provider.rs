//! The real client against the simulator: every method, every kind of error, and
//! a call whose fate is unknown asked for once and never again.

use std::time::Duration;

use reqwest::{Client, Method};
use ringproof::app;
use ringproof::clock::{Clock, ClockHand};
use ringproof::domain::{Name, PbxTime, PhoneNumber, RefusalReason, Secret};
use ringproof::provider::{
    self, Balance, ButtonCall, Dispatched, FinishedCall, Provider, ProviderError, Settings,
};
use ringproof::simulator::Simulator;
use serde_json::{Value, json};

use crate::app::{START, answer, client, made_up, simulate};

const NUMBER: &str = "+380999999999";
/// [`START`] in seconds of the PBX's clock, whose zone is UTC unless a test says otherwise.
const NOON: i64 = 1_795_348_800;

/// An account at a simulator of its own, and the client that asks it.
struct Account {
    simulator: Option<Simulator>,
    base: String,
    secret: String,
    clock: Clock,
    hand: ClockHand,
    http: Client,
    provider: Provider,
}

impl Account {
    async fn start() -> Self {
        let secret = made_up();
        let (clock, hand) = Clock::settable(START.parse().unwrap());
        let simulator = simulate(&secret, None, clock.clone());
        let base = format!("http://{}", simulator.address());
        let provider = provider::build(settings(&base, &secret), clock.clone(), None).unwrap();
        let http = client();
        Self { simulator: Some(simulator), base, secret, clock, hand, http, provider }
    }

    async fn stop(mut self) {
        self.stop_simulator().await;
    }

    async fn stop_simulator(&mut self) {
        if let Some(simulator) = self.simulator.take() {
            simulator.stop().await;
        }
    }

    /// Another client of the same account, its connections and line its own.
    fn client(&self, change: impl FnOnce(&mut Settings)) -> Provider {
        let mut settings = settings(&self.base, &self.secret);
        change(&mut settings);
        provider::build(settings, self.clock.clone(), None).unwrap()
    }

    async fn control(&self, method: Method, path: &str, body: Value) -> Value {
        let url = format!("{}/_simulator{path}", self.base);
        let answer = answer(self.http.request(method, url).body(body.to_string())).await;
        assert!(answer.status.is_success(), "{path}: {}", answer.text);
        if answer.text.is_empty() { Value::Null } else { answer.json() }
    }

    async fn put(&self, path: &str, body: Value) {
        self.control(Method::PUT, path, body).await;
    }

    async fn script(&self, number: &str, script: Value) {
        self.put(&format!("/scripts/{}", number.trim_start_matches('+')), script).await;
    }

    async fn call(&self, provider: &Provider, number: &str) -> Dispatched {
        let sounds = app::shipped_prompts()["default"].languages["en"].clone();
        let call = ButtonCall {
            to: PhoneNumber::parse(number).unwrap(),
            from: None,
            greeting: sounds.greeting,
            confirmed: sounds.confirmed,
            fallback: sounds.fallback,
        };
        provider.call_button(provider.reserve().await.unwrap(), &call).await
    }

    /// What the provider received for a number.
    async fn requests(&self, number: &str) -> Vec<Value> {
        let path = format!("/requests?path=/v1/verify/&to={}", number.trim_start_matches('+'));
        let listed = self.control(Method::GET, &path, Value::Null).await;
        listed["requests"].as_array().unwrap().clone()
    }

    /// How many calls were placed.
    async fn placed(&self) -> usize {
        let listed = self.control(Method::GET, "/calls", Value::Null).await;
        listed["calls"].as_array().unwrap().len()
    }
}

fn settings(base_url: &str, secret: &str) -> Settings {
    Settings {
        name: Name::parse("main").unwrap(),
        base_url: base_url.to_owned(),
        key: "test_key".to_owned(),
        secret: Secret::new(secret),
        requests_per_minute: 100,
        statistics_per_minute: 3,
        queue_deadline: Duration::from_secs(5),
        connect_timeout: Duration::from_secs(5),
        request_timeout: Duration::from_secs(10),
    }
}

/// The `index`-th number of a test.
fn number(index: usize) -> String {
    format!("+3809999999{index:02}")
}

const fn refused(reason: RefusalReason, message: Option<String>) -> Dispatched {
    Dispatched::Refused { reason, message }
}

/// One word for what came back from a method that asks for no call.
fn kind<T>(result: &Result<T, ProviderError>) -> &'static str {
    match result {
        Ok(_) => "ok",
        Err(ProviderError::Refused { .. }) => "refused",
        Err(ProviderError::RateLimited) => "rate limited",
        Err(ProviderError::Unauthorized) => "unauthorized",
        Err(ProviderError::Unreachable { .. }) => "unreachable",
        Err(ProviderError::Unknown { .. }) => "unknown",
    }
}

/// What every method that asks for no call comes back with, by name.
async fn kinds(provider: &Provider) -> [(&'static str, &'static str); 6] {
    let finished = provider.finished_calls(PbxTime(NOON), PbxTime(NOON)).await;
    [
        ("clock", kind(&provider.pbx_clock().await)),
        ("numbers", kind(&provider.own_numbers().await)),
        ("extensions", kind(&provider.extensions().await)),
        ("sounds", kind(&provider.sounds().await)),
        ("balance", kind(&provider.balance().await)),
        ("statistics", kind(&finished)),
    ]
}

#[track_caller]
fn assert_all(kinds: [(&'static str, &'static str); 6], expected: &str) {
    for (method, kind) in kinds {
        assert_eq!(kind, expected, "{method}");
    }
}

#[tokio::test]
async fn a_call_that_is_accepted_is_placed_once_with_the_sounds_and_the_number() {
    let account = Account::start().await;
    assert_eq!(account.call(&account.provider, NUMBER).await, Dispatched::Accepted);

    let requests = account.requests(NUMBER).await;
    assert_eq!((requests.len(), &requests[0]["status"]), (1, &json!(200)));
    let sounds = app::shipped_prompts()["default"].languages["en"].clone();
    let path = format!("/calls?reaches=ended&number={}", NUMBER.trim_start_matches('+'));
    let calls = account.control(Method::GET, &path, Value::Null).await;
    assert_eq!(
        calls["calls"][0]["sounds"],
        json!({ "greeting": sounds.greeting, "confirmed": sounds.confirmed, "fallback": sounds.fallback })
    );
    assert_eq!(calls["calls"][0]["key"], "1");
    account.stop().await;
}

#[tokio::test]
async fn the_account_is_read_as_the_provider_tells_it() {
    let account = Account::start().await;
    let settings = json!({
        "zone_offset_minutes": 120, "clock_skew_seconds": -20, "balance": 18.1636, "currency": "EUR",
        "direct_numbers": ["442030000000", "380441234567"], "internal_numbers": [100, 205],
    });
    account.put("/settings", settings).await;
    account.script(NUMBER, json!({ "does": "busy" })).await;
    account.call(&account.provider, NUMBER).await;
    account.control(Method::GET, "/notifications?settled=true", Value::Null).await;

    let clock = account.provider.pbx_clock().await.unwrap();
    assert_eq!(clock, PbxTime(NOON + 2 * 3600 - 20));
    assert_eq!(account.provider.own_numbers().await.unwrap(), ["442030000000", "380441234567"]);
    assert_eq!(account.provider.extensions().await.unwrap(), ["100", "205"]);
    let balance = Balance { amount: "18.1636".to_owned(), currency: "EUR".to_owned() };
    assert_eq!(account.provider.balance().await.unwrap(), balance);
    let sounds = account.provider.sounds().await.unwrap();
    let greeting = app::shipped_prompts()["default"].languages["en"].greeting.clone();
    let greeting = sounds.iter().find(|sound| sound.id == greeting).unwrap();
    assert_eq!(greeting.name, "ringproof-default-en-greeting");
    let busy = FinishedCall {
        to: NUMBER.trim_start_matches('+').to_owned(),
        started_at: clock,
        answered: false,
    };
    assert_eq!(account.provider.finished_calls(clock, clock).await.unwrap(), [busy]);
    let later = PbxTime(clock.0 + 1);
    assert_eq!(account.provider.finished_calls(later, later).await.unwrap(), []);
    account.stop().await;
}

#[tokio::test]
async fn a_sound_is_stored_found_by_its_name_and_removed_by_its_id() {
    let account = Account::start().await;
    let wav = crate::audio::tone(440.0, 1.0);
    // A name with characters that forms and signatures treat differently.
    let name = "greeting v1+a~*";
    account.provider.upload_sound(name, wav.clone()).await.unwrap();
    let id = async || {
        let sounds = account.provider.sounds().await.unwrap();
        sounds.into_iter().find(|sound| sound.name == name).map(|sound| sound.id)
    };
    let found = id().await.unwrap();
    account.provider.delete_sound(&found).await.unwrap();
    assert_eq!(id().await, None);

    let gone = account.provider.delete_sound(&found).await;
    assert!(matches!(gone, Err(ProviderError::Refused { .. })), "{gone:?}");
    let bad = account.provider.upload_sound("bad", b"text".to_vec()).await;
    assert!(matches!(bad, Err(ProviderError::Refused { .. })), "{bad:?}");
    let other = account.client(|settings| settings.secret = Secret::new("other"));
    let foreign = other.upload_sound(name, wav).await;
    assert!(matches!(foreign, Err(ProviderError::Unauthorized)), "{foreign:?}");
    account.stop().await;
}

#[tokio::test]
async fn sounds_wait_in_the_line_behind_calls() {
    let account = Account::start().await;
    let provider = account.client(|settings| {
        settings.requests_per_minute = 2;
        settings.queue_deadline = Duration::ZERO;
    });
    let wav = crate::audio::tone(440.0, 1.0);
    provider.upload_sound("one", wav.clone()).await.unwrap();
    provider.upload_sound("two", wav.clone()).await.unwrap();
    let third = provider.upload_sound("three", wav).await;
    assert!(matches!(third, Err(ProviderError::RateLimited)), "{third:?}");
    let removed = provider.delete_sound("none").await;
    assert!(matches!(removed, Err(ProviderError::RateLimited)), "{removed:?}");
    account.stop().await;
}

#[tokio::test]
async fn a_call_that_was_surely_not_placed_is_refused_with_its_reason() {
    use RefusalReason::{RateLimited, Refused, Unauthorized};
    let account = Account::start().await;
    let message = |text: &str| Some(text.to_owned());
    for (index, (script, expected)) in [
        (json!({ "api": "refuse" }), refused(Refused, message("Check phone's number"))),
        (
            json!({ "api": "refuse", "api_status": 400, "api_message": "No money for 380999999999" }),
            refused(Refused, message("No money for •••")),
        ),
        (json!({ "api": "unauthorized" }), refused(Unauthorized, None)),
        (json!({ "api": "rate_limited_429" }), refused(RateLimited, None)),
        (json!({ "api": "rate_limited_200" }), refused(RateLimited, None)),
    ]
    .into_iter()
    .enumerate()
    {
        let number = number(index);
        account.script(&number, script.clone()).await;
        // A limit that is reached pauses a client's line, so each has its own.
        let provider = account.client(|_| {});
        assert_eq!(account.call(&provider, &number).await, expected, "{script}");
        assert_eq!(account.requests(&number).await.len(), 1, "{script}");
    }
    let stranger = account.client(|settings| settings.secret = Secret::new(made_up()));
    let rejected = account.call(&stranger, &number(90)).await;
    assert_eq!(rejected, refused(Unauthorized, None));
    assert_eq!(account.placed().await, 0);
    account.stop().await;
}

#[tokio::test]
async fn a_call_whose_fate_is_unknown_is_dialled_once() {
    let account = Account::start().await;
    let mut placed = 0;
    for (index, (script, places, status)) in [
        (json!({ "api": "drop" }), false, 0),
        (json!({ "api": "accept_then_drop" }), true, 0),
        (json!({ "api": "http", "api_status": 500 }), false, 500),
        (json!({ "api": "http", "api_status": 502 }), false, 502),
        (json!({ "api": "unreadable" }), false, 200),
    ]
    .into_iter()
    .enumerate()
    {
        let number = number(index);
        account.script(&number, script.clone()).await;
        let dispatched = account.call(&account.provider, &number).await;
        assert!(matches!(dispatched, Dispatched::Unknown { .. }), "{script}: {dispatched:?}");
        // Whatever would have been sent again has been, once a later request has been answered.
        account.provider.pbx_clock().await.unwrap();
        let requests = account.requests(&number).await;
        assert_eq!((requests.len(), &requests[0]["status"]), (1, &json!(status)), "{script}");
        placed += usize::from(places);
        assert_eq!(account.placed().await, placed, "{script}");
    }
    account.stop().await;
}

#[tokio::test]
async fn a_call_that_is_not_answered_in_time_is_unknown_and_dialled_once() {
    let account = Account::start().await;
    // The simulator's clock stands still, so its answer never comes.
    account.script(NUMBER, json!({ "api": "slow", "api_delay_ms": 1000 })).await;
    let hasty = account.client(|settings| settings.request_timeout = Duration::from_millis(200));
    let dispatched = account.call(&hasty, NUMBER).await;
    let Dispatched::Unknown { message } = dispatched else { panic!("{dispatched:?}") };
    assert!(message.contains("no answer in time"), "{message}");
    assert_eq!((account.requests(NUMBER).await.len(), account.placed().await), (1, 1));
    account.hand.advance(Duration::from_secs(1));
    account.stop().await;
}

#[tokio::test]
async fn nobody_is_there_is_unreachable_for_calls_and_for_questions() {
    let mut account = Account::start().await;
    account.stop_simulator().await;
    let dispatched = account.call(&account.provider, NUMBER).await;
    let Dispatched::Refused { reason, message: Some(message) } = dispatched else {
        panic!("{dispatched:?}")
    };
    assert_eq!(reason, RefusalReason::Unreachable);
    assert!(message.contains("cannot be reached") && !message.contains(&account.secret));
    assert_all(kinds(&account.provider).await, "unreachable");
}

#[tokio::test]
async fn a_question_that_is_refused_says_with_which_words() {
    let account = Account::start().await;
    account.put("/settings", json!({ "refuse_all": "Under repair, ask 380441234567" })).await;
    assert_all(kinds(&account.provider).await, "refused");
    let refused = account.provider.balance().await.unwrap_err().to_string();
    assert_eq!(refused, "the provider refused: Under repair, ask •••");
    account.stop().await;
}

#[tokio::test]
async fn a_question_that_is_over_the_limit_is_rate_limited_in_both_forms() {
    let account = Account::start().await;
    let none = json!({ "rate_limit": 0, "statistics_rate_limit": 0 });
    account.put("/settings", none).await;
    for mode in ["http_429", "http_200"] {
        account.put("/settings", json!({ "rate_limit_mode": mode })).await;
        let provider = account.client(|_| {});
        assert_eq!(kind(&provider.balance().await), "rate limited", "{mode}");
        // The line waits for the provider's minute to end, so nothing more is sent.
        let room = provider.reserve().await.err().unwrap();
        assert!(room.retry_after > Duration::ZERO, "{mode}");
        let provider = account.client(|_| {});
        let finished = provider.finished_calls(PbxTime(NOON), PbxTime(NOON)).await;
        assert_eq!(kind(&finished), "rate limited", "{mode}");
    }
    account.stop().await;
}

#[tokio::test]
async fn a_question_with_another_secret_is_unauthorized_until_both_have_the_same() {
    let account = Account::start().await;
    let rotated = made_up();
    account.put("/secret", json!({ "secret": rotated })).await;
    assert_all(kinds(&account.provider).await, "unauthorized");
    let renewed = account.client(|settings| settings.secret = Secret::new(rotated));
    assert_eq!(kind(&renewed.balance().await), "ok");
    account.stop().await;
}

#[tokio::test]
async fn a_question_that_gets_no_answer_is_unknown() {
    let account = Account::start().await;
    account.put("/settings", json!({ "drop_all": true })).await;
    assert_all(kinds(&account.provider).await, "unknown");
    account.stop().await;
}

#[tokio::test]
async fn a_burst_waits_its_turn_within_the_limit_and_what_would_be_late_has_no_room() {
    let account = Account::start().await;
    account.put("/settings", json!({ "rate_limit": 5 })).await;
    let provider = account.client(|settings| settings.requests_per_minute = 5);
    for index in 0..5 {
        assert_eq!(account.call(&provider, &number(index)).await, Dispatched::Accepted);
    }
    assert_eq!(provider.reserve().await.err().unwrap().retry_after, Duration::from_secs(55));
    account.hand.advance(Duration::from_secs(56));
    let late = provider.reserve().await.unwrap();
    assert_eq!(late.at().as_second(), NOON + 60);
    drop(late);
    account.hand.advance(Duration::from_secs(4));
    assert_eq!(account.call(&provider, &number(6)).await, Dispatched::Accepted);
    assert_eq!(account.placed().await, 6);
    account.stop().await;
}
