//! How verifications and calls end.

/// Where a verification stands. Final is final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Nothing is decided yet.
    Pending,
    /// The person confirmed.
    Verified,
    /// The person did not, or could not.
    Failed,
    /// Its time ended.
    Expired,
    /// The app took it back.
    Canceled,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 5] =
        [Self::Pending, Self::Verified, Self::Failed, Self::Expired, Self::Canceled];

    /// The word used in the API, the log and the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Verified => "verified",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Canceled => "canceled",
        }
    }
}

/// Why a verification ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The key asked for was pressed.
    Confirmed,
    /// Another key was pressed.
    WrongKey,
    /// The call was answered and no key was pressed.
    NoKey,
    /// Nobody answered.
    NoAnswer,
    /// The line was busy.
    Busy,
    /// The call was turned away.
    Rejected,
    /// The number could not be reached.
    Unreachable,
    /// The provider did not place the call.
    ProviderRefused,
    /// The provider never reported a result that decides.
    ProviderLost,
    /// The verification's time ended first.
    Expired,
    /// The app took it back.
    Canceled,
    /// The right code was entered.
    CodeCorrect,
    /// Every check was used up by wrong codes.
    TooManyChecks,
    /// The key was pressed that says "I did not ask for this, never call me again".
    NotMe,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 14] = [
        Self::Confirmed,
        Self::WrongKey,
        Self::NoKey,
        Self::NoAnswer,
        Self::Busy,
        Self::Rejected,
        Self::Unreachable,
        Self::ProviderRefused,
        Self::ProviderLost,
        Self::Expired,
        Self::Canceled,
        Self::CodeCorrect,
        Self::TooManyChecks,
        Self::NotMe,
    ];

    /// The word used in the API, the log and the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::WrongKey => "wrong_key",
            Self::NoKey => "no_key",
            Self::NoAnswer => "no_answer",
            Self::Busy => "busy",
            Self::Rejected => "rejected",
            Self::Unreachable => "unreachable",
            Self::ProviderRefused => "provider_refused",
            Self::ProviderLost => "provider_lost",
            Self::Expired => "expired",
            Self::Canceled => "canceled",
            Self::CodeCorrect => "code_correct",
            Self::TooManyChecks => "too_many_checks",
            Self::NotMe => "not_me",
        }
    }

    /// Whether it is a person's yes or no, which no further step may ask again.
    #[must_use]
    pub const fn is_decided_by_person(self) -> bool {
        match self {
            Self::Confirmed
            | Self::CodeCorrect
            | Self::WrongKey
            | Self::TooManyChecks
            | Self::NotMe => true,
            Self::NoKey
            | Self::NoAnswer
            | Self::Busy
            | Self::Rejected
            | Self::Unreachable
            | Self::ProviderRefused
            | Self::ProviderLost
            | Self::Expired
            | Self::Canceled => false,
        }
    }

    /// The status of a verification that ended so.
    #[must_use]
    pub const fn status(self) -> Status {
        match self {
            Self::Confirmed | Self::CodeCorrect => Status::Verified,
            Self::Expired => Status::Expired,
            Self::Canceled => Status::Canceled,
            Self::WrongKey
            | Self::NoKey
            | Self::NoAnswer
            | Self::Busy
            | Self::Rejected
            | Self::Unreachable
            | Self::ProviderRefused
            | Self::ProviderLost
            | Self::TooManyChecks
            | Self::NotMe => Status::Failed,
        }
    }
}

/// How a call ended, in our words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CallResult {
    /// Somebody picked up.
    Answered,
    /// The line was busy.
    Busy,
    /// Nobody picked up.
    NoAnswer,
    /// The person turned the call away.
    Rejected,
    /// The number does not exist or could not be reached.
    Unreachable,
    /// Money or a limit at the provider stopped the call.
    ProviderRefused,
    /// Something that we do not know.
    Other,
}

impl CallResult {
    /// Every result.
    pub const ALL: [Self; 7] = [
        Self::Answered,
        Self::Busy,
        Self::NoAnswer,
        Self::Rejected,
        Self::Unreachable,
        Self::ProviderRefused,
        Self::Other,
    ];

    /// The word used in the API and the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Busy => "busy",
            Self::NoAnswer => "no_answer",
            Self::Rejected => "rejected",
            Self::Unreachable => "unreachable",
            Self::ProviderRefused => "provider_refused",
            Self::Other => "other",
        }
    }

    /// Whether it says that nobody heard what the call had to say.
    #[must_use]
    pub const fn is_unanswered(self) -> bool {
        match self {
            Self::Busy
            | Self::NoAnswer
            | Self::Rejected
            | Self::Unreachable
            | Self::ProviderRefused => true,
            Self::Answered | Self::Other => false,
        }
    }

    /// The outcome of a call of which no key is known. An answered call
    /// without its key is lost, never confirmed.
    #[must_use]
    pub const fn outcome_without_key(self) -> Outcome {
        match self {
            Self::Answered | Self::Other => Outcome::ProviderLost,
            Self::Busy => Outcome::Busy,
            Self::NoAnswer => Outcome::NoAnswer,
            Self::Rejected => Outcome::Rejected,
            Self::Unreachable => Outcome::Unreachable,
            Self::ProviderRefused => Outcome::ProviderRefused,
        }
    }
}

/// Why the provider did not place a call. A closed set, so that apps can act on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefusalReason {
    /// The provider answered with an error; its text is in the log.
    Refused,
    /// The provider's own limit of requests was reached.
    RateLimited,
    /// The provider did not accept our key or signature.
    Unauthorized,
    /// The provider could not be reached; nothing had been sent.
    Unreachable,
    /// The verification had ended, or the service was stopping, before the call's turn
    /// came; nothing was sent.
    Withdrawn,
}

impl RefusalReason {
    /// Every reason.
    pub const ALL: [Self; 5] =
        [Self::Refused, Self::RateLimited, Self::Unauthorized, Self::Unreachable, Self::Withdrawn];

    /// The word used in the API and the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::RateLimited => "rate_limited",
            Self::Unauthorized => "unauthorized",
            Self::Unreachable => "unreachable",
            Self::Withdrawn => "withdrawn",
        }
    }
}
