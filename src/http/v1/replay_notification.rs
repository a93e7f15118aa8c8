//! `POST /v1/notifications/{sequence}/replay`.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, post};

use crate::intake::ReplayRefusal;
use crate::service::to_the_end;

use super::super::access::{Holder, ToOperate};
use super::super::answer;
use super::super::error::Code;
use super::super::problem::Problem;
use super::super::state::State;
use super::notification::{NotificationView, not_found, sequence};

/// What can be wrong with a replay.
pub const PROBLEMS: &[Code] = &[
    Code::Unauthorized,
    Code::MissingScope,
    Code::NotFound,
    Code::NothingToReplay,
    Code::Internal,
    Code::StoreUnavailable,
];

/// Sends a notification through the whole pipeline once more: what would be made of it with
/// what is known now, judged by when it was received. The replay is journaled with its
/// verdict, and changes no verification: it tells why somebody was not verified, and can
/// verify nobody.
#[utoipa::path(
    operation_id = "replay_notification",
    tag = "operations",
    params(("sequence" = i64, Path, description = "Its place in the journal")),
    responses((status = 200, description = "The replay, as journaled", body = NotificationView)),
    security(("key" = ["operate"])),
)]
#[post("/v1/notifications/{sequence}/replay")]
pub async fn replay_notification(
    holder: Holder<ToOperate>,
    path: Path<String>,
    state: Data<State>,
) -> Result<HttpResponse, Problem> {
    let sequence = sequence(&path)?;
    let intake = Arc::clone(&state.intake);
    let work = async move { intake.replay(sequence, &holder.actor()).await };
    let replay = to_the_end(state.service.background(), work).await.map_err(refused)?;
    Ok(answer::json(StatusCode::OK, &NotificationView::whole(&replay)))
}

fn refused(refusal: ReplayRefusal) -> Problem {
    match refusal {
        ReplayRefusal::NotFound => not_found(),
        ReplayRefusal::NotKept => Problem::new(
            Code::NothingToReplay,
            "Its content was not kept: only that of notifications which say something of a \
             verification is.",
        ),
        ReplayRefusal::AccountRemoved => Problem::new(
            Code::NothingToReplay,
            "Its account is not in the configuration any more, and neither is the secret to \
             check it with.",
        ),
        ReplayRefusal::Store(error) => Problem::store(&error),
    }
}
