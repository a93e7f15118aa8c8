//! The sections `[guard]` and `[apps.NAME.guard]`: rules that decide whether a start may be.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::SignedDuration;

use super::conversion::ConversionRule;
use super::guard_money::MoneyRules;
use super::quiet::QuietHours;
use super::section::Section;
use super::tree::Entry;
use super::value;
use crate::domain::{Channel, Country, Limit, Mode, NumberType, Rule};

/// The longest span of a limit.
const LONGEST: Duration = Duration::from_hours(31 * 24);

/// Rules, of all apps or of one. What is not set in an app's refuses nothing.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    /// Which countries may be reached.
    pub countries: Countries,
    /// What numbers may not begin with.
    pub prefixes: Prefixes,
    /// What kinds of numbers are not reached.
    pub number_types: NumberTypes,
    /// When people are left alone.
    pub quiet_hours: Option<QuietHours>,
    /// Starts to one recipient.
    pub per_number: Rate,
    /// Starts to one prefix.
    pub per_prefix: Rate,
    /// Starts to one country.
    pub per_country: Rate,
    /// Starts of one app.
    pub per_app: Rate,
    /// Starts wanted by one end user's address.
    pub per_address: Rate,
    /// Starts under one of the keys that the app sends.
    pub per_rate_key: Rate,
    /// When a prefix is blocked of which too little is proved.
    pub conversion: Option<ConversionRule>,
    /// What may be spent.
    pub money: MoneyRules,
    /// How long people are left alone who turned a call away; of all apps only.
    pub cooldown: Cooldown,
    /// How strictly calls stop that bring no notifications; of all apps only.
    pub degraded: Mode,
    /// Whether the key for never being called again holds for every app; of all apps only.
    pub never_again_for_all: bool,
}

/// How long people are left alone who turned a call away.
#[derive(Clone, Debug, Default)]
pub struct Cooldown {
    /// How strictly.
    pub mode: Mode,
    /// After a call that was rejected.
    pub rejected: Option<SignedDuration>,
    /// After the key that says "this was not me".
    pub not_me: Option<SignedDuration>,
}

/// Which countries may be reached.
#[derive(Clone, Debug, Default)]
pub struct Countries {
    /// How strictly.
    pub mode: Mode,
    /// By every channel that has no list of its own.
    pub general: CountryList,
    /// By one channel, in place of the general list.
    pub by_channel: Vec<(Channel, CountryList)>,
}

/// Countries that are allowed, if any is named, and such that are refused.
#[derive(Clone, Debug, Default)]
pub struct CountryList {
    /// Only these, unless it is empty.
    pub allow: BTreeSet<Country>,
    /// Never these.
    pub refuse: BTreeSet<Country>,
}

/// What numbers may not begin with.
#[derive(Clone, Debug, Default)]
pub struct Prefixes {
    /// How strictly.
    pub mode: Mode,
    /// Digits of the international form.
    pub refuse: Vec<String>,
}

/// What kinds of numbers are not reached.
#[derive(Clone, Debug, Default)]
pub struct NumberTypes {
    /// How strictly.
    pub mode: Mode,
    /// These.
    pub refuse: Vec<NumberType>,
}

/// How many starts there may be.
#[derive(Clone, Debug, Default)]
pub struct Rate {
    /// How strictly.
    pub mode: Mode,
    /// Each must hold. None is no limit.
    pub limits: Vec<Limit>,
}

impl Guard {
    /// The rules of all apps.
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let never_again = |entry: &Entry| match value::text(entry)?.as_str() {
            "app" => Ok(false),
            "all" => Ok(true),
            other => Err(format!("must be \"app\" or \"all\", but is {other:?}")),
        };
        Self {
            cooldown: section.optional_section("cooldown", Cooldown::read).unwrap_or_default(),
            degraded: section.optional_section("degraded", mode).unwrap_or_default(),
            never_again_for_all: section.value("never_again", never_again, false),
            ..Self::read_with(section, MoneyRules::read)
        }
    }

    /// The rules of one app.
    pub(super) fn read_own(section: &mut Section<'_>) -> Self {
        Self::read_with(section, MoneyRules::read_own)
    }

    fn read_with(
        section: &mut Section<'_>,
        money: impl FnOnce(&mut Section<'_>) -> MoneyRules,
    ) -> Self {
        let mut rate =
            |rule: Rule| section.optional_section(rule.as_str(), Rate::read).unwrap_or_default();
        let (per_number, per_prefix) = (rate(Rule::PerNumber), rate(Rule::PerPrefix));
        let (per_country, per_app) = (rate(Rule::PerCountry), rate(Rule::PerApp));
        let (per_address, per_rate_key) = (rate(Rule::PerAddress), rate(Rule::PerRateKey));
        Self {
            countries: section.optional_section("countries", Countries::read).unwrap_or_default(),
            prefixes: section.optional_section("prefixes", Prefixes::read).unwrap_or_default(),
            number_types: section
                .optional_section("number_types", NumberTypes::read)
                .unwrap_or_default(),
            quiet_hours: section.optional_section("quiet_hours", QuietHours::read),
            per_number,
            per_prefix,
            per_country,
            per_app,
            per_address,
            per_rate_key,
            conversion: section.optional_section(Rule::Conversion.as_str(), ConversionRule::read),
            money: money(section),
            cooldown: Cooldown::default(),
            degraded: Mode::Off,
            never_again_for_all: false,
        }
    }

    /// The limits of a rule that counts starts, and how strictly they hold; none for others.
    #[must_use]
    pub const fn rate(&self, rule: Rule) -> Option<&Rate> {
        match rule {
            Rule::PerNumber => Some(&self.per_number),
            Rule::PerPrefix => Some(&self.per_prefix),
            Rule::PerCountry => Some(&self.per_country),
            Rule::PerApp => Some(&self.per_app),
            Rule::PerAddress => Some(&self.per_address),
            Rule::PerRateKey => Some(&self.per_rate_key),
            Rule::KillSwitch
            | Rule::Suppression
            | Rule::Countries
            | Rule::Prefixes
            | Rule::NumberTypes
            | Rule::QuietHours
            | Rule::Cooldown
            | Rule::Degraded
            | Rule::Conversion
            | Rule::PriceCeiling
            | Rule::AppBudget
            | Rule::PrefixBudget
            | Rule::BalanceFloor
            | Rule::MoneyUnknown
            | Rule::OtherCurrency => None,
        }
    }
}

