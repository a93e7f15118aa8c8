//! What became of a notification.

/// One word for each way a notification can go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// A result of a call that a verification started.
    Accepted,
    /// The phone rings, or the call was answered.
    Progress,
    /// The end of another call with the number.
    Hint,
    /// It carries no result.
    NotAResult,
    /// Its signed fields can be read in two ways.
    Ambiguous,
    /// The call is not one that the PBX placed.
    NotOutgoing,
    /// The call went to a number of ours: somebody phoned us.
    ForeignDid,
    /// Its signed field holds no number.
    NoNumber,
    /// No verification in flight has this number.
    NoMatch,
    /// Only the number's ending is that of a verification in flight.
    NearMiss,
    /// The call began outside the attempt's window.
    OutsideWindow,
    /// The call began no later than one that was accepted before.
    StaleCallStart,
    /// It was checked less than the app demanded of a proof.
    WeakEvidence,
    /// An event that we do not know.
    UnknownEvent,
    /// It cannot be read in one way.
    Malformed,
    /// Not signed by the provider.
    BadSignature,
    /// Not from a listed address.
    BadSource,
    /// No account has this URL's token.
    UnknownToken,
    /// Its body is too large.
    TooLarge,
    /// Refused without a look, as too many from its address were before.
    TooManyRefused,
}

impl Verdict {
    /// Every verdict.
    pub const ALL: [Self; 20] = [
        Self::Accepted,
        Self::Progress,
        Self::Hint,
        Self::NotAResult,
        Self::Ambiguous,
        Self::NotOutgoing,
        Self::ForeignDid,
        Self::NoNumber,
        Self::NoMatch,
        Self::NearMiss,
        Self::OutsideWindow,
        Self::StaleCallStart,
        Self::WeakEvidence,
        Self::UnknownEvent,
        Self::Malformed,
        Self::BadSignature,
        Self::BadSource,
        Self::UnknownToken,
        Self::TooLarge,
        Self::TooManyRefused,
    ];

    /// The word used in the journal, the log and the metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Progress => "progress",
            Self::Hint => "hint",
            Self::NotAResult => "not_a_result",
            Self::Ambiguous => "ambiguous",
            Self::NotOutgoing => "not_outgoing",
            Self::ForeignDid => "foreign_did",
            Self::NoNumber => "no_number",
            Self::NoMatch => "no_match",
            Self::NearMiss => "near_miss",
            Self::OutsideWindow => "outside_window",
            Self::StaleCallStart => "stale_call_start",
            Self::WeakEvidence => "weak_evidence",
            Self::UnknownEvent => "unknown_event",
            Self::Malformed => "malformed",
            Self::BadSignature => "bad_signature",
            Self::BadSource => "bad_source",
            Self::UnknownToken => "unknown_token",
            Self::TooLarge => "too_large",
            Self::TooManyRefused => "too_many_refused",
        }
    }
}
