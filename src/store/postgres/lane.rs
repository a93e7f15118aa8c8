//! Group commit: one task takes what has queued up, writes it as one transaction, and only
//! then answers each caller.
//!
//! A lane has a connection of its own. What one job has wrong fails that job alone: then
//! each of the batch gets a transaction of its own. A commit whose answer is lost is neither
//! a success nor a failure, so the server is asked what became of the transaction.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_postgres::SimpleQueryMessage;

use super::columns::Failure;
use super::connect::{Connections, Link, within};
use super::feed::notify_and_commit;
use crate::domain::VerificationId;
use crate::store::StoreError;

/// The most jobs in one transaction.
const LARGEST_BATCH: usize = 256;

/// How many jobs may wait; whoever comes then waits for room.
const QUEUE: usize = 16 * LARGEST_BATCH;

/// How often a transaction is tried again that lost to others.
const TRIES: u32 = 10;

/// How often, and how long apart, it is asked what became of a transaction.
const QUESTIONS: u32 = 30;
const BETWEEN_QUESTIONS: Duration = Duration::from_millis(200);
/// How long it may take to learn that. A server that is away takes long for each question.
const QUESTIONING: Duration = Duration::from_secs(10);

/// A replica that stops in the middle loses its locks before the others, whose writes wait for
/// them, take the store for lost, which they do after a second. One that was only slow is
/// tried again, as the connection is closed then.
const BEGIN: &str = "BEGIN; SET LOCAL idle_in_transaction_session_timeout = '700ms'; \
                     SELECT pg_current_xact_id()::text";

/// Jobs of one kind, which are written together.
pub(super) trait Batch: Send + Sync + 'static {
    /// Something to be written.
    type Job: Send + Sync + 'static;
    /// What was found while it was written.
    type Done: Send;
    /// What its caller is told.
    type Answer: Send + 'static;

    /// Writes the jobs and commits, by way of [`Transaction`]. Runs again if the
    /// transaction did not come to be.
    fn write(
        &self,
        jobs: &[&Self::Job],
        transaction: &mut Transaction<'_, Self::Done>,
    ) -> impl Future<Output = Result<Ended, Failure>> + Send;

    /// The answer, once the transaction is on disk.
    fn answer(job: Self::Job, done: Self::Done) -> Self::Answer;
}

/// Says that a transaction was committed; only [`Transaction::commit`] makes it.
pub(super) struct Ended(());

/// A transaction on the way.
pub(super) struct Transaction<'l, D> {
    /// Its connection.
    pub(super) on: &'l Link,
    number: String,
    decided: Option<Vec<D>>,
}

impl<'l, D> Transaction<'l, D> {
    /// Begins it and learns its number, by which its end can be asked for.
    async fn begin(on: &'l Link) -> Result<Self, Failure> {
        let answers = on.simple_query(BEGIN).await?;
        let number = answers.iter().find_map(|answer| match answer {
            SimpleQueryMessage::Row(row) => row.get(0),
            _ => None,
        });
        Ok(Self { on, number: number.unwrap_or_default().to_owned(), decided: None })
    }

    /// Commits, and tells the other replicas of the versions that were made. `done` is what
    /// each job came to, in their order.
    pub(super) async fn commit(
        &mut self,
        done: Vec<D>,
        changed: &[(VerificationId, u32)],
    ) -> Result<Ended, Failure> {
        self.decided = Some(done);
        self.on.batch_execute(&notify_and_commit(changed)).await?;
        Ok(Ended(()))
    }
}

/// The way to a lane.
pub(super) struct Lane<B: Batch> {
    queue: mpsc::Sender<Message<B>>,
    /// Taken by whoever closes; held only to take.
    task: Mutex<Option<JoinHandle<()>>>,
}

enum Message<B: Batch> {
    Job(Waiting<B>),
    Close,
}

