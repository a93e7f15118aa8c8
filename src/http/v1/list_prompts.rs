//! `GET /v1/prompts`: every prompt.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use serde::Serialize;
use utoipa::ToSchema;

use super::super::access::{Holder, ToOperate};
use super::super::answer;
use super::super::error::Code;
use super::super::problem::Problem;
use super::super::state::State;
use super::prompt::PromptView;

/// What can be wrong with listing prompts.
pub const PROBLEMS: &[Code] = &[Code::Unauthorized, Code::MissingScope];

/// Every prompt.
#[derive(Serialize, ToSchema)]
#[schema(as = Prompts)]
pub struct PromptsView {
    /// By name.
    prompts: Vec<PromptView>,
}

/// Lists every prompt, those of the configuration included, and what they lack.
#[utoipa::path(
    operation_id = "list_prompts",
    tag = "prompts",
    responses((status = 200, description = "Every prompt", body = PromptsView)),
    security(("key" = ["operate"])),
)]
#[get("/v1/prompts")]
pub async fn list_prompts(
    _holder: Holder<ToOperate>,
    state: Data<State>,
) -> Result<HttpResponse, Problem> {
    let prompts = state.service.list_prompts().iter().map(PromptView::new).collect();
    Ok(answer::json(StatusCode::OK, &PromptsView { prompts }))
}
