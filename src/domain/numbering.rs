//! What numbering plans tell of a number beyond its digits: country and type.

use std::fmt;

/// A country, two capital letters of ISO 3166.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Country([u8; 2]);

impl Country {
    /// The country of two capital letters.
    #[must_use]
    pub fn of(letters: [u8; 2]) -> Option<Self> {
        letters.iter().all(u8::is_ascii_uppercase).then_some(Self(letters))
    }

    /// The country of a word, in capital letters.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::of(text.as_bytes().try_into().ok()?)
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|letter| write!(f, "{}", char::from(*letter)))
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Kinds of numbers that cost more than others, or reach nobody's pocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NumberType {
    /// The callee earns from the call.
    PremiumRate,
    /// Caller and callee share the cost.
    SharedCost,
    /// A line over the internet, where the plan tells.
    Voip,
    /// A satellite network.
    Satellite,
}

impl NumberType {
    /// Every type.
    pub const ALL: [Self; 4] = [Self::PremiumRate, Self::SharedCost, Self::Voip, Self::Satellite];

    /// The word used in the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PremiumRate => "premium_rate",
            Self::SharedCost => "shared_cost",
            Self::Voip => "voip",
            Self::Satellite => "satellite",
        }
    }
}