/// A job and who waits for it.
struct Waiting<B: Batch> {
    job: B::Job,
    reply: oneshot::Sender<Result<B::Answer, StoreError>>,
}

/// The store was closed.
#[derive(Debug, thiserror::Error)]
#[error("the store is closed")]
struct Closed;

/// The store was closed, or the task is gone.
pub(super) fn closed() -> StoreError {
    StoreError::Unavailable { source: Arc::new(Closed) }
}

impl<B: Batch> Lane<B> {
    /// Starts the task.
    pub(super) fn start(batch: B, connections: Connections) -> Self {
        let (queue, jobs) = mpsc::channel(QUEUE);
        let task = tokio::spawn(Worker { batch, connections, link: None }.run(jobs));
        Self { queue, task: Mutex::new(Some(task)) }
    }

    /// Queues a job and waits until it is on disk.
    pub(super) async fn submit(&self, job: B::Job) -> Result<B::Answer, StoreError> {
        let (reply, answered) = oneshot::channel();
        self.queue.send(Message::Job(Waiting { job, reply })).await.map_err(|_| closed())?;
        answered.await.map_err(|_| closed())?
    }

    /// Has everything queued written, then ends the task.
    pub(super) async fn close(&self) {
        // It fails when the task has ended already.
        let _ = self.queue.send(Message::Close).await;
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task
            && task.await.is_err()
        {
            tracing::error!(
                "a lane of the store ended by a panic; what it acknowledged is on disk"
            );
        }
    }
}

/// What became of a batch.
enum Outcome<D> {
    Stored(Vec<D>),
    /// One of its jobs is to blame.
    Broken(StoreError),
    /// The store is.
    Unavailable(StoreError),
}

struct Worker<B: Batch> {
    batch: B,
    connections: Connections,
    link: Option<Link>,
}

impl<B: Batch> Worker<B> {
    async fn run(mut self, mut jobs: mpsc::Receiver<Message<B>>) {
        let mut messages = Vec::with_capacity(LARGEST_BATCH);
        while jobs.recv_many(&mut messages, LARGEST_BATCH).await > 0 {
            let mut waiting = Vec::with_capacity(messages.len());
            for message in messages.drain(..) {
                match message {
                    Message::Job(job) => waiting.push(job),
                    // What is queued is still received, then the queue ends.
                    Message::Close => jobs.close(),
                }
            }
            if !waiting.is_empty() {
                self.settle(waiting).await;
            }
        }
    }

    /// Writes a batch and answers it.
    async fn settle(&mut self, waiting: Vec<Waiting<B>>) {
        let began = Instant::now();
        metrics::histogram!("ringproof_store_batch_size").record(waiting.len() as f64);
        let (jobs, replies): (Vec<_>, Vec<_>) =
            waiting.into_iter().map(|waiting| (waiting.job, waiting.reply)).unzip();
        let outcome = self.write(&jobs.iter().collect::<Vec<_>>()).await;
        metrics::histogram!("ringproof_store_commit_seconds").record(began.elapsed());
        let all = jobs.into_iter().zip(replies);
        // A caller that has gone does not need its answer.
        match outcome {
            Outcome::Stored(done) => {
                for ((job, reply), done) in all.zip(done) {
                    let _ = reply.send(Ok(B::answer(job, done)));
                }
            }
            Outcome::Broken(_) if all.len() > 1 => {
                for (job, reply) in all {
                    let _ = reply.send(self.alone(job).await);
                }
            }
            Outcome::Broken(error) | Outcome::Unavailable(error) => {
                for (_, reply) in all {
                    let _ = reply.send(Err(error.clone()));
                }
            }
        }
    }

    /// Writes one job by itself.
    async fn alone(&mut self, job: B::Job) -> Result<B::Answer, StoreError> {
        match self.write(&[&job]).await {
            Outcome::Stored(mut done) => {
                done.pop().map(|done| B::answer(job, done)).ok_or_else(closed)
            }
            Outcome::Broken(error) | Outcome::Unavailable(error) => Err(error),
        }
    }

