//! Every status but success, with the words that clients know.

use crate::domain::{RefusalReason, Rule, Verification};
use crate::service::{KeyRefusal, StartRefusal};

use super::shown::request_id;

/// Why a request is answered with another status than 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The number, as clients compare it.
    pub status: u8,
    /// The text for people.
    pub text: String,
    /// The verification that it is about, where clients expect it.
    pub request_id: Option<String>,
}

impl Refusal {
    fn new(status: u8, text: impl Into<String>) -> Self {
        Self { status, text: text.into(), request_id: None }
    }

    /// The same with the id of a verification.
    #[must_use]
    pub fn about(mut self, verification: crate::domain::VerificationId) -> Self {
        self.request_id = Some(request_id(verification));
        self
    }

    /// 1: come back later.
    pub fn throttled() -> Self {
        Self::new(1, "Throttled")
    }

    /// 2: a parameter is missing.
    pub fn missing(name: &str) -> Self {
        if name == "api_key" {
            return Self::new(2, "Missing api_key");
        }
        let text = "Your request is incomplete and missing the mandatory parameter";
        Self::new(2, format!("{text} `{name}`"))
    }

    /// 3: a parameter has a wrong value.
    pub fn invalid(name: &str) -> Self {
        if name == "number" {
            return Self::new(3, "Invalid value for number");
        }
        Self::new(3, format!("Invalid value for param: {name}"))
    }

    /// 4 when something is to be started.
    pub fn invalid_credentials() -> Self {
        Self::new(4, "Invalid credentials were provided")
    }

    /// 4 everywhere else.
    pub fn bad_credentials() -> Self {
        Self::new(4, "Bad credentials")
    }

    /// 5: it is our fault.
    pub fn internal() -> Self {
        Self::new(5, "Internal Error")
    }

    fn unroutable() -> Self {
        let text = "The Vonage platform was unable to process this message for the following \
                    reason: The request could not be routed.";
        Self::new(6, text)
    }

    /// 6 of a check.
    pub fn not_found_or_verified(id: &str) -> Self {
        let text =
            "The Vonage platform was unable to process this message for the following reason";
        Self::new(
            6,
            format!("{text}: Request '{id}' was not found or it has been verified already."),
        )
    }

    /// 6 of a control.
    pub fn no_longer_active(id: &str) -> Self {
        Self::new(6, format!("The requestId '{id}' does not exist or its no longer active."))
    }

    fn blocked() -> Self {
        Self::new(7, "The number you are trying to verify is blacklisted for verification.")
    }

    fn barred() -> Self {
        let text = "The api_key you supplied is for an account that has been barred from \
                    submitting messages.";
        Self::new(8, text)
    }

    /// 9: no money is left.
    pub fn out_of_credit() -> Self {
        Self::new(9, "Partner quota exceeded")
    }

    /// 10: one is running.
    fn concurrent(id: crate::domain::VerificationId) -> Self {
        Self::new(10, "Concurrent verifications to the same number are not allowed").about(id)
    }

    fn unsupported_network() -> Self {
        Self::new(15, "The destination number is not in a supported network")
    }

    /// 16: another code.
    pub fn wrong_code() -> Self {
        Self::new(16, "The code provided does not match the expected value")
    }

    /// 17: no check is left.
    pub fn too_many_checks() -> Self {
        Self::new(17, "The wrong code was provided too many times. Request terminated")
    }

    /// 19: too early for a cancel.
    pub fn too_early(id: &str) -> Self {
        Self::new(
            19,
            format!(
                "Verification request ['{id}'] can't be cancelled within the first 30 seconds."
            ),
        )
    }

    /// 19: too late for a cancel. Both blanks are the original's.
    pub fn too_late(id: &str) -> Self {
        let text =
            "can't be cancelled now. Too many attempts to re-deliver have already been made.";
        Self::new(19, format!("Verification request  ['{id}'] {text}"))
    }

    /// 19: nothing to trigger.
    pub fn no_more_events(id: &str) -> Self {
        Self::new(19, format!("No more events are left to execute for the request ['{id}']"))
    }

