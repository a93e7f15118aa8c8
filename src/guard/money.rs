//! Judging by money: what an attempt costs, what was spent on this day, what is left.
//!
//! Amounts of different currencies are never compared. What cannot be judged for want of a
//! price, a balance or the same currency is said by rules of its own, no more strictly than
//! the rule that could not be judged.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::{Asked, Guard, Judged, Scope, prefix_of};
use crate::config::MoneyRules;
use crate::domain::{Currency, Limit, Mode, Money, Name, Refusal, Rule};
use crate::store::Count;

/// When what is not known is worth another try.
const ASK_AGAIN: SignedDuration = SignedDuration::from_mins(1);
/// Over how long a budget counts.
pub(super) const DAY: SignedDuration = SignedDuration::from_hours(24);

/// What is known of an attempt's money.
#[derive(Clone, Copy, Debug)]
pub struct Costs {
    /// What it costs.
    pub price: Price,
    /// What the account has left; none if the provider has not told it.
    pub balance: Option<Money>,
    /// When it is judged: a budget is of this instant's day.
    pub now: Timestamp,
}

/// What an attempt costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Price {
    /// Nothing.
    Free,
    /// So much.
    Of(Money),
    /// Nobody has told.
    Unknown,
}

/// What is against an attempt, and what it counts.
#[derive(Default)]
struct JudgedMoney {
    against: Vec<Refusal>,
    counts: Vec<Count>,
    unjudged: Vec<(Rule, Mode)>,
}

impl Guard {
    /// Whether a rule that holds for an app looks at prices.
    #[must_use]
    pub fn asks_price(&self, app: &Name) -> bool {
        self.rules_of(app).any(|(_, rules)| rules.money.on_prices().next().is_some())
    }

    /// Whether a rule that holds for an app looks at what is left.
    #[must_use]
    pub fn asks_balance(&self, app: &Name) -> bool {
        self.rules_of(app).any(|(_, rules)| rules.money.balance_floor.set().is_some())
    }

    /// What must be left, by each rule on it.
    pub fn balance_floors(&self) -> impl Iterator<Item = Money> {
        self.rules().filter_map(|(_, rules)| Some(rules.money.balance_floor.set()?.1))
    }

    /// What all apps' rules say of prices that the provider does not tell.
    #[must_use]
    pub const fn prices(&self) -> &crate::config::Prices {
        &self.rules.general.money.prices
    }

    /// What is said once it is known what the attempt costs.
    #[must_use]
    pub fn charge(&self, mut judged: Judged, asked: &Asked<'_>, costs: &Costs) -> Judged {
        let JudgedMoney { against, counts, .. } = self.money(asked, costs);
        judged.admission.noted.extend(against);
        judged.admission.counts.extend(counts);
        Judged::of(judged.admission)
    }

    fn money(&self, asked: &Asked<'_>, costs: &Costs) -> JudgedMoney {
        let mut judged = JudgedMoney::default();
        for (scope, rules) in self.rules_of(asked.app) {
            for rule in rules.money.on_prices() {
                self.by_price((asked, costs), scope, rule, &mut judged);
            }
            if let Some((mode, floor)) = rules.money.balance_floor.set() {
                judged.by_balance(costs.balance, mode, floor);
            }
        }
        let unjudged = std::mem::take(&mut judged.unjudged);
        for rule in [Rule::MoneyUnknown, Rule::OtherCurrency] {
            let said = self.rules_of(asked.app).map(|(_, rules)| mode_of(&rules.money, rule));
            let Some(said) = said.max() else { continue };
            let own = unjudged.iter().filter(|(why, _)| *why == rule).map(|(_, mode)| *mode);
            let Some(mode) = own.map(|own| own.min(said)).max() else { continue };
            if mode != Mode::Off {
                let passes = (rule == Rule::MoneyUnknown).then_some(costs.now);
                let until = passes.and_then(|now| now.checked_add(ASK_AGAIN).ok());
                judged.against.push(Refusal { until, ..Refusal::lasting(rule, mode) });
            }
        }
        judged
    }

    fn by_price(
        &self,
        (asked, costs): (&Asked<'_>, &Costs),
        scope: Scope<'_>,
        (rule, mode, most): (Rule, Mode, Money),
        judged: &mut JudgedMoney,
    ) {
        let price = match costs.price {
            Price::Free => return,
            Price::Unknown => return judged.unjudged.push((Rule::MoneyUnknown, mode)),
            Price::Of(price) => price,
        };
        if price.currency() != most.currency() {
            return judged.unjudged.push((Rule::OtherCurrency, mode));
        }
        if rule == Rule::PriceCeiling {
            if price.micros() > most.micros() {
                judged.against.push(Refusal::lasting(rule, mode));
            }
            return;
        }
        let of = match (rule, asked.to.phone()) {
            (Rule::PrefixBudget, Some(number)) => prefix_of(number),
            (Rule::PrefixBudget, None) => return,
            _ => asked.app.to_string(),
        };
        let subject = budget_subject(&of, most.currency(), costs.now);
        judged.counts.push(Count {
            key: self.keys.of(rule, scope, &subject),
            rule,
            mode,
            amount: price.spent(),
            limits: vec![Limit { max: most.spent(), per: DAY }],
        });
    }
}

impl JudgedMoney {
    fn by_balance(&mut self, balance: Option<Money>, mode: Mode, floor: Money) {
        match balance {
            None => self.unjudged.push((Rule::MoneyUnknown, mode)),
            Some(left) if left.currency() != floor.currency() => {
                self.unjudged.push((Rule::OtherCurrency, mode));
            }
            Some(left) if left.micros() < floor.micros() => {
                self.against.push(Refusal::lasting(Rule::BalanceFloor, mode));
            }
            Some(_) => {}
        }
    }
}

/// How strictly rules take what cannot be judged.
fn mode_of(rules: &MoneyRules, rule: Rule) -> Mode {
    if rule == Rule::OtherCurrency { rules.other_currency } else { rules.money_unknown }
}

/// Of what a budget counts: a window that is of one day holds no more than that day's money.
pub(super) fn budget_subject(of: &str, currency: Currency, now: Timestamp) -> String {
    format!("{of}\0{currency}\0{}", day_of(now))
}

/// The day of UTC.
fn day_of(now: Timestamp) -> jiff::civil::Date {
    now.to_zoned(TimeZone::UTC).date()
}
