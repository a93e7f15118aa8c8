//! Browse: verifications of an app, or for operators of every app, newest first, in pages.

use crate::domain::{Name, Verification, VerificationId};
use crate::store::{Browse, StoreError};

use super::Service;

/// How many verifications are looked at for one page: what takes some milliseconds, however
/// many there are.
pub const LOOK_AT: u32 = 10_000;

/// One page.
#[derive(Clone, Debug)]
pub struct Page {
    /// The verifications, newest first.
    pub verifications: Vec<Verification>,
    /// Where the next page begins, if there may be one.
    pub next: Option<VerificationId>,
}

impl Service {
    /// One page. It may be short, or even empty, and yet have a next one, since only
    /// so many verifications are looked at for a page.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn browse(&self, mut browse: Browse) -> Result<Page, StoreError> {
        let limit = browse.limit.clamp(1, 100);
        // One more than asked for tells whether there is a next page.
        browse.limit = limit + 1;
        let found = self.store.browse(browse).await?;
        let mut verifications = found.verifications;
        let more = verifications.len() > usize::from(limit);
        verifications.truncate(usize::from(limit));
        let last = verifications.last().filter(|_| more).map(|last| last.id);
        Ok(Page { verifications, next: last.or(found.looked_until) })
    }

    /// The apps that have verifications or keys.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn app_names(&self) -> Result<Vec<Name>, StoreError> {
        self.store.app_names().await
    }
}
