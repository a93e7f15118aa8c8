//! The log of deliveries: what is searched, shown, asked for again, and which
//! endpoints are disabled.

use std::time::Duration;

use deadpool_postgres::Object;
use jiff::Timestamp;
use tokio_postgres::Row;

use super::audit::{announced, append};
use super::columns::{
    Failure, column, delivery_id, delivery_uuid, id, name, number, time, time_if, unreadable, uuid,
};
use super::deliveries::target;
use super::question::Question;
use super::{Postgres, ask};
use crate::domain::{DeliveryId, Name};
use crate::store::kept::{nanoseconds, state_code};
use crate::store::record::Unreadable;
use crate::store::{
    AuditHead, Audited, Delivery, DeliveryDetails, DeliverySearch, DeliveryState, DisabledEndpoint,
    StoreError, Tried,
};

/// A delivery beside its last try.
const SELECT: &str = "SELECT deliveries.id, app, verification_id, endpoint, callback_url, type, \
     created_at, payload, state, due_at, tries, at, duration, status, error FROM deliveries \
     LEFT JOIN delivery_tries ON delivery_id = deliveries.id AND number = tries WHERE ";

impl Postgres {
    pub(in crate::store) async fn deliveries(
        &self,
        wanted: DeliverySearch,
    ) -> Result<Vec<Delivery>, StoreError> {
        ask!(self, on => search(on, &wanted))
    }

    pub(in crate::store) async fn delivery(
        &self,
        id: DeliveryId,
    ) -> Result<Option<DeliveryDetails>, StoreError> {
        ask!(self, on => find(on, id))
    }

    pub(in crate::store) async fn redeliver(
        &self,
        app: &Name,
        id: DeliveryId,
        now: Timestamp,
        audited: Audited,
    ) -> Result<bool, StoreError> {
        ask!(self, on => again(on, app, id, now, &audited)).map(announced)
    }

    pub(in crate::store) async fn disabled_endpoints(
        &self,
        app: &Name,
    ) -> Result<Vec<DisabledEndpoint>, StoreError> {
        ask!(self, on => disabled(on, app))
    }

    pub(in crate::store) async fn enable_endpoint(
        &self,
        app: &Name,
        endpoint: &Name,
        now: Timestamp,
        audited: Audited,
    ) -> Result<u64, StoreError> {
        ask!(self, on => enable(on, app, endpoint, now, &audited)).map(announced)
    }
}

async fn search(on: &Object, wanted: &DeliverySearch) -> Result<Vec<Delivery>, Failure> {
    let app = Box::new(wanted.app.as_str().to_owned());
    let mut question = Question::new(SELECT, "app = ?", app);
    question.and("state = ?", wanted.state.map(|state| i16::from(state_code(state))));
    question.and("endpoint = ?", wanted.endpoint.as_ref().map(|name| name.as_str().to_owned()));
    question.and("verification_id = ?", wanted.verification.map(uuid));
    question.and("deliveries.id < ?", wanted.before.map(delivery_uuid));
    question.push(" ORDER BY deliveries.id DESC LIMIT ?", Box::new(i64::from(wanted.limit)));
    question.ask(on).await?.iter().map(read).collect()
}

async fn find(on: &Object, id: DeliveryId) -> Result<Option<DeliveryDetails>, Failure> {
    let id = delivery_uuid(id);
    let rows = Question::new(SELECT, "deliveries.id = ?", Box::new(id)).ask(on).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let payload: &[u8] = column(row, "deliveries", "payload")?;
    let sql = "SELECT at, duration, status, error FROM delivery_tries WHERE delivery_id = $1 \
               ORDER BY number";
    let tries = on.query(&on.prepare_cached(sql).await?, &[&id]).await?;
    let tries = tries.iter().map(tried).collect::<Result<_, _>>()?;
    Ok(Some(DeliveryDetails { delivery: read(row)?, payload: payload.into(), tries }))
}

