//! Whether an account's button calls are heard of.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::Sqlite;
use super::columns::{Failure, unreadable};
use super::guard::windows_of;
use crate::store::guard::Unheard;
use crate::store::{Calling, Silence, StoreError};

impl Sqlite {
    pub(in crate::store) async fn notice_silence(
        &self,
        calling: Calling,
        now: Timestamp,
    ) -> Result<Silence, StoreError> {
        let look = move |on: &Connection| look(on, &calling, now).map(|(silence, _)| silence);
        // Nearly always there is nothing to notice, and the writer is left alone.
        match self.readers.read(look).await? {
            Silence::Noticed => self.write(move |on| notice(on, &calling, now)).await,
            known => Ok(known),
        }
    }
}

fn look(on: &Connection, calling: &Calling, now: Timestamp) -> Result<(Silence, Unheard), Failure> {
    let unread = |source| unreadable("guard_windows", "windows", source);
    let packed = windows_of(on, &calling.key)?;
    let unheard = packed.as_deref().map(Unheard::read).transpose().map_err(unread)?;
    let mut unheard = unheard.unwrap_or_default();
    Ok((unheard.notice(calling, now), unheard))
}

fn notice(on: &Connection, calling: &Calling, now: Timestamp) -> Result<Silence, Failure> {
    let (silence, unheard) = look(on, calling, now)?;
    if silence == Silence::Noticed {
        let sql = "UPDATE guard_windows SET windows = ?2 WHERE key = ?1";
        on.prepare_cached(sql)?.execute(params![calling.key, unheard.pack()])?;
    }
    Ok(silence)
}
