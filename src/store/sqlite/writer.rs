//! The one writer: takes what has queued up, commits it as one transaction,
//! and only then answers each caller.
//!
//! One thread owns the writing connection, so no lock is held anywhere. What
//! fails is told to every caller that it concerns; the thread goes on.

use std::fs::File;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Instant;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::Failure;
use super::checkpoint::Checkpoints;
use crate::store::StoreError;

/// The most jobs in one transaction.
const LARGEST_BATCH: usize = 1024;

/// How many jobs may wait; whoever comes then waits for room.
const QUEUE: usize = 4 * LARGEST_BATCH;

/// Something to be done in a transaction, and answered after it.
pub(super) trait Work: Send + 'static {
    /// What it found while it ran.
    type Done: Send;
    /// What its caller is told.
    type Answer: Send + 'static;

    /// Runs within the transaction. May run again after a rollback.
    fn run(&mut self, on: &Connection) -> Result<Self::Done, Failure>;

    /// The answer, once the transaction is on disk.
    fn answer(self, done: Self::Done) -> Self::Answer;
}

/// Work that answers what it found.
pub(super) struct Simply<F>(pub(super) F);

impl<T, F> Work for Simply<F>
where
    T: Send + 'static,
    F: FnMut(&Connection) -> Result<T, Failure> + Send + 'static,
{
    type Done = T;
    type Answer = T;

    fn run(&mut self, on: &Connection) -> Result<T, Failure> {
        (self.0)(on)
    }

    fn answer(self, done: T) -> T {
        done
    }
}

/// The way to the writing thread.
pub(super) struct Writer {
    queue: mpsc::Sender<Message>,
    /// Taken by whoever closes; held only to take.
    thread: Mutex<Option<JoinHandle<()>>>,
}

enum Message {
    Job(Box<dyn Job>),
    Close,
}

/// The store was closed, or its writer is gone.
#[derive(Debug, thiserror::Error)]
#[error("the store is closed")]
struct Closed;

fn closed() -> StoreError {
    StoreError::Unavailable { source: Arc::new(Closed) }
}

impl Writer {
    /// Starts the thread. It holds `lock` until its connection is closed.
    pub(super) fn start(
        connection: Connection,
        checkpoints: Checkpoints,
        lock: File,
    ) -> std::io::Result<Self> {
        let (queue, jobs) = mpsc::channel(QUEUE);
        let thread = Builder::new().name("store-writer".to_owned()).spawn(move || {
            write_all(&connection, jobs, &checkpoints);
            checkpoints.end();
            let closed = connection.close();
            // Only a store that is closed in order need not be looked through.
            if let Err(error) = closed
                .map_or_else(|(_, error)| Err(std::io::Error::other(error)), |()| lock.set_len(0))
            {
                tracing::warn!(error = %error, "the store was not closed in order");
            }
            drop(lock);
        })?;
        Ok(Self { queue, thread: Mutex::new(Some(thread)) })
    }

    /// Queues work and waits until it is on disk.
    pub(super) fn submit<W: Work>(
        &self,
        work: W,
    ) -> impl Future<Output = Result<W::Answer, StoreError>> + Send + use<'_, W> {
        let (reply, answered) = oneshot::channel();
        let job: Box<dyn Job> = Box::new(Queued { work, outcome: None, reply: Some(reply) });
        async move {
            self.queue.send(Message::Job(job)).await.map_err(|_| closed())?;
            answered.await.map_err(|_| closed())?.answer()
        }
    }

    /// Has everything queued written, then ends the thread.
    pub(super) async fn close(&self) {
        // It fails when the thread has ended already.
        let _ = self.queue.send(Message::Close).await;
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let joined = tokio::task::spawn_blocking(move || thread.join()).await;
            if !matches!(joined, Ok(Ok(()))) {
                tracing::error!(
                    "the store's writer ended by a panic; what it acknowledged is on disk"
                );
            }
        }
    }
}

/// Work together with its caller. It goes back to the caller as a whole, since
/// memory is freed cheapest where it was made.
struct Queued<W: Work> {
    work: W,
    outcome: Option<Result<W::Done, StoreError>>,
    reply: Option<oneshot::Sender<Box<Self>>>,
}

trait Job: Send {
    fn run(&mut self, on: &Connection) -> Result<(), Failure>;
    fn finish(self: Box<Self>, committed: Result<(), StoreError>);
}

impl<W: Work> Job for Queued<W> {
    fn run(&mut self, on: &Connection) -> Result<(), Failure> {
        self.outcome = Some(Ok(self.work.run(on)?));
        Ok(())
    }

    fn finish(mut self: Box<Self>, committed: Result<(), StoreError>) {
        if let Err(error) = committed {
            self.outcome = Some(Err(error));
        }
        if let Some(reply) = self.reply.take() {
            // A caller that has gone does not need its answer.
            let _ = reply.send(self);
        }
    }
}

impl<W: Work> Queued<W> {
    fn answer(self) -> Result<W::Answer, StoreError> {
        let done = self.outcome.ok_or_else(closed)??;
        Ok(self.work.answer(done))
    }
}

