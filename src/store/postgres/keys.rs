//! Keys of apps, and what the store knows about itself.

use deadpool_postgres::Object;
use jiff::Timestamp;
use tokio_postgres::Row;

use super::audit::append;
use super::columns::{Failure, bytes, column, name, time, time_if, unreadable};
use crate::domain::Network;
use crate::store::kept::nanoseconds;
use crate::store::record::Unreadable;
use crate::store::{AuditHead, Audited, KeyRow, PreviousSecret};

pub(super) async fn create(
    on: &mut Object,
    key: &KeyRow,
    audited: &Audited,
) -> Result<((), Option<AuditHead>), Failure> {
    let on = on.transaction().await?;
    let sql = "INSERT INTO keys (id, app, secret_hash, scopes, created_at, revoked_at, \
               test, signature_secret, expires_at, last_used_at, previous_hash, previous_until, \
               networks) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    let statement = on.prepare_cached(sql).await?;
    let scopes = key.scopes.join(" ");
    let (created, revoked) = (nanoseconds(key.created_at), key.revoked_at.map(nanoseconds));
    let secret = key.signature_secret.as_deref();
    let (expires, used) = (key.expires_at.map(nanoseconds), key.last_used_at.map(nanoseconds));
    let previous = key.previous.as_ref().map(|previous| previous.hash.as_slice());
    let until = key.previous.map(|previous| nanoseconds(previous.until));
    let networks: Vec<String> = key.networks.iter().map(ToString::to_string).collect();
    on.execute(
        &statement,
        &[
            &&*key.id,
            &key.app.as_str(),
            &key.secret_hash.as_slice(),
            &scopes,
            &created,
            &revoked,
            &key.test,
            &secret,
            &expires,
            &used,
            &previous,
            &until,
            &networks.join(" "),
        ],
    )
    .await?;
    let head = append(&on, audited).await?;
    on.commit().await?;
    Ok(((), Some(head)))
}

pub(super) async fn list(on: &Object) -> Result<Vec<KeyRow>, Failure> {
    let sql = "SELECT * FROM keys ORDER BY created_at, id";
    let rows = on.query(&on.prepare_cached(sql).await?, &[]).await?;
    rows.iter().map(read).collect()
}

fn read(row: &Row) -> Result<KeyRow, Failure> {
    let scopes: &str = column(row, "keys", "scopes")?;
    Ok(KeyRow {
        id: column::<&str>(row, "keys", "id")?.into(),
        app: name(row, "keys", "app")?,
        secret_hash: digest(column(row, "keys", "secret_hash")?, "keys", "secret_hash")?,
        scopes: scopes.split_whitespace().map(Into::into).collect(),
        test: column(row, "keys", "test")?,
        signature_secret: bytes(row, "keys", "signature_secret")?,
        created_at: time(row, "keys", "created_at")?,
        revoked_at: time_if(row, "keys", "revoked_at")?,
        expires_at: time_if(row, "keys", "expires_at")?,
        last_used_at: time_if(row, "keys", "last_used_at")?,
        previous: previous(row)?,
        networks: networks(row)?,
    })
}

fn previous(row: &Row) -> Result<Option<PreviousSecret>, Failure> {
    let hash: Option<&[u8]> = column(row, "keys", "previous_hash")?;
    let hash = hash.map(|hash| digest(hash, "keys", "previous_hash")).transpose()?;
    let until = time_if(row, "keys", "previous_until")?;
    Ok(hash.zip(until).map(|(hash, until)| PreviousSecret { hash, until }))
}

/// What does not read is an error: a key must not come to count from everywhere.
fn networks(row: &Row) -> Result<Vec<Network>, Failure> {
    let text: &str = column(row, "keys", "networks")?;
    let networks = text.split_whitespace().map(str::parse).collect::<Result<_, _>>();
    networks.map_err(|_| unreadable("keys", "networks", Unreadable("it is no network")))
}

pub(super) async fn rotate(
    on: &mut Object,
    id: &str,
    to: &[u8; 32],
    until: Timestamp,
    audited: &Audited,
) -> Result<(bool, Option<AuditHead>), Failure> {
    let on = on.transaction().await?;
    let sql = "UPDATE keys SET previous_hash = secret_hash, previous_until = $3, \
               secret_hash = $2 WHERE id = $1 AND revoked_at IS NULL";
    let statement = on.prepare_cached(sql).await?;
    if on.execute(&statement, &[&id, &to.as_slice(), &nanoseconds(until)]).await? == 0 {
        return Ok((false, None));
    }
    let head = append(&on, audited).await?;
    on.commit().await?;
    Ok((true, Some(head)))
}