    /// 20: codes are made here.
    pub fn no_pin_code() -> Self {
        Self::new(20, "This account does not support the parameter: pin_code.")
    }

    /// 101 of a search.
    pub fn no_response() -> Self {
        Self::new(101, "No response found")
    }

    /// What a key that is not accepted comes to.
    pub fn of_key(refusal: &KeyRefusal, wrong: fn() -> Self) -> Self {
        match refusal {
            KeyRefusal::NotAccepted
            | KeyRefusal::Expired
            | KeyRefusal::ForbiddenSource(_)
            | KeyRefusal::Malformed
            | KeyRefusal::Exists
            | KeyRefusal::NotFound => wrong(),
            KeyRefusal::Store(error) => {
                tracing::error!(error = %error, "a signature could not be noted");
                Self::internal()
            }
        }
    }

    /// What a rule of the guard comes to: whether it is about the number, the money or the
    /// moment.
    pub fn of_guard(refusal: &crate::domain::Refusal) -> Self {
        match refusal.rule {
            Rule::Suppression | Rule::Prefixes | Rule::NumberTypes | Rule::Conversion => {
                Self::blocked()
            }
            Rule::Countries => Self::unsupported_network(),
            Rule::PriceCeiling
            | Rule::AppBudget
            | Rule::PrefixBudget
            | Rule::BalanceFloor
            | Rule::MoneyUnknown
            | Rule::OtherCurrency => Self::out_of_credit(),
            Rule::KillSwitch => Self::barred(),
            Rule::QuietHours
            | Rule::Cooldown
            | Rule::Degraded
            | Rule::PerNumber
            | Rule::PerPrefix
            | Rule::PerCountry
            | Rule::PerApp
            | Rule::PerAddress
            | Rule::PerRateKey => Self::throttled(),
        }
    }

    /// What a start that was refused comes to.
    pub fn of_start(refusal: &StartRefusal) -> Self {
        match refusal {
            StartRefusal::CodeLife { .. } | StartRefusal::Lifetime { .. } => {
                Self::invalid("pin_expiry")
            }
            StartRefusal::ChannelMismatch(_) => Self::invalid("number"),
            StartRefusal::CodeLength => Self::invalid("code_length"),
            StartRefusal::OwnNumber | StartRefusal::Denied { .. } => Self::blocked(),
            StartRefusal::Landline => Self::unsupported_network(),
            StartRefusal::Guarded(guarded) => Self::of_guard(&guarded.refusal),
            StartRefusal::Running { id: Some(id) } => Self::concurrent(*id),
            StartRefusal::Running { id: None }
            | StartRefusal::NumberBusy { .. }
            | StartRefusal::NoRoom(_) => Self::throttled(),
            StartRefusal::UnknownAccount(_)
            | StartRefusal::Evidence { .. }
            | StartRefusal::UnknownPrompt { .. }
            | StartRefusal::PressMismatch { .. }
            | StartRefusal::SoundMissing(_)
            | StartRefusal::UnknownPlan { .. }
            | StartRefusal::PlanLength
            | StartRefusal::UnknownCodeLanguage { .. }
            | StartRefusal::NoMarker { .. }
            | StartRefusal::CodeUnused
            | StartRefusal::NewOwnCode
            | StartRefusal::ProviderUnknown
            | StartRefusal::Callback(_)
            | StartRefusal::Unasked
            | StartRefusal::Unheard { .. }
            | StartRefusal::IdempotencyMismatch
            | StartRefusal::IdempotencyRunning
            | StartRefusal::Closing
            | StartRefusal::Store(_) => {
                tracing::warn!(error = %refusal, "a start could not be made: {refusal}");
                Self::internal()
            }
        }
    }

    /// What a verification comes to that the provider refused at once; `None` if it did not.
    pub fn of_provider(verification: &Verification) -> Option<Self> {
        verification.conclusion()?;
        Some(match verification.refusal()? {
            RefusalReason::Refused => Self::unroutable(),
            RefusalReason::RateLimited => Self::throttled(),
            RefusalReason::Unauthorized | RefusalReason::Unreachable | RefusalReason::Withdrawn => {
                Self::internal()
            }
        })
    }
}
