//! The one table of errors: code, status, title. Codes are stable API.
//!
//! Which situation gets which code is decided beside each endpoint; what a code
//! means to a client is decided here. A long flat table.

use actix_web::http::StatusCode;

/// What went wrong, as the API names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// The body is no JSON.
    InvalidJson,
    /// The JSON is nested too deeply.
    JsonTooDeep,
    /// A header cannot be read.
    InvalidHeader,
    /// A query parameter has a wrong value.
    InvalidParameter,
    /// There is no such query parameter.
    UnknownParameter,
    /// No key, or one that is not accepted.
    Unauthorized,
    /// The wait token's time is over.
    WaitTokenExpired,
    /// The key may not do this.
    MissingScope,
    /// No such path.
    NoRoute,
    /// The path is right, but what it names is not there, or not for this key.
    NotFound,
    /// The path has other methods.
    MethodNotAllowed,
    /// The body did not arrive in time.
    RequestTimeout,
    /// The first request with this Idempotency-Key still runs.
    IdempotencyRunning,
    /// A call with this number is in flight.
    NumberBusy,
    /// The verification ended before.
    AlreadyEnded,
    /// No code has been sent that could be checked.
    NothingToCheck,
    /// The next step may not begin yet.
    TooSoon,
    /// The plan has no further step.
    NoNextStep,
    /// As many codes have been sent as may be.
    SendLimit,
    /// Redeem: not verified.
    NotVerified,
    /// Redeem: other number or reference.
    Mismatch,
    /// Redeem: contradicted by a later report.
    Disputed,
    /// Redeem: done before.
    AlreadyRedeemed,
    /// Redeem: too late.
    TooOld,
    /// The body is too large.
    BodyTooLarge,
    /// The body is of another content type than is taken.
    UnsupportedMediaType,
    /// There is no such field.
    UnknownField,
    /// A field is missing.
    MissingField,
    /// A field has a wrong value.
    InvalidField,
    /// The number cannot be called.
    InvalidNumber,
    /// The e-mail address is none.
    InvalidAddress,
    /// The code cannot be one.
    NotDigits,
    /// The number is the account's own.
    OwnNumber,
    /// There is no such account.
    UnknownAccount,
    /// There is no such plan.
    UnknownPlan,
    /// The plan has no step or too many.
    InvalidPlan,
    /// A step cannot reach the recipient.
    ChannelMismatch,
    /// No step reaches a landline.
    Landline,
    /// There is no such prompt.
    UnknownPrompt,
    /// The prompt does not speak the language.
    UnknownLanguage,
    /// The prompt asks for another key.
    PressMismatch,
    /// The provider lacks a sound.
    SoundMissing,
    /// The Idempotency-Key belongs to another request.
    IdempotencyMismatch,
    /// The file is no sound that can be played.
    UnsupportedSound,
    /// Prompts use the sound.
    SoundInUse,
    /// The prompt is one of the configuration.
    PromptConfigured,
    /// As many sounds are worked on as may be.
    SoundsBusy,
    /// The multipart body cannot be read.
    InvalidMultipart,
    /// A rule of the guard refuses it, for now.
    GuardLimited,
    /// A rule of the guard refuses it, for good.
    GuardRefused,
    /// The app's own hook denies the start.
    PreSendDenied,
    /// The app's own hook gave no usable answer.
    PreSendFailed,
    /// The endpoint gets nothing until it is enabled, or is gone.
    EndpointDisabled,
    /// The notification's content was not kept.
    NothingToReplay,
    /// Our own fault.
    Internal,
    /// The provider's line of requests is full.
    ProviderBusy,
    /// The provider's clock is not known yet.
    ProviderUnknown,
    /// The provider did not answer what only it can.
    ProviderFailed,
    /// Too many clients wait.
    TooManyWaits,
    /// Too many wait with this key or wait token.
    TooManyWaitsOfOne,
    /// Requests come too fast.
    TooManyRequests,
    /// The key does not count from this address.
    ForbiddenSource,
    /// The store does not answer.
    StoreUnavailable,
    /// The service shuts down.
    ShuttingDown,
}