pub(super) async fn used(on: &Object, used: &[(Box<str>, Timestamp)]) -> Result<(), Failure> {
    let sql = "UPDATE keys SET last_used_at = greatest(last_used_at, used.at) \
               FROM unnest($1::text[], $2::int8[]) AS used (id, at) WHERE keys.id = used.id";
    let ids: Vec<&str> = used.iter().map(|(id, _)| &**id).collect();
    let at: Vec<i64> = used.iter().map(|(_, at)| nanoseconds(*at)).collect();
    on.execute(&on.prepare_cached(sql).await?, &[&ids, &at]).await?;
    Ok(())
}

pub(super) async fn revoke(
    on: &mut Object,
    id: &str,
    at: Timestamp,
    audited: &Audited,
) -> Result<(bool, Option<AuditHead>), Failure> {
    let on = on.transaction().await?;
    let sql = "UPDATE keys SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL";
    if on.execute(&on.prepare_cached(sql).await?, &[&id, &nanoseconds(at)]).await? == 0 {
        return Ok((false, None));
    }
    let head = append(&on, audited).await?;
    on.commit().await?;
    Ok((true, Some(head)))
}

/// Notes the digest of a signature; whether it was not known.
pub(super) async fn use_signature(
    on: &Object,
    digest: &[u8; 32],
    at: Timestamp,
) -> Result<bool, Failure> {
    let sql = "INSERT INTO signatures (digest, at) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    let statement = on.prepare_cached(sql).await?;
    Ok(on.execute(&statement, &[&digest.as_slice(), &nanoseconds(at)]).await? > 0)
}

/// The store's key as it is sealed, if there is one. Early builds kept a fingerprint alone,
/// which is taken for what another server key sealed.
pub(super) async fn sealed_key(on: &Object) -> Result<Option<Vec<u8>>, Failure> {
    let sql = "SELECT value FROM meta WHERE name IN ('store_key', 'secret_key_fingerprint') \
               ORDER BY name DESC LIMIT 1";
    let row = on.query_opt(&on.prepare_cached(sql).await?, &[]).await?;
    row.as_ref().map(|row| column(row, "meta", "value")).transpose()
}

/// Replaces the sealed key, if it is still `old`.
pub(super) async fn seal_key(on: &Object, old: Option<&[u8]>, new: &[u8]) -> Result<(), Failure> {
    let insert = "INSERT INTO meta (name, value) VALUES ('store_key', $1) ON CONFLICT DO NOTHING";
    let update = "UPDATE meta SET value = $1 WHERE name = 'store_key' AND value = $2";
    match old {
        None => on.execute(&on.prepare_cached(insert).await?, &[&new]).await?,
        Some(old) => on.execute(&on.prepare_cached(update).await?, &[&new, &old]).await?,
    };
    Ok(())
}

/// Writes a row of its own.
pub(super) async fn probe(on: &Object) -> Result<(), Failure> {
    let sql = "INSERT INTO probe (one, next) VALUES (true, 1) \
               ON CONFLICT (one) DO UPDATE SET next = (probe.next + 1) % 1000000";
    on.execute(&on.prepare_cached(sql).await?, &[]).await?;
    Ok(())
}

/// Lets expiry rest until `until`, unless it rests longer already.
pub(super) async fn rest_expiry(on: &Object, until: Timestamp) -> Result<(), Failure> {
    let sql = "INSERT INTO numbers (name, value) VALUES ('expiry_rests_until', $1) \
               ON CONFLICT (name) DO UPDATE SET value = greatest(numbers.value, excluded.value)";
    on.execute(&on.prepare_cached(sql).await?, &[&nanoseconds(until)]).await?;
    Ok(())
}

/// When expiry goes on, if it was ever told to rest.
pub(super) async fn expiry_rests_until(on: &Object) -> Result<Option<Timestamp>, Failure> {
    let sql = "SELECT value FROM numbers WHERE name = 'expiry_rests_until'";
    let row = on.query_opt(&on.prepare_cached(sql).await?, &[]).await?;
    row.as_ref().map(|row| time(row, "numbers", "value")).transpose()
}

/// Bytes of a fixed length.
pub(super) fn digest<const N: usize>(
    bytes: &[u8],
    table: &'static str,
    column: &'static str,
) -> Result<[u8; N], Failure> {
    bytes.try_into().map_err(|_| unreadable(table, column, Unreadable("it is of another length")))
}
