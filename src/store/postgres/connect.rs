//! Connections: how they are made, what they promise, and how long anything may take.
//!
//! A connection that never answers is noticed here, since neither the driver nor the
//! server can: every question has its time, and a connection that missed it is dropped.

use std::future::Future;
use std::ops::{Deref, DerefMut};
use std::pin::Pin;
use std::time::Duration;

use deadpool_postgres::{Connect, Manager, Object, Pool, Runtime};
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config, Error};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::columns::Failure;
use crate::store::StoreError;

/// How many connections there are at most, those of the lanes included.
const CONNECTIONS: usize = 12;

/// How long making a connection may take, and waiting for one that others use.
pub(super) const PATIENCE: Duration = Duration::from_secs(4);

/// How long a question may take. The server gives up before.
const LONGEST: Duration = Duration::from_secs(8);

/// How often something is asked whose transaction lost to others.
const TRIES: u32 = 5;

/// What every session promises. An acknowledged commit is on the server's disk, unless the
/// operator asks for more still; a replica that stops in the middle of a transaction keeps its
/// locks for seconds only (a lane's for less); and the server notices a client that is gone.
const SESSION: &str = "\
    SELECT set_config('synchronous_commit', 'on', false) \
    WHERE current_setting('synchronous_commit') IN ('off', 'local'); \
    SET statement_timeout = '5s'; \
    SET lock_timeout = '4s'; \
    SET idle_in_transaction_session_timeout = '3s'; \
    SET default_transaction_isolation = 'read committed'; \
    SET client_min_messages = 'error'; \
    SET tcp_keepalives_idle = 5; \
    SET tcp_keepalives_interval = 2; \
    SET tcp_keepalives_count = 3; \
    SET tcp_user_timeout = '10s'";

/// Makes sessions of one server.
#[derive(Clone)]
pub(super) struct Connector {
    pub(super) config: Config,
    pub(super) tls: MakeRustlsConnect,
}

impl Connector {
    /// A session of its own, and the task that drives it.
    pub(super) async fn connect(&self) -> Result<(Client, JoinHandle<()>), Error> {
        let (client, connection) = self.config.connect(self.tls.clone()).await?;
        let task = tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "a connection to the store ended"
                );
            }
        });
        client.batch_execute(SESSION).await?;
        Ok((client, task))
    }
}

impl Connect for Connector {
    fn connect(
        &self,
        _: &Config,
    ) -> Pin<Box<dyn Future<Output = Result<(Client, JoinHandle<()>), Error>> + Send + '_>> {
        Box::pin(Self::connect(self))
    }
}

/// The connections of one store.
#[derive(Clone)]
pub(super) struct Connections(Pool);

/// A connection that is the caller's until it is dropped.
pub(super) struct Link(Object);

impl Connections {
    pub(super) fn new(connector: Connector) -> Self {
        let config = connector.config.clone();
        let manager = Manager::from_connect(config, connector, Default::default());
        let pool = Pool::builder(manager)
            .max_size(CONNECTIONS)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(PATIENCE))
            .create_timeout(Some(PATIENCE))
            .build()
            .expect("a runtime is named, which is all that timeouts need");
        Self(pool)
    }

    pub(super) async fn take(&self) -> Result<Link, Failure> {
        Ok(Link(self.0.get().await?))
    }

    pub(super) fn close(&self) {
        self.0.close();
    }
}

impl Link {
    /// What to answer; none if it is to be asked again. The connection is used again only
    /// if it is in order.
    pub(super) fn settle<T>(
        self,
        answer: Result<T, Failure>,
        tries: u32,
    ) -> Option<Result<T, StoreError>> {
        match answer {
            Err(failure) if failure.is_contention() && tries < TRIES => None,
            Err(failure) => {
                if !failure.is_of_the_question() {
                    self.discard();
                }
                Some(Err(failure.into()))
            }
            Ok(answer) => Some(Ok(answer)),
        }
    }

    /// Closes the connection instead of giving it back.
    pub(super) fn discard(self) {
        drop(Object::take(self.0));
    }
}

impl Deref for Link {
    type Target = Object;

    fn deref(&self) -> &Object {
        &self.0
    }
}

impl DerefMut for Link {
    fn deref_mut(&mut self) -> &mut Object {
        &mut self.0
    }
}

/// The answer, if it comes within the time of a question.
pub(super) async fn within<T>(
    question: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::time::timeout(LONGEST, question).await.unwrap_or(Err(Failure::TimedOut))
}
