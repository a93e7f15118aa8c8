//! Work that must not stop half-way when its caller goes.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

/// Where work goes on that its caller has left, watched until it ends.
#[derive(Clone)]
pub struct Background {
    pub(super) runtime: Handle,
    pub(super) tasks: TaskTracker,
}

/// Runs `work` in place; if the caller drops it before it is done, it goes on
/// in the background. For changes that, once begun, must be stored, made
/// known and carried out: a client that hangs up must not undo half of them.
pub fn to_the_end<F>(background: &Background, work: F) -> ToTheEnd<F>
where
    F: Future<Output: Send> + Send + 'static,
{
    ToTheEnd { work: Some(Box::pin(work)), background: background.clone() }
}

/// See [`to_the_end`].
pub struct ToTheEnd<F: Future<Output: Send> + Send + 'static> {
    work: Option<Pin<Box<F>>>,
    background: Background,
}

impl<F: Future<Output: Send> + Send + 'static> Future for ToTheEnd<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let Some(work) = self.work.as_mut() else { return Poll::Pending };
        let result = work.as_mut().poll(context);
        if result.is_ready() {
            self.work = None;
        }
        result
    }
}

impl<F: Future<Output: Send> + Send + 'static> Drop for ToTheEnd<F> {
    fn drop(&mut self) {
        if let Some(work) = self.work.take() {
            let work = async move {
                work.await;
            };
            self.background.tasks.spawn_on(work, &self.background.runtime);
        }
    }
}
