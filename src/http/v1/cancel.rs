//! `POST /v1/verifications/{id}/cancel`.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpResponse, post};

use crate::domain::Status;
use crate::service::{CancelRefusal, ResolveError, ShowRefusal, to_the_end};

use super::super::access::{Holder, ToStart, not_shown};
use super::super::answer;
use super::super::error::Code;
use super::super::problem::Problem;
use super::super::read::Id;
use super::super::state::State;
use super::verification::View;

/// What can be wrong with canceling.
pub const PROBLEMS: &[Code] = &[
    Code::Unauthorized,
    Code::MissingScope,
    Code::NotFound,
    Code::AlreadyEnded,
    Code::Internal,
    Code::StoreUnavailable,
];

/// Cancels a pending verification. The phone may go on ringing, but nothing that is
/// pressed counts any more. Canceling again changes nothing.
#[utoipa::path(
    operation_id = "cancel",
    tag = "verifications",
    params(("id" = String, Path, description = "The id that the start answered")),
    responses((status = 200, description = "It is canceled", body = View)),
    security(("key" = ["start"])),
)]
#[post("/v1/verifications/{id}/cancel")]
pub async fn cancel(
    holder: Holder<ToStart>,
    id: Id,
    state: Data<State>,
) -> Result<HttpResponse, Problem> {
    let service = Arc::clone(&state.service);
    let work = async move { service.cancel(&holder.app, id.0).await };
    let canceled = to_the_end(state.service.background(), work).await.map_err(refused)?;
    Ok(answer::json(StatusCode::OK, &View::new(&canceled, state.service.timing())))
}

fn refused(refusal: CancelRefusal) -> Problem {
    match refusal {
        CancelRefusal::Show(refusal) => not_shown(refusal),
        CancelRefusal::AlreadyEnded(status) => already_ended(status),
        CancelRefusal::Resolve(error) => contended(error),
    }
}

/// What is answered when it has ended before.
pub(super) fn already_ended(status: Status) -> Problem {
    let detail = format!("It has ended already: {}.", status.as_str());
    Problem::new(Code::AlreadyEnded, detail).with("verification_status", status.as_str())
}

/// What a change that could not be made is answered with.
pub(super) fn contended(error: ResolveError) -> Problem {
    match error {
        ResolveError::NotFound => not_shown(ShowRefusal::NotFound),
        ResolveError::Store(error) => Problem::store(&error),
        ResolveError::Resting => Problem::store_resting(),
        ResolveError::Contended => Problem::internal(&error),
    }
}
