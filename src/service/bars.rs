//! Bars: what operators put in the way of starts and take away again. Switches stop
//! everything, an app, or a channel; suppressions keep one person from being reached.

use serde_json::{Value, json};

use crate::domain::{Channel, Name, Recipient, Rule};
use crate::guard::Scope;
use crate::store::{Bar, GuardKey, RuleTotal, StoreError};

use super::{Actor, Administered, RuleShown, Service};

/// What a switch stops: all of it, unless an app or a channel is named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Switch {
    /// Only this app.
    pub app: Option<Name>,
    /// Only this channel.
    pub channel: Option<Channel>,
}

/// Who is not to be reached.
#[derive(Clone, Debug)]
pub struct Suppression {
    /// Whom.
    pub to: Recipient,
    /// By which app; by none of them unless given.
    pub app: Option<Name>,
    /// Why, in the operator's words.
    pub reason: Option<Box<str>>,
}

/// A page of bars.
#[derive(Clone, Debug)]
pub struct BarPage {
    /// The bars.
    pub bars: Vec<Bar>,
    /// What stands behind the page, if there is more.
    pub next: Option<GuardKey>,
}

/// The rules that block by themselves.
const BLOCKING: [Rule; 2] = [Rule::Cooldown, Rule::Conversion];
/// The most blocks of one rule that are listed.
const BLOCKS_AT_ONCE: u16 = 1000;
/// The most suppressions of a page.
const BARS_AT_ONCE: u16 = 100;

impl Service {
    /// Stops starts, later steps and what waits to be dispatched; effective once this
    /// returns, for every replica.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn stop_starts(
        &self,
        switch: Switch,
        reason: Option<Box<str>>,
        by: &Actor,
    ) -> Result<(), StoreError> {
        let subject = match switch.channel {
            Some(channel) => channel.as_str(),
            None => "every channel",
        };
        let bar = Bar {
            key: self.switch_key(&switch),
            rule: Rule::KillSwitch,
            subject: subject.into(),
            reason,
            created_at: self.clock.now(),
            until: None,
            app: switch.app,
        };
        let before = self.store.find_bar(bar.key).await?;
        self.note(by, "starts.stopped", before.as_ref(), Some(&bar)).await?;
        tracing::warn!(guard.subject = %bar.subject, "an operator stops starts by {}", bar.subject);
        self.store.put_bar(bar).await
    }

    /// Lets starts be again; whether they were stopped.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn resume_starts(&self, switch: &Switch, by: &Actor) -> Result<bool, StoreError> {
        self.lift(self.switch_key(switch), &[Rule::KillSwitch], "starts.resumed", by).await
    }

    /// What operators have stopped.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn stopped(&self) -> Result<Vec<Bar>, StoreError> {
        self.store.bars(Rule::KillSwitch, None, u16::MAX, self.clock.now()).await
    }

    /// Keeps a person from being reached; what stands for it.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn suppress(&self, suppression: Suppression, by: &Actor) -> Result<Bar, StoreError> {
        let bar = self.suppression_bar(suppression);
        let before = self.store.find_bar(bar.key).await?;
        self.note(by, "recipient.suppressed", before.as_ref(), Some(&bar)).await?;
        self.store.put_bar(bar.clone()).await?;
        Ok(bar)
    }

    /// Lets a person be reached again; whether there was such a suppression.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn unsuppress(&self, id: GuardKey, by: &Actor) -> Result<bool, StoreError> {
        self.lift(id, &[Rule::Suppression], "recipient.unsuppressed", by).await
    }

    /// The suppression of a person, by all apps or by one, if there is one.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn find_suppression(
        &self,
        to: &Recipient,
        app: Option<&Name>,
    ) -> Result<Option<Bar>, StoreError> {
        let scope = app.map_or(Scope::All, Scope::App);
        self.store.find_bar(self.guard.keys().suppression(scope, to)).await
    }

    /// The suppressions behind `after`.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn suppressions(&self, after: Option<GuardKey>) -> Result<BarPage, StoreError> {
        let now = self.clock.now();
        let bars = self.store.bars(Rule::Suppression, after, BARS_AT_ONCE, now).await?;
        let full = bars.len() == usize::from(BARS_AT_ONCE);
        let next = bars.last().filter(|_| full).map(|bar| bar.key);
        Ok(BarPage { bars, next })
    }

    /// What each rule refused, or would have.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn rule_totals(&self) -> Result<Vec<RuleTotal>, StoreError> {
        self.store.rule_totals().await
    }

    /// The rules of the configuration.
    #[must_use]
    pub fn rules_shown(&self) -> Vec<RuleShown> {
        self.guard.shown()
    }

    /// What rules have blocked by themselves.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn blocks(&self) -> Result<Vec<Bar>, StoreError> {
        let (now, mut all) = (self.clock.now(), Vec::new());
        for rule in BLOCKING {
            all.extend(self.store.bars(rule, None, BLOCKS_AT_ONCE, now).await?);
        }
        all.retain(is_block);
        Ok(all)
    }

    /// Lifts what a rule has blocked; whether there was such a block.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn lift_block(&self, id: GuardKey, by: &Actor) -> Result<bool, StoreError> {
        let found = self.store.find_bar(id).await?;
        if !found.as_ref().is_some_and(is_block) {
            return Ok(false);
        }
        self.lift(id, &BLOCKING, "block.lifted", by).await
    }

    /// The bar of a suppression from now on.
    pub(super) fn suppression_bar(&self, suppression: Suppression) -> Bar {
        let Suppression { to, app, reason } = suppression;
        let scope = app.as_ref().map_or(Scope::All, Scope::App);
        Bar {
            key: self.guard.keys().suppression(scope, &to),
            rule: Rule::Suppression,
            subject: format!("{to:?}").into(),
            reason,
            created_at: self.clock.now(),
            until: None,
            app,
        }
    }

    /// Takes away a bar of these rules, if it stands.
    pub(super) async fn lift(
        &self,
        id: GuardKey,
        of: &[Rule],
        action: &'static str,
        by: &Actor,
    ) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let stands =
            |bar: &Bar| of.contains(&bar.rule) && bar.until.is_none_or(|until| until > now);
        let Some(bar) = self.store.find_bar(id).await?.filter(stands) else { return Ok(false) };
        self.note(by, action, Some(&bar), None).await?;
        self.store.lift_bar(id, now).await
    }

    /// Appends to the audit log what an operator does to a bar.
    pub(super) async fn note(
        &self,
        by: &Actor,
        action: &'static str,
        before: Option<&Bar>,
        after: Option<&Bar>,
    ) -> Result<(), StoreError> {
        let key = before.or(after).map(|bar| bar.key).unwrap_or_default();
        let done = Administered {
            action,
            subject: format!("bar_{}", const_hex::encode(key)),
            before: before.map(shown),
            after: after.map(shown),
        };
        self.audit(by, done).await.map(drop)
    }

    fn switch_key(&self, switch: &Switch) -> GuardKey {
        let scope = switch.app.as_ref().map_or(Scope::All, Scope::App);
        self.guard.keys().switch(scope, switch.channel)
    }
}

/// Whether a bar of a rule that blocks is a block, not an exemption from it: every block ends.
const fn is_block(bar: &Bar) -> bool {
    bar.until.is_some()
}

/// A bar as the audit log shows it.
fn shown(bar: &Bar) -> Value {
    let Bar { app, subject, reason, .. } = bar;
    json!({
        "app": app.as_ref().map(Name::as_str), "subject": subject, "reason": reason,
        "until": bar.until.map(|until| until.to_string()),
    })
}
