//! Judging a start or a step: rules that need no row, and what the store must look at.

use std::net::IpAddr;

use jiff::Timestamp;

use super::conversion::exemptions;
use super::keys::subject_of;
use super::quiet::{Night, night};
use super::{Asked, Begins, Guard, Judged, Scope, prefix_of};
use crate::config;
use crate::domain::{Channel, Country, Mode, Name, Numbering, PhoneNumber, Refusal, Rule};
use crate::store::{Admission, Barring, Calling, Count, GuardKey};

/// The rules that count starts.
pub(super) const RATES: [Rule; 6] = [
    Rule::PerNumber,
    Rule::PerPrefix,
    Rule::PerCountry,
    Rule::PerApp,
    Rule::PerAddress,
    Rule::PerRateKey,
];

impl Guard {
    /// What the rules say without the store, and what it must look at and count.
    #[must_use]
    pub fn judge(&self, asked: &Asked<'_>) -> Judged {
        let noted: Vec<Refusal> =
            asked.to.phone().map_or_else(Vec::new, |number| self.of_number(asked, number));
        let counts = match asked.begins {
            Begins::Start { client_ip, rate_keys } => self.counts(asked, client_ip, rate_keys),
            Begins::Step => Vec::new(),
        };
        let calling = asked.calls_from.and_then(|account| self.calling(account));
        let (converting, blocks) = self.converting(asked);
        let number = asked.to.phone().filter(|_| !converting.is_empty());
        let exemptions = number.map(|number| exemptions(number, asked.channel));
        let admission = Admission {
            bars: self.bars(asked).into_iter().chain(blocks).collect(),
            counts,
            calling,
            converting,
            exemptions: exemptions.unwrap_or_default(),
            noted,
        };
        Judged::of(admission)
    }

    /// Whether the countries of an app's rules keep a channel from a number for good.
    #[must_use]
    pub fn skips(&self, app: &Name, country: Option<Country>, channel: Channel) -> bool {
        self.rules_of(app).any(|(_, rules)| {
            rules.countries.mode == Mode::Enforce && !rules.countries.of(channel).allows(country)
        })
    }

    /// The switches that may stop what an app does by a channel.
    #[must_use]
    pub fn switches(&self, app: &Name, channel: Channel) -> Vec<Barring> {
        let keys = [
            self.keys.switch(Scope::All, None),
            self.keys.switch(Scope::All, Some(channel)),
            self.keys.switch(Scope::App(app), None),
            self.keys.switch(Scope::App(app), Some(channel)),
        ];
        keys.map(|key| Barring { key, rule: Rule::KillSwitch, mode: Mode::Enforce }).into()
    }

    /// The key of an account's button calls.
    #[must_use]
    pub fn calls(&self, account: &Name) -> GuardKey {
        self.keys.of(Rule::Degraded, Scope::All, account.as_str())
    }

    /// How the silence of an account's button calls counts; not at all if that rule is off.
    #[must_use]
    pub fn calling(&self, account: &Name) -> Option<Calling> {
        let (mode, result_window) = (self.rules.general.degraded, self.result_window);
        let key = self.calls(account);
        (mode != Mode::Off).then_some(Calling { key, mode, result_window })
    }

    fn bars(&self, asked: &Asked<'_>) -> Vec<Barring> {
        let mut bars = self.switches(asked.app, asked.channel);
        let suppressed = [Scope::All, Scope::App(asked.app)].map(|scope| Barring {
            key: self.keys.suppression(scope, asked.to),
            rule: Rule::Suppression,
            mode: Mode::Enforce,
        });
        bars.extend(suppressed);
        let mode = self.rules.general.cooldown.mode;
        // It is about new starts: who turned a call away may still read the plan's SMS.
        if matches!(asked.begins, Begins::Start { .. }) && mode != Mode::Off {
            let key = self.keys.of_recipient(Rule::Cooldown, Scope::All, asked.to);
            bars.push(Barring { key, rule: Rule::Cooldown, mode });
        }
        bars
    }

