//! `/verify/search`: where verifications stand, what was sent, what was typed.

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde_json::Value;

use crate::domain::Verification;
use crate::service::{Caller, Scope, ShowRefusal};

use super::super::state::State;
use super::answer::{Members, members};
use super::call::Call;
use super::credentials::caller;
use super::fields::Fields;
use super::refusal::Refusal;
use super::shown::{
    CURRENCY, PRICE, date, event_id, event_type, mark_test, parse_id, request_id, sender, status,
};

/// The most ids of one search.
const MOST_IDS: usize = 10;
/// The longest id that clients know.
const MAX_ID: usize = 32;

/// Searches by one id, or by several.
pub async fn search(call: Call, state: Data<State>) -> HttpResponse {
    let answer = found(&call, &state).await;
    let several = answer.as_ref().is_ok_and(|answer| answer.contains_key(SEVERAL));
    call.format.answer(if several { "search_response" } else { "verify_request" }, answer)
}

/// What holds the verifications when several were asked for.
const SEVERAL: &str = "verification_requests";

async fn found(call: &Call, state: &State) -> Result<Members, Refusal> {
    let caller = caller(state, call, Scope::Read, Refusal::bad_credentials).await?;
    let ids = ids(call.fields()?)?;
    let mut shown = Vec::new();
    for id in &ids {
        let Some(id) = parse_id(id) else { continue };
        match state.service.show(&caller.app, id).await {
            Ok(verification) => shown.push(show(state, &caller, &verification)),
            Err(ShowRefusal::NotFound) => {}
            Err(ShowRefusal::Store(error)) => {
                tracing::error!(error = %error, "a verification could not be shown");
                return Err(Refusal::internal());
            }
        }
    }
    match (shown.len(), ids.len()) {
        (0, _) => Err(Refusal::no_response()),
        (1, 1) => Ok(shown.remove(0)),
        _ => {
            let shown: Vec<Value> = shown.into_iter().map(Value::Object).collect();
            Ok(Members::from_iter([(SEVERAL.to_owned(), shown.into())]))
        }
    }
}

/// The ids that are asked for: `request_id`, or `request_ids` several times.
fn ids(fields: &Fields) -> Result<Vec<&str>, Refusal> {
    let several: Vec<&str> = fields.all("request_ids").filter(|id| !id.is_empty()).collect();
    let ids = if several.is_empty() { vec![fields.required("request_id")?] } else { several };
    let fits = ids.len() <= MOST_IDS && ids.iter().all(|id| id.len() <= MAX_ID);
    let name = if fields.given("request_id").is_some() { "request_id" } else { "request_ids" };
    if fits { Ok(ids) } else { Err(Refusal::invalid(name)) }
}

fn show(state: &State, caller: &Caller, verification: &Verification) -> Members {
    let end = verification.conclusion();
    let at = |attempt: Option<&crate::domain::Attempt>| {
        attempt.map(|attempt| date(attempt.intent_at)).unwrap_or_default()
    };
    let number = verification.to.phone().map(|number| number.digits()).unwrap_or_default();
    let mut shown = members([
        ("request_id", &request_id(verification.id)),
        ("account_id", &caller.key_id),
        ("status", status(verification.status())),
        ("number", &number),
        ("price", PRICE),
        ("currency", CURRENCY),
        ("sender_id", sender(verification)),
        ("date_submitted", &date(verification.created_at)),
        ("date_finalized", &end.map(|end| date(end.at)).unwrap_or_default()),
        ("first_event_date", &at(verification.attempts.first())),
        ("last_event_date", &at(verification.attempts.last())),
    ]);
    if let Some(end) = end {
        shown.insert("outcome".to_owned(), end.outcome.as_str().into());
    }
    shown.insert("checks".to_owned(), checks(state, verification).into());
    shown.insert("events".to_owned(), events(verification).into());
    mark_test(&mut shown, verification);
    shown
}

/// What was typed, opened again.
fn checks(state: &State, verification: &Verification) -> Vec<Value> {
    let typed = verification.codes.iter().flat_map(|codes| &codes.typed);
    let check = typed.map(|typed| {
        let code = state.service.store_key().open_typed(verification.id, &typed.sealed);
        Value::Object(members([
            ("date_received", &date(typed.at)),
            ("code", code.as_ref().map_or("", |code| code.expose())),
            ("status", if typed.correct { "VALID" } else { "INVALID" }),
            ("ip_address", ""),
        ]))
    });
    check.collect()
}

fn events(verification: &Verification) -> Vec<Value> {
    let event = |attempt: &crate::domain::Attempt| {
        let kind = verification.step_of(attempt).map_or("sms", event_type);
        let id = event_id(verification, attempt);
        Value::Object(members([("type", kind), ("id", &id)]))
    };
    verification.attempts.iter().map(event).collect()
}
