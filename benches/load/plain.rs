//! What the replicas are measured against: rows that are only inserted, on a server of
//! PostgreSQL's where nothing else runs.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures_util::future::try_join_all;
use tokio_postgres::{Client, NoTls};

use super::subject::runtime;

/// Rows in one transaction.
const BATCH: usize = 256;
/// Bytes of a row, as a notification has them.
const BODY: [u8; 260] = [b'n'; 260];

/// Rows a second: one connection, each row a statement of its own, prepared and pipelined,
/// a commit on disk behind each batch.
pub fn inserts(url: &str, span: Duration) -> Result<f64> {
    runtime()?.block_on(async {
        let (client, connection) =
            tokio_postgres::connect(url, NoTls).await.context("while connecting")?;
        let driving = tokio::spawn(connection);
        let rate = insert(&client, span).await;
        drop(client);
        driving.await??;
        rate
    })
}

async fn insert(client: &Client, span: Duration) -> Result<f64> {
    let table =
        "CREATE TABLE plain (id int8 PRIMARY KEY, at timestamptz DEFAULT now(), body bytea)";
    client.batch_execute(table).await?;
    let statement = client.prepare("INSERT INTO plain (id, body) VALUES ($1, $2)").await?;
    let (began, mut rows) = (Instant::now(), 0);
    while began.elapsed() < span {
        client.batch_execute("BEGIN").await?;
        let ids: Vec<i64> = (rows..).take(BATCH).collect();
        let body = BODY.as_slice();
        try_join_all(ids.iter().map(|id| async { client.execute(&statement, &[id, &body]).await }))
            .await?;
        client.batch_execute("COMMIT").await?;
        rows += BATCH as i64;
    }
    Ok(rows as f64 / began.elapsed().as_secs_f64())
}
