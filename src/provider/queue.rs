//! Places in the line of requests, so that the provider's limit is kept and no
//! call is dialled late.
//!
//! A place is a definite instant, given before anything is stored. The line is
//! kept in memory, per process: it spares the provider's limit, it does not
//! replace it. The provider's own word on how much is left is obeyed on top.
//! Replicas that share a store take each place in a line of theirs as well.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};

use crate::clock::Clock;
use crate::domain::{LINE_WINDOW as WINDOW, earliest_place};

/// How long to hold back after "too many requests" without a word on how long.
const PAUSE: SignedDuration = SignedDuration::from_secs(10);

/// The line of requests of one account. Clones are the same line.
#[derive(Clone)]
pub(super) struct Queue(Arc<Line>);

/// A line of requests that several replicas share.
pub trait SharedLine: Send + Sync {
    /// Takes the earliest place from `from` on that leaves at most `limit` in any minute,
    /// unless that is later than `latest`; then that instant is the error. A place that is
    /// not used is given up a minute later.
    fn take<'a>(
        &'a self,
        line: &'a str,
        from: Timestamp,
        latest: Timestamp,
        limit: usize,
    ) -> BoxFuture<'a, Result<Timestamp, Timestamp>>;
}

struct Line {
    /// What replicas call it, and what they share it by, if there are others.
    shared: Option<(String, Arc<dyn SharedLine>)>,
    clock: Clock,
    /// Requests allowed in any window.
    limit: usize,
    /// How many of them requests may fill that are no calls: calls come first.
    spare_limit: usize,
    deadline: SignedDuration,
    /// Written by whoever takes, uses or returns a place and by every answer that
    /// tells what is left; held only to compute, never while waiting.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// INVARIANT: any place given by `earliest` leaves at most `limit` places in
    /// any window. A place moves to the instant at which it is really used.
    places: BTreeSet<Place>,
    next_id: u64,
    paused_until: Option<Timestamp>,
    told: Option<Told>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    at: Timestamp,
    id: u64,
}

/// What the provider told about its own count.
#[derive(Clone, Copy)]
pub(super) struct Told {
    /// When the request was sent whose answer told it.
    pub sent_at: Timestamp,
    /// Requests left.
    pub left: usize,
    /// Until when they have to last.
    pub until: Timestamp,
}

/// A reserved place in the line of requests, at a definite instant. Dropped
/// unused, it gives its place back.
#[must_use = "a dropped slot gives its place back"]
pub struct Slot {
    line: Arc<Line>,
    place: Place,
    last_at: Timestamp,
    used: bool,
    /// The most requests of a minute that may go before it, and whether replicas know it.
    limit: usize,
    is_shared: bool,
}

/// The line is so long that a request would miss its deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the line of requests to the provider is full for another {retry_after:?}")]
pub struct NoRoom {
    /// When asking again makes sense.
    pub retry_after: Duration,
}

/// The slot's deadline has passed, so it must not be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLate;

/// What a slot is to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Go,
    Wait(Timestamp),
    TooLate,
}

impl Queue {
    /// A line whose calls may use the whole limit and whose other requests
    /// leave a tenth of it free.
    pub(super) fn new(
        clock: Clock,
        per_minute: u32,
        deadline: Duration,
        shared: Option<(String, Arc<dyn SharedLine>)>,
    ) -> Self {
        let limit = usize::try_from(per_minute).unwrap_or(usize::MAX).max(1);
        Self(Arc::new(Line {
            shared,
            clock,
            limit,
            spare_limit: limit - limit / 10,
            deadline: SignedDuration::try_from(deadline).unwrap_or(SignedDuration::MAX),
            state: Mutex::default(),
        }))
    }

    /// Takes the earliest place, unless that is later than the deadline allows.
    pub(super) async fn reserve(&self) -> Result<Slot, NoRoom> {
        let mut slot = self.reserve_here()?;
        slot.share(slot.place.at).await?;
        Ok(slot)
    }

    fn reserve_here(&self) -> Result<Slot, NoRoom> {
        let now = self.0.clock.now();
        let mut state = self.0.state();
        state.forget_before(now);
        let at = state.earliest(now, self.0.limit);
        let latest = later(now, self.0.deadline);
        if at > latest {
            let retry_after = Duration::try_from(at.duration_since(latest)).unwrap_or_default();
            return Err(NoRoom { retry_after });
        }
        Ok(self.slot(&mut state, at, self.0.limit))
    }

    /// Waits, no longer than the deadline, for a place that calls do not need.
    /// It holds no place while it waits, so that calls go first.
    pub(super) async fn spare(&self) -> Result<Slot, TooLate> {
        let latest = later(self.0.clock.now(), self.0.deadline);
        loop {
            let at = match self.spare_now() {
                Ok(slot) => return Ok(slot),
                Err(at) if at > latest => return Err(TooLate),
                Err(at) => at,
            };
            self.0.clock.sleep_until(at).await;
        }
    }

