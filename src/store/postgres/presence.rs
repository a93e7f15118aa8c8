//! Which replicas reach the server, until when expiry rests, and whether there is room.

use deadpool_postgres::Object;
use jiff::Timestamp;
use uuid::Uuid;

use super::columns::{Failure, time_if};
use super::keys;
use crate::store::kept::nanoseconds;

/// More than any change needs, in bytes.
const ROOM: usize = 256 * 1024;

/// The first schema with the tables that are used here.
const SCHEMA: u32 = 8;

/// This process, as the others see it. A process that is to know an older schema only is
/// not seen, and sees nobody.
pub(super) struct Replica {
    id: Uuid,
    is_seen: bool,
}

impl Replica {
    pub(super) fn new(schema: u32) -> Self {
        Self { id: Uuid::from_u128(rand::random()), is_seen: schema >= SCHEMA }
    }

    pub(super) const fn is_seen(&self) -> bool {
        self.is_seen
    }

    pub(super) async fn heard(&self, on: &Object, at: Timestamp) -> Result<(), Failure> {
        if !self.is_seen {
            return Ok(());
        }
        // What was asked before a connection was cut may arrive after what was asked later.
        let sql = "INSERT INTO replicas (id, heard_at) VALUES ($1, $2) ON CONFLICT (id) \
                   DO UPDATE SET heard_at = greatest(replicas.heard_at, excluded.heard_at)";
        on.execute(&on.prepare_cached(sql).await?, &[&self.id, &nanoseconds(at)]).await?;
        Ok(())
    }

    pub(super) async fn leave(&self, on: &Object) -> Result<(), Failure> {
        if self.is_seen {
            on.execute("DELETE FROM replicas WHERE id = $1", &[&self.id]).await?;
        }
        Ok(())
    }

    pub(super) async fn all_heard_until(
        &self,
        on: &Object,
        since: Timestamp,
    ) -> Result<Option<Timestamp>, Failure> {
        if !self.is_seen {
            return Ok(None);
        }
        let sql = "SELECT min(heard_at) AS heard_at FROM replicas WHERE heard_at >= $1";
        let row = on.query_one(&on.prepare_cached(sql).await?, &[&nanoseconds(since)]).await?;
        time_if(&row, "replicas", "heard_at")
    }

    /// A table that is begun anew takes its room from the disk, not from what it has left.
    pub(super) async fn has_room(&self, on: &mut Object) -> Result<(), Failure> {
        keys::probe(on).await?;
        if !self.is_seen {
            return Ok(());
        }
        let on = on.transaction().await?;
        on.batch_execute("TRUNCATE room").await?;
        let sql = "INSERT INTO room (filler) VALUES ($1)";
        on.execute(&on.prepare_cached(sql).await?, &[&vec![0_u8; ROOM]]).await?;
        Ok(on.rollback().await?)
    }
}
