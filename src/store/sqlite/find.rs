//! What is read by id, by due time, and at start.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::columns::{
    Failure, column, first, id, name, nanoseconds, of_chain, rows, time, unreadable,
    verification as read,
};
use crate::domain::{Entry, Name, Timing, Verification, VerificationId};
use crate::store::Notification;
use crate::store::look_ups::KeyedClaim;
use crate::store::record::unpack_entries;

pub(super) fn verification(
    on: &Connection,
    id: VerificationId,
) -> Result<Option<Verification>, Failure> {
    first(on, "SELECT record FROM verifications WHERE id = ?1", [id.as_bytes()], read)
}

pub(super) fn timeline(
    on: &Connection,
    id: VerificationId,
    after: u32,
) -> Result<Vec<Entry>, Failure> {
    let sql = of_chain!(
        "SELECT entries FROM journal NATURAL JOIN chain WHERE entries IS NOT NULL ORDER BY sequence"
    );
    let parts = rows(on, sql, [id.as_bytes()], |row| {
        let packed: Vec<u8> = column(row, "journal", "entries")?;
        unpack_entries(&packed).map_err(|source| unreadable("journal", "entries", source))
    })?;
    Ok(parts.into_iter().flatten().filter(|entry| entry.number > after).collect())
}

pub(super) fn notifications(
    on: &Connection,
    id: VerificationId,
) -> Result<Vec<Notification>, Failure> {
    let sql = of_chain!(
        "SELECT journal.* FROM journal NATURAL JOIN chain WHERE event IS NOT NULL ORDER BY sequence"
    );
    rows(on, sql, [id.as_bytes()], |row| {
        Ok(Notification {
            sequence: column(row, "journal", "sequence")?,
            received_at: time(row, "journal", "at")?,
            account: name(row, "journal", "account")?,
            event: column(row, "journal", "event")?,
            verdict: column(row, "journal", "verdict")?,
            number_hash: column(row, "journal", "number_hash")?,
            masked: column(row, "journal", "masked")?,
            body: bytes(column(row, "journal", "body")?),
            signature: bytes(column(row, "journal", "signature")?),
        })
    })
}

fn bytes(column: Option<Vec<u8>>) -> Option<Box<[u8]>> {
    column.map(Vec::into_boxed_slice)
}

/// The notes whose time has come.
#[derive(Default)]
pub(super) struct Due {
    /// Verifications that are due.
    pub(super) verifications: Vec<VerificationId>,
    /// Notes that no longer say what their verification says.
    pub(super) stale: Vec<(i64, VerificationId)>,
}

pub(super) fn due(on: &Connection, now: Timestamp, limit: u32) -> Result<Due, Failure> {
    let sql = "SELECT at, verification_id, due_at IS at AS counts FROM due \
               LEFT JOIN verifications ON id = verification_id \
               WHERE at <= ?1 ORDER BY at, verification_id LIMIT ?2";
    let mut found = Due::default();
    rows(on, sql, params![nanoseconds(now), limit], |row| {
        let id = id(row, "due", "verification_id")?;
        if column(row, "due", "counts")? {
            found.verifications.push(id);
        } else {
            found.stale.push((column(row, "due", "at")?, id));
        }
        Ok(())
    })?;
    Ok(found)
}

/// Drops stale notes. One that a change has made true again meanwhile stays.
pub(super) fn drop_stale(on: &Connection, stale: &[(i64, VerificationId)]) -> Result<(), Failure> {
    let sql = "DELETE FROM due WHERE at = ?1 AND verification_id = ?2 AND NOT EXISTS \
               (SELECT 1 FROM verifications WHERE id = ?2 AND due_at = ?1)";
    let mut statement = on.prepare_cached(sql)?;
    for (at, id) in stale {
        statement.execute(params![at, id.as_bytes()])?;
    }
    Ok(())
}

pub(super) fn idempotency(
    on: &Connection,
    app: &Name,
    key: &str,
) -> Result<Option<([u8; 32], VerificationId)>, Failure> {
    let sql = "SELECT fingerprint, verification_id FROM idempotency WHERE app = ?1 AND key = ?2";
    first(on, sql, params![app.as_str(), key], |row| {
        let fingerprint = column(row, "idempotency", "fingerprint")?;
        Ok((fingerprint, id(row, "idempotency", "verification_id")?))
    })
}

/// The verification that a claim names, with all that it claims.
pub(super) fn claiming(
    on: &Connection,
    wanted: &KeyedClaim,
) -> Result<Option<(Verification, Vec<KeyedClaim>)>, Failure> {
    // Of one moment, as what is in flight.
    let moment = on.unchecked_transaction()?;
    let sql = "SELECT record FROM claims JOIN verifications ON id = verification_id \
               WHERE account = ?1 AND form = ?2";
    let found = first(&moment, sql, params![wanted.account.as_str(), wanted.form], read)?;
    let Some(found) = found else { return Ok(None) };
    let claims = claims_of(&moment, found.id)?;
    Ok(Some((found, claims)))
}

/// Shows pending verifications, then ended ones that still hold claims.
pub(super) fn in_flight(
    on: &Connection,
    now: Timestamp,
    timing: &Timing,
    visit: &mut dyn FnMut(Verification, Vec<KeyedClaim>),
) -> Result<(), Failure> {
    // Of one moment, so that a verification that ends meanwhile is shown once.
    let moment = on.unchecked_transaction()?;
    let pending =
        "SELECT record FROM due JOIN verifications ON id = verification_id AND due_at = at";
    each(&moment, pending, |verification| {
        let claims = claims_of(&moment, verification.id)?;
        visit(verification, claims);
        Ok(())
    })?;
    let ended = "SELECT record FROM verifications WHERE due_at IS NULL \
                 AND id IN (SELECT verification_id FROM claims)";
    each(&moment, ended, |verification| {
        if verification.live_until(timing) > now {
            let claims = claims_of(&moment, verification.id)?;
            visit(verification, claims);
        }
        Ok(())
    })
}

fn each(
    on: &Connection,
    sql: &str,
    mut show: impl FnMut(Verification) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut statement = on.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        show(read(row)?)?;
    }
    Ok(())
}

fn claims_of(on: &Connection, id: VerificationId) -> Result<Vec<KeyedClaim>, Failure> {
    let sql = "SELECT account, form FROM claims WHERE verification_id = ?1";
    rows(on, sql, [id.as_bytes()], |row| {
        let account = name(row, "claims", "account")?;
        Ok(KeyedClaim { account, form: column(row, "claims", "form")? })
    })
}
