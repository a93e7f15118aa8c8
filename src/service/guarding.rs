//! Guarding: a start, or a later step, is held against the guard's rules, and what they
//! say is logged and counted.

use std::sync::Arc;

use crate::domain::{
    Channel, Mode, Name, PhoneNumber, Recipient, Refusal, Rule, Step, Verification,
};
use crate::guard::{Asked, Begins, Judged};
use crate::store::{Admission, Bar, StoreError};
use crate::telemetry;

use super::admission::Admitted;
use super::refusal::StartRefusal;
use super::{Service, StartRequest};

/// What an operator is to know when calls bring nothing.
const DEGRADED: &str = "five button calls in a row brought no notification, so starts by \
    call_button are refused, but for one a minute; check the notification URL and its toggles at \
    the provider";

/// A refusal by the guard, with what helps whoever is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", words(.refusal.rule))]
pub struct Guarded {
    /// What the rule says.
    pub refusal: Refusal,
    /// A channel that may be tried instead.
    pub advised: Option<Channel>,
}

impl From<Refusal> for Guarded {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, advised: None }
    }
}

impl Service {
    /// What a start must pass in its transaction, if nothing is against it before.
    ///
    /// # Errors
    /// The rule that refuses it. A test reaches no provider, and is only switched off.
    pub(super) async fn guard_start(
        self: &Arc<Self>,
        request: &StartRequest,
        admitted: &Admitted,
    ) -> Result<Admission, StartRefusal> {
        let begins = admitted.steps.iter().find(|step| !step.skipped).or(admitted.steps.first());
        let channel = begins.map_or(Channel::CallButton, Step::channel);
        if self.tested(request).is_some() {
            let bars = self.guard.switches(&request.app, channel);
            return Ok(Admission { bars, ..Admission::default() });
        }
        let begins = Begins::Start { client_ip: request.client_ip, rate_keys: &request.rate_keys };
        let step = admitted.steps.iter().find(|step| !step.skipped);
        let (app, to, calls_from) = (&request.app, &request.to, account_called(step));
        let now = self.clock.now();
        let numbering = admitted.numbering;
        let asked = Asked { app, to, numbering, channel, calls_from, now, begins };
        let judged = self.judge(asked, step).await;
        self.unless_refused(judged, app, to).await
    }

    /// The same for a step of a verification that runs.
    pub(super) async fn guard_step(
        self: &Arc<Self>,
        verification: &Verification,
        step: &Step,
    ) -> Result<Admission, StepRefusal> {
        let (app, channel) = (&verification.app, step.channel());
        if verification.test {
            let bars = self.guard.switches(app, channel);
            return Ok(Admission { bars, ..Admission::default() });
        }
        let (to, calls_from) = (&verification.to, account_called(Some(step)));
        let (begins, now) = (Begins::Step, self.clock.now());
        let numbering = to.phone().map(PhoneNumber::numbering).unwrap_or_default();
        let asked = Asked { app, to, numbering, channel, calls_from, now, begins };
        let judged = self.judge(asked, Some(step)).await;
        self.unless_refused(judged, app, &verification.to).await
    }

    /// Judges, and asks what a step costs only if nothing else refuses it: the provider
    /// takes few requests, and strangers choose the numbers.
    async fn judge(self: &Arc<Self>, asked: Asked<'_>, step: Option<&Step>) -> Judged {
        let judged = self.guard.judge(&asked);
        let looks = self.guard.asks_price(asked.app) || self.guard.asks_balance(asked.app);
        let Some(step) = step.filter(|_| looks && judged.refused.is_none()) else { return judged };
        let costs = self.costs(asked.app, asked.to, asked.channel, &step.account).await;
        self.guard.charge(judged, &asked, &costs)
    }

    async fn unless_refused<E: From<Guarded> + From<StoreError>>(
        &self,
        judged: Judged,
        app: &Name,
        to: &Recipient,
    ) -> Result<Admission, E> {
        let Judged { refused, admission } = judged;
        let Some(refusal) = refused else { return Ok(admission) };
        self.tell(&admission.noted, app, to);
        self.store.note_refusals(admission.noted).await?;
        Err(E::from(Guarded::from(refusal)))
    }

    /// Whether an operator has stopped what is about to be dispatched.
    pub(super) async fn is_switched_off(
        &self,
        app: &Name,
        channel: Channel,
    ) -> Result<bool, StoreError> {
        let switches = self.guard.switches(app, channel);
        Ok(self.store.standing(switches, self.clock.now()).await?.is_some())
    }

