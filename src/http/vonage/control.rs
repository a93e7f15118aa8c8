//! `/verify/control`: cancel, or go on with the next event now.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::web::Data;
use jiff::SignedDuration;

use crate::domain::{Name, Status, Verification, VerificationId};
use crate::service::{
    CancelRefusal, NextRefusal, ResolveError, Scope, Service, ShowRefusal, to_the_end,
};

use super::super::state::State;
use super::answer::{Members, members};
use super::call::Call;
use super::credentials::caller;
use super::refusal::Refusal;
use super::shown::{mark_test, parse_id};

/// No cancel is taken before.
const NO_CANCEL_WITHIN: SignedDuration = SignedDuration::from_secs(30);
/// The longest id that clients know.
const MAX_ID: usize = 32;

/// Controls a running verification.
pub async fn control(call: Call, state: Data<State>) -> HttpResponse {
    let answer = controlled(&call, &state).await;
    call.format.answer("response", answer)
}

async fn controlled(call: &Call, state: &State) -> Result<Members, Refusal> {
    let caller = caller(state, call, Scope::Start, Refusal::bad_credentials).await?;
    let fields = call.fields()?;
    let given = fields.required("request_id")?;
    let command = fields.required("cmd")?;
    if given.len() > MAX_ID {
        return Err(Refusal::invalid("request_id"));
    }
    if !["cancel", "trigger_next_event"].contains(&command) {
        return Err(Refusal::invalid("cmd"));
    }
    let id = parse_id(given).ok_or_else(|| Refusal::no_longer_active(given))?;
    let service = Arc::clone(&state.service);
    let (app, name, cancels) = (caller.app, given.to_owned(), command == "cancel");
    let work = async move {
        if cancels {
            cancel(&service, &app, id, &name).await
        } else {
            next(&service, &app, id, &name).await
        }
    };
    let verification = to_the_end(state.service.background(), work).await?;
    let mut answer = members([("status", "0"), ("command", command)]);
    mark_test(&mut answer, &verification);
    Ok(answer)
}

async fn cancel(
    service: &Service,
    app: &Name,
    id: VerificationId,
    name: &str,
) -> Result<Verification, Refusal> {
    let running = service.show(app, id).await.map_err(|refusal| not_shown(&refusal, name))?;
    if running.status() != Status::Pending {
        return Err(Refusal::no_longer_active(name));
    }
    if service.clock().now().duration_since(running.created_at) < NO_CANCEL_WITHIN {
        return Err(Refusal::too_early(name));
    }
    if running.attempts.len() > 1 {
        return Err(Refusal::too_late(name));
    }
    service.cancel(app, id).await.map_err(|refusal| match refusal {
        CancelRefusal::Show(refusal) => not_shown(&refusal, name),
        CancelRefusal::AlreadyEnded(_) => Refusal::no_longer_active(name),
        CancelRefusal::Resolve(error) => not_resolved(&error),
    })
}

async fn next(
    service: &Arc<Service>,
    app: &Name,
    id: VerificationId,
    name: &str,
) -> Result<Verification, Refusal> {
    service.next(app, id).await.map_err(|refusal| match refusal {
        NextRefusal::Show(refusal) => not_shown(&refusal, name),
        NextRefusal::AlreadyEnded(_) => Refusal::no_longer_active(name),
        NextRefusal::NoStep(_) => Refusal::no_more_events(name),
        NextRefusal::TooSoon { .. }
        | NextRefusal::Guarded(_)
        | NextRefusal::NoRoom { .. }
        | NextRefusal::NumberBusy { .. } => Refusal::throttled(),
        NextRefusal::Resolve(error) => not_resolved(&error),
    })
}

fn not_shown(refusal: &ShowRefusal, name: &str) -> Refusal {
    match refusal {
        ShowRefusal::NotFound => Refusal::no_longer_active(name),
        ShowRefusal::Store(error) => {
            tracing::error!(error = %error, "a verification could not be shown");
            Refusal::internal()
        }
    }
}

fn not_resolved(error: &ResolveError) -> Refusal {
    tracing::error!(error = %error, "a verification could not be controlled");
    Refusal::internal()
}