fn write_all(on: &Connection, mut jobs: mpsc::Receiver<Message>, checkpoints: &Checkpoints) {
    let mut batch = Vec::with_capacity(LARGEST_BATCH);
    loop {
        match jobs.blocking_recv() {
            Some(Message::Job(job)) => batch.push(job),
            // What is queued is still received, then the queue ends.
            Some(Message::Close) => jobs.close(),
            None => return,
        }
        if !batch.is_empty() {
            checkpoints.written(commit(on, &mut batch, &mut jobs), on);
        }
    }
}

/// The next job, if one waits.
fn next(jobs: &mut mpsc::Receiver<Message>) -> Option<Box<dyn Job>> {
    loop {
        match jobs.try_recv().ok()? {
            Message::Job(job) => return Some(job),
            Message::Close => jobs.close(),
        }
    }
}

/// Commits the batch and answers it; how many jobs it came to have.
fn commit(
    on: &Connection,
    batch: &mut Vec<Box<dyn Job>>,
    jobs: &mut mpsc::Receiver<Message>,
) -> usize {
    let began = Instant::now();
    let outcomes = match together(on, batch, || next(jobs)) {
        Ok(()) => None,
        Err(Broken::Transaction(error)) => Some(vec![Err(error); batch.len()]),
        Err(Broken::Job(error)) if batch.len() == 1 => Some(vec![Err(error)]),
        Err(Broken::Job(_)) => Some(one_by_one(on, batch)),
    };
    let count = batch.len();
    metrics::histogram!("ringproof_store_batch_size").record(count as f64);
    metrics::histogram!("ringproof_store_commit_seconds").record(began.elapsed());
    match outcomes {
        None => batch.drain(..).for_each(|job| job.finish(Ok(()))),
        Some(outcomes) => {
            batch.drain(..).zip(outcomes).for_each(|(job, outcome)| job.finish(outcome));
        }
    }
    count
}

/// What broke while a batch was written. Nothing of the batch is stored.
enum Broken {
    Transaction(StoreError),
    Job(StoreError),
}

/// Runs the jobs of the batch, and those that come meanwhile, which join it:
/// whoever comes while the disk writes waits for the next one.
fn together(
    on: &Connection,
    batch: &mut Vec<Box<dyn Job>>,
    mut next: impl FnMut() -> Option<Box<dyn Job>>,
) -> Result<(), Broken> {
    execute(on, "BEGIN IMMEDIATE").map_err(Broken::Transaction)?;
    let mut done = 0;
    loop {
        while let Some(job) = batch.get_mut(done) {
            if let Err(failure) = job.run(on) {
                roll_back(on);
                return Err(Broken::Job(failure.into()));
            }
            done += 1;
        }
        if done == LARGEST_BATCH {
            break;
        }
        let Some(job) = next() else { break };
        batch.push(job);
    }
    end(on).map_err(Broken::Transaction)
}

/// Runs each job in a savepoint, so that only those fail that must.
fn one_by_one(on: &Connection, batch: &mut [Box<dyn Job>]) -> Vec<Result<(), StoreError>> {
    let all_failed = |error| vec![Err(error); batch.len()];
    if let Err(error) = execute(on, "BEGIN IMMEDIATE") {
        return all_failed(error);
    }
    let mut outcomes = Vec::with_capacity(batch.len());
    for job in batch.iter_mut() {
        let outcome = in_savepoint(on, job.as_mut());
        if let (Err(error), true) = (&outcome, on.is_autocommit()) {
            // The driver gave up the whole transaction, earlier jobs included.
            return vec![Err(error.clone()); batch.len()];
        }
        outcomes.push(outcome);
    }
    if let Err(error) = end(on) {
        outcomes.iter_mut().filter(|outcome| outcome.is_ok()).for_each(|outcome| {
            *outcome = Err(error.clone());
        });
    }
    outcomes
}

fn in_savepoint(on: &Connection, job: &mut dyn Job) -> Result<(), StoreError> {
    execute(on, "SAVEPOINT job")?;
    let outcome = job.run(on).map_err(StoreError::from);
    if outcome.is_err() && !on.is_autocommit() {
        execute(on, "ROLLBACK TO job")?;
    }
    if !on.is_autocommit() {
        execute(on, "RELEASE job")?;
    }
    outcome
}

fn end(on: &Connection) -> Result<(), StoreError> {
    let committed = execute(on, "COMMIT");
    if committed.is_err() {
        roll_back(on);
    }
    committed
}

fn roll_back(on: &Connection) {
    // Some errors have rolled back already.
    if !on.is_autocommit()
        && let Err(error) = execute(on, "ROLLBACK")
    {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "a transaction could not be rolled back"
        );
    }
}

fn execute(on: &Connection, sql: &str) -> Result<(), StoreError> {
    let run = || on.prepare_cached(sql)?.execute([]);
    run().map(drop).map_err(|error| Failure::Driver(error).into())
}
