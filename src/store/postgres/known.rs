//! What a batch of starts asks for, locked, and what it then writes of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use deadpool_postgres::Object;
use jiff::Timestamp;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::admit::Job;
use super::columns::{Failure, claim, column, id, number, uuid, verification};
use super::connect::Link;
use super::insert::run;
use super::keys::digest;
use super::windows::Guarded;
use crate::domain::{Attempt, Name, PbxTime, Status, Timing, Verification, VerificationId};
use crate::store::IdempotencyKey;
use crate::store::look_ups::KeyedClaim;

/// The key of an app against starting twice, as rows have it.
pub(super) type Key = (String, Vec<u8>);
/// A claim, as rows have it.
pub(super) type Form = (String, i64);

/// What an attempt that holds, or held, a claim says.
#[derive(Clone, Copy, Default)]
pub(super) struct Held {
    pub(super) until: Option<Timestamp>,
    pub(super) last_call_start: Option<PbxTime>,
}

/// What the store knows of all that a batch asks for, locked; each admitted job adds to it.
#[derive(Default)]
pub(super) struct Known {
    pub(super) keys: HashMap<Key, ([u8; 32], VerificationId, i64)>,
    pub(super) alone: HashMap<i64, Option<Running>>,
    pub(super) claims: HashMap<Form, Held>,
    pub(super) versions: HashMap<VerificationId, u32>,
    pub(super) guarded: Guarded,
    /// The rows there are, which are overwritten rather than added.
    pub(super) old: Rows,
}

#[derive(Default)]
pub(super) struct Rows {
    pub(super) keys: BTreeSet<Key>,
    pub(super) alone: BTreeSet<i64>,
    pub(super) claims: BTreeSet<Form>,
}

/// A verification that has its number to itself until it ends.
#[derive(Clone)]
pub(super) struct Running {
    pub(super) id: VerificationId,
    pub(super) app: Name,
    pub(super) until: Timestamp,
}

/// What the admitted jobs of a batch write.
#[derive(Default)]
pub(super) struct Writes {
    pub(super) keys: BTreeMap<Key, ([u8; 32], VerificationId, i64)>,
    pub(super) alone: BTreeMap<i64, VerificationId>,
    pub(super) claims: BTreeMap<Form, (VerificationId, u8)>,
}

impl Known {
    pub(super) fn held(&self, claims: &[KeyedClaim]) -> Held {
        claims.iter().filter_map(|claim| self.claims.get(&form_of(claim))).fold(
            Held::default(),
            |all, one| Held {
                until: all.until.max(one.until),
                last_call_start: all.last_call_start.max(one.last_call_start),
            },
        )
    }
}

impl Held {
    pub(super) fn by(attempt: &Attempt, timing: &Timing) -> Self {
        Self {
            until: Some(attempt.claims_held_until(timing)),
            last_call_start: attempt.last_call_start(),
        }
    }
}

impl Running {
    /// None if it has ended. Its time may be over though no worker has said so yet.
    pub(super) fn of(verification: &Verification) -> Option<Self> {
        let Verification { id, app, expires_at, .. } = verification;
        let running = Self { id: *id, app: app.clone(), until: *expires_at };
        (verification.status() == Status::Pending).then_some(running)
    }
}

pub(super) fn key_of(app: &Name, key: &IdempotencyKey) -> Key {
    (app.as_str().to_owned(), key.key.as_bytes().to_vec())
}

pub(super) fn form_of(claim: &KeyedClaim) -> Form {
    (claim.account.as_str().to_owned(), claim.form)
}