impl Code {
    /// Every code.
    pub const ALL: [Self; 64] = [
        Self::InvalidJson,
        Self::JsonTooDeep,
        Self::InvalidHeader,
        Self::InvalidParameter,
        Self::UnknownParameter,
        Self::Unauthorized,
        Self::WaitTokenExpired,
        Self::MissingScope,
        Self::NoRoute,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::RequestTimeout,
        Self::IdempotencyRunning,
        Self::NumberBusy,
        Self::AlreadyEnded,
        Self::NothingToCheck,
        Self::TooSoon,
        Self::NoNextStep,
        Self::SendLimit,
        Self::NotVerified,
        Self::Mismatch,
        Self::Disputed,
        Self::AlreadyRedeemed,
        Self::TooOld,
        Self::BodyTooLarge,
        Self::UnsupportedMediaType,
        Self::UnknownField,
        Self::MissingField,
        Self::InvalidField,
        Self::InvalidNumber,
        Self::InvalidAddress,
        Self::NotDigits,
        Self::OwnNumber,
        Self::UnknownAccount,
        Self::UnknownPlan,
        Self::InvalidPlan,
        Self::ChannelMismatch,
        Self::Landline,
        Self::UnknownPrompt,
        Self::UnknownLanguage,
        Self::PressMismatch,
        Self::SoundMissing,
        Self::IdempotencyMismatch,
        Self::UnsupportedSound,
        Self::SoundInUse,
        Self::PromptConfigured,
        Self::SoundsBusy,
        Self::InvalidMultipart,
        Self::GuardLimited,
        Self::GuardRefused,
        Self::PreSendDenied,
        Self::PreSendFailed,
        Self::EndpointDisabled,
        Self::NothingToReplay,
        Self::Internal,
        Self::ProviderBusy,
        Self::ProviderUnknown,
        Self::ProviderFailed,
        Self::TooManyWaits,
        Self::TooManyWaitsOfOne,
        Self::TooManyRequests,
        Self::ForbiddenSource,
        Self::StoreUnavailable,
        Self::ShuttingDown,
    ];

