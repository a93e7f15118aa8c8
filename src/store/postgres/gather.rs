//! Questions that are asked together: what has queued up goes to the server as one, which
//! answers a hundred as quickly as a few.

use std::future::Future;

use deadpool_postgres::Object;
use tokio::sync::{mpsc, oneshot};

use super::ask;
use super::columns::Failure;
use super::connect::Connections;
use super::lane::closed;
use crate::store::StoreError;

/// The most questions that are asked together.
const MOST: usize = 256;

/// How many may wait; whoever comes then waits for room.
const QUEUE: usize = 16 * MOST;

/// A kind of question.
pub(super) trait Question: Send + Sync + Sized + 'static {
    /// What the server says.
    type Answer: Send + 'static;

    /// Asks all of them at once; the answers are in their order. A row that cannot be read
    /// concerns only who asked for it.
    fn ask(
        on: &Object,
        questions: &[Self],
    ) -> impl Future<Output = Result<Vec<Result<Self::Answer, Failure>>, Failure>> + Send;
}

/// A question and who waits for its answer.
struct Waiting<Q: Question> {
    question: Q,
    reply: oneshot::Sender<Result<Q::Answer, StoreError>>,
}

/// The way to the task that asks.
pub(super) struct Gather<Q: Question>(mpsc::Sender<Waiting<Q>>);

impl<Q: Question> Gather<Q> {
    /// Starts the task; it ends with the store.
    pub(super) fn start(connections: Connections) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        tokio::spawn(Asking { connections }.run(waiting));
        Self(queue)
    }

    /// What the server says after this was called.
    pub(super) async fn ask(&self, question: Q) -> Result<Q::Answer, StoreError> {
        let (reply, answered) = oneshot::channel();
        self.0.send(Waiting { question, reply }).await.map_err(|_| closed())?;
        answered.await.map_err(|_| closed())?
    }
}

struct Asking {
    connections: Connections,
}

impl Asking {
    async fn run<Q: Question>(self, mut queue: mpsc::Receiver<Waiting<Q>>) {
        let mut waiting = Vec::with_capacity(MOST);
        while queue.recv_many(&mut waiting, MOST).await > 0 {
            let (questions, replies): (Vec<Q>, Vec<_>) =
                waiting.drain(..).map(|waiting| (waiting.question, waiting.reply)).unzip();
            let answers: Result<_, StoreError> = ask!(self, on => Q::ask(on, &questions));
            // A caller that has gone does not need its answer.
            match answers {
                Ok(answers) => {
                    for (reply, answer) in replies.into_iter().zip(answers) {
                        let _ = reply.send(answer.map_err(StoreError::from));
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
