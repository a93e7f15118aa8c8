//! `POST /v1/verifications/{id}/next`: the next step of the plan, now.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpResponse, post};
use jiff::Timestamp;

use crate::domain::NoNext;
use crate::service::{NextRefusal, to_the_end};

use super::super::access::{Holder, ToStart, not_shown};
use super::super::answer;
use super::super::error::Code;
use super::super::guarded::guarded;
use super::super::problem::{Problem, sentence};
use super::super::read::Id;
use super::super::state::State;
use super::cancel::{already_ended, contended};
use super::verification::View;

/// What can be wrong with going on.
pub const PROBLEMS: &[Code] = &[
    Code::Unauthorized,
    Code::MissingScope,
    Code::NotFound,
    Code::NumberBusy,
    Code::AlreadyEnded,
    Code::TooSoon,
    Code::NoNextStep,
    Code::SendLimit,
    Code::Internal,
    Code::GuardLimited,
    Code::GuardRefused,
    Code::ProviderBusy,
    Code::StoreUnavailable,
];

/// Begins the next step of the plan at once; behind the last step its code is sent again.
/// What was sent before stays valid, unless the step has a new code.
#[utoipa::path(
    operation_id = "next",
    tag = "verifications",
    params(("id" = String, Path, description = "The id that the start answered")),
    responses((status = 200, description = "The step has begun", body = View)),
    security(("key" = ["start"])),
)]
#[post("/v1/verifications/{id}/next")]
pub async fn next(
    holder: Holder<ToStart>,
    id: Id,
    state: Data<State>,
) -> Result<HttpResponse, Problem> {
    let service = Arc::clone(&state.service);
    let now = service.clock().now();
    let work = async move { service.next(&holder.app, id.0).await };
    let begun = to_the_end(state.service.background(), work).await;
    let begun = begun.map_err(|refusal| refused(refusal, now))?;
    Ok(answer::json(StatusCode::OK, &View::new(&begun, state.service.timing())))
}

fn refused(refusal: NextRefusal, now: Timestamp) -> Problem {
    let detail = sentence(&refusal);
    match refusal {
        NextRefusal::Show(refusal) => not_shown(refusal),
        NextRefusal::AlreadyEnded(status) => already_ended(status),
        NextRefusal::NoStep(NoNext::SendLimit) => Problem::new(Code::SendLimit, detail),
        NextRefusal::NoStep(NoNext::EndOfPlan | NoNext::Ended) => {
            Problem::new(Code::NoNextStep, detail)
        }
        NextRefusal::TooSoon { until } => Problem::new(Code::TooSoon, detail).retry_at(until, now),
        NextRefusal::NoRoom { until } => {
            Problem::new(Code::ProviderBusy, detail).retry_at(until, now)
        }
        NextRefusal::Guarded(refusal) => guarded(&refusal, now),
        NextRefusal::NumberBusy { until } => {
            Problem::new(Code::NumberBusy, detail).retry_at(until, now)
        }
        NextRefusal::Resolve(error) => contended(error),
    }
}
