//! The queue of deliveries: stored with their cause, leased, tried, given back.

use deadpool_postgres::Object;
use jiff::Timestamp;
use tokio_postgres::Row;
use uuid::Uuid;

use super::columns::{Failure, column, delivery_id, delivery_uuid, name, number, text, unreadable};
use super::{Postgres, ask};
use crate::domain::{DeliveryId, Name};
use crate::store::kept::{GONE, nanoseconds, state_code};
use crate::store::record::Unreadable;
use crate::store::{
    DeliveryOutcome, DeliveryState, DueDelivery, FinishedTry, LeasedDelivery, StoreError, Target,
    Tried,
};

impl Postgres {
    pub(in crate::store) async fn due_deliveries(
        &self,
        now: Timestamp,
        each: u32,
        limit: u32,
    ) -> Result<Vec<DueDelivery>, StoreError> {
        ask!(self, on => due(on, now, each, limit))
    }

    pub(in crate::store) async fn lease_deliveries(
        &self,
        ids: Vec<DeliveryId>,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<LeasedDelivery>, StoreError> {
        ask!(self, on => lease(on, &ids, now, until))
    }

    pub(in crate::store) async fn finish_try(
        &self,
        finished: FinishedTry,
    ) -> Result<bool, StoreError> {
        ask!(self, on => finish(on, &finished))
    }
}

async fn due(
    on: &Object,
    now: Timestamp,
    each: u32,
    limit: u32,
) -> Result<Vec<DueDelivery>, Failure> {
    let sql = "SELECT id, app, endpoint, callback_url FROM (SELECT id, app, endpoint, \
               callback_url, due_at, row_number() OVER \
               (PARTITION BY app, endpoint ORDER BY due_at, id) AS place \
               FROM deliveries WHERE due_at <= $1 \
               AND (lease_until IS NULL OR lease_until <= $1)) AS waiting \
               WHERE place <= $2 ORDER BY due_at, id LIMIT $3";
    let statement = on.prepare_cached(sql).await?;
    let parameters = (nanoseconds(now), i64::from(each), i64::from(limit));
    let rows = on.query(&statement, &[&parameters.0, &parameters.1, &parameters.2]).await?;
    rows.iter()
        .map(|row| {
            Ok(DueDelivery {
                id: delivery_id(row)?,
                app: name(row, "deliveries", "app")?,
                target: target(row)?,
            })
        })
        .collect()
}

/// Leases those that nobody else leases; holds those whose endpoint is disabled.
async fn lease(
    on: &mut Object,
    ids: &[DeliveryId],
    now: Timestamp,
    until: Timestamp,
) -> Result<Vec<LeasedDelivery>, Failure> {
    let ids: Vec<Uuid> = ids.iter().map(|id| delivery_uuid(*id)).collect();
    // The ids are named again for what is changed, so that only their parts are looked at.
    let hold = "WITH off AS MATERIALIZED (SELECT held.id FROM deliveries AS held \
                JOIN disabled_endpoints AS off ON off.app = held.app AND off.name = held.endpoint \
                WHERE held.id = ANY ($1::uuid[]) AND held.due_at IS NOT NULL \
                ORDER BY held.id FOR UPDATE OF held SKIP LOCKED) \
                UPDATE deliveries SET state = 3, due_at = NULL, lease_until = NULL \
                FROM off WHERE deliveries.id = off.id AND deliveries.id = ANY ($1::uuid[]) \
                AND deliveries.due_at IS NOT NULL";
    let take = "WITH free AS MATERIALIZED (SELECT id FROM deliveries \
                WHERE id = ANY ($1::uuid[]) AND due_at <= $2 \
                AND (lease_until IS NULL OR lease_until <= $2) \
                ORDER BY id FOR UPDATE SKIP LOCKED) \
                UPDATE deliveries AS mine SET lease_until = $3 FROM free WHERE mine.id = free.id \
                AND mine.id = ANY ($1::uuid[]) AND mine.due_at <= $2 AND (mine.lease_until IS NULL OR mine.lease_until <= $2) \
                RETURNING mine.id, app, endpoint, callback_url, payload, tries_in_round";
    let transaction = on.transaction().await?;
    let statement = transaction.prepare_cached(hold).await?;
    transaction.execute(&statement, &[&ids]).await?;
    let statement = transaction.prepare_cached(take).await?;
    let parameters = (nanoseconds(now), nanoseconds(until));
    let rows = transaction.query(&statement, &[&ids, &parameters.0, &parameters.1]).await?;
    transaction.commit().await?;
    let mut leased = rows
        .iter()
        .map(|row| {
            Ok(LeasedDelivery {
                id: delivery_id(row)?,
                app: name(row, "deliveries", "app")?,
                target: target(row)?,
                payload: column::<&[u8]>(row, "deliveries", "payload")?.into(),
                tries_in_round: number::<i32, u32>(row, "deliveries", "tries_in_round")?,
                lease_until: until,
            })
        })
        .collect::<Result<Vec<_>, Failure>>()?;
    // As they were asked for, those that wait longest first.
    leased.sort_by_key(|leased| ids.iter().position(|id| *id == delivery_uuid(leased.id)));
    Ok(leased)
}

/// Keeps what a try came to, unless somebody else has the delivery by now.
async fn finish(on: &mut Object, finished: &FinishedTry) -> Result<bool, Failure> {
    let (state, due_at) = match finished.outcome {
        DeliveryOutcome::Delivered => (DeliveryState::Delivered, None),
        DeliveryOutcome::RetryAt(at) => (DeliveryState::Pending, Some(nanoseconds(at))),
        DeliveryOutcome::Failed => (DeliveryState::Failed, None),
        DeliveryOutcome::EndpointGone | DeliveryOutcome::Held => (DeliveryState::Held, None),
    };
    let id = delivery_uuid(finished.id);
    let transaction = on.transaction().await?;
    if let Some(tried) = &finished.tried {
        note(&transaction, id, tried).await?;
    }
    let sql = "UPDATE deliveries SET state = $3, due_at = $4, lease_until = NULL, \
               tries_in_round = tries_in_round + $5 WHERE id = $1 AND lease_until = $2";
    let statement = transaction.prepare_cached(sql).await?;
    let lease = nanoseconds(finished.lease_until);
    let (state, tries) = (i16::from(state_code(state)), i32::from(finished.tried.is_some()));
    let counts =
        transaction.execute(&statement, &[&id, &lease, &state, &due_at, &tries]).await? > 0;
    if let (true, DeliveryOutcome::EndpointGone, Some(tried)) =
        (counts, finished.outcome, &finished.tried)
    {
        let sql = "INSERT INTO disabled_endpoints (app, name, at, reason) \
                   SELECT app, endpoint, $2, $3 FROM deliveries \
                   WHERE id = $1 AND endpoint IS NOT NULL ON CONFLICT DO NOTHING";
        let statement = transaction.prepare_cached(sql).await?;
        transaction.execute(&statement, &[&id, &nanoseconds(tried.at), &GONE]).await?;
    }
    transaction.commit().await?;
    Ok(counts)
}

/// Notes a try, under whatever lease it was made.
async fn note(
    on: &deadpool_postgres::Transaction<'_>,
    id: Uuid,
    tried: &Tried,
) -> Result<(), Failure> {
    let sql = "WITH mine AS (UPDATE deliveries SET tries = tries + 1 WHERE id = $1 \
               RETURNING id, tries) \
               INSERT INTO delivery_tries (delivery_id, number, at, duration, status, error) \
               SELECT id, tries, $2, $3, $4, $5 FROM mine";
    let statement = on.prepare_cached(sql).await?;
    let duration = i64::try_from(tried.duration.as_nanos()).unwrap_or(i64::MAX);
    let (status, error) = (tried.status.map(i32::from), tried.error.as_deref().map(text));
    on.execute(&statement, &[&id, &nanoseconds(tried.at), &duration, &status, &error]).await?;
    Ok(())
}

pub(super) fn target(row: &Row) -> Result<Target, Failure> {
    let endpoint: Option<&str> = column(row, "deliveries", "endpoint")?;
    let callback: Option<&str> = column(row, "deliveries", "callback_url")?;
    let wrong = |why| unreadable("deliveries", "endpoint", Unreadable(why));
    match (endpoint, callback) {
        (Some(endpoint), None) => {
            Name::parse(endpoint).map(Target::Endpoint).map_err(|_| wrong("it is no name"))
        }
        (None, Some(url)) => Ok(Target::Callback(url.into())),
        (Some(_), Some(_)) | (None, None) => Err(wrong("it is neither an endpoint nor a callback")),
    }
}
