//! `GET /v1/prompts/{name}`: one prompt.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, get};

use super::super::access::{Holder, ToOperate};
use super::super::answer;
use super::super::error::Code;
use super::super::problem::Problem;
use super::super::state::State;
use super::prompt::PromptView;
use super::sound::named;

/// What can be wrong with showing a prompt.
pub const PROBLEMS: &[Code] = &[Code::Unauthorized, Code::MissingScope, Code::NotFound];

/// Shows a prompt and what it lacks.
#[utoipa::path(
    operation_id = "show_prompt",
    tag = "prompts",
    params(("name" = String, Path, description = "The prompt's name")),
    responses((status = 200, description = "The prompt", body = PromptView)),
    security(("key" = ["operate"])),
)]
#[get("/v1/prompts/{name}")]
pub async fn show_prompt(
    _holder: Holder<ToOperate>,
    path: Path<String>,
    state: Data<State>,
) -> Result<HttpResponse, Problem> {
    let shown = state.service.show_prompt(&named(&path)?);
    let shown =
        shown.ok_or_else(|| Problem::new(Code::NotFound, "There is no prompt of this name."))?;
    Ok(answer::json(StatusCode::OK, &PromptView::new(&shown)))
}
