//! Search: an app's verifications, newest first, in pages.

use crate::domain::{Verification, VerificationId};
use crate::store::{Search, StoreError};

use super::Service;

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
    pub async fn search(&self, mut search: Search) -> Result<Page, StoreError> {
        let limit = search.limit.clamp(1, 100);
        // One more than asked for tells whether there is a next page.
        search.limit = limit + 1;
        let mut verifications = self.store.search(search).await?;
        let more = verifications.len() > usize::from(limit);
        verifications.truncate(usize::from(limit));
        let next = if more { verifications.last().map(|last| last.id) } else { None };
        Ok(Page { verifications, next })
    }
}