    fn spare_now(&self) -> Result<Slot, Timestamp> {
        let now = self.0.clock.now();
        let mut state = self.0.state();
        state.forget_before(now);
        let at = state.earliest(now, self.0.spare_limit);
        if at > now {
            return Err(at);
        }
        Ok(self.slot(&mut state, at, self.0.spare_limit))
    }

    fn slot(&self, state: &mut State, at: Timestamp, limit: usize) -> Slot {
        let place = Place { at, id: state.next_id };
        state.next_id += 1;
        state.places.insert(place);
        let last_at = later(at, self.0.deadline);
        Slot { line: self.0.clone(), place, last_at, used: false, limit, is_shared: false }
    }

    /// Takes the provider's word on what is left. Its clock may differ from ours,
    /// so no word holds for longer than a window.
    pub(super) fn tell(&self, told: Told) {
        let longest = later(self.0.clock.now(), WINDOW);
        let mut state = self.0.state();
        if state.told.is_none_or(|known| known.sent_at <= told.sent_at) {
            state.told = Some(Told { until: told.until.min(longest), ..told });
        }
    }

    /// Holds everything back after the provider said that it was too much.
    pub(super) fn pause(&self) {
        let until = later(self.0.clock.now(), PAUSE);
        let mut state = self.0.state();
        state.paused_until = state.paused_until.max(Some(until));
    }
}

impl Slot {
    /// When the request may go, as far as known now.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        self.place.at
    }

    /// Waits for the slot's turn. Once this returns `Ok` the place is used.
    pub(super) async fn turn(&mut self) -> Result<(), TooLate> {
        loop {
            match self.look() {
                Turn::Go if self.is_known() => return Ok(()),
                Turn::Go => {
                    let now = self.line.clock.now();
                    self.share(now).await.map_err(|_: NoRoom| TooLate)?;
                }
                Turn::TooLate => return Err(TooLate),
                Turn::Wait(at) => self.line.clock.sleep_until(at).await,
            }
        }
    }

    /// Whether replicas know the place, or there are none.
    fn is_known(&self) -> bool {
        self.is_shared || self.line.shared.is_none()
    }

    /// Takes the place in the line that replicas share, from `from` on, and moves there.
    async fn share(&mut self, from: Timestamp) -> Result<(), NoRoom> {
        let Some((name, shared)) = &self.line.shared else { return Ok(()) };
        let taken = shared.take(name, from, self.last_at, self.limit).await;
        let at = taken.map_err(|at| {
            let wait = Duration::try_from(at.duration_since(self.last_at)).unwrap_or_default();
            NoRoom { retry_after: wait.max(Duration::from_secs(1)) }
        })?;
        self.is_shared = true;
        let mut state = self.line.state();
        state.places.remove(&self.place);
        self.place.at = at;
        state.places.insert(self.place);
        Ok(())
    }

    /// A slot that is looked at late moves to now. That may be in the way of
    /// places given since; then it waits again, never past its deadline.
    fn look(&mut self) -> Turn {
        let now = self.line.clock.now();
        let line = self.line.clone();
        let mut state = line.state();
        state.places.remove(&self.place);
        self.place.at = state.earliest(now.max(self.place.at), line.limit);
        state.places.insert(self.place);
        if self.place.at > self.last_at {
            return Turn::TooLate;
        }
        if self.place.at > now {
            return Turn::Wait(self.place.at);
        }
        self.used = true;
        Turn::Go
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").field("at", &self.place.at).finish_non_exhaustive()
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if !self.used {
            self.line.state().places.remove(&self.place);
        }
    }
}

impl Line {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The first instant from `from` on at which one more request keeps `limit`
    /// and the provider's word.
    fn earliest(&self, from: Timestamp, limit: usize) -> Timestamp {
        let mut at = self.paused_until.map_or(from, |until| until.max(from));
        if let Some(told) = self.told.filter(|told| told.until > at) {
            let sent = Place { at: told.sent_at, id: u64::MAX };
            let since = self.places.range((Bound::Excluded(sent), Bound::Unbounded));
            let since = since.take_while(|place| place.at < told.until);
            if since.take(told.left).count() >= told.left {
                at = told.until;
            }
        }
        if self.places.len() < limit {
            return at;
        }
        let places: Vec<Timestamp> = self.places.iter().map(|place| place.at).collect();
        earliest_place(&places, at, limit)
    }

    /// Neither a pause nor the provider's word holds for longer than a window, so what ends
    /// later was noted before our clock was stepped back.
    fn forget_before(&mut self, now: Timestamp) {
        let holds = |until: Timestamp| now < until && until <= later(now, WINDOW);
        while self.places.first().is_some_and(|place| later(place.at, WINDOW) <= now) {
            self.places.pop_first();
        }
        self.told = self.told.filter(|told| holds(told.until));
        self.paused_until = self.paused_until.filter(|until| holds(*until));
    }
}

fn later(at: Timestamp, span: SignedDuration) -> Timestamp {
    at.checked_add(span).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
