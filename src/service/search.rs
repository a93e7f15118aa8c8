//! Search: an app's verifications, newest first, in pages.

use jiff::Timestamp;

use crate::domain::{Channel, Name, Outcome, PhoneNumber, Status, Verification, VerificationId};
use crate::store::{self, StoreError};

use super::Service;

/// What to look for; what is left out matches everything.
#[derive(Clone, Debug)]
pub struct SearchRequest {
    /// The app whose verifications are searched.
    pub app: Name,
    /// The number.
    pub to: Option<PhoneNumber>,
    /// The app's own reference.
    pub reference: Option<String>,
    /// The status.
    pub status: Option<Status>,
    /// The outcome.
    pub outcome: Option<Outcome>,
    /// The channel of its first step.
    pub channel: Option<Channel>,
    /// Started at or after.
    pub created_from: Option<Timestamp>,
    /// Started before.
    pub created_until: Option<Timestamp>,
    /// The last id of the page before.
    pub before: Option<VerificationId>,
    /// The most on a page, 1 to 100.
    pub limit: u16,
}

/// One page.
#[derive(Clone, Debug)]
pub struct Page {
    /// The verifications, newest first.
    pub verifications: Vec<Verification>,
    /// Where the next page begins, if there is one.
    pub next: Option<VerificationId>,
}

impl Service {
    /// One page of an app's verifications.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn search(&self, request: SearchRequest) -> Result<Page, StoreError> {
        let limit = request.limit.clamp(1, 100);
        let search = store::Search {
            app: request.app,
            to: request.to,
            reference: request.reference,
            status: request.status,
            outcome: request.outcome,
            channel: request.channel,
            created_from: request.created_from,
            created_until: request.created_until,
            before: request.before,
            limit: limit + 1,
        };
        let mut verifications = self.store.search(search).await?;
        let more = verifications.len() > usize::from(limit);
        verifications.truncate(usize::from(limit));
        let next = if more { verifications.last().map(|last| last.id) } else { None };
        Ok(Page { verifications, next })
    }
}
