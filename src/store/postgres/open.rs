//! Opening: one schema, brought up to date by whichever replica comes first, or a clear
//! word why not.

use tokio::sync::broadcast;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;
use tokio_util::task::AbortOnDropHandle;

use super::address::Address;
use super::admit::Admissions;
use super::change::Changes;
use super::connect::{Connections, PATIENCE};
use super::gather::Gather;
use super::lane::Lane;
use super::presence::Replica;
use super::{Postgres, Retention, feed, moving};
use crate::domain::Secret;
use crate::store::{OpenError, Settings};

pub(super) mod embedded {
    refinery::embed_migrations!("src/store/postgres/migrations");
}

/// How many notices of changes wait for whoever is slow; who misses one is told so.
const CHANGES: usize = 1024;

/// What a replica holds while it migrates: "RPschema" in ASCII.
const LOCK: &str = "SELECT pg_advisory_lock(5931033178073623905)";

pub(super) async fn open(url: &Secret, settings: &Settings) -> Result<Postgres, OpenError> {
    let (client, address, schema) = prepared(url).await?;
    moving::require_finished(&client, &address.shown).await?;
    drop(client);
    let connections = Connections::new(address.connector.clone());
    let (changed, _) = broadcast::channel(CHANGES);
    let listeners = [
        tokio::spawn(feed::listen(address.connector, changed.clone())),
        tokio::spawn(feed::look(connections.clone(), changed.clone())),
    ];
    Ok(Postgres {
        newest: Gather::start(connections.clone()),
        claiming: Gather::start(connections.clone()),
        changes: Lane::start(Changes, connections.clone()),
        admissions: Lane::start(Admissions { timing: settings.timing }, connections.clone()),
        connections,
        changed,
        listeners: listeners.map(AbortOnDropHandle::new),
        replica: Replica::new(schema),
        timing: settings.timing,
        retention: Retention::of(settings),
    })
}

/// A session of a server whose schema is up to date, and that schema. Others wait until it ends.
pub(super) async fn prepared(url: &Secret) -> Result<(Client, Address, u32), OpenError> {
    let address = Address::read(url)?;
    let server = address.shown.clone();
    let connecting = tokio::time::timeout(PATIENCE, address.connector.connect());
    let (mut client, _) = match connecting.await {
        Ok(Ok(connected)) => connected,
        Ok(Err(error)) => return Err(refused(server, error)),
        Err(error) => return Err(OpenError::Unreachable { server, source: Box::new(error) }),
    };
    let schema = migrate(&mut client, &address).await?;
    Ok((client, address, schema))
}

/// The newest schema that this release knows.
pub(super) fn known() -> u32 {
    let runner = embedded::migrations::runner();
    let newest = runner.get_migrations().iter().map(refinery::Migration::version).max();
    newest.and_then(|version| u32::try_from(version).ok()).unwrap_or(0)
}

/// Runs what is missing, while other replicas wait. The lock ends with the connection.
/// The schema that this process is to know.
async fn migrate(client: &mut Client, address: &Address) -> Result<u32, OpenError> {
    let server = || address.shown.clone();
    let refused = |error| refused(server(), error);
    // A migration, and waiting for another replica's, may take longer than a question.
    let patience = "SET statement_timeout = '10min'; SET lock_timeout = 0; \
                    SET idle_in_transaction_session_timeout = 0";
    client.batch_execute(patience).await.map_err(refused)?;
    client.batch_execute(LOCK).await.map_err(refused)?;
    let runner = embedded::migrations::runner();
    let newest = known();
    let known = address.newest_schema.map_or(newest, |less| less.min(newest));
    if let Some(oldest) = oldest_schema(client).await.map_err(refused)?
        && oldest > known
    {
        return Err(OpenError::TooOld { server: server(), oldest, known });
    }
    // A newer release may have added to the schema what this one need not know.
    let runner = runner
        .set_abort_missing(false)
        .set_target(refinery::Target::Version(i32::try_from(known).unwrap_or(i32::MAX)));
    let failed = |error| OpenError::Migration { server: server(), source: Box::new(error) };
    runner.run_async(client).await.map_err(failed)?;
    Ok(known)
}

/// The oldest schema that a release must know here; none in a new database.
async fn oldest_schema(client: &Client) -> Result<Option<u32>, tokio_postgres::Error> {
    let sql = "SELECT to_regclass('oldest_schema') IS NOT NULL";
    if !client.query_one(sql, &[]).await?.try_get::<_, bool>(0)? {
        return Ok(None);
    }
    let row = client.query_one("SELECT max(version) FROM oldest_schema", &[]).await?;
    let version: Option<i32> = row.try_get(0)?;
    Ok(version.and_then(|version| u32::try_from(version).ok()))
}

pub(super) fn refused(server: String, error: tokio_postgres::Error) -> OpenError {
    let source = Box::new(error);
    match source.code() {
        Some(code)
            if [
                &SqlState::INVALID_PASSWORD,
                &SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
                &SqlState::INVALID_CATALOG_NAME,
                &SqlState::INSUFFICIENT_PRIVILEGE,
            ]
            .contains(&code) =>
        {
            OpenError::NotAllowed { server, source }
        }
        _ => OpenError::Unreachable { server, source },
    }
}
