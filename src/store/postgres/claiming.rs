//! What claims are held by, asked for many at once: every notification asks, and the server
//! answers a hundred as quickly as a few.

use deadpool_postgres::Object;
use tokio::sync::{mpsc, oneshot};
use tokio_postgres::Row;

use super::ask;
use super::columns::{Failure, claim, column, verification as read};
use super::connect::Connections;
use super::lane::closed;
use crate::domain::{Claim, Verification};
use crate::store::StoreError;
use crate::store::kept::form;

/// The most that are asked for at once.
const MOST: usize = 256;

/// How many may wait; whoever comes then waits for room.
const QUEUE: usize = 16 * MOST;

/// The verification that a claim names, with all that it claims.
type Holder = Option<(Verification, Vec<Claim>)>;

/// Whoever holds a claim, by the claim's place among those asked for. LIMIT and OFFSET keep the
/// server from joining the tables as wholes, which it takes to be cheaper than it is.
const HOLDERS: &str = "\
    SELECT asked.place, found.record, held.account, held.form \
    FROM unnest($1::text[], $2::int8[]) WITH ORDINALITY AS asked (account, form, place) \
    CROSS JOIN LATERAL (SELECT verification_id FROM claims \
    WHERE claims.account = asked.account AND claims.form = asked.form LIMIT 1) AS named \
    CROSS JOIN LATERAL (SELECT record FROM verifications \
    WHERE verifications.id = named.verification_id LIMIT 1) AS found \
    CROSS JOIN LATERAL (SELECT account, form FROM claims \
    WHERE claims.verification_id = named.verification_id OFFSET 0) AS held \
    ORDER BY asked.place";

/// The way to whoever asks the server.
pub(super) struct Claiming(mpsc::Sender<Asked>);

/// A claim and who waits for its holder.
struct Asked {
    claim: Claim,
    reply: oneshot::Sender<Result<Holder, StoreError>>,
}

impl Claiming {
    /// Starts the task; it ends with the store.
    pub(super) fn start(connections: Connections) -> Self {
        let (queue, asked) = mpsc::channel(QUEUE);
        tokio::spawn(Asking { connections }.run(asked));
        Self(queue)
    }

    /// Who holds a claim, as the store says after this was called.
    pub(super) async fn holder(&self, claim: Claim) -> Result<Holder, StoreError> {
        let (reply, answered) = oneshot::channel();
        self.0.send(Asked { claim, reply }).await.map_err(|_| closed())?;
        answered.await.map_err(|_| closed())?
    }
}

struct Asking {
    connections: Connections,
}

impl Asking {
    async fn run(self, mut queue: mpsc::Receiver<Asked>) {
        let mut waiting = Vec::with_capacity(MOST);
        while queue.recv_many(&mut waiting, MOST).await > 0 {
            let (wanted, replies): (Vec<Claim>, Vec<_>) =
                waiting.drain(..).map(|asked| (asked.claim, asked.reply)).unzip();
            let holders: Result<_, StoreError> = ask!(self, on => holders(on, &wanted));
            // A caller that has gone does not need its answer.
            match holders {
                Ok(holders) => {
                    for (reply, holder) in replies.into_iter().zip(holders) {
                        let _ = reply.send(holder.map_err(StoreError::from));
                    }
                }
                Err(error) => {
                    for reply in replies {
                        let _ = reply.send(Err(error.clone()));
                    }
                }
            }
        }
    }
}

/// The holders, in the order of the claims. A row that cannot be read concerns only who
/// asked for it.
async fn holders(on: &Object, wanted: &[Claim]) -> Result<Vec<Result<Holder, Failure>>, Failure> {
    let accounts: Vec<&str> = wanted.iter().map(|claim| claim.account.as_str()).collect();
    let forms: Vec<i64> = wanted.iter().map(form).collect();
    let rows = on.query(&on.prepare_cached(HOLDERS).await?, &[&accounts, &forms]).await?;
    let mut holders: Vec<_> = wanted.iter().map(|_| Ok(None)).collect();
    for of_one in rows.chunk_by(|a, b| place(a).ok() == place(b).ok()) {
        let place = usize::try_from(place(&of_one[0])?).unwrap_or(usize::MAX);
        if let Some(holder) = holders.get_mut(place.wrapping_sub(1)) {
            *holder = held(of_one).map(Some);
        }
    }
    Ok(holders)
}

/// The place of a row's claim, from 1.
fn place(row: &Row) -> Result<i64, Failure> {
    column(row, "claims", "place")
}

fn held(rows: &[Row]) -> Result<(Verification, Vec<Claim>), Failure> {
    Ok((read(&rows[0])?, rows.iter().map(claim).collect::<Result<_, _>>()?))
}
