//! Walk: begins the step of a plan that is due or asked for. A place in the
//! provider's limit is reserved first; where there is none, the step waits.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinHandle;

use crate::domain::{
    Applied, Effect, Entry, Event, NoNext, RefusalReason, Status, Verification, VerificationId,
};
use crate::provider::Slot;
use crate::store::{Admission, Intended, Intent};

use super::compose::claims_of;
use super::guarding::{StepRefusal, advised, tell_blocked};
use super::resolve::{MOST_TRIES, carry_out};
use super::{AccountIndex, Guarded, Judgement, ResolveError, Service};

/// When a step is looked at again that waits for what is not known of the provider.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_secs(5);

/// When a step is looked at again that a rule refuses until somebody acts.
const REFUSED_AGAIN: SignedDuration = SignedDuration::from_secs(30);

/// Who wants the step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// Its time has come.
    Due,
    /// The app asks.
    Asked,
}

/// What came of the wish.
pub(super) enum Walked {
    /// The step has begun, and this task asks the provider.
    Begun(JoinHandle<()>),
    /// There is no step to begin.
    NoStep(NoNext),
    /// Not before then.
    TooSoon(Timestamp),
    /// The provider's limit leaves no room before then, or its clock is not known.
    NoRoom(Timestamp),
    /// A rule of the guard refuses it.
    Guarded(Guarded),
    /// Another call with the number is in flight until then.
    NumberBusy(Timestamp),
}

/// A step that may begin now.
struct Ready {
    verification: Verification,
    account: AccountIndex,
    /// None for a test.
    slot: Option<Slot>,
}

impl Service {
    /// Begins the step that is due, or asked for, if it may begin now.
    pub(super) async fn walk(
        self: &Arc<Self>,
        id: VerificationId,
        wish: Wish,
    ) -> Result<Walked, ResolveError> {
        let mut newest = self.newest(id).await?;
        for _ in 0..MOST_TRIES {
            let verification = newest.take().ok_or(ResolveError::NotFound)?;
            let ready = match self.ready(verification, wish).await {
                Ok(ready) => ready,
                Err(not_now) => return Ok(not_now),
            };
            match self.begin_step(ready, wish).await? {
                Some(walked) => return Ok(walked),
                None => newest = self.stored(id).await?,
            }
        }
        Err(ResolveError::Contended)
    }

    /// Lets a step that is due begin, or wait until there is room for it.
    pub(super) async fn walk_on(self: &Arc<Self>, id: VerificationId) -> Result<(), ResolveError> {
        let soonest = self.clock.now() + SignedDuration::from_secs(1);
        let until = match self.walk(id, Wish::Due).await? {
            Walked::NoRoom(until) | Walked::NumberBusy(until) => until,
            Walked::Guarded(guarded) => {
                let until = guarded.refusal.until;
                until.unwrap_or_else(|| self.clock.now() + REFUSED_AGAIN)
            }
            Walked::Begun(_) | Walked::NoStep(_) | Walked::TooSoon(_) => return Ok(()),
        };
        let (at, event) = (self.clock.now(), Event::NoRoom { until: until.max(soonest) });
        let judge = move |_: &_| Judgement { event: Some(event.clone()), at, row: None };
        self.resolve(id, judge).await.map(drop)
    }

    async fn ready(&self, verification: Verification, wish: Wish) -> Result<Ready, Walked> {
        let (now, timing) = (self.clock.now(), self.timing());
        if verification.status() != Status::Pending || verification.expires_at <= now {
            return Err(Walked::NoStep(NoNext::Ended));
        }
        let (step, at) = match wish {
            Wish::Due => verification.next_step_at(timing).ok_or(NoNext::EndOfPlan),
            Wish::Asked => verification.asked_step_at(timing),
        }
        .map_err(Walked::NoStep)?;
        if at > now {
            return Err(Walked::TooSoon(at));
        }
        let step = &verification.plan[usize::from(step)];
        let unknown = || Walked::NoRoom(now + LOOK_AGAIN);
        let (account, found) = self.account_named(&step.account).ok_or_else(unknown)?;
        // Nobody is called whose result could not be believed.
        if step.button().is_some() && !verification.test && !found.facts().offsets.are_known() {
            return Err(unknown());
        }
        let slot = if verification.test { None } else { Some(found.provider.reserve().await) };
        let slot = slot.transpose().map_err(|no_room| {
            let wait = SignedDuration::try_from(no_room.retry_after).unwrap_or(LOOK_AGAIN);
            Walked::NoRoom(now + wait)
        })?;
        Ok(Ready { verification, account, slot })
    }

