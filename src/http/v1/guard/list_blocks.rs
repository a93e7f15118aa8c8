//! `GET /v1/guard/blocks`: what rules have blocked by themselves.

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

/// What can be wrong with listing blocks.
pub const PROBLEMS: &[Code] =
    &[Code::Unauthorized, Code::MissingScope, Code::Internal, Code::StoreUnavailable];

/// What is blocked.
#[derive(Serialize, ToSchema)]
#[schema(as = Blocks)]
pub struct BlocksView {
    /// At most 1000 of each rule.
    blocks: Vec<BarView>,
}

/// Lists what rules have blocked by themselves and for how long: people who turned a call
/// away (`cooldown`), prefixes of which too little is proved (`conversion`).
#[utoipa::path(
    operation_id = "list_blocks",
    tag = "guard",
    responses((status = 200, description = "What is blocked", body = BlocksView)),
    security(("key" = ["operate"])),
)]
#[get("/v1/guard/blocks")]
pub async fn list_blocks(
    _holder: Holder<ToOperate>,
    state: Data<State>,
) -> Result<HttpResponse, Problem> {
    let blocks = state.service.blocks().await.map_err(|error| Problem::store(&error))?;
    let blocks = blocks.iter().map(BarView::new).collect();
    Ok(answer::json(StatusCode::OK, &BlocksView { blocks }))
}
