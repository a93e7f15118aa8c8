//! The rules as operators are shown them.

use super::Guard;
use super::judge::RATES;
use crate::config;
use crate::domain::{Conversion, Limit, Mode, Money, Name, Rule};

/// A rule of the configuration that has something to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleShown {
    /// The rule.
    pub rule: Rule,
    /// The app whose own it is; all apps' if none.
    pub app: Option<Name>,
    /// How strictly it holds.
    pub mode: Mode,
    /// Its limits, if it counts.
    pub limits: Vec<Limit>,
    /// Its amount, if it is about money.
    pub money: Option<Money>,
    /// When it blocks, if it is the one on proofs.
    pub conversion: Option<Conversion>,
}

impl Guard {
    /// Every rule that is not off and has something to say.
    #[must_use]
    pub fn shown(&self) -> Vec<RuleShown> {
        let of = |(app, rules): (Option<&Name>, &config::Guard)| {
            let app = app.cloned();
            let conversion = rules.conversion.map(|rule| rule.conversion);
            let plain = plain(rules).into_iter().filter(|(_, _, says)| *says);
            let plain = plain.map(|(rule, mode, _)| (rule, mode, Vec::new()));
            let rates = RATES.into_iter().filter_map(|rule| Some((rule, rules.rate(rule)?)));
            let rates = rates.filter(|(_, rate)| !rate.limits.is_empty());
            let rates = rates.map(|(rule, rate)| (rule, rate.mode, rate.limits.clone()));
            let counted = plain.chain(rates).map(|(rule, mode, limits)| (rule, mode, limits, None));
            let money = rules.money.shown();
            let money = money.map(|(rule, mode, amount)| (rule, mode, Vec::new(), amount));
            let all: Vec<_> = counted.chain(money).collect();
            all.into_iter().map(move |(rule, mode, limits, money)| RuleShown {
                rule,
                app: app.clone(),
                mode,
                limits,
                money,
                conversion: conversion.filter(|_| rule == Rule::Conversion),
            })
        };
        self.rules().flat_map(of).filter(|shown| shown.mode != Mode::Off).collect()
    }
}

/// The rules without limits, and whether they are set.
fn plain(rules: &config::Guard) -> Vec<(Rule, Mode, bool)> {
    let config::Guard { countries, prefixes, number_types, .. } = rules;
    let general = std::iter::once(&countries.general);
    let mut lists = general.chain(countries.by_channel.iter().map(|(_, list)| list));
    let lists = lists.any(|list| !list.allow.is_empty() || !list.refuse.is_empty());
    let conversion = rules.conversion.map_or(Mode::Off, |rule| rule.mode);
    let quiet = rules.quiet_hours.as_ref();
    let quiet_mode = quiet.map_or(Mode::Off, |hours| hours.mode);
    vec![
        (Rule::QuietHours, quiet_mode, quiet.is_some()),
        (Rule::Countries, countries.mode, lists),
        (Rule::Prefixes, prefixes.mode, !prefixes.refuse.is_empty()),
        (Rule::Conversion, conversion, rules.conversion.is_some()),
        (Rule::NumberTypes, number_types.mode, !number_types.refuse.is_empty()),
    ]
}
