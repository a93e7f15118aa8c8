//! Request bodies: read with a limit and a deadline.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::fields::{self, Fault, FaultKind};
use super::json;
use crate::http::error::Code;
use crate::http::problem::Problem;

/// The largest JSON body, in bytes.
pub const MAX_JSON: usize = 16 * 1024;
/// How long a body may take to arrive once its head has.
const BODY_WITHIN: Duration = Duration::from_secs(10);

/// Why a body was not read.
#[derive(Debug, PartialEq, Eq)]
pub enum Unread {
    /// It has more bytes than allowed.
    TooLarge,
    /// It did not arrive in time.
    TooSlow,
    /// The connection broke, or its framing is wrong.
    Broken,
}

/// Reads a body of at most `limit` bytes, of known length or in chunks.
///
/// # Errors
/// See [`Unread`]; a body that says it is too large is not read at all.
pub async fn read_body(
    request: &HttpRequest,
    payload: &mut Payload,
    limit: usize,
) -> Result<Vec<u8>, Unread> {
    read_body_within(request, payload, limit, BODY_WITHIN).await
}

/// The same with a deadline of one's own.
///
/// # Errors
/// See [`read_body`].
pub async fn read_body_within(
    request: &HttpRequest,
    payload: &mut Payload,
    limit: usize,
    within: Duration,
) -> Result<Vec<u8>, Unread> {
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > limit) {
        return Err(Unread::TooLarge);
    }
    let read = async {
        let mut body = Vec::with_capacity(length.unwrap_or(0));
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|_| Unread::Broken)?;
            if body.len() + chunk.len() > limit {
                return Err(Unread::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    };
    tokio::time::timeout(within, read).await.unwrap_or(Err(Unread::TooSlow))
}

/// A JSON body, read into a wire type, and beside it the whole as it came.
pub struct Json<T> {
    /// What was read.
    pub body: T,
    /// The same as a tree, for fingerprints.
    pub tree: Value,
}

impl<T: DeserializeOwned> FromRequest for Json<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            check_content_type(&request)?;
            let bytes = read_body(&request, &mut payload, MAX_JSON).await.map_err(unread)?;
            let tree = json::parse(&bytes)?;
            let body = fields::read(tree.clone()).map_err(at_fault)?;
            Ok(Self { body, tree })
        })
    }
}

/// Reads a part of a body that stands at `place` into a wire type.
///
/// # Errors
/// Names the field that is wrong.
pub fn read_under<T: DeserializeOwned>(place: &str, part: Value) -> Result<T, Problem> {
    fields::read(part).map_err(|fault| at_fault(fault.under(place)))
}

fn check_content_type(request: &HttpRequest) -> Result<(), Problem> {
    let content_type = request.content_type();
    if content_type.trim().eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let detail = "Send the body as \"Content-Type: application/json\".";
    Err(Problem::new(Code::UnsupportedMediaType, detail))
}

fn unread(why: Unread) -> Problem {
    match why {
        Unread::TooLarge => {
            Problem::new(Code::BodyTooLarge, format!("A body may have {MAX_JSON} bytes."))
                .with("limit", MAX_JSON)
        }
        Unread::TooSlow => {
            let seconds = BODY_WITHIN.as_secs();
            Problem::new(
                Code::RequestTimeout,
                format!("A body may take {seconds} seconds to arrive."),
            )
            .with("limit", seconds)
        }
        Unread::Broken => Problem::new(Code::InvalidJson, "The body ended before its end."),
    }
}

fn at_fault(Fault { field, kind }: Fault) -> Problem {
    if field.is_empty() {
        return Problem::new(Code::InvalidField, "The body must be a JSON object.");
    }
    match kind {
        FaultKind::Unknown(known) => {
            let name = field.rsplit('.').next().unwrap_or_default();
            let detail = fields::unknown("field", &field, name, known);
            Problem::field(Code::UnknownField, &field, detail).with("known", known)
        }
        FaultKind::Missing => {
            Problem::field(Code::MissingField, &field, format!("The field {field:?} is required."))
        }
        FaultKind::Wrong(message) => {
            Problem::field(Code::InvalidField, &field, format!("The field {field:?}: {message}."))
        }
    }
}
