//! Until when expiry rests, as every process over this store sees it.

use jiff::Timestamp;
use rusqlite::Connection;

use super::Failure;
use super::columns::{first, nanoseconds, time};

/// Lets expiry rest until `until`, unless it rests longer already.
pub(super) fn rest_expiry(on: &Connection, until: Timestamp) -> Result<(), Failure> {
    let sql = "INSERT INTO meta (name, value) VALUES ('expiry_rests_until', ?1) \
               ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)";
    on.prepare_cached(sql)?.execute([nanoseconds(until)])?;
    Ok(())
}

/// When expiry goes on, if it was ever told to rest.
pub(super) fn expiry_rests_until(on: &Connection) -> Result<Option<Timestamp>, Failure> {
    let sql = "SELECT value FROM meta WHERE name = 'expiry_rests_until'";
    first(on, sql, [], |row| time(row, "meta", "value"))
}
