//! What is worth knowing of a verification that is none the less carried out.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::Verification;

/// The fewest digits of a code that need no warning.
const SAFE_LENGTH: u8 = 6;

/// Something worth knowing.
#[derive(Serialize, ToSchema)]
pub struct Warning {
    /// A stable word.
    #[schema(example = "number_not_known_valid")]
    code: &'static str,
    /// The same for people.
    message: &'static str,
}

/// Everything worth knowing of a verification.
pub(super) fn warnings(verification: &Verification) -> Vec<Warning> {
    let mut warnings = Vec::new();
    if !verification.known_valid {
        let message = "the number is possible, but its country's numbering plan does not know it as one in use";
        warnings.push(Warning { code: "number_not_known_valid", message });
    }
    if verification.codes.as_ref().is_some_and(|codes| codes.length < SAFE_LENGTH) {
        let message = "a code of fewer than 6 digits is guessed too easily";
        warnings.push(Warning { code: "short_code", message });
    }
    if verification.plan.iter().any(|step| step.skipped) {
        let message = "the number is a landline, which takes no SMS: these steps are skipped";
        warnings.push(Warning { code: "landline", message });
    }
    warnings
}
