//! What stands in the guard's windows, for operators to look at. Nothing is locked.

use std::collections::HashMap;

use deadpool_postgres::Object;
use jiff::{SignedDuration, Timestamp};

use super::columns::{Failure, column, unreadable};
use super::known::ask as rows;
use super::{Postgres, ask};
use crate::store::guard::held;
use crate::store::{GuardKey, StoreError};

impl Postgres {
    pub(in crate::store) async fn in_windows(
        &self,
        keys: Vec<GuardKey>,
        per: SignedDuration,
        now: Timestamp,
    ) -> Result<Vec<u64>, StoreError> {
        ask!(self, on => look(on, &keys, per, now))
    }
}

async fn look(
    on: &Object,
    keys: &[GuardKey],
    per: SignedDuration,
    now: Timestamp,
) -> Result<Vec<u64>, Failure> {
    let wanted: Vec<&[u8]> = keys.iter().map(GuardKey::as_slice).collect();
    let sql = "SELECT key, windows FROM guard_windows WHERE key = ANY ($1::bytea[])";
    let rows = rows(on, sql, &[&wanted]).await?;
    let mut found = HashMap::<&[u8], &[u8]>::new();
    for row in &rows {
        let windows = column(row, "guard_windows", "windows")?;
        found.insert(column(row, "guard_windows", "key")?, windows);
    }
    let of = |key: &GuardKey| {
        held(found.get(key.as_slice()).copied(), per, now)
            .map_err(|source| unreadable("guard_windows", "windows", source))
    };
    keys.iter().map(of).collect()
}
