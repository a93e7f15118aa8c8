//! The rules on money of `[guard]` and `[apps.NAME.guard]`: what an attempt may cost, what may
//! be spent in a day, what must be left, and what holds when that cannot be said.

use super::guard::mode;
use super::section::Section;
use super::tree::Entry;
use super::value;
use crate::domain::{Channel, Mode, Money, Rule};

/// Rules on money. What is not set refuses nothing.
#[derive(Clone, Debug)]
pub struct MoneyRules {
    /// What one attempt may cost.
    pub price_ceiling: Spending,
    /// What each app may spend in a day.
    pub app_budget: Spending,
    /// What each prefix may cost in a day.
    pub prefix_budget: Spending,
    /// What must be left at the provider.
    pub balance_floor: Spending,
    /// How strictly it holds that the price or the balance is not known.
    pub money_unknown: Mode,
    /// How strictly it holds that the provider counts in another currency.
    pub other_currency: Mode,
    /// What the provider tells no price of; of all apps only.
    pub prices: Prices,
}

/// An amount, and how strictly it holds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spending {
    /// How strictly.
    pub mode: Mode,
    /// None is no rule.
    pub amount: Option<Money>,
}

/// Prices that the provider does not tell.
#[derive(Clone, Copy, Debug, Default)]
pub struct Prices {
    /// Of an SMS; not known unless set.
    pub sms: Option<Money>,
    /// Of an e-mail; free unless set.
    pub email: Option<Money>,
}

impl Default for MoneyRules {
    /// Nothing is set.
    fn default() -> Self {
        Self {
            price_ceiling: Spending::default(),
            app_budget: Spending::default(),
            prefix_budget: Spending::default(),
            balance_floor: Spending::default(),
            money_unknown: Mode::Off,
            other_currency: Mode::Off,
            prices: Prices::default(),
        }
    }
}

impl MoneyRules {
    /// The rules of all apps.
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let prices = section.optional_section("prices", |section| Prices {
            sms: section.optional("sms", money),
            email: section.optional("email", money),
        });
        Self { prices: prices.unwrap_or_default(), ..Self::read_own(section) }
    }

    /// The rules of one app.
    pub(super) fn read_own(section: &mut Section<'_>) -> Self {
        let mut spending = |rule: Rule, key: &str| {
            let read = |section: &mut Section<'_>| {
                let mode = mode(section);
                let amount = section.optional(key, money);
                Spending { mode, amount }
            };
            section.optional_section(rule.as_str(), read).unwrap_or_default()
        };
        let price_ceiling = spending(Rule::PriceCeiling, "max");
        let app_budget = spending(Rule::AppBudget, "per_day");
        let prefix_budget = spending(Rule::PrefixBudget, "per_day");
        let balance_floor = spending(Rule::BalanceFloor, "min");
        let mut holds =
            |rule: Rule| section.optional_section(rule.as_str(), mode).unwrap_or(Mode::Off);
        Self {
            price_ceiling,
            app_budget,
            prefix_budget,
            balance_floor,
            money_unknown: holds(Rule::MoneyUnknown),
            other_currency: holds(Rule::OtherCurrency),
            prices: Prices::default(),
        }
    }

    /// The rules on an attempt's price that are set.
    pub fn on_prices(&self) -> impl Iterator<Item = (Rule, Mode, Money)> {
        let all = [
            (Rule::PriceCeiling, self.price_ceiling),
            (Rule::AppBudget, self.app_budget),
            (Rule::PrefixBudget, self.prefix_budget),
        ];
        all.into_iter().filter_map(|(rule, spending)| spending.set().map(|(m, a)| (rule, m, a)))
    }

    /// Every rule that is set, with its amount. What holds of the unknown is one only
    /// beside a rule that may not know.
    pub fn shown(&self) -> impl Iterator<Item = (Rule, Mode, Option<Money>)> {
        let floor = self.balance_floor.set();
        let floor = floor.map(|(mode, amount)| (Rule::BalanceFloor, mode, amount));
        let amounts: Vec<_> = self.on_prices().chain(floor).collect();
        let unknown =
            [(Rule::MoneyUnknown, self.money_unknown), (Rule::OtherCurrency, self.other_currency)];
        let unknown = unknown.into_iter().filter(|_| !amounts.is_empty());
        let unknown: Vec<_> = unknown.map(|(rule, mode)| (rule, mode, None)).collect();
        amounts.into_iter().map(|(rule, mode, amount)| (rule, mode, Some(amount))).chain(unknown)
    }
}

impl Spending {
    /// Mode and amount, if it is a rule.
    #[must_use]
    pub fn set(&self) -> Option<(Mode, Money)> {
        self.amount.filter(|_| self.mode != Mode::Off).map(|amount| (self.mode, amount))
    }
}

impl Prices {
    /// The price of an attempt by a channel whose price the provider does not tell.
    #[must_use]
    pub const fn of(&self, channel: Channel) -> Option<Money> {
        match channel {
            Channel::Sms => self.sms,
            Channel::Email => self.email,
            Channel::CallButton | Channel::CallCode => None,
        }
    }
}

/// An amount above zero and a currency.
fn money(entry: &Entry) -> Result<Money, String> {
    let text = value::text(entry)?;
    let wrong = |why: String| {
        format!(
            "must be an amount above 0 and a currency, such as \"0.05 EUR\", but is {text:?}: {why}"
        )
    };
    match Money::parse(&text) {
        Ok(money) if money.micros() > 0 => Ok(money),
        Ok(_) => {
            Err(wrong("nothing could be spent; use mode or `ringproof guard stop`".to_owned()))
        }
        Err(error) => Err(wrong(error.to_string())),
    }
}
