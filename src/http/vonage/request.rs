//! `/verify`: a number is to be verified for a brand.

use actix_web::HttpResponse;
use actix_web::web::Data;

use crate::service::Scope;

use super::super::state::State;
use super::answer::Members;
use super::call::Call;
use super::credentials::caller;
use super::locale::About;
use super::order::{name, start};
use super::refusal::Refusal;

/// Starts a verification.
pub async fn request(call: Call, state: Data<State>) -> HttpResponse {
    let answer = begin(&call, &state).await;
    call.format.answer("verify_response", answer)
}

async fn begin(call: &Call, state: &State) -> Result<Members, Refusal> {
    let caller = caller(state, call, Scope::Start, Refusal::invalid_credentials).await?;
    let fields = call.fields()?;
    fields.required("number")?;
    let about = About::Brand(name(fields, "brand")?);
    if fields.given("pin_code").is_some() {
        return Err(Refusal::no_pin_code());
    }
    start(state, caller, fields, &about).await
}