/// Reads and locks, in the order that the invariant says.
pub(super) async fn look_up(on: &Link, jobs: &[&Job], timing: &Timing) -> Result<Known, Failure> {
    let mut known = Known::default();
    let starts = || {
        jobs.iter().filter_map(|job| match job {
            Job::Start { start, to, .. } => Some((&**start, *to)),
            Job::Intend { .. } => None,
        })
    };
    let keys = starts().filter_map(|(start, _)| {
        start.idempotency.as_ref().map(|key| key_of(&start.verification.app, key))
    });
    look_up_keys(on, keys.collect(), &mut known).await?;
    let alone = starts().filter(|(start, _)| start.alone).map(|(_, to)| to).collect();
    let alone = look_up_alone(on, alone).await?;
    let claims = jobs.iter().flat_map(|job| match job {
        Job::Start { claims, .. } | Job::Intend { claims, .. } => claims,
    });
    let claims = look_up_claims(on, claims.map(form_of).collect()).await?;
    let intended = jobs.iter().filter_map(|job| match job {
        Job::Intend { intent, .. } => Some(intent.verification.id),
        Job::Start { .. } => None,
    });
    let owners = alone.iter().map(|(_, id)| *id).chain(claims.iter().map(|(_, id, _)| *id));
    let wanted: BTreeSet<VerificationId> = owners.chain(intended).collect();
    let verifications = look_up_verifications(on, wanted).await?;
    for (to, owner) in alone {
        known.old.alone.insert(to);
        known.alone.insert(to, verifications.get(&owner).and_then(Running::of));
    }
    for (form, owner, index) in claims {
        let attempts = verifications.get(&owner).map(|owner| owner.attempts.iter());
        let attempt = attempts.and_then(|mut attempts| attempts.nth(usize::from(index)));
        known.old.claims.insert(form.clone());
        known.claims.extend(attempt.map(|attempt| (form, Held::by(attempt, timing))));
    }
    // The rows that most wait for come last.
    let admissions = jobs.iter().map(|job| match job {
        Job::Start { start, .. } => &start.admission,
        Job::Intend { intent, .. } => &intent.admission,
    });
    known.guarded = Guarded::look_up(on, admissions).await?;
    known.versions = verifications.into_iter().map(|(id, found)| (id, found.version)).collect();
    Ok(known)
}

pub(super) async fn look_up_keys(
    on: &Link,
    wanted: BTreeSet<Key>,
    known: &mut Known,
) -> Result<(), Failure> {
    if wanted.is_empty() {
        return Ok(());
    }
    let (app, key): (Vec<String>, Vec<Vec<u8>>) = wanted.into_iter().unzip();
    let sql = "SELECT app, key, fingerprint, verification_id, created_at FROM idempotency \
               WHERE (app, key) IN (SELECT * FROM unnest($1::text[], $2::bytea[])) \
               ORDER BY app, key FOR NO KEY UPDATE";
    for row in ask(on, sql, &[&app, &key]).await? {
        let key = (column(&row, "idempotency", "app")?, column(&row, "idempotency", "key")?);
        let fingerprint: &[u8] = column(&row, "idempotency", "fingerprint")?;
        let fingerprint = digest(fingerprint, "idempotency", "fingerprint")?;
        let first = id(&row, "idempotency", "verification_id")?;
        known.old.keys.insert(Key::clone(&key));
        known.keys.insert(key, (fingerprint, first, column(&row, "idempotency", "created_at")?));
    }
    Ok(())
}

pub(super) async fn look_up_alone(
    on: &Link,
    wanted: BTreeSet<i64>,
) -> Result<Vec<(i64, VerificationId)>, Failure> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let to: Vec<i64> = wanted.into_iter().collect();
    let sql = "SELECT to_number, verification_id FROM alone WHERE to_number = ANY ($1::int8[]) \
               ORDER BY to_number FOR NO KEY UPDATE";
    let rows = ask(on, sql, &[&to]).await?;
    let read = |row| Ok((column(row, "alone", "to_number")?, id(row, "alone", "verification_id")?));
    rows.iter().map(read).collect()
}

pub(super) async fn look_up_claims(
    on: &Link,
    wanted: BTreeSet<Form>,
) -> Result<Vec<(Form, VerificationId, u8)>, Failure> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let (account, form): (Vec<String>, Vec<i64>) = wanted.into_iter().unzip();
    let sql = "SELECT account, form, verification_id, attempt FROM claims \
               WHERE (account, form) IN (SELECT * FROM unnest($1::text[], $2::int8[])) \
               ORDER BY account, form FOR NO KEY UPDATE";
    let rows = ask(on, sql, &[&account, &form]).await?;
    rows.iter()
        .map(|row| {
            let index = number::<i16, u8>(row, "claims", "attempt")?;
            Ok((form_of(&claim(row)?), id(row, "claims", "verification_id")?, index))
        })
        .collect()
}

pub(super) async fn look_up_verifications(
    on: &Link,
    wanted: BTreeSet<VerificationId>,
) -> Result<HashMap<VerificationId, Verification>, Failure> {
    if wanted.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<Uuid> = wanted.into_iter().map(uuid).collect();
    let sql = "SELECT record FROM verifications WHERE id = ANY ($1::uuid[]) \
               ORDER BY id FOR NO KEY UPDATE";
    let rows = ask(on, sql, &[&ids]).await?;
    rows.iter().map(|row| verification(row).map(|found| (found.id, found))).collect()
}

pub(super) async fn ask(
    on: &Object,
    sql: &str,
    parameters: &[&(dyn ToSql + Sync)],
) -> Result<Vec<tokio_postgres::Row>, Failure> {
    let statement = on.prepare_cached(sql).await?;
    Ok(on.query(&statement, parameters).await?)
}

