//! `POST /v1/verifications`: start, and wait if asked to.

use std::net::IpAddr;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue, LOCATION};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, post};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

use crate::domain::{self, CodeRules, Level, Name};
use crate::service::{ANSWER_WITHIN, Idempotency, StartRefusal, StartRequest, Started, to_the_end};

use super::super::access::{Holder, ToStart, not_shown};
use super::super::answer;
use super::super::error::Code;
use super::super::guarded::guarded;
use super::super::problem::{Problem, sentence};
use super::super::read::{Json, Wait, idempotency, wait_of};
use super::super::state::State;
use super::super::waits::Waiter;
use super::step::{self, PlanBody, SoundsBody, StepBody, language, name, recipient, too_long};
use super::verification::View;
use super::words;

/// The longest reference, in bytes.
const MAX_REFERENCE: usize = 256;
/// The largest metadata, in bytes of JSON.
const MAX_METADATA: usize = 4 * 1024;
/// The most keys to count by.
const MAX_RATE_KEYS: usize = 8;
/// The longest of them, in bytes.
const MAX_RATE_KEY: usize = 128;
/// When a start may be tried again that met the service closing or its own twin, in seconds.
const RETRY_SOON: u64 = 2;
/// Seconds after which a provider that was not reached is asked again.
const RETRY_PROVIDER: u64 = 30;

/// The levels of evidence that can be demanded; the weakest is always reached.
const DEMANDABLE: [Level; 2] = [Level::Partial, Level::Strong];

fn evidence_levels() -> Object {
    let words = DEMANDABLE.map(Level::as_str);
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).build()
}

/// What can be wrong with a start.
pub const PROBLEMS: &[Code] = &[
    Code::InvalidJson,
    Code::JsonTooDeep,
    Code::InvalidHeader,
    Code::Unauthorized,
    Code::MissingScope,
    Code::RequestTimeout,
    Code::IdempotencyRunning,
    Code::NumberBusy,
    Code::BodyTooLarge,
    Code::UnsupportedMediaType,
    Code::UnknownField,
    Code::MissingField,
    Code::InvalidField,
    Code::InvalidNumber,
    Code::InvalidAddress,
    Code::OwnNumber,
    Code::UnknownAccount,
    Code::UnknownPlan,
    Code::InvalidPlan,
    Code::ChannelMismatch,
    Code::Landline,
    Code::NotDigits,
    Code::UnknownPrompt,
    Code::UnknownLanguage,
    Code::PressMismatch,
    Code::SoundMissing,
    Code::IdempotencyMismatch,
    Code::GuardLimited,
    Code::GuardRefused,
    Code::PreSendDenied,
    Code::PreSendFailed,
    Code::Internal,
    Code::ProviderBusy,
    Code::ProviderUnknown,
    Code::StoreUnavailable,
    Code::ShuttingDown,
];