    /// What is against a number by itself.
    fn of_number(&self, asked: &Asked<'_>, number: PhoneNumber) -> Vec<Refusal> {
        let Numbering { country, number_type: kind, .. } = asked.numbering;
        let digits = number.digits();
        let against = |(_, rules): (_, &config::Guard)| {
            let config::Guard { countries, prefixes, number_types, .. } = rules;
            let refused = !countries.of(asked.channel).allows(country);
            let begins = prefixes.refuse.iter().any(|prefix| digits.starts_with(prefix));
            let of_kind = kind.is_some_and(|kind| number_types.refuse.contains(&kind));
            [
                (Rule::Countries, countries.mode, refused),
                (Rule::Prefixes, prefixes.mode, begins),
                (Rule::NumberTypes, number_types.mode, of_kind),
            ]
        };
        let all = self.rules_of(asked.app).flat_map(against);
        let holds = |(_, mode, against): &(Rule, Mode, bool)| *against && *mode != Mode::Off;
        let lasting = all.filter(holds).map(|(rule, mode, _)| Refusal::lasting(rule, mode));
        lasting.chain(self.quiet(asked, country)).collect()
    }

    /// What the hour is against where a number is.
    fn quiet(&self, asked: &Asked<'_>, country: Option<Country>) -> impl Iterator<Item = Refusal> {
        let (channel, now) = (asked.channel, asked.now);
        let all = self.rules_of(asked.app).filter_map(|(_, rules)| rules.quiet_hours.as_ref());
        let hold =
            all.filter(move |hours| hours.mode != Mode::Off && hours.channels.contains(&channel));
        hold.filter_map(move |hours| {
            let lasting = Refusal::lasting(Rule::QuietHours, hours.mode);
            match night(hours, country?, now) {
                Night::Over => None,
                Night::Until(until) => Some(Refusal { until: Some(until), ..lasting }),
                Night::Always => Some(lasting),
            }
        })
    }

    /// What a start counts, under each rule that has limits.
    fn counts(
        &self,
        asked: &Asked<'_>,
        client_ip: Option<IpAddr>,
        rate_keys: &[Box<str>],
    ) -> Vec<Count> {
        let mut counts = Vec::new();
        for (scope, rules) in self.rules_of(asked.app) {
            for rule in RATES {
                let rate = rules
                    .rate(rule)
                    .filter(|rate| rate.mode != Mode::Off && !rate.limits.is_empty());
                let Some(rate) = rate else { continue };
                let subjects = subjects(rule, asked, client_ip, rate_keys);
                counts.extend(subjects.into_iter().map(|subject| Count {
                    key: self.keys.of(rule, scope, &subject),
                    rule,
                    mode: rate.mode,
                    amount: 1,
                    limits: rate.limits.clone(),
                }));
            }
        }
        counts
    }
}

impl Judged {
    pub(super) fn of(admission: Admission) -> Self {
        let enforced = admission.noted.iter().filter(|refusal| refusal.mode == Mode::Enforce);
        // What passes last is what the caller has to wait for; of several, the first.
        let refused =
            enforced.rev().max_by_key(|refusal| refusal.until.unwrap_or(Timestamp::MAX)).copied();
        Self { refused, admission }
    }
}

/// What a rule counts a start under; nothing if it does not concern it.
fn subjects(
    rule: Rule,
    asked: &Asked<'_>,
    client_ip: Option<IpAddr>,
    rate_keys: &[Box<str>],
) -> Vec<String> {
    let number = asked.to.phone();
    // Sessions and addresses of one app say nothing about another's.
    let of_app = |text: &str| format!("{}\0{text}", asked.app);
    match rule {
        Rule::PerNumber => vec![subject_of(asked.to)],
        Rule::PerPrefix => number.map(prefix_of).into_iter().collect(),
        Rule::PerCountry => {
            asked.numbering.country.map(|country| country.to_string()).into_iter().collect()
        }
        Rule::PerApp => vec![asked.app.to_string()],
        Rule::PerAddress => {
            client_ip.map(|address| of_app(&network_of(address))).into_iter().collect()
        }
        Rule::PerRateKey => rate_keys.iter().map(|key| of_app(key)).collect(),
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
        | Rule::OtherCurrency => Vec::new(),
    }
}

/// The address, or the network of 64 bits that one line over IPv6 has to itself.
fn network_of(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("{:?}", &address.segments()[..4]),
    }
}
