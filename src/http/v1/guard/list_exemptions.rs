//! `GET /v1/guard/exemptions`: which prefixes are not blocked for how little of them is proved.

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

/// What can be wrong with listing exemptions.
pub const PROBLEMS: &[Code] =
    &[Code::Unauthorized, Code::MissingScope, Code::Internal, Code::StoreUnavailable];

/// What is exempt.
#[derive(Serialize, ToSchema)]
#[schema(as = Exemptions)]
pub struct ExemptionsView {
    /// Each with the rule from which it is exempt; in no order that means anything.
    exemptions: Vec<BarView>,
}

/// Lists the prefixes that the rule `conversion` does not block.
#[utoipa::path(
    operation_id = "list_exemptions",
    tag = "guard",
    responses((status = 200, description = "What is exempt", body = ExemptionsView)),
    security(("key" = ["operate"])),
)]
#[get("/v1/guard/exemptions")]
pub async fn list_exemptions(
    _holder: Holder<ToOperate>,
    state: Data<State>,
) -> Result<HttpResponse, Problem> {
    let exemptions = state.service.exemptions().await.map_err(|error| Problem::store(&error))?;
    let exemptions = exemptions.iter().map(BarView::new).collect();
    Ok(answer::json(StatusCode::OK, &ExemptionsView { exemptions }))
}
