//! The target of a move: an empty database, filled by `COPY`, and what says that it is not
//! finished; and places of the source's feed, which go on counting here.

use std::io::Cursor;
use std::pin::pin;
use std::time::Duration;

use deadpool_postgres::Object;
use futures_util::{SinkExt, TryStreamExt};
use sha2::{Digest, Sha256};
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;
use tokio_util::task::AbortOnDropHandle;

use super::columns::{Failure, column};
use super::connect::PATIENCE;
use super::open;
use crate::domain::Secret;
use crate::store::moving::{Batch, KeyPart, Kind, MoveError, Sum, Table};
use crate::store::{JournalCursor, OpenError};

/// What a copy holds as long as it goes on: "RPmoving" in ASCII. The server gives back that of
/// a process that was killed as soon as it notices, from release 14 on within a second.
const LOCK: &str = "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; \
                    SET tcp_user_timeout = '60s'; \
                    SELECT set_config(name, '1s', false) FROM pg_settings \
                    WHERE name = 'client_connection_check_interval'; \
                    SET lock_timeout = '5s'; SELECT pg_advisory_lock(5931361034742361703); \
                    SET lock_timeout = 0";

/// How long either side may take nothing from the other.
const BUSY: Duration = Duration::from_secs(60);

/// What a new store holds already.
const NOT_FILLED: [&str; 4] =
    ["refinery_schema_history", "oldest_schema", "audit_head", "unfinished_copy"];

/// A database that is being filled.
pub(in crate::store) struct Target {
    client: Client,
    server: String,
    /// The fingerprint of the source of an unfinished copy.
    unfinished: Option<Vec<u8>>,
    _connection: AbortOnDropHandle<()>,
}

impl Target {
    /// Brings the schema up to date, and sees that nobody else copies, and that there is
    /// nothing but perhaps an unfinished copy.
    pub(in crate::store) async fn open(url: &Secret) -> Result<Self, MoveError> {
        let (first, address, _) = open::prepared(url).await?;
        // It holds the lock of migrations, which servers wait for.
        drop(first);
        let (server, mut connector) = (address.shown, address.connector);
        // A server that is busy with what it got is no broken one.
        connector.config.tcp_user_timeout(BUSY);
        let connecting = tokio::time::timeout(PATIENCE, connector.connect());
        let (client, connection) = match connecting.await {
            Ok(Ok(connected)) => connected,
            Ok(Err(error)) => return Err(open::refused(server, error).into()),
            Err(error) => {
                return Err(OpenError::Unreachable { server, source: Box::new(error) }.into());
            }
        };
        let _connection = AbortOnDropHandle::new(connection);
        let mut target = Self { client, server, unfinished: None, _connection };
        target.client.batch_execute(LOCK).await.map_err(|error| match error.code() {
            Some(&SqlState::LOCK_NOT_AVAILABLE) => {
                MoveError::UnderWay { server: target.server.clone() }
            }
            _ => target.refused(error),
        })?;
        target.look().await?;
        Ok(target)
    }

    async fn look(&mut self) -> Result<(), MoveError> {
        let sql = "SELECT max(version)::int8 FROM refinery_schema_history";
        let found = self.number(sql).await?;
        let (found, known) = (u32::try_from(found).unwrap_or(u32::MAX), open::known());
        if found != known {
            return Err(MoveError::OtherSchema { server: self.server.clone(), found, known });
        }
        let sql = "SELECT source FROM unfinished_copy";
        let marked = self.client.query_opt(sql, &[]).await.map_err(|error| self.refused(error))?;
        self.unfinished =
            marked.map(|row| row.try_get(0)).transpose().map_err(|error| self.refused(error))?;
        if self.unfinished.is_some() { Ok(()) } else { self.require_empty().await }
    }

