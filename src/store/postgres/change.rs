//! The hot path: new versions and rows of the journal.

use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::columns::{Failure, uuid};
use super::connect::Link;
use super::insert::{self, version};
use super::lane::{Batch, Ended, Transaction};
use super::windows;
use crate::store::change::JournalRow;
use crate::store::kept::nanoseconds;
use crate::store::record::{outcome_code, status_code};
use crate::store::{Change, Committed, NewDelivery};

/// The rows are locked in order of their ids, so that two replicas which change the same
/// ones wait for each other in one direction only.
const UPDATE: &str = "\
    WITH new AS MATERIALIZED (SELECT * FROM unnest($1::uuid[], $2::int4[], $3::int2[], \
    $4::int2[], $5::int8[], $6::bytea[], $7::int4[]) \
    AS new (id, version, status, outcome, due_at, record, place) ORDER BY id, place), \
    mine AS MATERIALIZED (SELECT old.id FROM verifications AS old \
    WHERE old.id = ANY ($1::uuid[]) ORDER BY old.id FOR NO KEY UPDATE) \
    UPDATE verifications AS old SET version = new.version, status = new.status, \
    outcome = new.outcome, due_at = new.due_at, record = new.record \
    FROM new JOIN mine ON mine.id = new.id \
    WHERE old.id = new.id AND old.version = new.version - 1 RETURNING new.place";

/// Writes changes and rows of the journal.
pub(super) struct Changes;

/// A change, or what is journaled without one.
pub(super) enum Job {
    Change(Change),
    Journal(JournalRow),
}

/// What a job came to.
pub(super) enum Written {
    Changed(Committed),
    Journaled,
}

impl Batch for Changes {
    type Job = Job;
    type Done = bool;
    type Answer = Written;

    async fn write(
        &self,
        jobs: &[&Job],
        transaction: &mut Transaction<'_, bool>,
    ) -> Result<Ended, Failure> {
        let on = transaction.on;
        let stored = update(on, &changes(jobs)).await?;
        let done: Vec<bool> = jobs
            .iter()
            .enumerate()
            .map(|(place, job)| matches!(job, Job::Journal(_)) || stored.contains(&place))
            .collect();
        let kept = || jobs.iter().zip(&done).filter(|(_, done)| **done).map(|(job, _)| *job);
        let journal: Vec<&JournalRow> = kept().filter_map(journaled).collect();
        let due: Vec<_> = kept()
            .filter_map(|job| match job {
                Job::Change(change) => Some((change.id, nanoseconds(change.due_at?))),
                Job::Journal(_) => None,
            })
            .collect();
        let deliveries: Vec<&NewDelivery> = kept()
            .filter_map(|job| match job {
                Job::Change(change) => Some(&change.deliveries),
                Job::Journal(_) => None,
            })
            .flatten()
            .collect();
        futures_util::try_join!(
            insert::journal(on, &journal),
            insert::due(on, &due),
            insert::deliveries(on, &deliveries),
        )?;
        let learned = kept().flat_map(|job| match job {
            Job::Change(change) => change.learned.as_slice(),
            Job::Journal(_) => &[],
        });
        // Starts count in the same rows, so they are held for as short as may be.
        windows::learn(on, learned).await?;
        let changed: Vec<_> = kept()
            .filter_map(|job| match job {
                Job::Change(change) => Some((change.id, change.version)),
                Job::Journal(_) => None,
            })
            .collect();
        transaction.commit(done, &changed).await
    }

    fn answer(job: Job, stored: bool) -> Written {
        match job {
            Job::Change(change) if stored => {
                Written::Changed(Committed::Stored { packed: change.record })
            }
            Job::Change(_) => Written::Changed(Committed::Conflict),
            Job::Journal(_) => Written::Journaled,
        }
    }
}

fn changes<'j>(jobs: &[&'j Job]) -> Vec<(usize, &'j Change)> {
    let change = |(place, job): (usize, &&'j Job)| match *job {
        Job::Change(change) => Some((place, change)),
        Job::Journal(_) => None,
    };
    jobs.iter().enumerate().filter_map(change).collect()
}

fn journaled(job: &Job) -> Option<&JournalRow> {
    match job {
        Job::Change(change) => change.journal.as_ref(),
        Job::Journal(row) => Some(row),
    }
}

/// Stores the new versions; the places of those that the store was waiting for.
pub(super) async fn update(on: &Link, changes: &[(usize, &Change)]) -> Result<Vec<usize>, Failure> {
    if changes.is_empty() {
        return Ok(Vec::new());
    }
    let each = || changes.iter().map(|(_, change)| *change);
    let id: Vec<Uuid> = each().map(|change| uuid(change.id)).collect();
    let versions: Vec<i32> = each().map(|change| version(change.version)).collect();
    let status: Vec<i16> = each().map(|change| status_code(change.status).into()).collect();
    let outcome: Vec<Option<i16>> =
        each().map(|change| change.outcome.map(|outcome| outcome_code(outcome).into())).collect();
    let due_at: Vec<_> = each().map(|change| change.due_at.map(nanoseconds)).collect();
    let record: Vec<&[u8]> = each().map(|change| &*change.record).collect();
    let place: Vec<i32> =
        changes.iter().map(|(place, _)| i32::try_from(*place).unwrap_or(-1)).collect();
    let parameters: [&(dyn ToSql + Sync); 7] =
        [&id, &versions, &status, &outcome, &due_at, &record, &place];
    let statement = on.prepare_cached(UPDATE).await?;
    let rows = on.query(&statement, &parameters).await?;
    let place = |row: &tokio_postgres::Row| Ok(usize::try_from(row.try_get::<_, i32>(0)?).ok());
    let places = rows.iter().map(place).collect::<Result<Vec<_>, tokio_postgres::Error>>()?;
    Ok(places.into_iter().flatten().collect())
}
