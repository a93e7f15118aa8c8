//! What the stored form of a verification gains with evidence that its app demanded. It
//! stands behind everything else, and only where some was.

use serde::{Deserialize, Serialize};

use super::Unreadable;
use crate::domain::{Level, Verification};

/// The level demanded, or none.
#[derive(Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Demand(Option<u8>);

impl Demand {
    pub(super) fn of(verification: &Verification) -> Self {
        Self(verification.demanded.map(|level| match level {
            Level::Weak => 0,
            Level::Partial => 1,
            Level::Strong => 2,
        }))
    }

    /// Whether none was demanded.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Completes what stands before it.
    pub(super) fn complete(self, verification: &mut Verification) -> Result<(), Unreadable> {
        verification.demanded = match self.0 {
            None => None,
            Some(0) => Some(Level::Weak),
            Some(1) => Some(Level::Partial),
            Some(2) => Some(Level::Strong),
            Some(_) => return Err(Unreadable("the evidence demanded in it is no level")),
        };
        Ok(())
    }
}