    async fn require_empty(&self) -> Result<(), MoveError> {
        let sql = "SELECT relname::text FROM pg_class WHERE relkind IN ('r', 'p') \
                   AND NOT relispartition \
                   AND relnamespace = current_schema()::regnamespace ORDER BY relname";
        let tables = self.client.query(sql, &[]).await.map_err(|error| self.refused(error))?;
        for row in &tables {
            let table: String = row.try_get(0).map_err(|error| self.refused(error))?;
            if NOT_FILLED.contains(&table.as_str()) {
                continue;
            }
            let quoted = table.replace('"', "\"\"");
            let sql = format!("SELECT count(*) FROM (SELECT 1 FROM \"{quoted}\" LIMIT 1) AS one");
            if self.number(&sql).await? > 0 {
                return Err(MoveError::NotEmpty { server: self.server.clone(), table });
            }
        }
        Ok(())
    }

    /// Where it is, without who asks.
    pub(in crate::store) fn server(&self) -> &str {
        &self.server
    }

    /// Notes which store is being copied, or that an unfinished copy of it is gone on with.
    pub(in crate::store) async fn begin(&self, source: [u8; 32]) -> Result<(), MoveError> {
        match &self.unfinished {
            Some(unfinished) if *unfinished == source => Ok(()),
            Some(_) => Err(MoveError::OtherCopy { server: self.server.clone() }),
            None => {
                // The head of an empty log makes room for the source's.
                let sql = "WITH emptied AS (DELETE FROM audit_head) \
                           INSERT INTO unfinished_copy (one, source) VALUES (true, $1)";
                let noted = self.client.execute(sql, &[&source.as_slice()]).await;
                noted.map(drop).map_err(|error| self.refused(error))
            }
        }
    }

    /// How many rows a table has.
    pub(in crate::store) async fn count(&self, table: &Table) -> Result<u64, MoveError> {
        let rows = self.number(&format!("SELECT count(*) FROM {}", table.name)).await?;
        Ok(u64::try_from(rows).unwrap_or(0))
    }

    /// The last key of a table; of an empty one no parts at all.
    pub(in crate::store) async fn last_key(
        &self,
        table: &Table,
    ) -> Result<Vec<KeyPart>, MoveError> {
        let parts: Vec<String> = table.keys().iter().map(read_part).collect();
        let order = order(table, " DESC");
        let (parts, name) = (parts.join(", "), table.name);
        let sql = format!("SELECT {parts} FROM {name} ORDER BY {order} LIMIT 1");
        let row = self.client.query_opt(&sql, &[]).await.map_err(|error| self.refused(error))?;
        let Some(row) = row else { return Ok(Vec::new()) };
        let part = |(at, (_, kind)): (usize, &(&str, Kind))| match kind {
            Kind::Int2 | Kind::Int4 | Kind::Int8 | Kind::Flag => row.try_get(at).map(KeyPart::Int),
            Kind::Text | Kind::TextAsBytes => row.try_get(at).map(KeyPart::Text),
            Kind::Id | Kind::Bytes => row.try_get(at).map(KeyPart::Bytes),
        };
        let parts: Result<_, _> = table.keys().iter().enumerate().map(part).collect();
        parts.map_err(|error| self.refused(error))
    }

    /// Writes rows, all of them or none; how many.
    pub(in crate::store) async fn add(
        &self,
        table: &Table,
        batch: Batch,
    ) -> Result<u64, MoveError> {
        let (name, columns) = (table.name, table.column_list());
        let sql = format!("COPY {name} ({columns}) FROM STDIN (FORMAT BINARY)");
        let adding = async {
            let mut sink = pin!(self.client.copy_in(&sql).await?);
            sink.send(Cursor::new(batch.into_stream())).await?;
            sink.finish().await
        };
        adding.await.map_err(|error| self.refused(error))
    }

    /// The rows and the checksum of a table.
    pub(in crate::store) async fn sum(&self, table: &Table) -> Result<Sum, MoveError> {
        let (name, columns, order) = (table.name, table.column_list(), order(table, ""));
        let sql = format!(
            "COPY (SELECT {columns} FROM {name} ORDER BY {order}) TO STDOUT (FORMAT BINARY)"
        );
        let summing = async {
            let mut hash = Sha256::new();
            let mut stream = pin!(self.client.copy_out(&sql).await?);
            while let Some(bytes) = stream.try_next().await? {
                hash.update(&bytes);
            }
            Ok(hash.finalize().into())
        };
        let digest = summing.await.map_err(|error| self.refused(error))?;
        Ok(Sum { rows: self.count(table).await?, digest })
    }

