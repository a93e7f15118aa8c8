//! What stands in windows, for operators to look at.

use jiff::{SignedDuration, Timestamp};

use super::window::{Windows, ceiling, milliseconds};
use super::{GuardKey, Store, StoreError, adapter};
use crate::store::record::Unreadable;

impl Store {
    /// How much was counted under each of the keys within the last `per`, in their order: 0
    /// where nothing was, or where nothing is counted over this span.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn in_windows(
        &self,
        keys: Vec<GuardKey>,
        per: SignedDuration,
        now: Timestamp,
    ) -> Result<Vec<u64>, StoreError> {
        adapter!(self.in_windows(keys, per, now))
    }
}

/// How much a packed row of windows holds within the last `per`.
pub(in crate::store) fn held(
    packed: Option<&[u8]>,
    per: SignedDuration,
    now: Timestamp,
) -> Result<u64, Unreadable> {
    let windows = packed.map(Windows::read).transpose()?.unwrap_or_default();
    Ok(windows.used(milliseconds(per), ceiling(now)))
}
