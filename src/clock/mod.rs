//! Now, and sleep until: the only source of time.
//!
//! Everything that asks for the time takes a [`Clock`], so that a test can set
//! it and a history of days runs in milliseconds. It does not format times and
//! knows no zones.

use std::pin::pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;

/// The longest single sleep of the real clock, so that a stepped system clock
/// is noticed soon.
const LONGEST_NAP: Duration = Duration::from_secs(5);

/// The longest that asking another clock may take: what it said is known to half of it.
const LONGEST_QUESTION: SignedDuration = SignedDuration::from_secs(1);

/// Tells the time. Cheap to clone; clones of a settable clock move together.
#[derive(Clone)]
pub struct Clock(Inner);

#[derive(Clone)]
enum Inner {
    Real,
    /// The system's clock and how far it is behind, in nanoseconds: written by whoever
    /// measures it, read by every clone.
    Corrected(Arc<AtomicI64>),
    Settable(Arc<Hand>),
}

struct Hand {
    /// Written by [`ClockHand`], read by every clone of the clock; held only to copy.
    now: Mutex<Timestamp>,
    moved: Notify,
}

/// Corrects a clock by one that all replicas share.
#[derive(Clone)]
pub struct Correction(Arc<AtomicI64>);

/// Moves a settable clock.
#[derive(Clone)]
pub struct ClockHand(Arc<Hand>);

impl Clock {
    /// The system's clock.
    #[must_use]
    pub const fn real() -> Self {
        Self(Inner::Real)
    }

    /// The system's clock, to be corrected. Until then it goes `wrong` by so much, which
    /// is nothing but in tests.
    #[must_use]
    pub fn corrected(wrong: SignedDuration) -> Self {
        let behind = i64::try_from(wrong.as_nanos()).unwrap_or_default();
        Self(Inner::Corrected(Arc::new(AtomicI64::new(behind))))
    }

    /// What corrects the clock, if it is one to be corrected.
    #[must_use]
    pub fn correction(&self) -> Option<Correction> {
        match &self.0 {
            Inner::Corrected(behind) => Some(Correction(Arc::clone(behind))),
            Inner::Real | Inner::Settable(_) => None,
        }
    }

    /// A clock that stands still at `start` until its hand is moved.
    #[must_use]
    pub fn settable(start: Timestamp) -> (Self, ClockHand) {
        let hand = Arc::new(Hand { now: Mutex::new(start), moved: Notify::new() });
        (Self(Inner::Settable(hand.clone())), ClockHand(hand))
    }

    /// The current instant.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Inner::Real => system(),
            Inner::Corrected(behind) => {
                let behind = SignedDuration::from_nanos(behind.load(Ordering::Relaxed));
                system().checked_add(behind).unwrap_or(Timestamp::MAX)
            }
            Inner::Settable(hand) => hand.read(),
        }
    }

    /// Returns once `at` has come; at once if it has passed.
    pub async fn sleep_until(&self, at: Timestamp) {
        loop {
            let left = match Duration::try_from(at.duration_since(self.now())) {
                Ok(left) if !left.is_zero() => left,
                _ => return,
            };
            match &self.0 {
                Inner::Real | Inner::Corrected(_) => {
                    tokio::time::sleep(left.min(LONGEST_NAP)).await
                }
                Inner::Settable(hand) => {
                    // Listen first, then look, so that no move slips between.
                    let mut moved = pin!(hand.moved.notified());
                    moved.as_mut().enable();
                    if hand.read() < at {
                        moved.await;
                    }
                }
            }
        }
    }

    /// Returns once `span` has passed on this clock.
    pub async fn sleep(&self, span: Duration) {
        self.sleep_since(self.now(), span).await;
    }

    /// Returns once `span` has passed since `from`; at once if it has.
    pub async fn sleep_since(&self, from: Timestamp, span: Duration) {
        let span = SignedDuration::try_from(span).unwrap_or(SignedDuration::MAX);
        let at = from.checked_add(span).unwrap_or(Timestamp::MAX);
        self.sleep_until(at).await;
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that asks the system")]
fn system() -> Timestamp {
    Timestamp::now()
}

impl Correction {
    /// Takes in that a clock, asked between `asked_at` and `answered_at` of the corrected
    /// clock, said `told`: half-way between, as far as anybody can know. Whether that is
    /// taken in: an answer that took too long says too little.
    pub fn take(&self, asked_at: Timestamp, told: Timestamp, answered_at: Timestamp) -> bool {
        if answered_at.duration_since(asked_at).abs() > LONGEST_QUESTION {
            return false;
        }
        let half_way = asked_at + answered_at.duration_since(asked_at) / 2;
        let behind = told.duration_since(half_way);
        let behind = i64::try_from(behind.as_nanos()).unwrap_or_default();
        self.0.fetch_add(behind, Ordering::Relaxed);
        true
    }
}

impl Hand {
    fn read(&self) -> Timestamp {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClockHand {
    /// Puts the clock to `at`, which may lie in the past, and wakes the sleepers.
    pub fn set(&self, at: Timestamp) {
        *self.0.now.lock().unwrap_or_else(PoisonError::into_inner) = at;
        self.0.moved.notify_waiters();
    }

    /// Moves the clock on by `span`.
    pub fn advance(&self, span: Duration) {
        let span = SignedDuration::try_from(span).unwrap_or(SignedDuration::MAX);
        let at = self.0.read().checked_add(span).unwrap_or(Timestamp::MAX);
        self.set(at);
    }
}