impl Countries {
    fn read(section: &mut Section<'_>) -> Self {
        let mode = mode(section);
        let general = CountryList::read(section);
        let own = |channel: Channel| {
            let list = section.optional_section(channel.as_str(), CountryList::read)?;
            Some((channel, list))
        };
        // An e-mail address has no country.
        let channels = [Channel::CallButton, Channel::CallCode, Channel::Sms];
        Self { mode, general, by_channel: channels.into_iter().filter_map(own).collect() }
    }

    /// The list that holds for a channel.
    #[must_use]
    pub fn of(&self, channel: Channel) -> &CountryList {
        let own = self.by_channel.iter().find(|(of, _)| *of == channel);
        own.map_or(&self.general, |(_, list)| list)
    }
}

impl CountryList {
    fn read(section: &mut Section<'_>) -> Self {
        let mut list = |key: &str| section.list(key, country, Vec::new()).into_iter().collect();
        Self { allow: list("allow"), refuse: list("refuse") }
    }

    /// Whether a number of this country may be reached; one of no country only if none is asked for.
    #[must_use]
    pub fn allows(&self, country: Option<Country>) -> bool {
        match country {
            Some(country) => {
                !self.refuse.contains(&country)
                    && (self.allow.is_empty() || self.allow.contains(&country))
            }
            None => self.allow.is_empty(),
        }
    }
}

impl Cooldown {
    fn read(section: &mut Section<'_>) -> Self {
        let mode = mode(section);
        let mut after = |key| {
            let read = value::duration(Duration::ZERO..=LONGEST);
            let span = section.optional(key, read).filter(|span| !span.is_zero())?;
            SignedDuration::try_from(span).ok()
        };
        Self { mode, rejected: after("rejected"), not_me: after("not_me") }
    }
}

impl Prefixes {
    fn read(section: &mut Section<'_>) -> Self {
        let mode = mode(section);
        Self { mode, refuse: section.list("refuse", prefix, Vec::new()) }
    }
}

impl NumberTypes {
    fn read(section: &mut Section<'_>) -> Self {
        let mode = mode(section);
        Self { mode, refuse: section.list("refuse", number_type, Vec::new()) }
    }
}

impl Rate {
    fn read(section: &mut Section<'_>) -> Self {
        let mode = mode(section);
        let limits = section.sections("limits", |section| Limit {
            max: section.value("max", value::number(1..=1_000_000_000), 1),
            per: span(section, "per", Duration::from_secs(1)..=LONGEST),
        });
        let spans: BTreeSet<SignedDuration> = limits.iter().map(|limit| limit.per).collect();
        if spans.len() < limits.len() {
            section.wrong("limits", "has two limits with the same \"per\"; leave one of them");
        }
        if limits.len() > 8 {
            section.wrong("limits", "has more than 8 limits");
        }
        Self { mode, limits }
    }
}

/// The `mode` of a rule; `enforce` unless set.
pub(super) fn mode(section: &mut Section<'_>) -> Mode {
    let read = |entry: &Entry| {
        let text = value::text(entry)?;
        let known = Mode::ALL.into_iter().find(|mode| mode.as_str() == text);
        known.ok_or_else(|| format!("must be \"off\", \"shadow\" or \"enforce\", but is {text:?}"))
    };
    section.optional("mode", read).unwrap_or_default()
}

/// A duration that must be given.
pub(super) fn span(
    section: &mut Section<'_>,
    key: &str,
    range: std::ops::RangeInclusive<Duration>,
) -> SignedDuration {
    SignedDuration::try_from(section.duration(key, range)).unwrap_or(SignedDuration::MAX)
}

fn country(entry: &Entry) -> Result<Country, String> {
    let text = value::text(entry)?;
    Country::parse(&text).ok_or_else(|| {
        format!(
            "must be a country, two capital letters of ISO 3166 such as \"UA\", but is {text:?}"
        )
    })
}

fn prefix(entry: &Entry) -> Result<String, String> {
    let text = value::text(entry)?;
    let digits = text.strip_prefix('+').unwrap_or(&text);
    let fits = (1..=15).contains(&digits.len())
        && !digits.starts_with('0')
        && digits.bytes().all(|byte| byte.is_ascii_digit());
    if fits {
        Ok(digits.to_owned())
    } else {
        Err(format!(
            "must be what numbers begin with in international form, such as \"+38090\", but is {text:?}"
        ))
    }
}

fn number_type(entry: &Entry) -> Result<NumberType, String> {
    let text = value::text(entry)?;
    NumberType::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| {
        let known = NumberType::ALL.map(NumberType::as_str).join(", ");
        format!("must be one of {known}, but is {text:?}")
    })
}
