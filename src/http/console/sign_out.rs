//! Signing out, here or everywhere.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use crate::service::to_the_end;

use super::super::state::State;
use super::form::Posted;
use super::refused::Refused;
use super::{operator, page};

/// Ends this session.
pub async fn here(
    request: HttpRequest,
    state: Data<State>,
    posted: Posted,
) -> Result<HttpResponse, Refused> {
    let service = state.service.clone();
    let work = async move { service.sign_out(&posted.operator.session).await };
    to_the_end(state.service.background(), work).await?;
    Ok(signed_out(&request, &state))
}

/// Ends every session of the operator's key.
pub async fn everywhere(
    request: HttpRequest,
    state: Data<State>,
    posted: Posted,
) -> Result<HttpResponse, Refused> {
    let service = state.service.clone();
    let work = async move { service.sign_out_everywhere(&posted.operator.session).await };
    to_the_end(state.service.background(), work).await?;
    Ok(signed_out(&request, &state))
}

fn signed_out(request: &HttpRequest, state: &State) -> HttpResponse {
    let mut answer = page::see_other("/console/sign-in");
    operator::sign_out(request, state, &mut answer);
    answer
}