/// What to ask, and whom.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StartBody {
    /// The number to reach, in international form, or for `email` an address.
    #[schema(example = "+380991234567")]
    to: String,
    /// How to reach the person. Default `call_button`. The fields of its step stand beside it.
    #[schema(schema_with = words::channel)]
    channel: Option<String>,
    /// In place of `channel`: the name of a plan of the configuration, or 1 to 8 steps to be
    /// tried in order.
    #[schema(value_type = Option<PlanBody>)]
    plan: Option<Value>,
    /// The account of the configuration that calls and sends. Default: the first.
    account: Option<String>,
    /// The prompt of the configuration. Default: the one that fits `press`, `default` first.
    prompt: Option<String>,
    /// The language of every step that names none. Default: `en` or the prompt's first for
    /// `call_button`, the account's for codes.
    #[schema(example = "en")]
    language: Option<String>,
    /// Three sounds of the provider in place of a prompt.
    sounds: Option<SoundsBody>,
    /// The key to ask for: a digit, or `random` for one that the app shows. Default:
    /// the one that the prompt's greeting names.
    #[schema(pattern = "^([0-9]|random)$", example = "1")]
    press: Option<String>,
    /// The number that the call comes from, one of the account's own; for `email` the
    /// sender's address.
    from: Option<String>,
    /// `sms`: a template of the provider's account, by its id.
    template: Option<String>,
    /// `sms`: the sender that the phone shows, one of those the provider allows.
    sender: Option<String>,
    /// `email`: the subject.
    subject: Option<String>,
    /// `email`: the text, with the marker `{#code#}` where the code is to stand.
    body: Option<String>,
    /// The app's own code: 4 to 10 digits, the first not 0. Default: one made here.
    #[schema(pattern = "^[1-9][0-9]{3,9}$")]
    code: Option<String>,
    /// Digits of a code made here. Default: the configuration's. Fewer than 6 bring a warning.
    #[schema(minimum = 4, maximum = 10)]
    code_length: Option<u8>,
    /// How long the verification may take, in seconds.
    #[schema(minimum = 10, maximum = 600)]
    expires_in: Option<u32>,
    /// The least evidence that its result must have. A start that cannot reach it is
    /// refused. `strong` needs `press: "random"`. Default: none is demanded.
    #[schema(schema_with = evidence_levels)]
    evidence: Option<String>,
    /// The app's own reference, at most 256 bytes; redeeming compares it.
    #[schema(max_length = 256)]
    reference: Option<String>,
    /// The app's own data, at most 4096 bytes of JSON.
    #[schema(value_type = Option<Object>)]
    metadata: Option<Map<String, Value>>,
    /// Where status changes are sent, beside the app's endpoints: https, at most 2048
    /// bytes, signed with the app's `callback_secret`.
    #[schema(example = "https://shop.example.com/hooks/ringproof")]
    callback_url: Option<String>,
    /// The end user's address, IPv4 or IPv6, for the guard to count by; not kept.
    #[schema(example = "203.0.113.7")]
    client_ip: Option<String>,
    /// Keys of the app's own for the guard to count by: a session, a device, a user. At most
    /// 8 of 1 to 128 bytes; kept as keyed hashes only.
    #[schema(max_items = 8)]
    rate_keys: Option<Vec<String>>,
}

/// Starts a verification: the provider calls the number, and the person presses a key;
/// or a code is told by call, SMS or e-mail, and the app has it checked.
///
/// Answers once the verification is stored and the provider has answered, or a second
/// later. With `Prefer: wait=N` it answers once the verification has ended, or after N
/// seconds. With an `Idempotency-Key` the same request may be sent again safely.
#[utoipa::path(
    operation_id = "start",
    tag = "verifications",
    request_body = StartBody,
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters; kept for a day"),
        ("Prefer" = Option<String>, Header, description = "wait=N: answer when it has ended, at most N seconds later"),
    ),
    responses((
        status = 201,
        description = "It runs, or has ended already. With an Idempotency-Key that was used before: the newest version of what it started",
        body = View,
        headers(
            ("Location" = String, description = "The path of the verification"),
            ("Idempotent-Replayed" = String, description = "true, when an earlier request started it"),
            ("Preference-Applied" = String, description = "The wait that was applied"),
        ),
    )),
    security(("key" = ["start"])),
)]
#[post("/v1/verifications")]
pub async fn start(
    holder: Holder<ToStart>,
    request: HttpRequest,
    state: Data<State>,
    body: Json<StartBody>,
) -> Result<HttpResponse, Problem> {
    let wait = wait_of(request.headers(), None, &state.limits)?;
    let waiter = holder.waiter();
    let idempotency = idempotency(&request, &state, &holder.app, &body.tree)?;
    let wanted = StartRequest { test: holder.test, ..wanted(holder.app, body.body, idempotency)? };
    let (service, now) = (Arc::clone(&state.service), state.service.clock().now());
    let starting = async move { service.start(wanted).await };
    let started = to_the_end(state.service.background(), starting).await;
    answer_to(&state, started.map_err(|refusal| refused(refusal, now))?, wait, waiter).await
}

