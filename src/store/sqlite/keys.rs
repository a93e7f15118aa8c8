//! Keys of apps, and what the store knows about itself.

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use super::columns::{Failure, column, first, name, nanoseconds, rows, time, unreadable};
use crate::domain::Network;
use crate::store::record::Unreadable;
use crate::store::{KeyRow, PreviousSecret};

pub(super) fn create(on: &Connection, key: &KeyRow) -> Result<(), Failure> {
    let sql = "INSERT INTO keys (id, app, secret_hash, scopes, created_at, revoked_at, \
               test, signature_secret, expires_at, last_used_at, previous_hash, previous_until, \
               networks) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
    let networks: Vec<String> = key.networks.iter().map(ToString::to_string).collect();
    on.prepare_cached(sql)?.execute(params![
        &*key.id,
        key.app.as_str(),
        key.secret_hash,
        key.scopes.join(" "),
        nanoseconds(key.created_at),
        key.revoked_at.map(nanoseconds),
        key.test,
        key.signature_secret.as_deref(),
        key.expires_at.map(nanoseconds),
        key.last_used_at.map(nanoseconds),
        key.previous.map(|previous| previous.hash),
        key.previous.map(|previous| nanoseconds(previous.until)),
        networks.join(" "),
    ])?;
    Ok(())
}

pub(super) fn list(on: &Connection) -> Result<Vec<KeyRow>, Failure> {
    rows(on, "SELECT * FROM keys ORDER BY created_at, id", [], |row| {
        let scopes: Box<str> = column(row, "keys", "scopes")?;
        Ok(KeyRow {
            id: column(row, "keys", "id")?,
            app: name(row, "keys", "app")?,
            secret_hash: column(row, "keys", "secret_hash")?,
            scopes: scopes.split_whitespace().map(Into::into).collect(),
            test: column(row, "keys", "test")?,
            signature_secret: column::<Option<Vec<u8>>>(row, "keys", "signature_secret")?
                .map(Vec::into_boxed_slice),
            created_at: time(row, "keys", "created_at")?,
            revoked_at: time_if_any(row, "revoked_at")?,
            expires_at: time_if_any(row, "expires_at")?,
            last_used_at: time_if_any(row, "last_used_at")?,
            previous: previous(row)?,
            networks: networks(row)?,
        })
    })
}

fn time_if_any(row: &Row<'_>, name: &'static str) -> Result<Option<Timestamp>, Failure> {
    let there: Option<i64> = column(row, "keys", name)?;
    there.map(|_| time(row, "keys", name)).transpose()
}

fn previous(row: &Row<'_>) -> Result<Option<PreviousSecret>, Failure> {
    let hash: Option<[u8; 32]> = column(row, "keys", "previous_hash")?;
    let until = time_if_any(row, "previous_until")?;
    Ok(hash.zip(until).map(|(hash, until)| PreviousSecret { hash, until }))
}

/// What does not read is an error: a key must not come to count from everywhere.
fn networks(row: &Row<'_>) -> Result<Vec<Network>, Failure> {
    let text: Box<str> = column(row, "keys", "networks")?;
    let networks = text.split_whitespace().map(str::parse).collect::<Result<_, _>>();
    networks.map_err(|_| unreadable("keys", "networks", Unreadable("it is no network")))
}

pub(super) fn rotate(
    on: &Connection,
    id: &str,
    to: &[u8; 32],
    until: Timestamp,
) -> Result<bool, Failure> {
    let sql = "UPDATE keys SET previous_hash = secret_hash, previous_until = ?3, secret_hash = ?2 \
               WHERE id = ?1 AND revoked_at IS NULL";
    Ok(on.prepare_cached(sql)?.execute(params![id, to, nanoseconds(until)])? > 0)
}

pub(super) fn used(on: &Connection, used: &[(Box<str>, Timestamp)]) -> Result<(), Failure> {
    let sql = "UPDATE keys SET last_used_at = max(ifnull(last_used_at, 0), ?2) WHERE id = ?1";
    let mut statement = on.prepare_cached(sql)?;
    for (id, at) in used {
        statement.execute(params![id, nanoseconds(*at)])?;
    }
    Ok(())
}

pub(super) fn revoke(on: &Connection, id: &str, at: Timestamp) -> Result<bool, Failure> {
    let sql = "UPDATE keys SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL";
    Ok(on.prepare_cached(sql)?.execute(params![id, nanoseconds(at)])? > 0)
}

/// Notes the digest of a signature; whether it was not known.
pub(super) fn use_signature(
    on: &Connection,
    digest: &[u8; 32],
    at: Timestamp,
) -> Result<bool, Failure> {
    let sql = "INSERT INTO signatures (digest, at) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    Ok(on.prepare_cached(sql)?.execute(params![digest, nanoseconds(at)])? > 0)
}

/// Forgets signatures that are too old to be accepted.
pub(super) fn sweep_signatures(on: &Connection, before: i64) -> Result<u64, Failure> {
    let sql = "DELETE FROM signatures WHERE at < ?1";
    Ok(on.prepare_cached(sql)?.execute([before])? as u64)
}

/// The store's key as it is sealed, if there is one. Early builds kept a fingerprint alone,
/// which is taken for what another server key sealed.
pub(super) fn sealed_key(on: &Connection) -> Result<Option<Vec<u8>>, Failure> {
    let sql = "SELECT value FROM meta WHERE name IN ('store_key', 'secret_key_fingerprint') \
               ORDER BY name DESC LIMIT 1";
    first(on, sql, [], |row| column(row, "meta", "value"))
}

/// Replaces the sealed key, if it is still `old`.
pub(super) fn seal_key(on: &Connection, old: Option<&[u8]>, new: &[u8]) -> Result<(), Failure> {
    let sql = match old {
        None => "INSERT INTO meta (name, value) VALUES ('store_key', ?2) ON CONFLICT DO NOTHING",
        Some(_) => "UPDATE meta SET value = ?2 WHERE name = 'store_key' AND value = ?1",
    };
    on.prepare_cached(sql)?.execute(params![old, new])?;
    Ok(())
}

/// Writes a row of its own.
pub(super) fn probe(on: &Connection) -> Result<(), Failure> {
    let sql = "INSERT INTO meta (name, value) VALUES ('probe', 1) \
               ON CONFLICT (name) DO UPDATE SET value = (value + 1) % 1000000";
    on.prepare_cached(sql)?.execute([])?;
    Ok(())
}
