//! Browsing: a search of an app, or for operators over every app, whose work is bounded
//! whatever it looks for.

use jiff::Timestamp;

use crate::domain::{Channel, Name, Outcome, Recipient, Status, Verification, VerificationId};

use super::{Store, StoreError, adapter};

/// What to browse for. Every filter that is given must pass.
#[derive(Clone, Debug)]
pub struct Browse {
    /// The app that asked; any unless given.
    pub app: Option<Name>,
    /// Who was asked.
    pub to: Option<Recipient>,
    /// The app's reference, whole.
    pub reference: Option<String>,
    /// Where it stands.
    pub status: Option<Status>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// A channel of its plan.
    pub channel: Option<Channel>,
    /// Created then or later.
    pub created_from: Option<Timestamp>,
    /// Created before.
    pub created_until: Option<Timestamp>,
    /// The last id of the page before this one.
    pub before: Option<VerificationId>,
    /// At most so many.
    pub limit: u16,
    /// How many verifications are looked at, the newest first. Number and reference
    /// say where to look, so with them every one is.
    pub look_at: u32,
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Browsed {
    /// Newest first.
    pub verifications: Vec<Verification>,
    /// The oldest that was looked at, if that ended the search: older ones may match.
    pub looked_until: Option<VerificationId>,
}

impl Store {
    /// The verifications that pass every filter, newest first.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn browse(&self, browse: Browse) -> Result<Browsed, StoreError> {
        let to = browse.to.as_ref().map(|to| self.look_ups.recipient(to));
        adapter!(self.browse(browse, to))
    }

    /// The names of apps that have verifications or have or had keys, in order.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn app_names(&self) -> Result<Vec<Name>, StoreError> {
        adapter!(self.app_names())
    }
}
