//! `GET /v1/deliveries`: the log of deliveries, in pages.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::domain::Name;
use crate::service::{DeliverySearch, DeliveryState};

use super::super::access::{Holder, ToRead};
use super::super::answer;
use super::super::error::Code;
use super::super::problem::Problem;
use super::super::read::Query;
use super::super::state::State;
use super::delivery::DeliveryView;
use super::search::{CURSOR, limit, parsed, word, wrong};
use super::words;

/// What can be wrong with listing deliveries.
pub const PROBLEMS: &[Code] = &[
    Code::InvalidParameter,
    Code::UnknownParameter,
    Code::Unauthorized,
    Code::MissingScope,
    Code::Internal,
    Code::StoreUnavailable,
];

/// What to look for; what is left out matches everything.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DeliveriesQuery {
    /// Where it stands.
    #[param(schema_with = words::delivery_state)]
    state: Option<String>,
    /// The endpoint that it goes to.
    endpoint: Option<String>,
    /// The verification that it is about.
    verification_id: Option<String>,
    /// The most on a page. Default 20.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100)]
    limit: Option<String>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// One page.
#[derive(Serialize, ToSchema)]
pub struct DeliveriesAnswer {
    /// The deliveries, newest first.
    deliveries: Vec<DeliveryView>,
    /// What to ask the next page with; null on the last one.
    next_cursor: Option<String>,
}

/// Lists what the app was told or is to be told, newest first.
#[utoipa::path(
    operation_id = "list_deliveries",
    tag = "deliveries",
    params(DeliveriesQuery),
    responses((status = 200, description = "One page", body = DeliveriesAnswer)),
    security(("key" = ["read"])),
)]
#[get("/v1/deliveries")]
pub async fn list_deliveries(
    holder: Holder<ToRead>,
    state: Data<State>,
    query: Query<DeliveriesQuery>,
) -> Result<HttpResponse, Problem> {
    let wanted = wanted(holder.app, query.0)?;
    let page = state.service.list_deliveries(wanted).await;
    let page = page.map_err(|error| Problem::store(&error))?;
    let answer = DeliveriesAnswer {
        deliveries: page.deliveries.iter().map(DeliveryView::new).collect(),
        next_cursor: page.next.map(|id| id.to_string()),
    };
    Ok(answer::json(StatusCode::OK, &answer))
}

fn wanted(app: Name, query: DeliveriesQuery) -> Result<DeliverySearch, Problem> {
    let endpoint = query.endpoint.map(|text| Name::parse(&text)).transpose();
    Ok(DeliverySearch {
        app,
        state: word("state", query.state, DeliveryState::ALL, DeliveryState::as_str)?,
        endpoint: endpoint.map_err(|_| wrong("endpoint", "is the name of an endpoint"))?,
        verification: parsed(
            "verification_id",
            query.verification_id,
            "is the id of a verification",
        )?,
        before: parsed("cursor", query.cursor, CURSOR)?,
        limit: limit(query.limit.as_deref())?,
    })
}
