//! What other replicas changed: told by NOTIFY, one for each batch, and looked up every
//! second beside, so that one that is lost costs a second and nothing else.
//!
//! The look-up reads the journal on in the order of transactions, up to the oldest one under
//! way, so a row that commits late is not passed over.

use std::future::poll_fn;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tokio::sync::broadcast;
use tokio::time::Instant;
use tokio_postgres::AsyncMessage;

use super::columns::{Failure, column, id, number};
use super::connect::{Connections, Connector, Link, PATIENCE, within};
use crate::domain::VerificationId;
use crate::store::Changed;

/// What is listened to.
const CHANNEL: &str = "ringproof_changes";

/// The longest text that the server takes along.
const LONGEST: usize = 7_999;

/// How often is looked, whatever was told.
const LOOK: Duration = Duration::from_millis(900);

/// How long after a lost connection another one is tried.
const AGAIN: Duration = Duration::from_millis(200);

/// How many rows one look takes.
const AT_ONCE: i64 = 4096;

/// What ends a transaction that made these versions.
pub(super) fn notify_and_commit(changed: &[(VerificationId, u32)]) -> String {
    if changed.is_empty() {
        return "COMMIT".to_owned();
    }
    let one = |(id, version): &(VerificationId, u32)| {
        format!("{}{version}", URL_SAFE_NO_PAD.encode(id.as_bytes()))
    };
    let mut all = changed.iter().map(one).collect::<Vec<_>>().join(",");
    if all.len() > LONGEST {
        // Nothing in particular: the others look for themselves.
        all.clear();
    }
    format!("NOTIFY {CHANNEL}, '{all}'; COMMIT")
}

/// What a notification tells; nothing in particular if it is not understood.
fn told(payload: &str) -> Changed {
    let one = |text: &str| {
        let (id, version) = text.split_at_checked(22)?;
        let id: [u8; 16] = URL_SAFE_NO_PAD.decode(id).ok()?.try_into().ok()?;
        Some((VerificationId::from_bytes(id), version.parse().ok()?))
    };
    payload.split(',').map(one).collect::<Option<Vec<_>>>().map_or(Changed::Missed, Changed::These)
}

/// Listens until its connection ends, then makes another one.
pub(super) async fn listen(connector: Connector, tell: broadcast::Sender<Changed>) {
    loop {
        if let Err(error) = listen_once(&connector, &tell).await {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "what other replicas change is looked up only, until the store can be listened to again"
            );
        }
        tokio::time::sleep(AGAIN).await;
    }
}

async fn listen_once(
    connector: &Connector,
    tell: &broadcast::Sender<Changed>,
) -> Result<(), tokio_postgres::Error> {
    let connecting = connector.config.connect(connector.tls.clone());
    let Ok(connected) = tokio::time::timeout(PATIENCE, connecting).await else { return Ok(()) };
    let (client, mut connection) = connected?;
    let listen = format!("LISTEN {CHANNEL}");
    let listening = client.batch_execute(&listen);
    tokio::pin!(listening);
    let mut is_listening = false;
    loop {
        tokio::select! {
            listens = &mut listening, if !is_listening => {
                listens?;
                is_listening = true;
                // What was told meanwhile, nobody heard.
                let _ = tell.send(Changed::Missed);
            }
            message = poll_fn(|context| connection.poll_message(context)) => match message {
                Some(Ok(AsyncMessage::Notification(notification))) => {
                    // Nobody may be interested.
                    let _ = tell.send(told(notification.payload()));
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error),
                None => return Ok(()),
            },
        }
    }
}

/// Looks every second for what was changed since.
pub(super) async fn look(connections: Connections, tell: broadcast::Sender<Changed>) {
    let mut cursor: Option<(String, i64)> = None;
    let mut next = Instant::now();
    loop {
        tokio::time::sleep_until(next).await;
        next = Instant::now() + LOOK;
        if tell.receiver_count() == 0 {
            cursor = None;
            continue;
        }
        let Ok(link) = connections.take().await else { continue };
        match within(look_once(&link, cursor.as_ref())).await {
            Ok((changed, end)) => {
                if changed.len() as i64 == AT_ONCE {
                    next = Instant::now();
                }
                cursor = Some(end);
                if !changed.is_empty() {
                    let _ = tell.send(Changed::These(changed));
                }
            }
            Err(_) => link.discard(),
        }
    }
}

type Place = (String, i64);

async fn look_once(
    on: &Link,
    after: Option<&Place>,
) -> Result<(Vec<(VerificationId, u32)>, Place), Failure> {
    let Some((transaction, sequence)) = after else {
        // All before this is settled; all that is not will be found.
        let sql = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS transaction";
        let row = on.query_one(&on.prepare_cached(sql).await?, &[]).await?;
        return Ok((Vec::new(), (column(&row, "journal", "transaction")?, -1)));
    };
    let sql = "SELECT id, version, journal.transaction::text AS transaction, sequence \
               FROM journal JOIN verifications ON id = verification_id \
               WHERE entries IS NOT NULL \
               AND (journal.transaction, sequence) > ($1::text::xid8, $2) \
               AND journal.transaction < pg_snapshot_xmin(pg_current_snapshot()) \
               ORDER BY journal.transaction, sequence LIMIT $3";
    let statement = on.prepare_cached(sql).await?;
    let rows = on.query(&statement, &[transaction, sequence, &AT_ONCE]).await?;
    let mut changed = Vec::with_capacity(rows.len());
    for row in &rows {
        changed.push((
            id(row, "verifications", "id")?,
            number::<i32, u32>(row, "verifications", "version")?,
        ));
    }
    let end = rows.last().map_or(Ok((transaction.clone(), *sequence)), |row| {
        Ok::<_, Failure>((
            column(row, "journal", "transaction")?,
            column(row, "journal", "sequence")?,
        ))
    })?;
    Ok((changed, end))
}