async fn answer_to(
    state: &State,
    started: Started,
    wait: Option<Wait>,
    waiter: Waiter,
) -> Result<HttpResponse, Problem> {
    let Started { verification, replayed } = started;
    let mut verification = Arc::new(verification);
    // It runs; a client that finds no place to wait is answered at once.
    let place = wait.and_then(|wait| state.waits.place(waiter).ok().map(|place| (wait, place)));
    let mut applied = None;
    if let Some((wait, _place)) = place {
        verification =
            state.service.wait(verification.id, wait.longest).await.map_err(not_shown)?;
        applied = wait.applied();
    }
    let token = state.service.store_key().wait_token(verification.id);
    let view = View::new(&verification, state.service.timing()).with_wait_token(token.expose());
    let mut answer = answer::json(StatusCode::CREATED, &view);
    let headers = answer.headers_mut();
    if let Ok(location) = HeaderValue::try_from(format!("/v1/verifications/{}", verification.id)) {
        headers.insert(LOCATION, location);
    }
    if replayed {
        let name = HeaderName::from_static("idempotent-replayed");
        headers.insert(name, HeaderValue::from_static("true"));
    }
    if let Some((name, value)) = applied {
        headers.insert(name, value);
    }
    Ok(answer)
}

/// The body in the words of the use case.
fn wanted(
    app: Name,
    body: StartBody,
    idempotency: Option<Idempotency>,
) -> Result<StartRequest, Problem> {
    if body.reference.as_ref().is_some_and(|reference| reference.len() > MAX_REFERENCE) {
        return Err(too_long("reference", MAX_REFERENCE));
    }
    let metadata = body.metadata.map(|members| Value::Object(members).to_string());
    if metadata.as_ref().is_some_and(|text| text.len() > MAX_METADATA) {
        return Err(too_long("metadata", MAX_METADATA));
    }
    let step = StepBody {
        channel: body.channel,
        wait: None,
        new_code: None,
        prompt: body.prompt,
        language: None,
        sounds: body.sounds,
        press: body.press,
        from: body.from,
        template: body.template,
        sender: body.sender,
        subject: body.subject,
        body: body.body,
    };
    Ok(StartRequest {
        app,
        to: recipient("to", &body.to)?,
        account: body.account.map(|text| name("account", &text)).transpose()?,
        language: body.language.map(|text| language("language", &text)).transpose()?,
        plan: step::plan(body.plan, step)?,
        code: body.code.map(|text| own_code(&text)).transpose()?,
        code_length: body.code_length,
        expires_in: body.expires_in.map(|seconds| SignedDuration::from_secs(seconds.into())),
        reference: body.reference.map(String::into_boxed_str),
        metadata: metadata.map(String::into_boxed_str),
        callback_url: body.callback_url.map(String::into_boxed_str),
        idempotency,
        rules: CodeRules::default(),
        max_sends: None,
        alone: false,
        answer_within: ANSWER_WITHIN,
        test: false,
        evidence: body.evidence.map(|text| evidence(&text)).transpose()?,
        client_ip: body.client_ip.map(|text| client_ip(&text)).transpose()?,
        rate_keys: rate_keys(body.rate_keys)?,
    })
}

fn evidence(text: &str) -> Result<Level, Problem> {
    let found = DEMANDABLE.into_iter().find(|level| level.as_str() == text);
    found.ok_or_else(|| {
        let known = DEMANDABLE.map(Level::as_str);
        let detail = format!("\"evidence\" is one of: {}.", known.join(", "));
        Problem::field(Code::InvalidField, "evidence", detail).with("known", known.to_vec())
    })
}

fn client_ip(text: &str) -> Result<IpAddr, Problem> {
    text.parse().map_err(|_| {
        let detail = "\"client_ip\" is an address such as 203.0.113.7 or 2001:db8::7.";
        Problem::field(Code::InvalidField, "client_ip", detail)
    })
}