    /// Its word, its status and its title.
    const fn row(self) -> (&'static str, u16, &'static str) {
        match self {
            Self::InvalidJson => ("invalid_json", 400, "The body is not valid JSON"),
            Self::JsonTooDeep => ("json_too_deep", 400, "The JSON is nested too deeply"),
            Self::InvalidHeader => ("invalid_header", 400, "A header cannot be read"),
            Self::InvalidParameter => {
                ("invalid_parameter", 422, "A query parameter has a wrong value")
            }
            Self::UnknownParameter => {
                ("unknown_parameter", 422, "There is no such query parameter")
            }
            Self::Unauthorized => ("unauthorized", 401, "The key is missing or not accepted"),
            Self::WaitTokenExpired => ("wait_token_expired", 401, "The wait token has expired"),
            Self::MissingScope => ("missing_scope", 403, "The key lacks a scope"),
            Self::NoRoute => ("no_route", 404, "There is no such path"),
            Self::NotFound => ("not_found", 404, "What the path names is not there"),
            Self::MethodNotAllowed => {
                ("method_not_allowed", 405, "The path does not have this method")
            }
            Self::RequestTimeout => ("request_timeout", 408, "The body did not arrive in time"),
            Self::IdempotencyRunning => {
                ("idempotency_running", 409, "The first request with this key is still running")
            }
            Self::NumberBusy => ("number_busy", 409, "A call to this number is still in flight"),
            Self::AlreadyEnded => ("already_ended", 409, "The verification has already ended"),
            Self::NothingToCheck => ("no_code", 409, "There is no code to check"),
            Self::TooSoon => ("too_soon", 409, "The next step may not begin yet"),
            Self::NoNextStep => ("no_next_step", 409, "The plan has no further step"),
            Self::SendLimit => ("send_limit", 409, "As many codes have been sent as may be"),
            Self::NotVerified => ("not_verified", 409, "The verification is not verified"),
            Self::Mismatch => ("mismatch", 409, "Number or reference differ"),
            Self::Disputed => ("disputed", 409, "The verification is disputed"),
            Self::AlreadyRedeemed => {
                ("already_redeemed", 409, "The verification was redeemed before")
            }
            Self::TooOld => ("too_old", 409, "The verification is too old to be redeemed"),
            Self::BodyTooLarge => ("body_too_large", 413, "The body is too large"),
            Self::UnsupportedMediaType => {
                ("unsupported_media_type", 415, "The body's content type is not taken here")
            }
            Self::UnknownField => ("unknown_field", 422, "There is no such field"),
            Self::MissingField => ("missing_field", 422, "A field is missing"),
            Self::InvalidField => ("invalid_field", 422, "A field has a wrong value"),
            Self::InvalidNumber => ("invalid_number", 422, "The number cannot be called"),
            Self::InvalidAddress => ("invalid_address", 422, "The e-mail address is none"),
            Self::NotDigits => ("invalid_code", 422, "The code cannot be one"),
            Self::OwnNumber => ("own_number", 422, "The number is the account's own"),
            Self::UnknownAccount => ("unknown_account", 422, "There is no such account"),
            Self::UnknownPlan => ("unknown_plan", 422, "There is no such plan"),
            Self::InvalidPlan => ("invalid_plan", 422, "The plan has no step or too many"),
            Self::ChannelMismatch => ("channel_mismatch", 422, "A step cannot reach the recipient"),
            Self::Landline => ("landline", 422, "The number is a landline"),
            Self::UnknownPrompt => ("unknown_prompt", 422, "There is no such prompt"),
            Self::UnknownLanguage => {
                ("unknown_language", 422, "The prompt does not speak this language")
            }
            Self::PressMismatch => {
                ("press_mismatch", 422, "The prompt's greeting asks for another key")
            }
            Self::SoundMissing => ("sound_missing", 422, "The provider lacks a sound"),
            Self::IdempotencyMismatch => {
                ("idempotency_mismatch", 422, "The Idempotency-Key belongs to another request")
            }
            Self::UnsupportedSound => {
                ("unsupported_sound", 422, "The file is no sound that can be played")
            }
            Self::SoundInUse => ("sound_in_use", 409, "Prompts use the sound"),
            Self::PromptConfigured => {
                ("prompt_configured", 409, "The prompt is one of the configuration")
            }
            Self::SoundsBusy => ("sounds_busy", 503, "Other sounds are being worked on"),
            Self::InvalidMultipart => {
                ("invalid_multipart", 400, "The multipart body cannot be read")
            }
            Self::GuardLimited => ("guard_limited", 429, "A rule of the guard refuses it for now"),
            Self::GuardRefused => ("guard_refused", 403, "A rule of the guard refuses it"),
            Self::PreSendDenied => ("pre_send_denied", 403, "The app's own hook denies the start"),
            Self::PreSendFailed => {
                ("pre_send_failed", 503, "The app's own hook gave no usable answer")
            }
            Self::EndpointDisabled => {
                ("endpoint_disabled", 409, "The endpoint is disabled or gone")
            }
            Self::NothingToReplay => {
                ("nothing_to_replay", 409, "The notification's content was not kept")
            }
            Self::Internal => ("internal", 500, "Something failed here"),
            Self::ProviderUnknown => {
                ("provider_unknown", 503, "The provider has not been reached yet")
            }
            Self::ProviderFailed => ("provider_failed", 503, "The provider did not answer"),
            Self::ProviderBusy => ("provider_busy", 503, "The provider's limit leaves no room now"),
            Self::TooManyWaits => ("too_many_waits", 503, "Too many clients wait already"),
            Self::TooManyWaitsOfOne => {
                ("too_many_waits_of_one", 429, "Too many wait with this key or wait token")
            }
            Self::TooManyRequests => ("too_many_requests", 429, "Requests come too fast"),
            Self::ForbiddenSource => {
                ("forbidden_source", 403, "The key does not count from this address")
            }
            Self::StoreUnavailable => ("store_unavailable", 503, "The store cannot be used now"),
            Self::ShuttingDown => ("shutting_down", 503, "The service is shutting down"),
        }
    }

    /// The word that clients act on.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.row().0
    }

    /// The status of the answer.
    #[must_use]
    pub fn status(self) -> StatusCode {
        StatusCode::from_u16(self.row().1).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// What it means, the same in every answer.
    #[must_use]
    pub const fn title(self) -> &'static str {
        self.row().2
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn codes_are_unique_words_and_statuses_are_errors() {
        let mut seen = HashSet::new();
        for code in Code::ALL {
            assert!(seen.insert(code.as_str()), "{} twice", code.as_str());
            assert!(code.as_str().bytes().all(|b| b.is_ascii_lowercase() || b == b'_'));
            assert!(code.status().is_client_error() || code.status().is_server_error());
            assert!(!code.title().is_empty());
        }
    }

    #[test]
    fn the_list_holds_every_code() {
        // The last variant's place counts the variants before it.
        assert_eq!(Code::ALL.len(), Code::ShuttingDown as usize + 1);
        for (place, code) in Code::ALL.into_iter().enumerate() {
            assert_eq!(code as usize, place);
        }
    }
}
