//! `GET /v1/suppressions`: who is not to be reached.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::domain::Name;
use crate::service::BarPage;

use super::super::super::access::{Holder, ToOperate};
use super::super::super::answer;
use super::super::super::error::Code;
use super::super::super::problem::Problem;
use super::super::super::read::Query;
use super::super::super::state::State;
use super::super::search::{CURSOR, wrong};
use super::super::step::recipient;
use super::bar::{BarView, id_of, key_of};

/// What can be wrong with listing suppressions.
pub const PROBLEMS: &[Code] = &[
    Code::InvalidParameter,
    Code::UnknownParameter,
    Code::InvalidNumber,
    Code::InvalidAddress,
    Code::Unauthorized,
    Code::MissingScope,
    Code::Internal,
    Code::StoreUnavailable,
];

/// Which ones.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SuppressionsQuery {
    /// Only the one of this number or address.
    to: Option<String>,
    /// With `to`: by this app. Default: by every app.
    app: Option<String>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// One page.
#[derive(Serialize, ToSchema)]
#[schema(as = Suppressions)]
pub struct SuppressionsView {
    /// Who is not to be reached, masked; in no order that means anything.
    suppressions: Vec<BarView>,
    /// What to ask the next page with; null on the last one.
    next_cursor: Option<String>,
}

/// Lists who is not to be reached, a hundred on a page; or looks for one number.
#[utoipa::path(
    operation_id = "list_suppressions",
    tag = "guard",
    params(SuppressionsQuery),
    responses((status = 200, description = "One page", body = SuppressionsView)),
    security(("key" = ["operate"])),
)]
#[get("/v1/suppressions")]
pub async fn list_suppressions(
    _holder: Holder<ToOperate>,
    state: Data<State>,
    query: Query<SuppressionsQuery>,
) -> Result<HttpResponse, Problem> {
    let page = page(&state, query.0).await?;
    let view = SuppressionsView {
        suppressions: page.bars.iter().map(BarView::new).collect(),
        next_cursor: page.next.map(id_of),
    };
    Ok(answer::json(StatusCode::OK, &view))
}

async fn page(state: &State, query: SuppressionsQuery) -> Result<BarPage, Problem> {
    let app = query.app.map(|text| Name::parse(&text)).transpose();
    let app = app.map_err(|_| wrong("app", "is the name of an app"))?;
    let after = query.cursor.map(|text| key_of(&text).ok_or_else(|| wrong("cursor", CURSOR)));
    let after = after.transpose()?;
    let found = match query.to {
        None => state.service.suppressions(after).await,
        Some(to) => {
            let to = recipient("to", &to)?;
            let found = state.service.find_suppression(&to, app.as_ref()).await;
            found.map(|bar| BarPage { bars: bar.into_iter().collect(), next: None })
        }
    };
    found.map_err(|error| Problem::store(&error))
}