    /// Has numbers go on behind the copied ones, and lets servers in; where it is.
    pub(in crate::store) async fn finish(self) -> Result<String, MoveError> {
        let go_on = "SELECT setval(pg_get_serial_sequence('journal', 'sequence'), max(sequence)) \
                     FROM journal HAVING max(sequence) > 0";
        // One by one, each in a transaction of its own.
        for statement in [go_on, "ANALYZE", "DELETE FROM unfinished_copy"] {
            let done = self.client.batch_execute(statement).await;
            done.map_err(|error| self.refused(error))?;
        }
        Ok(self.server)
    }

    async fn number(&self, sql: &str) -> Result<i64, MoveError> {
        let row = self.client.query_one(sql, &[]).await.map_err(|error| self.refused(error))?;
        row.try_get(0).map_err(|error| self.refused(error))
    }

    fn refused(&self, error: tokio_postgres::Error) -> MoveError {
        MoveError::Refused { server: self.server.clone(), source: Box::new(error) }
    }
}

/// A part of a key, as it is bound at the source.
fn read_part((name, kind): &(&str, Kind)) -> String {
    match kind {
        Kind::Int2 | Kind::Int4 | Kind::Int8 | Kind::Flag => format!("{name}::int8"),
        Kind::Text | Kind::Bytes => (*name).to_owned(),
        Kind::TextAsBytes => format!("convert_from({name}, 'UTF8')"),
        Kind::Id => format!("uuid_send({name})"),
    }
}

/// The order of keys, which is that of their bytes, as at the source.
fn order(table: &Table, direction: &str) -> String {
    let part = |(name, kind): &(&str, Kind)| match kind {
        Kind::Text => format!("{name} COLLATE \"C\"{direction}"),
        _ => format!("{name}{direction}"),
    };
    table.keys().iter().map(part).collect::<Vec<_>>().join(", ")
}

/// Refuses a store that holds part of another one.
pub(super) async fn require_finished(client: &Client, server: &str) -> Result<(), OpenError> {
    let refused = |error| open::refused(server.to_owned(), error);
    let sql = "SELECT to_regclass('unfinished_copy') IS NOT NULL";
    let row = client.query_one(sql, &[]).await.map_err(refused)?;
    // A process that is to know an older schema has no such table.
    if !row.try_get::<_, bool>(0).map_err(refused)? {
        return Ok(());
    }
    let unfinished = client.query_opt("SELECT 1 FROM unfinished_copy", &[]).await;
    match unfinished.map_err(refused)? {
        None => Ok(()),
        Some(_) => Err(OpenError::UnfinishedCopy { server: server.to_owned() }),
    }
}

/// A place in the feed of the store that was copied here, as a place in this one. Rows were
/// copied in order, so what lies behind the one lies behind the other. Others stay as they are.
pub(super) async fn place(on: &Object, of: JournalCursor) -> Result<JournalCursor, Failure> {
    if of.major != 0 || of.minor == 0 {
        return Ok(of);
    }
    let sql = "SELECT transaction::text AS transaction, sequence FROM journal \
               WHERE sequence <= $1 ORDER BY sequence DESC LIMIT 1";
    let sequence = i64::try_from(of.minor).unwrap_or(i64::MAX);
    let row = on.query_opt(&on.prepare_cached(sql).await?, &[&sequence]).await?;
    let Some(row) = row else { return Ok(of) };
    let transaction: &str = column(&row, "journal", "transaction")?;
    let sequence: i64 = column(&row, "journal", "sequence")?;
    Ok(JournalCursor {
        major: transaction.parse().unwrap_or(u64::MAX),
        minor: u64::try_from(sequence).unwrap_or(0),
    })
}