async fn again(
    on: &mut Object,
    app: &Name,
    id: DeliveryId,
    now: Timestamp,
    audited: &Audited,
) -> Result<(bool, Option<AuditHead>), Failure> {
    let on = on.transaction().await?;
    let sql = "UPDATE deliveries SET state = 0, due_at = $3, lease_until = NULL, \
               tries_in_round = 0 WHERE id = $1 AND app = $2";
    let statement = on.prepare_cached(sql).await?;
    let id = delivery_uuid(id);
    if on.execute(&statement, &[&id, &app.as_str(), &nanoseconds(now)]).await? == 0 {
        return Ok((false, None));
    }
    let head = append(&on, audited).await?;
    on.commit().await?;
    Ok((true, Some(head)))
}

async fn disabled(on: &Object, app: &Name) -> Result<Vec<DisabledEndpoint>, Failure> {
    let sql = "SELECT name, at, reason FROM disabled_endpoints WHERE app = $1 ORDER BY name";
    let rows = on.query(&on.prepare_cached(sql).await?, &[&app.as_str()]).await?;
    rows.iter()
        .map(|row| {
            Ok(DisabledEndpoint {
                name: name(row, "disabled_endpoints", "name")?,
                at: time(row, "disabled_endpoints", "at")?,
                reason: column::<&str>(row, "disabled_endpoints", "reason")?.into(),
            })
        })
        .collect()
}

async fn enable(
    on: &mut Object,
    app: &Name,
    endpoint: &Name,
    now: Timestamp,
    audited: &Audited,
) -> Result<(u64, Option<AuditHead>), Failure> {
    let (app, endpoint) = (app.as_str(), endpoint.as_str());
    let transaction = on.transaction().await?;
    let sql = "DELETE FROM disabled_endpoints WHERE app = $1 AND name = $2";
    let statement = transaction.prepare_cached(sql).await?;
    transaction.execute(&statement, &[&app, &endpoint]).await?;
    let sql = "UPDATE deliveries SET state = 0, due_at = $3, tries_in_round = 0 \
               WHERE app = $1 AND endpoint = $2 AND state = 3";
    let statement = transaction.prepare_cached(sql).await?;
    let due = transaction.execute(&statement, &[&app, &endpoint, &nanoseconds(now)]).await?;
    let head = append(&transaction, audited).await?;
    transaction.commit().await?;
    Ok((due, Some(head)))
}

fn read(row: &Row) -> Result<Delivery, Failure> {
    let last: Option<i64> = column(row, "delivery_tries", "at")?;
    let code = number::<i16, u8>(row, "deliveries", "state")?;
    let state = DeliveryState::ALL.into_iter().find(|state| state_code(*state) == code);
    let wrong = || unreadable("deliveries", "state", Unreadable("it is no state"));
    Ok(Delivery {
        id: delivery_id(row)?,
        app: name(row, "deliveries", "app")?,
        verification: id(row, "deliveries", "verification_id")?,
        target: target(row)?,
        kind: column::<&str>(row, "deliveries", "type")?.into(),
        created_at: time(row, "deliveries", "created_at")?,
        state: state.ok_or_else(wrong)?,
        due_at: time_if(row, "deliveries", "due_at")?,
        tries: number::<i32, u32>(row, "deliveries", "tries")?,
        last: last.map(|_| tried(row)).transpose()?,
    })
}

fn tried(row: &Row) -> Result<Tried, Failure> {
    let duration: i64 = column(row, "delivery_tries", "duration")?;
    let status: Option<i32> = column(row, "delivery_tries", "status")?;
    let wrong = || unreadable("delivery_tries", "status", Unreadable("it is out of range"));
    Ok(Tried {
        at: time(row, "delivery_tries", "at")?,
        duration: Duration::from_nanos(duration.unsigned_abs()),
        status: status.map(|status| u16::try_from(status).map_err(|_| wrong())).transpose()?,
        error: column::<Option<&str>>(row, "delivery_tries", "error")?.map(Into::into),
    })
}
