//! `/verify/psd2`: a payment is to be confirmed, with its payee and amount in the text.

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

/// The most digits of an amount before its decimal point.
const MOST_DIGITS: usize = 9;

/// Starts the confirmation of a payment.
pub async fn psd2(call: Call, state: Data<State>) -> HttpResponse {
    let answer = begin(&call, &state).await;
    call.format.answer("verify_response", answer)
}

async fn begin(call: &Call, state: &State) -> Result<Members, Refusal> {
    let caller = caller(state, call, Scope::Start, Refusal::invalid_credentials).await?;
    let fields = call.fields()?;
    fields.required("number")?;
    let payee = name(fields, "payee")?;
    let amount = amount(fields.required("amount")?).ok_or_else(|| Refusal::invalid("amount"))?;
    start(state, caller, fields, &About::Payment { payee, amount: &amount }).await
}

/// A positive amount with two decimals, from one with at most two.
fn amount(text: &str) -> Option<String> {
    let (euros, cents) = text.split_once('.').unwrap_or((text, "00"));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let fits = (1..=MOST_DIGITS).contains(&euros.len()) && (1..=2).contains(&cents.len());
    let positive = text.bytes().any(|byte| (b'1'..=b'9').contains(&byte));
    (fits && positive && digits(euros) && digits(cents)).then(|| format!("{euros}.{cents:0<2}"))
}

#[cfg(test)]
mod tests {
    use super::amount;

    #[test]
    fn amounts_have_two_decimals() {
        for (text, written) in [("48.5", "48.50"), ("48", "48.00"), ("0.01", "0.01")] {
            assert_eq!(amount(text).as_deref(), Some(written));
        }
        for text in ["", "0", "0.00", "-1", "1.234", "1,5", ".5", "5.", "1e3", "1234567890"] {
            assert_eq!(amount(text), None, "{text}");
        }
    }
}
