//! What the stored form of a verification gains with keys that say "never call me again".
//! It stands behind everything else, and only where there is such a key.

use serde::{Deserialize, Serialize};

use super::Unreadable;
use crate::domain::{By, Key, Verification};

/// The key of each step, or none.
#[derive(Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Refusals(Vec<Option<u8>>);

impl Refusals {
    pub(super) fn of(verification: &Verification) -> Self {
        let keys = verification.plan.iter().map(|step| {
            let button = step.button();
            button.and_then(|button| button.refuse).map(Key::digit)
        });
        if keys.clone().all(|key| key.is_none()) { Self::default() } else { Self(keys.collect()) }
    }

    /// Whether there is no such key.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Completes what stands before it.
    pub(super) fn complete(self, verification: &mut Verification) -> Result<(), Unreadable> {
        for (step, digit) in verification.plan.iter_mut().zip(self.0) {
            let Some(digit) = digit else { continue };
            let key = Key::new(digit).ok_or(Unreadable("a key in it is none"))?;
            if let By::Button(button) = &mut step.by {
                button.refuse = Some(key);
            }
        }
        Ok(())
    }
}