    /// Logs and counts what the rules said against a start or a step.
    pub(super) fn tell(&self, noted: &[Refusal], app: &Name, to: &Recipient) {
        for refusal in noted {
            self.refusals.increment(refusal);
            let rule = refusal.rule.as_str();
            if refusal.rule == Rule::Degraded && refusal.until.is_none() {
                // At most once a minute, with the call that passes to see whether it is over.
                telemetry::alarm("degraded", DEGRADED);
            }
            if refusal.rule == Rule::OtherCurrency {
                self.money.alarm_currency(self.clock.now());
            }
            match refusal.mode {
                Mode::Enforce => tracing::info!(
                    guard.rule = rule, app.name = %app, to = ?to,
                    "{rule} refuses a start or a step of {app}",
                ),
                Mode::Shadow => tracing::info!(
                    guard.rule = rule, app.name = %app, to = ?to,
                    "{rule} would have refused a start or a step of {app}",
                ),
                Mode::Off => {}
            }
        }
    }
}

/// Raises an alarm for each prefix that is blocked from now on.
pub(super) fn tell_blocked(blocked: &[Bar]) {
    for Bar { subject, reason, app, until, .. } in blocked {
        let why = reason.as_deref().unwrap_or_default();
        let of = app.as_ref().map_or("every app", Name::as_str);
        let until = until.map(|until| until.to_string()).unwrap_or_default();
        telemetry::alarm(
            "prefix_blocked",
            format!(
                "attempts to reach {subject} are refused for {of} until {until}, since only \
                 {why}; if they are genuine, see `ringproof guard unblock` and `guard exempt`"
            ),
        );
    }
}

/// The account that a step calls from, if it asks for a key.
fn account_called(step: Option<&Step>) -> Option<&Name> {
    step.filter(|step| step.button().is_some()).map(|step| &step.account)
}

/// What to try while button calls bring nothing.
pub(super) fn advised(refusal: Refusal, to: &Recipient) -> Guarded {
    let takes_sms = to.phone().is_some_and(|number| !number.is_landline());
    let instead = if takes_sms { Channel::Sms } else { Channel::CallCode };
    Guarded { refusal, advised: (refusal.rule == Rule::Degraded).then_some(instead) }
}

/// Why a step may not begin.
pub(super) enum StepRefusal {
    Guarded(Guarded),
    Store(StoreError),
}

impl From<Guarded> for StepRefusal {
    fn from(guarded: Guarded) -> Self {
        Self::Guarded(guarded)
    }
}

impl From<StoreError> for StepRefusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// What a rule says, for whoever is refused. It tells nothing of the number.
const fn words(rule: Rule) -> &'static str {
    match rule {
        Rule::KillSwitch => "an operator has stopped this for now",
        Rule::Suppression => "this recipient does not want to be reached",
        Rule::Countries => "this country is not reached by this channel",
        Rule::Prefixes => "numbers that begin so are not reached",
        Rule::NumberTypes => "numbers of this kind are not reached",
        Rule::QuietHours => "it is night where this number is",
        Rule::Cooldown => "the person has turned a call away; leave them alone for a while",
        Rule::Degraded => {
            "calls bring no results at the moment, so nobody is called; take another channel"
        }
        Rule::Conversion => "starts to this prefix are stopped, since too few were ever proved",
        Rule::PerNumber => "this recipient has been reached as often as may be for now",
        Rule::PerPrefix => "numbers of this prefix have been reached as often as may be for now",
        Rule::PerCountry => "this country has been reached as often as may be for now",
        Rule::PerApp => "this app has started as many verifications as it may for now",
        Rule::PerAddress => "this client_ip has started as many verifications as it may for now",
        Rule::PerRateKey => {
            "one of these rate_keys has started as many verifications as it may for now"
        }
        Rule::PriceCeiling => "reaching this number costs more than may be spent on it",
        Rule::AppBudget => "this app has spent what it may on this day (UTC)",
        Rule::PrefixBudget => "what may be spent on this prefix on this day (UTC) is spent",
        Rule::BalanceFloor => "the provider's account has too little money left",
        Rule::MoneyUnknown => "the provider has not told a price or its balance",
        Rule::OtherCurrency => {
            "the provider counts in another currency than the rules on money; the operator is to write those in it"
        }
    }
}
