//! `POST /v1/verifications/{id}/check`: a person's code against the one that was sent.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpResponse, post};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::Secret;
use crate::service::{CheckRefusal, to_the_end};

use super::super::access::{Holder, ToStart, not_shown};
use super::super::answer;
use super::super::error::Code;
use super::super::problem::{Problem, sentence};
use super::super::read::{Id, Json};
use super::super::state::State;
use super::cancel::{already_ended, contended};
use super::verification::View;
use super::words;

/// The most digits that a person may type.
const MOST_DIGITS: usize = 10;
/// Seconds after which a provider that did not check may be asked again.
const RETRY_PROVIDER: u64 = 2;

/// What can be wrong with a check.
pub const PROBLEMS: &[Code] = &[
    Code::InvalidJson,
    Code::JsonTooDeep,
    Code::Unauthorized,
    Code::MissingScope,
    Code::NotFound,
    Code::RequestTimeout,
    Code::AlreadyEnded,
    Code::NothingToCheck,
    Code::BodyTooLarge,
    Code::UnsupportedMediaType,
    Code::UnknownField,
    Code::MissingField,
    Code::InvalidField,
    Code::NotDigits,
    Code::Internal,
    Code::ProviderBusy,
    Code::ProviderFailed,
    Code::StoreUnavailable,
];

/// What the person typed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckBody {
    /// The code: digits; spaces and dashes are left out.
    #[schema(example = "482913")]
    code: String,
}

/// What the check came to.
#[derive(Serialize, ToSchema)]
pub struct CheckAnswer {
    /// `correct` for the one check that verified it, `already_verified` for every later
    /// one; `incorrect` used up a check; `exhausted` and `expired` compared nothing.
    #[schema(schema_with = words::check_result)]
    result: &'static str,
    /// Checks that are left.
    checks_left: u8,
    /// The verification after the check.
    verification: View,
}

/// Checks a code. Counted over everything that was sent: wrong codes use the checks up,
/// and with the last one the verification fails with `too_many_checks`.
#[utoipa::path(
    operation_id = "check",
    tag = "verifications",
    params(("id" = String, Path, description = "The id that the start answered")),
    request_body = CheckBody,
    responses((status = 200, description = "The code was looked at", body = CheckAnswer)),
    security(("key" = ["start"])),
)]
#[post("/v1/verifications/{id}/check")]
pub async fn check(
    holder: Holder<ToStart>,
    id: Id,
    state: Data<State>,
    body: Json<CheckBody>,
) -> Result<HttpResponse, Problem> {
    handle(holder, id, state, body).await
}

/// The same for a route that has only the prefix.
pub async fn handle(
    holder: Holder<ToStart>,
    id: Id,
    state: Data<State>,
    body: Json<CheckBody>,
) -> Result<HttpResponse, Problem> {
    let typed = typed(&body.body.code)?;
    let service = Arc::clone(&state.service);
    let now = service.clock().now();
    let work = async move { service.check(&holder.app, id.0, &typed).await };
    let checked = to_the_end(state.service.background(), work).await;
    let (result, verification) = checked.map_err(|refusal| refused(refusal, now))?;
    let left = verification.codes.as_ref().map_or(0, |codes| codes.checks_left());
    let is_pending = verification.conclusion().is_none();
    Ok(answer::json(
        StatusCode::OK,
        &CheckAnswer {
            result: result.as_str(),
            checks_left: if is_pending { left } else { 0 },
            verification: View::new(&verification, state.service.timing()),
        },
    ))
}

/// What no code can be is refused before anything is counted.
fn typed(text: &str) -> Result<Secret, Problem> {
    let digits: String = text.chars().filter(|c| *c != ' ' && *c != '-').collect();
    let fits = (1..=MOST_DIGITS).contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_digit());
    if fits {
        return Ok(Secret::new(digits));
    }
    let detail = format!("\"code\" is what the person typed: 1 to {MOST_DIGITS} digits.");
    Err(Problem::field(Code::NotDigits, "code", detail).with("limit", MOST_DIGITS))
}

fn refused(refusal: CheckRefusal, now: Timestamp) -> Problem {
    let detail = sentence(&refusal);
    match refusal {
        CheckRefusal::Show(refusal) => not_shown(refusal),
        CheckRefusal::AlreadyEnded(status) => already_ended(status),
        CheckRefusal::NoCode => Problem::new(Code::NothingToCheck, detail),
        CheckRefusal::NoRoom { until } => {
            Problem::new(Code::ProviderBusy, detail).retry_at(until, now)
        }
        CheckRefusal::Provider(_) => {
            Problem::new(Code::ProviderFailed, detail).retry_after(RETRY_PROVIDER)
        }
        CheckRefusal::Resolve(error) => contended(error),
    }
}
