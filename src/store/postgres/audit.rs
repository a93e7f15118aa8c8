//! The audit log's rows. Appended within the transaction of what they tell of, behind a lock
//! on the log's head, which every append takes last.

use deadpool_postgres::{Object, Transaction};
use jiff::Timestamp;
use tokio_postgres::Row;

use super::columns::{Failure, column, number, text, time};
use super::keys::digest;
use super::{Postgres, ask};
use crate::store::kept::nanoseconds;
use crate::store::{AuditEntry, AuditHead, Audited, StoreError};

impl Postgres {
    pub(in crate::store) async fn audit(&self, audited: Audited) -> Result<AuditHead, StoreError> {
        let head = ask!(self, on => alone(on, &audited))?;
        head.announce();
        Ok(head)
    }

    pub(in crate::store) async fn audit_log(
        &self,
        before: Option<u64>,
        limit: u16,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        let before = before.map_or(i64::MAX, place);
        let sql = "SELECT * FROM audit WHERE sequence < $1 ORDER BY sequence DESC LIMIT $2";
        ask!(self, on => entries(on, sql, before, limit))
    }

    pub(in crate::store) async fn audit_after(
        &self,
        after: u64,
        limit: u16,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        let after = place(after);
        let sql = "SELECT * FROM audit WHERE sequence > $1 ORDER BY sequence LIMIT $2";
        ask!(self, on => entries(on, sql, after, limit))
    }

    pub(in crate::store) async fn audit_head(&self) -> Result<AuditHead, StoreError> {
        ask!(self, on => head(on))
    }
}

/// Tells where the log ends, if something was appended.
pub(super) fn announced<T>((done, head): (T, Option<AuditHead>)) -> T {
    if let Some(head) = head {
        head.announce();
    }
    done
}

async fn alone(on: &mut Object, audited: &Audited) -> Result<AuditHead, Failure> {
    let on = on.transaction().await?;
    let head = append(&on, audited).await?;
    on.commit().await?;
    Ok(head)
}

/// Appends an entry in the transaction under way.
pub(super) async fn append(on: &Transaction<'_>, audited: &Audited) -> Result<AuditHead, Failure> {
    let sql = "SELECT count, hash FROM audit_head FOR UPDATE";
    let last = read_head(&on.query_one(&on.prepare_cached(sql).await?, &[]).await?)?;
    // What is read back must hash alike.
    let kept = Timestamp::from_nanosecond(i128::from(nanoseconds(audited.at)));
    let clean = |part: &str| Box::<str>::from(text(part));
    let audited = Audited {
        at: kept.unwrap_or(Timestamp::MIN),
        actor: clean(&audited.actor),
        action: clean(&audited.action),
        subject: clean(&audited.subject),
        before: audited.before.as_deref().map(clean),
        after: audited.after.as_deref().map(clean),
    };
    let head = last.then(&audited);
    let sql = "INSERT INTO audit (sequence, at, actor, action, subject, before, after, hash) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let statement = on.prepare_cached(sql).await?;
    let (count, hash) = (place(head.count), head.hash.as_slice());
    on.execute(
        &statement,
        &[
            &count,
            &nanoseconds(audited.at),
            &&*audited.actor,
            &&*audited.action,
            &&*audited.subject,
            &audited.before.as_deref(),
            &audited.after.as_deref(),
            &hash,
        ],
    )
    .await?;
    let sql = "UPDATE audit_head SET count = $1, hash = $2";
    on.execute(&on.prepare_cached(sql).await?, &[&count, &hash]).await?;
    Ok(head)
}

async fn head(on: &Object) -> Result<AuditHead, Failure> {
    let sql = "SELECT count, hash FROM audit_head";
    read_head(&on.query_one(&on.prepare_cached(sql).await?, &[]).await?)
}

fn read_head(row: &Row) -> Result<AuditHead, Failure> {
    Ok(AuditHead {
        count: number::<i64, u64>(row, "audit_head", "count")?,
        hash: digest(column(row, "audit_head", "hash")?, "audit_head", "hash")?,
    })
}

async fn entries(
    on: &Object,
    sql: &str,
    from: i64,
    limit: u16,
) -> Result<Vec<AuditEntry>, Failure> {
    let statement = on.prepare_cached(sql).await?;
    let rows = on.query(&statement, &[&from, &i64::from(limit)]).await?;
    rows.iter().map(read).collect()
}

fn read(row: &Row) -> Result<AuditEntry, Failure> {
    let part = |of| column::<&str>(row, "audit", of).map(Into::into);
    let part_if = |of| column::<Option<&str>>(row, "audit", of).map(|text| text.map(Into::into));
    Ok(AuditEntry {
        sequence: number::<i64, u64>(row, "audit", "sequence")?,
        audited: Audited {
            at: time(row, "audit", "at")?,
            actor: part("actor")?,
            action: part("action")?,
            subject: part("subject")?,
            before: part_if("before")?,
            after: part_if("after")?,
        },
        hash: digest(column(row, "audit", "hash")?, "audit", "hash")?,
    })
}

fn place(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