    /// Stores the intent, then has it carried out; `None` if another change got in first.
    async fn begin_step(
        self: &Arc<Self>,
        ready: Ready,
        wish: Wish,
    ) -> Result<Option<Walked>, ResolveError> {
        let Ready { verification, account, slot } = ready;
        let now = self.clock.now();
        let event = match wish {
            Wish::Due => Event::StepDue,
            Wish::Asked => Event::NextAsked,
        };
        let applied = verification.apply(event, now, self.timing());
        let Applied::Moved { next, effects, entries } = applied else {
            return Ok(Some(Walked::NoStep(NoNext::Ended)));
        };
        let begun = effects.iter().find_map(|effect| match effect {
            Effect::Dispatch { attempt } => Some(*attempt),
            Effect::Conclude(_) | Effect::AlarmDisputed | Effect::AlarmProviderRefused => None,
        });
        let admission = match self.admission_of(&next, begun).await {
            Ok(admission) => admission,
            Err(StepRefusal::Guarded(guarded)) => return Ok(Some(Walked::Guarded(guarded))),
            Err(StepRefusal::Store(error)) => return Err(error.into()),
        };
        let (app, to) = (next.app.clone(), next.to.clone());
        let stored = match self.store_step(*next, entries, admission, now).await? {
            Intended::Stored { verification, packed, noted } => {
                self.tell(&noted, &app, &to);
                self.hold(&verification, &packed);
                self.live.wake(&verification);
                verification
            }
            Intended::Refused { refusal, noted, blocked } => {
                self.tell(&noted, &app, &to);
                tell_blocked(&blocked);
                return Ok(Some(Walked::Guarded(advised(refusal, &to))));
            }
            Intended::ClaimHeld { until } => return Ok(Some(Walked::NumberBusy(until))),
            Intended::Conflict => return Ok(None),
        };
        carry_out(&self.outcomes, &stored, &effects);
        let Some(attempt) = begun else { return Ok(Some(Walked::NoStep(NoNext::Ended))) };
        Ok(Some(Walked::Begun(self.carry_out_step(&stored, account, attempt, slot))))
    }

    /// What the step that begins must pass in its transaction.
    async fn admission_of(
        self: &Arc<Self>,
        next: &Verification,
        begun: Option<u8>,
    ) -> Result<Admission, StepRefusal> {
        let attempt = begun.and_then(|attempt| next.attempts.get(usize::from(attempt)));
        match attempt.and_then(|attempt| next.step_of(attempt)) {
            Some(step) => self.guard_step(next, step).await,
            None => Ok(Admission::default()),
        }
    }

    async fn store_step(
        &self,
        next: Verification,
        entries: Vec<Entry>,
        admission: Admission,
        now: Timestamp,
    ) -> Result<Intended, ResolveError> {
        let claims = if next.status() == Status::Pending { claims_of(&next) } else { Vec::new() };
        let deliveries = self.outbound.deliveries(&next, &entries);
        let tells = !deliveries.is_empty();
        let intent = Intent { verification: next, entries, claims, deliveries, admission };
        let intended = self.store.intend(intent, now).await?;
        if tells && matches!(intended, Intended::Stored { .. }) {
            self.outbound.wake();
        }
        Ok(intended)
    }

    fn carry_out_step(
        self: &Arc<Self>,
        stored: &Verification,
        account: AccountIndex,
        attempt: u8,
        slot: Option<Slot>,
    ) -> JoinHandle<()> {
        let Some(slot) = slot else { return self.play_in_background(stored, attempt) };
        let id = stored.id;
        let found = &stored.attempts[usize::from(attempt)];
        match self.sending(stored, found) {
            Ok(sending) => self.send_in_background(account, id, attempt, slot, sending),
            Err(error) => {
                tracing::error!(
                    verification.id = %id, error = %error,
                    "a step names what the configuration or the provider has no more: {error}",
                );
                let service = Arc::clone(self);
                let refused = Event::Refused { attempt, reason: RefusalReason::Withdrawn };
                let work = async move { service.record(id, refused).await };
                self.background.tasks.spawn_on(work, &self.background.runtime)
            }
        }
    }
}