fn rate_keys(keys: Option<Vec<String>>) -> Result<Vec<Box<str>>, Problem> {
    let mut keys = keys.unwrap_or_default();
    keys.sort_unstable();
    keys.dedup();
    if keys.len() > MAX_RATE_KEYS || keys.iter().any(|key| !(1..=MAX_RATE_KEY).contains(&key.len()))
    {
        let detail = format!(
            "\"rate_keys\" holds at most {MAX_RATE_KEYS} texts of 1 to {MAX_RATE_KEY} bytes."
        );
        return Err(Problem::field(Code::InvalidField, "rate_keys", detail));
    }
    Ok(keys.into_iter().map(String::into_boxed_str).collect())
}

fn own_code(text: &str) -> Result<domain::Code, Problem> {
    domain::Code::parse(text)
        .map_err(|why| Problem::field(Code::NotDigits, "code", format!("\"code\": {why}.")))
}

fn refused(refusal: StartRefusal, now: Timestamp) -> Problem {
    let detail = sentence(&refusal);
    match refusal {
        StartRefusal::UnknownAccount(_) => Problem::field(Code::UnknownAccount, "account", detail),
        StartRefusal::UnknownPrompt { .. } => Problem::field(Code::UnknownPrompt, "prompt", detail),
        StartRefusal::PressMismatch { .. } => Problem::field(Code::PressMismatch, "press", detail),
        StartRefusal::SoundMissing(_) => Problem::new(Code::SoundMissing, detail),
        StartRefusal::UnknownPlan { .. } => Problem::field(Code::UnknownPlan, "plan", detail),
        StartRefusal::PlanLength => Problem::field(Code::InvalidPlan, "plan", detail),
        StartRefusal::ChannelMismatch(channel) => {
            Problem::field(Code::ChannelMismatch, "to", detail).with("channel", channel.as_str())
        }
        StartRefusal::Evidence { channel, .. } => {
            Problem::field(Code::InvalidField, "evidence", detail).with("channel", channel.as_str())
        }
        StartRefusal::Landline => Problem::field(Code::Landline, "to", detail),
        StartRefusal::UnknownCodeLanguage { .. } => {
            Problem::field(Code::UnknownLanguage, "language", detail)
        }
        StartRefusal::NoMarker { .. } => Problem::field(Code::InvalidField, "body", detail),
        StartRefusal::CodeLength => Problem::field(Code::InvalidField, "code_length", detail),
        StartRefusal::CodeUnused => Problem::field(Code::InvalidField, "code", detail),
        StartRefusal::NewOwnCode => Problem::field(Code::InvalidField, "new_code", detail),
        StartRefusal::OwnNumber => Problem::field(Code::OwnNumber, "to", detail),
        StartRefusal::Lifetime { max } => {
            Problem::field(Code::InvalidField, "expires_in", detail).with("limit", max)
        }
        StartRefusal::NumberBusy { until } => {
            Problem::field(Code::NumberBusy, "to", detail).retry_at(until, now)
        }
        StartRefusal::Guarded(refusal) => guarded(&refusal, now),
        StartRefusal::NoRoom(room) => {
            Problem::new(Code::ProviderBusy, detail).retry_after(room.retry_after.as_secs() + 1)
        }
        StartRefusal::ProviderUnknown => {
            Problem::new(Code::ProviderUnknown, detail).retry_after(RETRY_PROVIDER)
        }
        StartRefusal::Callback(_) => Problem::field(Code::InvalidField, "callback_url", detail),
        StartRefusal::Denied { .. } => Problem::new(Code::PreSendDenied, detail),
        StartRefusal::Unasked | StartRefusal::Unheard { .. } => {
            Problem::new(Code::PreSendFailed, detail).retry_after(RETRY_SOON)
        }
        // Only the other surface asks for what these two refuse.
        StartRefusal::CodeLife { .. } | StartRefusal::Running { .. } => Problem::internal(&refusal),
        StartRefusal::IdempotencyMismatch => Problem::new(Code::IdempotencyMismatch, detail),
        StartRefusal::IdempotencyRunning => {
            Problem::new(Code::IdempotencyRunning, detail).retry_after(RETRY_SOON)
        }
        StartRefusal::Closing => Problem::new(Code::ShuttingDown, detail).retry_after(RETRY_SOON),
        StartRefusal::Store(error) => Problem::store(&error),
    }
}
