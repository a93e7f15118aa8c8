//! `POST /v1/verifications/{id}/redeem`: what an app calls before it acts.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpResponse, post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::RedeemRefusal;
use crate::service::{RedeemError, to_the_end};

use super::super::access::{Holder, ToStart, not_shown};
use super::super::answer;
use super::super::error::Code;
use super::super::problem::{Problem, sentence};
use super::super::read::{Id, Json};
use super::super::state::State;
use super::cancel::contended;
use super::step::recipient;
use super::verification::View;

/// What can be wrong with redeeming.
pub const PROBLEMS: &[Code] = &[
    Code::InvalidJson,
    Code::JsonTooDeep,
    Code::Unauthorized,
    Code::MissingScope,
    Code::NotFound,
    Code::RequestTimeout,
    Code::NotVerified,
    Code::Mismatch,
    Code::Disputed,
    Code::AlreadyRedeemed,
    Code::TooOld,
    Code::BodyTooLarge,
    Code::UnsupportedMediaType,
    Code::UnknownField,
    Code::MissingField,
    Code::InvalidField,
    Code::InvalidNumber,
    Code::InvalidAddress,
    Code::Internal,
    Code::StoreUnavailable,
];

/// What the app believes was verified.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RedeemBody {
    /// The number that the app is about to trust.
    #[schema(example = "+380991234567")]
    to: String,
    /// The reference that the start carried; left out if it carried none.
    reference: Option<String>,
}

/// A verification that was used up by this request.
#[derive(Serialize, ToSchema)]
pub struct RedeemAnswer {
    /// Always true; everything else is a problem.
    redeemed: bool,
    /// The verification.
    verification: View,
}

/// Redeems a verification: succeeds exactly once, only while it is verified, undisputed
/// and fresh, and only for the number and reference that it was started with.
///
/// Call it before acting on a verification: an id that came from a browser is only a claim.
#[utoipa::path(
    operation_id = "redeem",
    tag = "verifications",
    params(("id" = String, Path, description = "The id that the start answered")),
    request_body = RedeemBody,
    responses((status = 200, description = "This request used it up", body = RedeemAnswer)),
    security(("key" = ["start"])),
)]
#[post("/v1/verifications/{id}/redeem")]
pub async fn redeem(
    holder: Holder<ToStart>,
    id: Id,
    state: Data<State>,
    body: Json<RedeemBody>,
) -> Result<HttpResponse, Problem> {
    let RedeemBody { to, reference } = body.body;
    let to = recipient("to", &to)?;
    let service = Arc::clone(&state.service);
    let work = async move { service.redeem(&holder.app, id.0, &to, reference.as_deref()).await };
    let redeemed = to_the_end(state.service.background(), work).await.map_err(refused)?;
    let verification = View::new(&redeemed, state.service.timing());
    Ok(answer::json(StatusCode::OK, &RedeemAnswer { redeemed: true, verification }))
}

fn refused(error: RedeemError) -> Problem {
    match error {
        RedeemError::Show(refusal) => not_shown(refusal),
        RedeemError::Contended(error) => contended(error),
        RedeemError::Refused(refusal) => {
            let code = match refusal {
                RedeemRefusal::NotVerified => Code::NotVerified,
                RedeemRefusal::Mismatch => Code::Mismatch,
                RedeemRefusal::Disputed => Code::Disputed,
                RedeemRefusal::AlreadyRedeemed => Code::AlreadyRedeemed,
                RedeemRefusal::TooOld => Code::TooOld,
            };
            Problem::new(code, sentence(&refusal))
        }
    }
}
