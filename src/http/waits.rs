//! Places for clients that wait: in total, with one key, and with one wait token, so
//! that neither a busy app nor a page takes them all.

use std::sync::Arc;

use dashmap::DashMap;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config;
use crate::domain::VerificationId;

use super::error::Code;
use super::problem::Problem;

/// When a client that found no place to wait may try again, in seconds.
const RETRY_AFTER: u64 = 5;

/// Who waits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Waiter {
    /// A holder of the key with this id.
    Key(Box<str>),
    /// A holder of this verification's wait token.
    Token(VerificationId),
}

/// The places.
pub struct Waits {
    free: Arc<Semaphore>,
    total: usize,
    per_key: usize,
    per_token: usize,
    /// How many wait, by who; nobody who waits has no entry. Written when a wait begins
    /// and ends; no entry lives across an await.
    taken: Arc<DashMap<Waiter, usize>>,
}

/// A place; it is free again when dropped.
pub struct Place {
    waiter: Waiter,
    taken: Arc<DashMap<Waiter, usize>>,
    _of_all: OwnedSemaphorePermit,
}

impl Waits {
    /// As many as the configuration allows.
    #[must_use]
    pub fn new(server: &config::Server) -> Self {
        let total = server.max_waits.min(Semaphore::MAX_PERMITS);
        Self {
            free: Arc::new(Semaphore::new(total)),
            total,
            per_key: server.max_waits_per_key,
            per_token: server.max_waits_per_token,
            taken: Arc::default(),
        }
    }

    /// A place to wait.
    ///
    /// # Errors
    /// When as many wait as may: in all, or of this kind.
    pub fn place(&self, waiter: Waiter) -> Result<Place, Problem> {
        let (most, with) = match waiter {
            Waiter::Key(_) => (self.per_key, "key"),
            Waiter::Token(_) => (self.per_token, "wait token"),
        };
        let of_all = Arc::clone(&self.free).try_acquire_owned().map_err(|_| {
            let detail = format!("{} clients may wait at the same time.", self.total);
            Problem::new(Code::TooManyWaits, detail)
                .with("limit", self.total)
                .retry_after(RETRY_AFTER)
        })?;
        let mut taken = self.taken.entry(waiter.clone()).or_insert(0);
        if *taken >= most {
            let detail = format!("{most} clients may wait with one {with} at the same time.");
            return Err(Problem::new(Code::TooManyWaitsOfOne, detail)
                .with("limit", most)
                .retry_after(RETRY_AFTER));
        }
        *taken += 1;
        drop(taken);
        Ok(Place { waiter, taken: Arc::clone(&self.taken), _of_all: of_all })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(mut taken) = self.taken.get_mut(&self.waiter) {
            *taken -= 1;
        }
        self.taken.remove_if(&self.waiter, |_, taken| *taken == 0);
    }
}
