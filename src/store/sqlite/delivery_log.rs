//! The log of deliveries: what is searched, shown, asked for again, and which
//! endpoints are disabled.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, Row, ToSql, params, params_from_iter};

use super::Sqlite;
use super::columns::{Failure, column, first, id, name, nanoseconds, rows, time, unreadable};
use super::deliveries::{delivery_id, target};
use crate::domain::{DeliveryId, Name};
use crate::store::kept::state_code;
use crate::store::record::Unreadable;
use crate::store::{
    Audited, Delivery, DeliveryDetails, DeliverySearch, DeliveryState, DisabledEndpoint,
    StoreError, Tried,
};

/// A delivery beside its last try.
const SELECT: &str = "SELECT deliveries.id, app, verification_id, endpoint, callback_url, type, \
     created_at, payload, state, due_at, tries, at, duration, status, error FROM deliveries \
     LEFT JOIN delivery_tries ON delivery_id = deliveries.id AND number = tries";

impl Sqlite {
    pub(in crate::store) async fn deliveries(
        &self,
        wanted: DeliverySearch,
    ) -> Result<Vec<Delivery>, StoreError> {
        self.readers.read(move |on| search(on, &wanted)).await
    }

    pub(in crate::store) async fn delivery(
        &self,
        id: DeliveryId,
    ) -> Result<Option<DeliveryDetails>, StoreError> {
        self.readers.read(move |on| find(on, id)).await
    }

    pub(in crate::store) async fn redeliver(
        &self,
        app: &Name,
        id: DeliveryId,
        now: Timestamp,
        audited: Audited,
    ) -> Result<bool, StoreError> {
        let app = app.clone();
        let work = move |on: &Connection| again(on, &app, id, now);
        self.audited(audited, work, |found| *found).await
    }

    pub(in crate::store) async fn disabled_endpoints(
        &self,
        app: &Name,
    ) -> Result<Vec<DisabledEndpoint>, StoreError> {
        let app = app.clone();
        self.readers.read(move |on| disabled(on, &app)).await
    }

    pub(in crate::store) async fn enable_endpoint(
        &self,
        app: &Name,
        endpoint: &Name,
        now: Timestamp,
        audited: Audited,
    ) -> Result<u64, StoreError> {
        let (app, endpoint) = (app.clone(), endpoint.clone());
        let work = move |on: &Connection| enable(on, &app, &endpoint, now);
        self.audited(audited, work, |_| true).await
    }
}

fn search(on: &Connection, wanted: &DeliverySearch) -> Result<Vec<Delivery>, Failure> {
    let mut sql = format!("{SELECT} WHERE app = ?");
    let mut values: Vec<Box<dyn ToSql>> = vec![Box::new(wanted.app.as_str().to_owned())];
    let mut add = |condition: &str, value: Option<Box<dyn ToSql>>| {
        if let Some(value) = value {
            sql.push_str(condition);
            values.push(value);
        }
    };
    let endpoint = wanted.endpoint.as_ref().map(|name| name.as_str().to_owned());
    add(" AND state = ?", wanted.state.map(|state| Box::new(state_code(state)) as _));
    add(" AND endpoint = ?", endpoint.map(|name| Box::new(name) as _));
    let verification = wanted.verification.map(|id| Box::new(*id.as_bytes()) as _);
    add(" AND verification_id = ?", verification);
    add(" AND deliveries.id < ?", wanted.before.map(|id| Box::new(*id.as_bytes()) as _));
    sql.push_str(" ORDER BY deliveries.id DESC LIMIT ?");
    values.push(Box::new(wanted.limit));
    rows(on, &sql, params_from_iter(values), read)
}

fn find(on: &Connection, id: DeliveryId) -> Result<Option<DeliveryDetails>, Failure> {
    let found = first(on, &format!("{SELECT} WHERE deliveries.id = ?1"), [id.as_bytes()], |row| {
        let payload: Vec<u8> = column(row, "deliveries", "payload")?;
        Ok((read(row)?, payload))
    })?;
    let Some((delivery, payload)) = found else { return Ok(None) };
    let sql = "SELECT at, duration, status, error FROM delivery_tries WHERE delivery_id = ?1 \
               ORDER BY number";
    let tries = rows(on, sql, [id.as_bytes()], tried)?;
    Ok(Some(DeliveryDetails { delivery, payload: payload.into(), tries }))
}

fn again(on: &Connection, app: &Name, id: DeliveryId, now: Timestamp) -> Result<bool, Failure> {
    let sql = "UPDATE deliveries SET state = 0, due_at = ?3, lease_until = NULL, \
               tries_in_round = 0 WHERE id = ?1 AND app = ?2";
    let parameters = params![id.as_bytes(), app.as_str(), nanoseconds(now)];
    Ok(on.prepare_cached(sql)?.execute(parameters)? > 0)
}

fn disabled(on: &Connection, app: &Name) -> Result<Vec<DisabledEndpoint>, Failure> {
    let sql = "SELECT name, at, reason FROM disabled_endpoints WHERE app = ?1 ORDER BY name";
    rows(on, sql, [app.as_str()], |row| {
        Ok(DisabledEndpoint {
            name: name(row, "disabled_endpoints", "name")?,
            at: time(row, "disabled_endpoints", "at")?,
            reason: column(row, "disabled_endpoints", "reason")?,
        })
    })
}

fn enable(on: &Connection, app: &Name, endpoint: &Name, now: Timestamp) -> Result<u64, Failure> {
    let sql = "DELETE FROM disabled_endpoints WHERE app = ?1 AND name = ?2";
    on.prepare_cached(sql)?.execute(params![app.as_str(), endpoint.as_str()])?;
    let sql = "UPDATE deliveries SET state = 0, due_at = ?3, tries_in_round = 0 \
               WHERE app = ?1 AND endpoint = ?2 AND state = 3";
    let parameters = params![app.as_str(), endpoint.as_str(), nanoseconds(now)];
    Ok(on.prepare_cached(sql)?.execute(parameters)? as u64)
}

fn read(row: &Row<'_>) -> Result<Delivery, Failure> {
    let due_at: Option<i64> = column(row, "deliveries", "due_at")?;
    let last: Option<i64> = column(row, "delivery_tries", "at")?;
    let code: u8 = column(row, "deliveries", "state")?;
    let state = DeliveryState::ALL.into_iter().find(|state| state_code(*state) == code);
    let wrong = || unreadable("deliveries", "state", Unreadable("it is no state"));
    Ok(Delivery {
        id: delivery_id(row)?,
        app: name(row, "deliveries", "app")?,
        verification: id(row, "deliveries", "verification_id")?,
        target: target(row)?,
        kind: column(row, "deliveries", "type")?,
        created_at: time(row, "deliveries", "created_at")?,
        state: state.ok_or_else(wrong)?,
        due_at: due_at.map(|_| time(row, "deliveries", "due_at")).transpose()?,
        tries: column(row, "deliveries", "tries")?,
        last: last.map(|_| tried(row)).transpose()?,
    })
}

fn tried(row: &Row<'_>) -> Result<Tried, Failure> {
    let duration: i64 = column(row, "delivery_tries", "duration")?;
    Ok(Tried {
        at: time(row, "delivery_tries", "at")?,
        duration: Duration::from_nanos(duration.unsigned_abs()),
        status: column(row, "delivery_tries", "status")?,
        error: column(row, "delivery_tries", "error")?,
    })
}
