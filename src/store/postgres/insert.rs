//! What is added: one statement for all rows of a kind, their columns as arrays.

use deadpool_postgres::Object;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::columns::{Failure, delivery_uuid, text, uuid};
use super::connect::Link;
use crate::domain::{Timing, Verification, VerificationId};
use crate::store::change::JournalRow;
use crate::store::kept::nanoseconds;
use crate::store::record::{channel_bit, outcome_code, status_code};
use crate::store::{NewDelivery, Target};

const JOURNAL: &str = "\
    INSERT INTO journal (at, verification_id, entries, account, event, verdict, number_hash, \
    masked, body, signature) SELECT * FROM unnest($1::int8[], $2::uuid[], $3::bytea[], \
    $4::text[], $5::text[], $6::text[], $7::bytea[], $8::text[], $9::bytea[], $10::bytea[])";

const DUE: &str = "\
    INSERT INTO due (at, verification_id) SELECT * FROM unnest($1::int8[], $2::uuid[]) \
    ON CONFLICT DO NOTHING";

const DELIVERIES: &str = "\
    INSERT INTO deliveries (id, app, verification_id, endpoint, callback_url, type, created_at, \
    payload, state, due_at, tries, tries_in_round) \
    SELECT id, app, verification_id, endpoint, callback_url, type, at, payload, 0, at, 0, 0 \
    FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::text[], \
    $7::int8[], $8::bytea[]) AS new (id, app, verification_id, endpoint, callback_url, type, at, \
    payload)";

const VERIFICATIONS: &str = "\
    INSERT INTO verifications (id, version, app, to_number, reference, status, outcome, \
    created_at, due_at, channels, record) SELECT * FROM unnest($1::uuid[], $2::int4[], \
    $3::text[], $4::int8[], $5::bytea[], $6::int2[], $7::int2[], $8::int8[], $9::int8[], \
    $10::int4[], $11::bytea[])";

/// Runs a statement; how many rows it wrote.
pub(super) async fn run(
    on: &Object,
    sql: &str,
    parameters: &[&(dyn ToSql + Sync)],
) -> Result<u64, Failure> {
    let statement = on.prepare_cached(sql).await?;
    Ok(on.execute(&statement, parameters).await?)
}

/// Adds rows to the journal, in order.
pub(super) async fn journal(on: &Link, rows: &[&JournalRow]) -> Result<(), Failure> {
    if rows.is_empty() {
        return Ok(());
    }
    let (sql, columns) = journal_statement(rows);
    let values: Vec<&(dyn ToSql + Sync)> =
        columns.iter().map(|column| &**column as &(dyn ToSql + Sync)).collect();
    run(on, sql, &values).await.map(drop)
}

/// The values of a column.
type Column<'r> = Box<dyn ToSql + Sync + Send + 'r>;

