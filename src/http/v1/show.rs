//! `GET /v1/verifications/{id}`: show, and wait for the end if asked to.

use std::cell::RefCell;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse, get};
use serde::Deserialize;
use utoipa::openapi::schema::{AnyOfBuilder, Schema};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use crate::domain::{Status, Verification, VerificationId};

use super::super::access::{Viewer, look, not_shown, waiter};
use super::super::error::Code;
use super::super::problem::Problem;
use super::super::read::{Id, Query, wait_of};
use super::super::state::State;
use super::super::{answer, cors};
use super::verification::{View, WaitView};

/// What can be wrong with showing.
pub const PROBLEMS: &[Code] = &[
    Code::InvalidHeader,
    Code::InvalidParameter,
    Code::UnknownParameter,
    Code::Unauthorized,
    Code::WaitTokenExpired,
    Code::MissingScope,
    Code::NotFound,
    Code::Internal,
    Code::TooManyWaits,
    Code::TooManyWaitsOfOne,
    Code::StoreUnavailable,
];

/// How to show.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShowQuery {
    wait: Option<String>,
}

/// A verification as its app sees it, or as a page with its wait token does.
pub enum Shown {}

/// Any of the two, since what an app sees has all that a page sees.
impl PartialSchema for Shown {
    fn schema() -> RefOr<Schema> {
        let either = AnyOfBuilder::new()
            .item(Ref::from_schema_name(View::name()))
            .item(Ref::from_schema_name(WaitView::name()))
            .description(Some("To a key, and to a wait token"));
        RefOr::T(Schema::AnyOf(either.build()))
    }
}

impl ToSchema for Shown {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((View::name().into_owned(), View::schema()));
        schemas.push((WaitView::name().into_owned(), WaitView::schema()));
        View::schemas(schemas);
        WaitView::schemas(schemas);
    }
}

/// Shows a verification. With `Prefer: wait=N` or `?wait=N` it answers once the
/// verification has ended, or after N seconds (a long poll).
///
/// A wait token may stand in place of a key, until the verification's end and a while
/// after; the answer then leaves out number, reference and metadata.
#[utoipa::path(
    operation_id = "show",
    tag = "verifications",
    params(
        ("id" = String, Path, description = "The id that the start answered"),
        ("wait" = Option<u32>, Query, description = "Answer when it has ended, at most so many seconds later"),
        ("Prefer" = Option<String>, Header, description = "wait=N, the same as the parameter"),
    ),
    responses((
        status = 200,
        description = "The newest version",
        body = Shown,
        headers(("Preference-Applied" = String, description = "The wait that was applied")),
    )),
    security(("key" = ["read"]), ("wait_token" = [])),
)]
#[get("/v1/verifications/{id}")]
pub async fn show(
    id: Id,
    request: HttpRequest,
    state: Data<State>,
    query: Query<ShowQuery>,
) -> HttpResponse {
    handle(id, request, state, query).await
}

/// The same for a route that has only the prefix.
pub async fn handle(
    id: Id,
    request: HttpRequest,
    state: Data<State>,
    query: Query<ShowQuery>,
) -> HttpResponse {
    let mut answer = match look(&state, &request, id.0).await {
        Err(problem) => HttpResponse::from_error(problem),
        Ok((viewer, verification)) => {
            let page_of = matches!(viewer, Viewer::Page).then(|| verification.app.clone());
            let verification = Arc::new(verification);
            let shown = show_to(&viewer, &request, &state, &query.0, verification).await;
            let mut answer = shown.unwrap_or_else(HttpResponse::from_error);
            if let Some(app) = page_of {
                cors::open_to_page(&request, &state, &app, &mut answer);
            }
            answer
        }
    };
    cors::vary(&mut answer);
    answer
}

async fn show_to(
    viewer: &Viewer,
    request: &HttpRequest,
    state: &State,
    query: &ShowQuery,
    mut verification: Arc<Verification>,
) -> Result<HttpResponse, Problem> {
    let wait = wait_of(request.headers(), query.wait.as_deref(), &state.limits)?;
    if let Some(wait) = wait.filter(|wait| !wait.longest.is_zero())
        && verification.status() == Status::Pending
    {
        let _place = state.waits.place(waiter(request, viewer, verification.id))?;
        let id = verification.id;
        // Nothing of it is kept meanwhile, since many wait at once.
        drop(verification);
        verification = state.service.wait(id, wait.longest).await.map_err(not_shown)?;
    }
    let mut answer = match viewer {
        Viewer::App if wait.is_some() => shown_to_waiter(&verification, state),
        Viewer::App => {
            answer::json(StatusCode::OK, &View::new(&verification, state.service.timing()))
        }
        Viewer::Page => answer::json(StatusCode::OK, &WaitView::new(&verification)),
    };
    if let Some((name, value)) = wait.and_then(|wait| wait.applied()) {
        answer.headers_mut().insert(name, value);
    }
    Ok(answer)
}

thread_local! {
    /// The version that somebody waited for last, as it was answered: thousands may wait for
    /// one, and each worker writes it down once.
    static AWAITED: RefCell<Option<(VerificationId, u32, Bytes)>> = const { RefCell::new(None) };
}

fn shown_to_waiter(verification: &Verification, state: &State) -> HttpResponse {
    let (id, version) = (verification.id, verification.version);
    let is_this = |last: &&(VerificationId, u32, Bytes)| (last.0, last.1) == (id, version);
    let known =
        AWAITED.with_borrow(|last| last.as_ref().filter(is_this).map(|last| last.2.clone()));
    if let Some(text) = known {
        return answer::json_text(StatusCode::OK, text);
    }
    match serde_json::to_vec(&View::new(verification, state.service.timing())) {
        Ok(text) => {
            let text = Bytes::from(text);
            AWAITED.set(Some((id, version, text.clone())));
            answer::json_text(StatusCode::OK, text)
        }
        Err(error) => HttpResponse::from_error(Problem::internal(&error)),
    }
}
