//! `/verify/check`: what a person typed, against the code that was told.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::web::Data;

use crate::domain::Secret;
use crate::service::{CheckRefusal, CheckResult, Scope, ShowRefusal, to_the_end};

use super::super::state::State;
use super::answer::{Members, members};
use super::call::Call;
use super::credentials::caller;
use super::refusal::Refusal;
use super::shown::{CURRENCY, PRICE, event_id, mark_test, parse_id, request_id};

/// The longest id that clients know.
const MAX_ID: usize = 32;

/// Checks a code.
pub async fn check(call: Call, state: Data<State>) -> HttpResponse {
    let answer = checked(&call, &state).await;
    call.format.answer("verify_response", answer)
}

async fn checked(call: &Call, state: &State) -> Result<Members, Refusal> {
    let caller = caller(state, call, Scope::Start, Refusal::bad_credentials).await?;
    let fields = call.fields()?;
    let given = fields.required("request_id")?;
    let code = fields.required("code")?;
    if given.len() > MAX_ID {
        return Err(Refusal::invalid("request_id"));
    }
    if !(4..=10).contains(&code.chars().count()) {
        return Err(Refusal::invalid("code"));
    }
    let not_found = || Refusal::not_found_or_verified(given);
    let id = parse_id(given).ok_or_else(not_found)?;
    let (service, typed) = (Arc::clone(&state.service), Secret::new(code));
    let work = async move { service.check(&caller.app, id, &typed).await };
    let checked = to_the_end(state.service.background(), work).await;
    let (result, verification) = checked.map_err(|refusal| refused(&refusal, given))?;
    match result {
        CheckResult::Correct => {}
        CheckResult::Incorrect => return Err(Refusal::wrong_code().about(id)),
        CheckResult::Exhausted => return Err(Refusal::too_many_checks()),
        CheckResult::Expired | CheckResult::AlreadyVerified => return Err(not_found()),
    }
    let event = verification.attempts.last().map(|attempt| event_id(&verification, attempt));
    let mut answer = members([
        ("request_id", &request_id(id)),
        ("status", "0"),
        ("event_id", &event.unwrap_or_default()),
        ("price", PRICE),
        ("currency", CURRENCY),
    ]);
    mark_test(&mut answer, &verification);
    Ok(answer)
}

fn refused(refusal: &CheckRefusal, given: &str) -> Refusal {
    match refusal {
        CheckRefusal::Show(ShowRefusal::NotFound) | CheckRefusal::AlreadyEnded(_) => {
            Refusal::not_found_or_verified(given)
        }
        // A call that asks for a key has no code, so none is right.
        CheckRefusal::NoCode => Refusal::wrong_code(),
        CheckRefusal::NoRoom { .. } => Refusal::throttled(),
        CheckRefusal::Show(ShowRefusal::Store(_))
        | CheckRefusal::Provider(_)
        | CheckRefusal::Resolve(_) => {
            tracing::error!(error = %refusal, "a code could not be checked: {refusal}");
            Refusal::internal()
        }
    }
}
