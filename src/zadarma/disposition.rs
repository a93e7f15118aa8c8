//! How a call ended, in the provider's words.

/// The `disposition` of a finished call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Disposition {
    /// Somebody or something picked up.
    Answered,
    /// The line was engaged.
    Busy,
    /// Ended before an answer; also what a call that nobody took says.
    Cancel,
    /// It rang until the limit.
    NoAnswer,
    /// The call could not be made.
    Failed,
    /// The account's balance is exhausted.
    NoMoney,
    /// No such number.
    UnallocatedNumber,
    /// The number's limit is exhausted.
    NoLimit,
    /// The day's limit is exhausted.
    NoDayLimit,
    /// Too many calls at once.
    LineLimit,
    /// `no money, no limit`: one value, with a comma.
    NoMoneyNoLimit,
    /// Anything else.
    Unknown,
}

/// Every documented text; statistics write `call failed` for `failed`.
const TEXTS: [(&str, Disposition); 12] = [
    ("answered", Disposition::Answered),
    ("busy", Disposition::Busy),
    ("cancel", Disposition::Cancel),
    ("no answer", Disposition::NoAnswer),
    ("failed", Disposition::Failed),
    ("call failed", Disposition::Failed),
    ("no money", Disposition::NoMoney),
    ("unallocated number", Disposition::UnallocatedNumber),
    ("no limit", Disposition::NoLimit),
    ("no day limit", Disposition::NoDayLimit),
    ("line limit", Disposition::LineLimit),
    ("no money, no limit", Disposition::NoMoneyNoLimit),
];

impl Disposition {
    /// Reads the provider's text, in any case.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        TEXTS
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(text))
            .map_or(Self::Unknown, |(_, disposition)| *disposition)
    }
}
