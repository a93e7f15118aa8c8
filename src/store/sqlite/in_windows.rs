//! What stands in the guard's windows, for operators to look at.

use jiff::{SignedDuration, Timestamp};

use super::Sqlite;
use super::columns::unreadable;
use super::guard::windows_of;
use crate::store::guard::held;
use crate::store::{GuardKey, StoreError};

impl Sqlite {
    pub(in crate::store) async fn in_windows(
        &self,
        keys: Vec<GuardKey>,
        per: SignedDuration,
        now: Timestamp,
    ) -> Result<Vec<u64>, StoreError> {
        self.readers
            .read(move |on| {
                let of = |key| {
                    let packed = windows_of(on, key)?;
                    held(packed.as_deref(), per, now)
                        .map_err(|source| unreadable("guard_windows", "windows", source))
                };
                keys.iter().map(of).collect()
            })
            .await
    }
}
