//! `GET /v1/notifications/{sequence}`: one notification with its content.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, get};

use super::super::access::{Holder, ToOperate};
use super::super::answer;
use super::super::error::Code;
use super::super::problem::Problem;
use super::super::state::State;
use super::notification::{NotificationView, not_found, sequence};

/// What can be wrong with showing a notification.
pub const PROBLEMS: &[Code] = &[
    Code::Unauthorized,
    Code::MissingScope,
    Code::NotFound,
    Code::Internal,
    Code::StoreUnavailable,
];

/// Shows a notification with its content, if that was kept.
#[utoipa::path(
    operation_id = "show_notification",
    tag = "operations",
    params(("sequence" = i64, Path, description = "Its place in the journal")),
    responses((status = 200, description = "The notification", body = NotificationView)),
    security(("key" = ["operate"])),
)]
#[get("/v1/notifications/{sequence}")]
pub async fn show_notification(
    _holder: Holder<ToOperate>,
    path: Path<String>,
    state: Data<State>,
) -> Result<HttpResponse, Problem> {
    let found = state.service.show_notification(sequence(&path)?).await;
    let found = found.map_err(|error| Problem::store(&error))?.ok_or_else(not_found)?;
    Ok(answer::json(StatusCode::OK, &NotificationView::whole(&found)))
}