/// What adds rows to the journal, and its parameters.
pub(super) fn journal_statement<'r>(rows: &[&'r JournalRow]) -> (&'static str, [Column<'r>; 10]) {
    fn column<'r, T: ToSql + Sync + Send + 'r>(
        rows: &[&'r JournalRow],
        value: impl Fn(&'r JournalRow) -> T,
    ) -> Column<'r> {
        Box::new(rows.iter().map(|row| value(row)).collect::<Vec<T>>())
    }
    let columns = [
        column(rows, |row| nanoseconds(row.at)),
        column(rows, |row| row.verification.map(uuid)),
        column(rows, |row| row.entries.as_deref()),
        column(rows, |row| row.notification.as_ref().map(|row| row.account.as_str())),
        column(rows, |row| row.notification.as_ref().map(|row| text(&row.event))),
        column(rows, |row| row.notification.as_ref().map(|row| row.verdict)),
        column(rows, |row| {
            row.notification.as_ref()?.number_hash.as_ref().map(<[u8; 16]>::as_slice)
        }),
        column(rows, |row| row.notification.as_ref()?.masked.as_deref().map(text)),
        column(rows, |row| row.notification.as_ref()?.body.as_deref()),
        column(rows, |row| row.notification.as_ref()?.signature.as_deref()),
    ];
    (JOURNAL, columns)
}

/// Notes when to look at verifications again. A note of another time stays until that
/// time comes.
pub(super) async fn due(on: &Link, notes: &[(VerificationId, i64)]) -> Result<(), Failure> {
    if notes.is_empty() {
        return Ok(());
    }
    let at: Vec<i64> = notes.iter().map(|(_, at)| *at).collect();
    let id: Vec<Uuid> = notes.iter().map(|(id, _)| uuid(*id)).collect();
    run(on, DUE, &[&at, &id]).await.map(drop)
}

/// Stores what changes and starts cause.
pub(super) async fn deliveries(on: &Link, new: &[&NewDelivery]) -> Result<(), Failure> {
    if new.is_empty() {
        return Ok(());
    }
    let target = |delivery: &&NewDelivery| match &delivery.target {
        Target::Endpoint(name) => (Some(name.as_str().to_owned()), None),
        Target::Callback(url) => (None, Some(text(url).into_owned())),
    };
    let id: Vec<Uuid> = new.iter().map(|delivery| delivery_uuid(delivery.id)).collect();
    let app: Vec<_> = new.iter().map(|delivery| delivery.app.as_str()).collect();
    let about: Vec<Uuid> = new.iter().map(|delivery| uuid(delivery.verification)).collect();
    let (endpoint, callback): (Vec<_>, Vec<_>) = new.iter().map(target).unzip();
    let kind: Vec<_> = new.iter().map(|delivery| text(&delivery.kind)).collect();
    let at: Vec<i64> = new.iter().map(|delivery| nanoseconds(delivery.at)).collect();
    let payload: Vec<&[u8]> = new.iter().map(|delivery| &*delivery.payload).collect();
    let parameters: [&(dyn ToSql + Sync); 8] =
        [&id, &app, &about, &endpoint, &callback, &kind, &at, &payload];
    run(on, DELIVERIES, &parameters).await.map(drop)
}

/// Stores new verifications with what their numbers are found by and their packed records, and notes when they are due.
pub(super) async fn verifications(
    on: &Link,
    new: &[(&Verification, i64, &[u8])],
    timing: &Timing,
) -> Result<(), Failure> {
    if new.is_empty() {
        return Ok(());
    }
    let each = || new.iter().map(|(verification, ..)| *verification);
    let id: Vec<Uuid> = each().map(|new| uuid(new.id)).collect();
    let version: Vec<i32> = each().map(|new| version(new.version)).collect();
    let app: Vec<_> = each().map(|new| new.app.as_str()).collect();
    let to: Vec<i64> = new.iter().map(|(_, to, _)| *to).collect();
    let reference: Vec<_> = each().map(|new| new.reference.as_deref().map(str::as_bytes)).collect();
    let status: Vec<i16> = each().map(|new| status_code(new.status()).into()).collect();
    let outcome: Vec<Option<i16>> =
        each().map(|new| new.conclusion().map(|end| outcome_code(end.outcome).into())).collect();
    let created: Vec<i64> = each().map(|new| nanoseconds(new.created_at)).collect();
    let due_at: Vec<_> = each().map(|new| new.due_at(timing).map(nanoseconds)).collect();
    let channels: Vec<i32> = each().map(channels).collect();
    let record: Vec<&[u8]> = new.iter().map(|(.., packed)| *packed).collect();
    let parameters: [&(dyn ToSql + Sync); 11] = [
        &id, &version, &app, &to, &reference, &status, &outcome, &created, &due_at, &channels,
        &record,
    ];
    run(on, VERIFICATIONS, &parameters).await?;
    let notes: Vec<_> =
        each().zip(due_at).filter_map(|(new, at)| at.map(|at| (new.id, at))).collect();
    due(on, &notes).await
}

fn channels(verification: &Verification) -> i32 {
    let bits = verification.plan.iter().fold(0, |bits, step| bits | channel_bit(step.channel()));
    i32::from(bits)
}

/// A version as its column keeps it.
pub(super) fn version(version: u32) -> i32 {
    i32::try_from(version).unwrap_or(i32::MAX)
}