pub(super) async fn keep_keys(
    on: &Link,
    old: &BTreeSet<Key>,
    rows: &BTreeMap<Key, ([u8; 32], VerificationId, i64)>,
) -> Result<(), Failure> {
    let update = "UPDATE idempotency AS old SET fingerprint = new.fingerprint, \
        verification_id = new.verification_id, created_at = new.created_at \
        FROM unnest($1::text[], $2::bytea[], $3::bytea[], $4::uuid[], $5::int8[]) \
        AS new (app, key, fingerprint, verification_id, created_at) \
        WHERE old.app = new.app AND old.key = new.key";
    let insert = "INSERT INTO idempotency (app, key, fingerprint, verification_id, created_at) \
        SELECT * FROM unnest($1::text[], $2::bytea[], $3::bytea[], $4::uuid[], $5::int8[]) \
        ON CONFLICT DO NOTHING";
    for (sql, is_old) in [(update, true), (insert, false)] {
        let rows: Vec<_> = rows.iter().filter(|(key, _)| old.contains(*key) == is_old).collect();
        let app: Vec<&str> = rows.iter().map(|((app, _), _)| app.as_str()).collect();
        let key: Vec<&[u8]> = rows.iter().map(|((_, key), _)| key.as_slice()).collect();
        let fingerprint: Vec<&[u8]> = rows.iter().map(|(_, row)| row.0.as_slice()).collect();
        let id: Vec<Uuid> = rows.iter().map(|(_, row)| uuid(row.1)).collect();
        let at: Vec<i64> = rows.iter().map(|(_, row)| row.2).collect();
        all_of(on, sql, rows.len(), &[&app, &key, &fingerprint, &id, &at]).await?;
    }
    Ok(())
}

pub(super) async fn keep_alone(
    on: &Link,
    old: &BTreeSet<i64>,
    rows: &BTreeMap<i64, VerificationId>,
) -> Result<(), Failure> {
    let update = "UPDATE alone AS old SET verification_id = new.verification_id \
        FROM unnest($1::int8[], $2::uuid[]) AS new (to_number, verification_id) \
        WHERE old.to_number = new.to_number";
    let insert = "INSERT INTO alone (to_number, verification_id) \
        SELECT * FROM unnest($1::int8[], $2::uuid[]) ON CONFLICT DO NOTHING";
    for (sql, is_old) in [(update, true), (insert, false)] {
        let rows: Vec<_> = rows.iter().filter(|(to, _)| old.contains(to) == is_old).collect();
        let to: Vec<i64> = rows.iter().map(|(to, _)| **to).collect();
        let id: Vec<Uuid> = rows.iter().map(|(_, id)| uuid(**id)).collect();
        all_of(on, sql, rows.len(), &[&to, &id]).await?;
    }
    Ok(())
}

pub(super) async fn keep_claims(
    on: &Link,
    old: &BTreeSet<Form>,
    rows: &BTreeMap<Form, (VerificationId, u8)>,
) -> Result<(), Failure> {
    let update = "UPDATE claims AS old SET verification_id = new.verification_id, \
        attempt = new.attempt \
        FROM unnest($1::text[], $2::int8[], $3::uuid[], $4::int2[]) \
        AS new (account, form, verification_id, attempt) \
        WHERE old.account = new.account AND old.form = new.form";
    let insert = "INSERT INTO claims (account, form, verification_id, attempt) \
        SELECT * FROM unnest($1::text[], $2::int8[], $3::uuid[], $4::int2[]) \
        ON CONFLICT DO NOTHING";
    for (sql, is_old) in [(update, true), (insert, false)] {
        let rows: Vec<_> = rows.iter().filter(|(form, _)| old.contains(*form) == is_old).collect();
        let account: Vec<&str> = rows.iter().map(|((account, _), _)| account.as_str()).collect();
        let form: Vec<i64> = rows.iter().map(|((_, form), _)| *form).collect();
        let id: Vec<Uuid> = rows.iter().map(|(_, (id, _))| uuid(*id)).collect();
        let attempt: Vec<i16> = rows.iter().map(|(_, (_, index))| i16::from(*index)).collect();
        all_of(on, sql, rows.len(), &[&account, &form, &id, &attempt]).await?;
    }
    Ok(())
}

/// Writes so many rows, all of them, or another replica was first with one.
pub(super) async fn all_of(
    on: &Link,
    sql: &str,
    rows: usize,
    parameters: &[&(dyn ToSql + Sync)],
) -> Result<(), Failure> {
    if rows == 0 || run(on, sql, parameters).await? == rows as u64 {
        return Ok(());
    }
    Err(Failure::Contended)
}
