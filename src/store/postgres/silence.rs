//! Whether an account's button calls are heard of.

use deadpool_postgres::Object;
use jiff::Timestamp;
use tokio_postgres::Row;

use super::columns::{Failure, column, unreadable};
use super::{Postgres, ask};
use crate::store::guard::Unheard;
use crate::store::{Calling, Silence, StoreError};

impl Postgres {
    pub(in crate::store) async fn notice_silence(
        &self,
        calling: Calling,
        now: Timestamp,
    ) -> Result<Silence, StoreError> {
        // Nearly always there is nothing to notice, and no row is locked.
        match ask!(self, on => look(on, &calling, now))? {
            Silence::Noticed => ask!(self, on => notice(on, &calling, now)),
            known => Ok(known),
        }
    }
}

async fn look(on: &Object, calling: &Calling, now: Timestamp) -> Result<Silence, Failure> {
    let sql = "SELECT windows FROM guard_windows WHERE key = $1";
    let row = on.query_opt(&on.prepare_cached(sql).await?, &[&calling.key.as_slice()]).await?;
    Ok(read(row.as_ref())?.notice(calling, now))
}

/// The same behind the lock, so that one replica alone is told that it is news.
async fn notice(on: &mut Object, calling: &Calling, now: Timestamp) -> Result<Silence, Failure> {
    let on = on.transaction().await?;
    let sql = "SELECT windows FROM guard_windows WHERE key = $1 FOR NO KEY UPDATE";
    let key = calling.key.as_slice();
    let row = on.query_opt(&on.prepare_cached(sql).await?, &[&key]).await?;
    let mut unheard = read(row.as_ref())?;
    let silence = unheard.notice(calling, now);
    if silence == Silence::Noticed {
        let sql = "UPDATE guard_windows SET windows = $2 WHERE key = $1";
        on.execute(&on.prepare_cached(sql).await?, &[&key, &&*unheard.pack()]).await?;
    }
    on.commit().await?;
    Ok(silence)
}

fn read(row: Option<&Row>) -> Result<Unheard, Failure> {
    let Some(row) = row else { return Ok(Unheard::default()) };
    let packed: &[u8] = column(row, "guard_windows", "windows")?;
    Unheard::read(packed).map_err(|source| unreadable("guard_windows", "windows", source))
}
