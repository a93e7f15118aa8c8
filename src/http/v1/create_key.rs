//! `POST /v1/keys`: make a key.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpResponse, post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::service::{KeyOptions, KeyRefusal, NewKey, Scope, SignatureMethod, to_the_end};

use super::super::access::{Holder, ToOperate};
use super::super::answer;
use super::super::error::Code;
use super::super::problem::Problem;
use super::super::read::Json;
use super::super::state::State;
use super::step::name;
use super::words;

/// What a key may do unless the request says.
const DEFAULT_SCOPES: [Scope; 2] = [Scope::Start, Scope::Read];

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
    let options = KeyOptions { test: body.body.test.unwrap_or(false), signs };
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
        KeyRefusal::NotAccepted | KeyRefusal::Malformed | KeyRefusal::Exists => {
            Problem::internal(&refusal)
        }
    }
}
