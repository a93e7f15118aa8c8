//! What was checked of a notification, and how far it can be trusted.

/// One thing that was checked of a notification and held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Check {
    /// The notification URL's token.
    Token = 1,
    /// The signature, with the current secret.
    Signature = 1 << 1,
    /// The signature, with a previous secret during a rotation.
    PreviousSecret = 1 << 2,
    /// The sender's address was in the required list.
    Source = 1 << 3,
    /// The call began within the attempt's window.
    Freshness = 1 << 4,
    /// The number was read from a signed field.
    SignedNumber = 1 << 5,
    /// The call's direction was read from signed fields.
    SignedDirection = 1 << 6,
    /// The key asked for was drawn at random for this verification.
    RandomKey = 1 << 7,
}

impl Check {
    /// Every check, in the order in which it is made.
    pub const ALL: [Self; 8] = [
        Self::Token,
        Self::Signature,
        Self::PreviousSecret,
        Self::Source,
        Self::Freshness,
        Self::SignedNumber,
        Self::SignedDirection,
        Self::RandomKey,
    ];

    /// The word used in the API and the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Signature => "signature",
            Self::PreviousSecret => "previous_secret",
            Self::Source => "source",
            Self::Freshness => "freshness",
            Self::SignedNumber => "signed_number",
            Self::SignedDirection => "signed_direction",
            Self::RandomKey => "random_key",
        }
    }
}

/// How far evidence can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Some check was not required.
    Weak,
    /// Every check held, and the key was a fixed one, which the signature does not cover.
    Partial,
    /// Every check held, and the key was random.
    Strong,
}

impl Level {
    /// The word used in the API and the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Weak => "weak",
            Self::Partial => "partial",
            Self::Strong => "strong",
        }
    }
}

/// The set of checks that held for one notification.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evidence(u16);

impl Evidence {
    /// From the bits that stores keep.
    #[must_use]
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    /// The bits that stores keep.
    #[must_use]
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// The same with one more check.
    #[must_use]
    pub const fn with(self, check: Check) -> Self {
        Self(self.0 | check as u16)
    }

    /// Whether a check held.
    #[must_use]
    pub const fn has(self, check: Check) -> bool {
        self.0 & check as u16 != 0
    }

    /// The checks that held.
    pub fn checks(self) -> impl Iterator<Item = Check> {
        Check::ALL.into_iter().filter(move |check| self.has(*check))
    }

    /// What follows from the checks. The pressed key is never covered by the
    /// signature, whatever the level.
    #[must_use]
    pub fn level(self) -> Level {
        let signed = self.has(Check::Signature) || self.has(Check::PreviousSecret);
        let required = [
            Check::Token,
            Check::Source,
            Check::Freshness,
            Check::SignedNumber,
            Check::SignedDirection,
        ];
        if !signed || required.iter().any(|check| !self.has(*check)) {
            Level::Weak
        } else if self.has(Check::RandomKey) {
            Level::Strong
        } else {
            Level::Partial
        }
    }
}