    /// Writes jobs as one transaction, again if it lost to another one.
    async fn write(&mut self, jobs: &[&B::Job]) -> Outcome<B::Done> {
        let mut tries = 0;
        loop {
            tries += 1;
            let is_old = self.link.is_some();
            match self.once(jobs).await {
                Ok(done) => return Outcome::Stored(done),
                Err(failure) if failure.is_contention() && tries < TRIES => {}
                // The connection may have ended long ago, while nothing was written.
                Err(Failure::Driver(error)) if is_old && error.is_closed() && tries < TRIES => {}
                Err(failure) if failure.is_of_the_question() => {
                    return Outcome::Broken(failure.into());
                }
                Err(failure) => return Outcome::Unavailable(failure.into()),
            }
        }
    }

    /// Tries once. When this fails, nothing of it is stored, or it cannot be told.
    async fn once(&mut self, jobs: &[&B::Job]) -> Result<Vec<B::Done>, Failure> {
        let link = match self.link.take() {
            Some(link) => link,
            None => self.connections.take().await?,
        };
        let (mut number, mut decided) = (String::new(), None);
        let written = within(async {
            let mut transaction = Transaction::begin(&link).await?;
            number.clone_from(&transaction.number);
            let written = self.batch.write(jobs, &mut transaction).await;
            decided = transaction.decided.take();
            written
        });
        match (written.await, decided) {
            (Ok(Ended(())), decided) => {
                self.link = Some(link);
                Ok(decided.unwrap_or_default())
            }
            (Err(failure), decided) => self.recover(link, failure, &number, decided).await,
        }
    }

    /// What to make of a failure: the connection is used again only if it is known to be
    /// in order, and a commit that may have happened is looked up.
    async fn recover(
        &mut self,
        link: Link,
        failure: Failure,
        number: &str,
        decided: Option<Vec<B::Done>>,
    ) -> Result<Vec<B::Done>, Failure> {
        if failure.is_of_the_question() {
            let rolled_back =
                within(async { link.batch_execute("ROLLBACK").await.map_err(Failure::from) }).await;
            match rolled_back {
                Ok(()) => self.link = Some(link),
                Err(_) => link.discard(),
            }
            return Err(failure);
        }
        link.discard();
        let Some(done) = decided else { return Err(failure) };
        match self.was_committed(number).await {
            Some(true) => Ok(done),
            Some(false) => Err(failure),
            // Not tried again, as a closed connection is: it may be stored.
            None => Err(Failure::TimedOut),
        }
    }

    /// Whether a transaction was committed, if that can be told in time.
    async fn was_committed(&self, number: &str) -> Option<bool> {
        let known = tokio::time::timeout(QUESTIONING, self.asked(number)).await.ok().flatten();
        if known.is_none() {
            tracing::error!(
                "the store did not say whether it committed the last changes; they are answered as failed"
            );
        }
        known
    }

    /// What the server says became of a transaction. Its backend may still be at it.
    async fn asked(&self, number: &str) -> Option<bool> {
        for _ in 0..QUESTIONS {
            let status = match self.connections.take().await {
                Ok(link) => within(status(&link, number)).await.ok().flatten(),
                Err(_) => None,
            };
            match status.as_deref() {
                Some("committed") => return Some(true),
                Some("aborted") => return Some(false),
                _ => tokio::time::sleep(BETWEEN_QUESTIONS).await,
            }
        }
        None
    }
}

/// What the server says of a transaction; nothing if it has forgotten it.
async fn status(on: &Link, number: &str) -> Result<Option<String>, Failure> {
    let sql = "SELECT pg_xact_status($1::text::xid8)";
    let row = on.query_one(&on.prepare_cached(sql).await?, &[&number]).await?;
    Ok(row.try_get(0)?)
}
