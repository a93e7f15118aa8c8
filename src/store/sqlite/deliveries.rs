//! The queue of deliveries: stored with their cause, leased, tried, given back.

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use super::Sqlite;
use super::columns::{Failure, column, first, name, nanoseconds, rows, unreadable};
use crate::domain::{DeliveryId, Name};
use crate::store::kept::{GONE, state_code};
use crate::store::record::Unreadable;
use crate::store::{
    DeliveryOutcome, DeliveryState, DueDelivery, FinishedTry, LeasedDelivery, NewDelivery,
    StoreError, Target, Tried,
};

impl Sqlite {
    pub(in crate::store) async fn due_deliveries(
        &self,
        now: Timestamp,
        each: u32,
        limit: u32,
    ) -> Result<Vec<DueDelivery>, StoreError> {
        self.readers.read(move |on| due(on, now, each, limit)).await
    }

    pub(in crate::store) async fn lease_deliveries(
        &self,
        ids: Vec<DeliveryId>,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<LeasedDelivery>, StoreError> {
        self.write(move |on| {
            let leased = ids.iter().map(|id| lease(on, *id, now, until));
            Ok(leased.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
        })
        .await
    }

    pub(in crate::store) async fn finish_try(
        &self,
        finished: FinishedTry,
    ) -> Result<bool, StoreError> {
        self.write(move |on| finish(on, &finished)).await
    }
}

/// Stores what a change or a start causes.
pub(super) fn insert(on: &Connection, deliveries: &[NewDelivery]) -> Result<(), Failure> {
    let sql = "INSERT INTO deliveries (id, app, verification_id, endpoint, callback_url, type, \
               created_at, payload, state, due_at, tries, tries_in_round) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, ?7, 0, 0)";
    for delivery in deliveries {
        let (endpoint, callback) = match &delivery.target {
            Target::Endpoint(name) => (Some(name.as_str()), None),
            Target::Callback(url) => (None, Some(&**url)),
        };
        on.prepare_cached(sql)?.execute(params![
            delivery.id.as_bytes(),
            delivery.app.as_str(),
            delivery.verification.as_bytes(),
            endpoint,
            callback,
            &*delivery.kind,
            nanoseconds(delivery.at),
            &*delivery.payload,
        ])?;
    }
    Ok(())
}

/// Gives back what the process before this one held: with one process, its leases
/// ended when it did.
pub(super) fn void_leases(on: &Connection) -> rusqlite::Result<()> {
    let sql = "UPDATE deliveries SET lease_until = NULL \
               WHERE due_at IS NOT NULL AND lease_until IS NOT NULL";
    on.execute(sql, []).map(drop)
}

fn due(
    on: &Connection,
    now: Timestamp,
    each: u32,
    limit: u32,
) -> Result<Vec<DueDelivery>, Failure> {
    let sql = "SELECT id, app, endpoint, callback_url FROM (SELECT id, app, endpoint, \
               callback_url, due_at, row_number() OVER \
               (PARTITION BY app, endpoint ORDER BY due_at, id) AS place \
               FROM deliveries WHERE due_at <= ?1 \
               AND (lease_until IS NULL OR lease_until <= ?1)) \
               WHERE place <= ?2 ORDER BY due_at, id LIMIT ?3";
    rows(on, sql, params![nanoseconds(now), each, limit], |row| {
        Ok(DueDelivery {
            id: delivery_id(row)?,
            app: name(row, "deliveries", "app")?,
            target: target(row)?,
        })
    })
}

/// Leases one delivery, unless it is not due any more; holds it if its endpoint is disabled.
fn lease(
    on: &Connection,
    id: DeliveryId,
    now: Timestamp,
    until: Timestamp,
) -> Result<Option<LeasedDelivery>, Failure> {
    let held = "UPDATE deliveries SET state = 3, due_at = NULL, lease_until = NULL \
                WHERE id = ?1 AND due_at IS NOT NULL AND EXISTS (SELECT 1 FROM disabled_endpoints \
                AS off WHERE off.app = deliveries.app AND off.name = deliveries.endpoint)";
    if on.prepare_cached(held)?.execute([id.as_bytes()])? > 0 {
        return Ok(None);
    }
    let sql = "UPDATE deliveries SET lease_until = ?3 WHERE id = ?1 AND due_at <= ?2 \
               AND (lease_until IS NULL OR lease_until <= ?2) \
               RETURNING app, endpoint, callback_url, payload, tries_in_round";
    let parameters = params![id.as_bytes(), nanoseconds(now), nanoseconds(until)];
    first(on, sql, parameters, |row| {
        Ok(LeasedDelivery {
            id,
            app: name(row, "deliveries", "app")?,
            target: target(row)?,
            payload: column::<Vec<u8>>(row, "deliveries", "payload")?.into(),
            tries_in_round: column(row, "deliveries", "tries_in_round")?,
            lease_until: until,
        })
    })
}

/// Keeps what a try came to, unless somebody else has the delivery by now.
fn finish(on: &Connection, finished: &FinishedTry) -> Result<bool, Failure> {
    let (state, due_at) = match finished.outcome {
        DeliveryOutcome::Delivered => (DeliveryState::Delivered, None),
        DeliveryOutcome::RetryAt(at) => (DeliveryState::Pending, Some(nanoseconds(at))),
        DeliveryOutcome::Failed => (DeliveryState::Failed, None),
        DeliveryOutcome::EndpointGone | DeliveryOutcome::Held => (DeliveryState::Held, None),
    };
    if let Some(tried) = &finished.tried {
        note(on, finished.id, tried)?;
    }
    let tries = u32::from(finished.tried.is_some());
    let sql = "UPDATE deliveries SET state = ?3, due_at = ?4, lease_until = NULL, \
               tries_in_round = tries_in_round + ?5 WHERE id = ?1 AND lease_until = ?2";
    let updated = on.prepare_cached(sql)?.execute(params![
        finished.id.as_bytes(),
        nanoseconds(finished.lease_until),
        state_code(state),
        due_at,
        tries,
    ])?;
    if updated == 0 {
        return Ok(false);
    }
    if let (DeliveryOutcome::EndpointGone, Some(tried)) = (finished.outcome, &finished.tried) {
        let sql = "INSERT INTO disabled_endpoints (app, name, at, reason) \
                   SELECT app, endpoint, ?2, ?3 FROM deliveries \
                   WHERE id = ?1 AND endpoint IS NOT NULL ON CONFLICT DO NOTHING";
        let parameters = params![finished.id.as_bytes(), nanoseconds(tried.at), GONE];
        on.prepare_cached(sql)?.execute(parameters)?;
    }
    Ok(true)
}

/// Notes a try, under whatever lease it was made.
fn note(on: &Connection, id: DeliveryId, tried: &Tried) -> Result<(), Failure> {
    let sql = "UPDATE deliveries SET tries = tries + 1 WHERE id = ?1";
    on.prepare_cached(sql)?.execute([id.as_bytes()])?;
    let sql = "INSERT INTO delivery_tries (delivery_id, number, at, duration, status, error) \
               SELECT ?1, tries, ?2, ?3, ?4, ?5 FROM deliveries WHERE id = ?1";
    on.prepare_cached(sql)?.execute(params![
        id.as_bytes(),
        nanoseconds(tried.at),
        i64::try_from(tried.duration.as_nanos()).unwrap_or(i64::MAX),
        tried.status,
        tried.error.as_deref(),
    ])?;
    Ok(())
}

pub(super) fn delivery_id(row: &Row<'_>) -> Result<DeliveryId, Failure> {
    column(row, "deliveries", "id").map(DeliveryId::from_bytes)
}

pub(super) fn target(row: &Row<'_>) -> Result<Target, Failure> {
    let endpoint: Option<Box<str>> = column(row, "deliveries", "endpoint")?;
    let callback: Option<Box<str>> = column(row, "deliveries", "callback_url")?;
    let wrong = |why| unreadable("deliveries", "endpoint", Unreadable(why));
    match (endpoint, callback) {
        (Some(endpoint), None) => {
            Name::parse(&endpoint).map(Target::Endpoint).map_err(|_| wrong("it is no name"))
        }
        (None, Some(url)) => Ok(Target::Callback(url)),
        (Some(_), Some(_)) | (None, None) => Err(wrong("it is neither an endpoint nor a callback")),
    }
}
