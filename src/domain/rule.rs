//! The guard's words: its rules, how strictly each holds, and what one of them says.

use jiff::{SignedDuration, Timestamp};

/// A rule of the guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rule {
    /// An operator has switched starts off.
    KillSwitch,
    /// The person does not want to be called.
    Suppression,
    /// The number's country, by channel.
    Countries,
    /// What the number begins with.
    Prefixes,
    /// What kind of number it is.
    NumberTypes,
    /// The callee's local time.
    QuietHours,
    /// The person has lately turned a call away.
    Cooldown,
    /// Calls bring no notifications.
    Degraded,
    /// Starts with this prefix are hardly ever proved.
    Conversion,
    /// Starts to one recipient.
    PerNumber,
    /// Starts to one prefix.
    PerPrefix,
    /// Starts to one country.
    PerCountry,
    /// Starts of one app.
    PerApp,
    /// Starts wanted by one end user's address.
    PerAddress,
    /// Starts under one key that the app sends.
    PerRateKey,
    /// What one attempt costs.
    PriceCeiling,
    /// What an app spends in a day.
    AppBudget,
    /// What a prefix costs in a day.
    PrefixBudget,
    /// What must be left at the provider.
    BalanceFloor,
    /// A rule on money cannot be judged, since the provider told no price or balance.
    MoneyUnknown,
    /// A rule on money cannot be judged, since the provider counts in another currency.
    OtherCurrency,
}

impl Rule {
    /// Every rule, in the order in which they are asked.
    pub const ALL: [Self; 21] = [
        Self::KillSwitch,
        Self::Suppression,
        Self::Countries,
        Self::Prefixes,
        Self::NumberTypes,
        Self::QuietHours,
        Self::Cooldown,
        Self::Degraded,
        Self::Conversion,
        Self::PerNumber,
        Self::PerPrefix,
        Self::PerCountry,
        Self::PerApp,
        Self::PerAddress,
        Self::PerRateKey,
        Self::PriceCeiling,
        Self::AppBudget,
        Self::PrefixBudget,
        Self::BalanceFloor,
        Self::MoneyUnknown,
        Self::OtherCurrency,
    ];

    /// The word used in the API, the configuration and the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::KillSwitch => "kill_switch",
            Self::Suppression => "suppression",
            Self::Countries => "countries",
            Self::Prefixes => "prefixes",
            Self::NumberTypes => "number_types",
            Self::QuietHours => "quiet_hours",
            Self::Cooldown => "cooldown",
            Self::Degraded => "degraded",
            Self::Conversion => "conversion",
            Self::PerNumber => "per_number",
            Self::PerPrefix => "per_prefix",
            Self::PerCountry => "per_country",
            Self::PerApp => "per_app",
            Self::PerAddress => "per_address",
            Self::PerRateKey => "per_rate_key",
            Self::PriceCeiling => "price_ceiling",
            Self::AppBudget => "app_budget",
            Self::PrefixBudget => "prefix_budget",
            Self::BalanceFloor => "balance_floor",
            Self::MoneyUnknown => "money_unknown",
            Self::OtherCurrency => "other_currency",
        }
    }

    /// Whether it counts millionths of a currency, by the day of UTC.
    #[must_use]
    pub const fn is_day_budget(self) -> bool {
        matches!(self, Self::AppBudget | Self::PrefixBudget)
    }

    /// The rule of a word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.as_str() == text)
    }
}

/// How strictly a rule holds; the later, the stricter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mode {
    /// Not at all.
    Off,
    /// It counts and logs what it would have refused.
    Shadow,
    /// It refuses.
    #[default]
    Enforce,
}

impl Mode {
    /// Every mode.
    pub const ALL: [Self; 3] = [Self::Off, Self::Shadow, Self::Enforce];

    /// The word used in the API, the configuration and the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Shadow => "shadow",
            Self::Enforce => "enforce",
        }
    }
}

/// At most `max` in any span of `per`: starts, or millionths of a currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// How many.
    pub max: u64,
    /// In how long.
    pub per: SignedDuration,
}

/// When too few of a prefix's attempts are proved, and for how long it is blocked then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conversion {
    /// Below so many proved of a hundred: 1 to 100.
    pub min_percent: u8,
    /// Once there were so many: at least 1.
    pub min_volume: u32,
    /// In how long.
    pub window: SignedDuration,
    /// How old an attempt is before it counts, proved or not: it may still be proved. At most
    /// `window`.
    pub settle: SignedDuration,
    /// How long the prefix is blocked.
    pub block_for: SignedDuration,
}

impl Conversion {
    /// Whether so many proved of so many are too few.
    #[must_use]
    pub const fn is_too_low(&self, tried: u64, proved: u64) -> bool {
        let enough = tried >= self.min_volume as u64;
        enough && proved.saturating_mul(100) < tried.saturating_mul(self.min_percent as u64)
    }
}

/// What a rule says against a start or a step. It names nobody and counts nothing, so that
/// it reads the same whether or not the number was met before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The rule.
    pub rule: Rule,
    /// Whether it refuses, or would have.
    pub mode: Mode,
    /// When it will pass; `None` if it will not by itself.
    pub until: Option<Timestamp>,
    /// The limit that is reached, if it is one.
    pub limit: Option<Limit>,
}

impl Refusal {
    /// One that does not pass by itself.
    #[must_use]
    pub const fn lasting(rule: Rule, mode: Mode) -> Self {
        Self { rule, mode, until: None, limit: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_its_own_word_and_place() {
        for (place, rule) in Rule::ALL.into_iter().enumerate() {
            assert_eq!((rule as usize, Rule::parse(rule.as_str())), (place, Some(rule)));
        }
    }
}
