//! `GET /v1/guard/switches`: what operators have stopped.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use serde::Serialize;
use utoipa::ToSchema;

use super::super::super::access::{Holder, ToOperate};
use super::super::super::answer;
use super::super::super::error::Code;
use super::super::super::problem::Problem;
use super::super::super::state::State;
use super::bar::BarView;

/// What can be wrong with listing switches.
pub const PROBLEMS: &[Code] =
    &[Code::Unauthorized, Code::MissingScope, Code::Internal, Code::StoreUnavailable];

/// What is stopped.
#[derive(Serialize, ToSchema)]
#[schema(as = Switches)]
pub struct SwitchesView {
    /// Empty when nothing is. The `subject` is a channel, or every channel.
    stopped: Vec<BarView>,
}

/// Lists what operators have stopped: everything, apps, channels.
#[utoipa::path(
    operation_id = "list_switches",
    tag = "guard",
    responses((status = 200, description = "What is stopped", body = SwitchesView)),
    security(("key" = ["operate"])),
)]
#[get("/v1/guard/switches")]
pub async fn list_switches(
    _holder: Holder<ToOperate>,
    state: Data<State>,
) -> Result<HttpResponse, Problem> {
    stopped(&state).await
}

/// What is stopped now, as the answer.
pub(super) async fn stopped(state: &State) -> Result<HttpResponse, Problem> {
    let stopped = state.service.stopped().await.map_err(|error| Problem::store(&error))?;
    let stopped = stopped.iter().map(BarView::new).collect();
    Ok(answer::json(StatusCode::OK, &SwitchesView { stopped }))
}
