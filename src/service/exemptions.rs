//! Exemptions: prefixes that the rule on proofs leaves alone, as operators say.

use crate::domain::Rule;
use crate::guard::Exemption;
use crate::store::{Bar, GuardKey, StoreError};

use super::{Actor, Service};

/// The most bars of the rule that are looked at in one go.
const AT_ONCE: u16 = 1000;

impl Service {
    /// Lets a prefix never be blocked for how little of it is proved; what stands for it. A
    /// block that stands holds it no more. Effective once this returns, for every replica.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn exempt(
        &self,
        exemption: &Exemption,
        reason: Option<Box<str>>,
        by: &Actor,
    ) -> Result<Bar, StoreError> {
        let bar = Bar {
            key: exemption.key(),
            rule: Rule::Conversion,
            app: None,
            subject: exemption.subject().into(),
            reason,
            created_at: self.clock.now(),
            until: None,
        };
        let before = self.store.find_bar(bar.key).await?;
        self.note(by, "prefix.exempted", before.as_ref(), Some(&bar)).await?;
        self.store.put_bar(bar.clone()).await?;
        Ok(bar)
    }

    /// Lets a prefix be blocked again; whether it was exempt.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn unexempt(&self, id: GuardKey, by: &Actor) -> Result<bool, StoreError> {
        let found = self.store.find_bar(id).await?;
        if found.is_none_or(|bar| bar.until.is_some()) {
            return Ok(false);
        }
        self.lift(id, &[Rule::Conversion], "prefix.unexempted", by).await
    }

    /// Every exemption.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn exemptions(&self) -> Result<Vec<Bar>, StoreError> {
        let (now, mut all, mut after) = (self.clock.now(), Vec::new(), None);
        loop {
            let page = self.store.bars(Rule::Conversion, after, AT_ONCE, now).await?;
            let full = page.len() == usize::from(AT_ONCE);
            after = page.last().map(|bar| bar.key);
            all.extend(page.into_iter().filter(|bar| bar.until.is_none()));
            if !full {
                return Ok(all);
            }
        }
    }
}
