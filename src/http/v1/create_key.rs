//! `POST /v1/keys`: make a key.

use std::ops::RangeInclusive;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpResponse, post};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::Network;
use crate::service::{KeyOptions, KeyRefusal, NewKey, Scope, SignatureMethod, to_the_end};

use super::super::access::{Holder, ToOperate};
use super::super::answer;
use super::super::error::Code;
use super::super::problem::{Problem, instant};
use super::super::read::Json;
use super::super::state::State;
use super::step::name;
use super::words;

/// What a key may do unless the request says.
const DEFAULT_SCOPES: [Scope; 2] = [Scope::Start, Scope::Read];

/// Seconds for which a key may be made: a minute to ten years.
const LIFETIME: RangeInclusive<u32> = 60..=315_360_000;
/// How many networks a key may have.
const MOST_NETWORKS: usize = 32;

/// What can be wrong with making a key.
pub const PROBLEMS: &[Code] = &[
    Code::InvalidJson,
    Code::JsonTooDeep,
    Code::Unauthorized,
    Code::MissingScope,
    Code::RequestTimeout,
    Code::BodyTooLarge,
    Code::UnsupportedMediaType,
    Code::UnknownField,
    Code::MissingField,
    Code::InvalidField,
    Code::Internal,
    Code::StoreUnavailable,
];

/// Whose key, and what it may do.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyBody {
    /// The app, 1 to 64 of a-z, 0-9, - and _.
    #[schema(example = "shop")]
    app: String,
    /// What the key may do. Default: start and read.
    #[schema(schema_with = scopes)]
    scopes: Option<Vec<String>>,
    /// Whether the test numbers of the configuration act for it. Default: false.
    test: Option<bool>,
    /// How the key may sign requests to the Vonage surface. Default: it may not.
    #[schema(schema_with = words::signature_method)]
    signature_method: Option<String>,
    /// Seconds until it ends by itself. Default: when it is revoked.
    #[schema(minimum = 60, maximum = 315_360_000)]
    expires_in: Option<u32>,
    /// The addresses and networks from which it counts, at most 32. Default: everywhere.
    #[schema(example = json!(["192.0.2.0/24"]))]
    networks: Option<Vec<String>>,
}

/// A key just made.
#[derive(Serialize, ToSchema)]
#[schema(as = NewKey)]
pub struct NewKeyView {
    /// Its public id.
    id: String,
    /// The app that it belongs to.
    app: String,
    /// What it may do.
    #[schema(schema_with = scopes)]
    scopes: Vec<String>,
    /// `ID.SECRET`, the bearer token. Shown here and never again.
    key: String,
    /// Whether test numbers act for it.
    test: bool,
    /// What it signs requests with; null if it may not. Shown here and never again.
    signature_secret: Option<String>,
    /// When it ends by itself; null if it does not.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// From where it counts; empty means from everywhere.
    networks: Vec<String>,
}

/// The list of scopes, as a schema.
pub(super) fn scopes() -> utoipa::openapi::schema::Array {
    utoipa::openapi::schema::ArrayBuilder::new().items(words::scope()).build()
}

/// Makes a key for an app. Its secret is in this answer only.
#[utoipa::path(
    operation_id = "create_key",
    tag = "keys",
    request_body = KeyBody,
    responses((status = 201, description = "The key is in force", body = NewKeyView)),
    security(("key" = ["operate"])),
)]
#[post("/v1/keys")]
pub async fn create_key(
    holder: Holder<ToOperate>,
    state: Data<State>,
    body: Json<KeyBody>,
) -> Result<HttpResponse, Problem> {
    let app = name("app", &body.body.app)?;
    let signs = body.body.signature_method.as_deref().map(signature_method).transpose()?;
    let expires_in = body.body.expires_in.map(lifetime).transpose()?;
    let networks = networks(body.body.networks.unwrap_or_default())?;
    let test = body.body.test.unwrap_or(false);
    let options = KeyOptions { test, signs, expires_in, networks };
    let scopes = wanted_scopes(body.body.scopes)?;
    let service = Arc::clone(&state.service);
    let work = async move { service.create_key_with(app, &scopes, options, &holder.actor()).await };
    let NewKey { row, key, signature_secret } =
        to_the_end(state.service.background(), work).await.map_err(refused)?;
    let view = NewKeyView {
        id: row.id.into(),
        app: row.app.to_string(),
        scopes: row.scopes.into_iter().map(String::from).collect(),
        key: key.expose().to_owned(),
        test: row.test,
        signature_secret: signature_secret.map(|secret| secret.expose().to_owned()),
        expires_at: row.expires_at.map(instant),
        networks: row.networks.iter().map(ToString::to_string).collect(),
    };
    Ok(answer::json(StatusCode::CREATED, &view))
}

fn wanted_scopes(texts: Option<Vec<String>>) -> Result<Vec<Scope>, Problem> {
    let Some(texts) = texts else { return Ok(DEFAULT_SCOPES.to_vec()) };
    let parsed: Option<Vec<Scope>> = texts.iter().map(|text| Scope::parse(text)).collect();
    let mut scopes = parsed.filter(|scopes| !scopes.is_empty()).ok_or_else(|| {
        let known = Scope::ALL.map(Scope::as_str);
        let detail = format!("\"scopes\" holds one or more of: {}.", known.join(", "));
        Problem::field(Code::InvalidField, "scopes", detail).with("known", known.to_vec())
    })?;
    scopes.sort_by_key(|scope| *scope as u8);
    scopes.dedup();
    Ok(scopes)
}

fn lifetime(seconds: u32) -> Result<SignedDuration, Problem> {
    if !LIFETIME.contains(&seconds) {
        let detail = format!(
            "\"expires_in\" is a number of seconds from {} to {}.",
            LIFETIME.start(),
            LIFETIME.end()
        );
        return Err(Problem::field(Code::InvalidField, "expires_in", detail));
    }
    Ok(SignedDuration::from_secs(seconds.into()))
}

fn networks(texts: Vec<String>) -> Result<Vec<Network>, Problem> {
    let parsed: Option<Vec<Network>> = texts.iter().map(|text| text.parse().ok()).collect();
    parsed.filter(|networks| networks.len() <= MOST_NETWORKS).ok_or_else(|| {
        let detail = format!(
            "\"networks\" holds at most {MOST_NETWORKS} addresses and networks, as in \"192.0.2.0/24\"."
        );
        Problem::field(Code::InvalidField, "networks", detail)
    })
}

fn signature_method(text: &str) -> Result<SignatureMethod, Problem> {
    SignatureMethod::parse(text).ok_or_else(|| {
        let known = SignatureMethod::ALL.map(SignatureMethod::as_str);
        let detail = format!("\"signature_method\" is one of: {}.", known.join(", "));
        Problem::field(Code::InvalidField, "signature_method", detail).with("known", known.to_vec())
    })
}

/// What a change of keys that was not made is answered with.
pub(super) fn refused(refusal: KeyRefusal) -> Problem {
    match refusal {
        KeyRefusal::Store(error) => Problem::store(&error),
        KeyRefusal::NotFound => Problem::new(Code::NotFound, "No key in force has this id."),
        // A key that is made here is well formed and new.
        KeyRefusal::NotAccepted
        | KeyRefusal::Expired
        | KeyRefusal::ForbiddenSource(_)
        | KeyRefusal::Malformed
        | KeyRefusal::Exists => Problem::internal(&refusal),
    }
}
