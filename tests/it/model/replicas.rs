//! Three replicas, one store, one provider and one person, step by step.
//!
//! A replica does one thing at a time, and any step of it may come late: a paused one
//! is one whose next step does. Its memory is as stale as can be: what it reads may be
//! overtaken before it writes, and a notification may find nothing in it, or the
//! verification that had the number before. Equal replicas are interchangeable, so
//! they are kept in order.

use std::sync::Arc;

use ringproof::domain::{Dispatch, Outcome, Status, Timing, Verification};
use stateright::{Model, Property};

use super::core::{Core, INSTANTS, Version, accepts, at, claims_until, lease_has_ended, may_dial};

/// The longest that a replica takes between looking at its lease and dialling, or
/// over one change, and the longest that a call lasts; in seconds.
pub const LONGEST: i64 = 300;
/// A second start comes no later, so that the last instants see its end.
const LAST_START: u8 = 3;
/// In place of a version that is not the stored one any more: which one does not
/// matter where versions are compared.
const STALE: Version = Version::MAX;

/// The protocol with one thing left out, or with none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seed {
    Nothing,
    /// A replica dials without looking at its lease.
    NoLeaseCheck,
    /// Whoever finds a lease that has ended dials, instead of storing `unknown`.
    TakeoverDials,
    /// A change is stored whatever version it was made from.
    NoCompareAndSet,
    /// A start looks at the claims, and stores in another transaction.
    ClaimsBeforeTransaction,
    /// A notification that the memory does not place is not looked up in the store.
    MemoryAlone,
    /// A result is stored without a look at whose the claim is by then.
    ClaimNotInCommit,
    /// A notification is answered before it is stored.
    AnswerBeforeCommit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Pressed {
    One,
    Nothing,
}

/// What is to happen to a verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Attempted {
    Accepted,
    Refused,
    Unknown,
    Key { pressed: Pressed, call_start: u8 },
    Expire,
    Cancel,
}

/// A change made from a version, about to be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Change {
    of: u8,
    from: Version,
    event: Attempted,
    at: u8,
    answers: Option<Answers>,
}

/// Which call's notification a change answers, and whether it came in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Answers {
    call: u8,
    in_time: bool,
}

/// What a replica is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Replica {
    #[default]
    Idle,
    /// It has stored an intent.
    Intended {
        of: u8,
    },
    /// It has seen that its lease holds.
    Checked {
        of: u8,
        at: u8,
    },
    Changes(Change),
    /// It has seen free claims (only with a bug).
    Inserts {
        of: u8,
    },
}

impl Replica {
    /// Whether a crash takes along what no other replica would do as well.
    const fn loses_something(&self) -> bool {
        match self {
            Self::Idle => false,
            Self::Intended { .. } | Self::Checked { .. } | Self::Inserts { .. } => true,
            Self::Changes(change) => match change.event {
                Attempted::Accepted | Attempted::Refused | Attempted::Key { .. } => true,
                Attempted::Unknown | Attempted::Expire | Attempted::Cancel => false,
            },
        }
    }
}

/// What really happens on the line, whoever knows of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Line {
    #[default]
    Silent,
    Rings {
        since: u8,
    },
    Over {
        since: u8,
        pressed: Pressed,
    },
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Call {
    line: Line,
    dialled: u8,
    delivered: u8,
    /// A result that came while its claims held was answered with 200.
    acknowledged: bool,
    /// Every outcome that any replica told for its verification, as bits.
    told: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct World {
    now: u8,
    rows: [Option<Version>; 2],
    calls: [Call; 2],
    replicas: [Replica; 3],
    crashes_left: u8,
    cancels_left: u8,
    repeats_left: u8,
}

/// One step of anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    TimePasses,
    Start {
        replica: u8,
        which: u8,
    },
    LookAtLease {
        replica: u8,
    },
    Dial {
        replica: u8,
        answer: Attempted,
    },
    TakeOver {
        replica: u8,
        which: u8,
    },
    Expire {
        replica: u8,
        which: u8,
    },
    Cancel {
        replica: u8,
    },
    HangUp {
        call: u8,
        pressed: Pressed,
    },
    /// `memory` is whom the replica believes to hold the number.
    Deliver {
        replica: u8,
        call: u8,
        memory: Option<u8>,
    },
    Commit {
        replica: u8,
    },
    Crash {
        replica: u8,
    },
}

pub struct Replicas {
    pub core: Core,
    pub seed: Seed,
}

impl Replicas {
    pub fn with(seed: Seed) -> Self {
        Self { core: Core::default(), seed }
    }

    fn row(&self, world: &World, which: u8) -> Option<Arc<Verification>> {
        world.rows[usize::from(which)].map(|version| self.core.version(version))
    }

    /// Whom the claims name: the last that was started.
    fn claimant(world: &World) -> Option<u8> {
        (0..2).rev().find(|which| world.rows[usize::from(*which)].is_some())
    }

    fn claims_are_free(&self, world: &World) -> bool {
        let held =
            |which| self.row(world, which).is_some_and(|row| claims_until(&row) > at(world.now));
        !(0..2).any(held)
    }

    /// The transaction of a start: verification, claims and intent with its lease.
    fn insert(&self, world: &mut World, replica: usize, which: u8) {
        let earlier = self.row(world, 0).and_then(|row| row.attempts[0].last_call_start());
        let earlier = earlier.filter(|_| which == 1);
        let version = self.core.begin(usize::from(which), world.now, earlier);
        world.rows[usize::from(which)] = Some(version);
        world.replicas[replica] = Replica::Intended { of: which };
    }

    fn start(&self, world: &mut World, replica: usize, which: u8) {
        if self.seed == Seed::ClaimsBeforeTransaction {
            world.replicas[replica] = Replica::Inserts { of: which };
        } else {
            self.insert(world, replica, which);
        }
    }

    fn look_at_lease(&self, world: &mut World, replica: usize) -> Option<()> {
        let Replica::Intended { of } = world.replicas[replica] else { return None };
        let row = self.row(world, of)?;
        let dials = self.seed == Seed::NoLeaseCheck || may_dial(&row, world.now);
        if dials {
            world.replicas[replica] = Replica::Checked { of, at: world.now };
        } else {
            self.keep_answer(world, replica, of, Attempted::Refused);
        }
        Some(())
    }

    /// A provider that refuses has not called. An answer that never comes is one that a
    /// crash takes along.
    fn dial(&self, world: &mut World, replica: usize, answer: Attempted) -> Option<()> {
        let Replica::Checked { of, .. } = world.replicas[replica] else { return None };
        let call = &mut world.calls[usize::from(of)];
        call.dialled += 1;
        if answer != Attempted::Refused {
            call.line = Line::Rings { since: world.now };
        }
        self.keep_answer(world, replica, of, answer);
        Some(())
    }

    fn take_over(&self, world: &mut World, replica: usize, which: u8) -> Option<()> {
        if self.seed == Seed::TakeoverDials {
            let again = world.calls[usize::from(which)].dialled < 2;
            world.replicas[replica] = Replica::Checked { of: which, at: world.now };
            return again.then_some(());
        }
        self.change(world, replica, which, Attempted::Unknown)
    }

    /// Makes a change from what stands in the store; an event that changes nothing is no work.
    fn change(&self, world: &mut World, replica: usize, of: u8, event: Attempted) -> Option<()> {
        let from = world.rows[usize::from(of)]?;
        self.core.apply(from, event, world.now)?;
        let change = Change { of, from, event, at: world.now, answers: None };
        let same = |other: &Replica| {
            let Replica::Changes(other) = other else { return false };
            (other.of, other.event) == (of, event)
        };
        if world.replicas.iter().any(same) {
            // Of two that make the same change the second finds nothing to do.
            return None;
        }
        world.replicas[replica] = Replica::Changes(change);
        Some(())
    }

    /// What is known by then already is not told again.
    fn keep_answer(&self, world: &mut World, replica: usize, of: u8, answer: Attempted) {
        world.replicas[replica] = Replica::Idle;
        let _ = self.change(world, replica, of, answer);
    }

    fn deliver(
        &self,
        world: &mut World,
        replica: usize,
        call: u8,
        memory: Option<u8>,
    ) -> Option<()> {
        let Line::Over { since, pressed } = world.calls[usize::from(call)].line else {
            return None;
        };
        let known = &mut world.calls[usize::from(call)];
        if known.delivered > 0 {
            world.repeats_left -= 1;
        }
        known.delivered = 1;
        let in_time = self.row(world, call).is_some_and(|row| claims_until(&row) > at(world.now));
        if self.seed == Seed::AnswerBeforeCommit {
            world.calls[usize::from(call)].acknowledged |= in_time;
        }
        let answers = Answers { call, in_time };
        let change = Change {
            of: memory.unwrap_or_default(),
            from: STALE,
            event: Attempted::Key { pressed, call_start: since },
            at: world.now,
            answers: Some(answers),
        };
        let held = memory.and_then(|which| world.rows[usize::from(which)]);
        match held.filter(|from| accepts(&self.core.version(*from), since, world.now)) {
            Some(from) => world.replicas[replica] = Replica::Changes(Change { from, ..change }),
            None if self.seed == Seed::MemoryAlone => Self::done(world, replica, Some(answers)),
            None => self.place_by_store(world, replica, change),
        }
        Some(())
    }

    /// Looks the number up in the store, and makes the change from what stands there;
    /// without a match it is journaled and answered.
    fn place_by_store(&self, world: &mut World, replica: usize, change: Change) {
        let Attempted::Key { call_start, .. } = change.event else { return };
        let found = Self::claimant(world).and_then(|of| Some((of, world.rows[usize::from(of)]?)));
        let fits = |version: Version| accepts(&self.core.version(version), call_start, change.at);
        match found.filter(|(_, version)| fits(*version)) {
            Some((of, from)) => {
                world.replicas[replica] = Replica::Changes(Change { of, from, ..change });
            }
            None => Self::done(world, replica, change.answers),
        }
    }

    fn done(world: &mut World, replica: usize, answers: Option<Answers>) {
        if let Some(answers) = answers {
            world.calls[usize::from(answers.call)].acknowledged |= answers.in_time;
        }
        world.replicas[replica] = Replica::Idle;
    }

    /// One transaction of the store, and what its answer leads to.
    fn commit(&self, world: &mut World, replica: usize) -> Option<()> {
        let change = match world.replicas[replica] {
            Replica::Changes(change) => change,
            Replica::Inserts { of } => {
                self.insert(world, replica, of);
                return Some(());
            }
            _ => return None,
        };
        let stored = world.rows[usize::from(change.of)]?;
        let conflict = stored != change.from && self.seed != Seed::NoCompareAndSet;
        let claim_counts = change.answers.is_some() && self.seed != Seed::ClaimNotInCommit;
        if claim_counts && (conflict || Self::claimant(world) != Some(change.of)) {
            self.place_by_store(world, replica, change);
            return Some(());
        }
        if conflict {
            world.replicas[replica] = Replica::Changes(Change { from: stored, ..change });
            return Some(());
        }
        if let Some(moved) = self.core.apply(change.from, change.event, change.at) {
            world.rows[usize::from(change.of)] = Some(moved.next);
            if let Some(outcome) = moved.concluded {
                world.calls[usize::from(change.of)].told |= bit(outcome);
            }
        }
        Self::done(world, replica, change.answers);
        Some(())
    }

    /// What can be said in fewer words: replicas in order, and no word on which
    /// version it was that cannot be stored any more.
    fn settle(&self, world: &mut World) {
        if self.seed != Seed::NoCompareAndSet {
            for replica in &mut world.replicas {
                if let Replica::Changes(change) = replica
                    && world.rows[usize::from(change.of)] != Some(change.from)
                {
                    change.from = STALE;
                }
            }
        }
        world.replicas.sort_unstable();
    }
}

/// What may happen next.
impl Replicas {
    /// Whether the next instant may come: nobody is slower than the protocol allows.
    fn time_may_pass(world: &World) -> bool {
        let Some(next) = INSTANTS.get(usize::from(world.now) + 1) else { return false };
        let slow = |since: u8| next - INSTANTS[usize::from(since)] > LONGEST;
        let rings = |call: &Call| matches!(call.line, Line::Rings { since } if slow(since));
        let works = |replica: &Replica| match replica {
            Replica::Checked { at, .. } | Replica::Changes(Change { at, .. }) => slow(*at),
            Replica::Idle | Replica::Intended { .. } | Replica::Inserts { .. } => false,
        };
        !world.calls.iter().any(rings) && !world.replicas.iter().any(works)
    }

    fn of_replica(&self, world: &World, replica: u8, actions: &mut Vec<Action>) {
        match world.replicas[usize::from(replica)] {
            Replica::Idle => self.of_idle(world, replica, actions),
            Replica::Intended { .. } => actions.push(Action::LookAtLease { replica }),
            // Of the second call only its end matters.
            Replica::Checked { of: 1, .. } => {
                actions.push(Action::Dial { replica, answer: Attempted::Accepted });
            }
            Replica::Checked { .. } => {
                let answers = [Attempted::Accepted, Attempted::Refused];
                actions.extend(answers.map(|answer| Action::Dial { replica, answer }));
            }
            Replica::Changes(_) | Replica::Inserts { .. } => {
                actions.push(Action::Commit { replica });
            }
        }
    }

    fn of_idle(&self, world: &World, replica: u8, actions: &mut Vec<Action>) {
        self.starts(world, replica, actions);
        for which in 0..2 {
            let Some(row) = self.row(world, which) else { continue };
            let waits = row.attempts[0].dispatch == Dispatch::Intended;
            if which == 0 && waits && lease_has_ended(&row, world.now) {
                actions.push(Action::TakeOver { replica, which });
            }
            if row.due_at(&Timing::default()).is_some_and(|due| due <= at(world.now)) {
                actions.push(Action::Expire { replica, which });
            }
            if which == 0 && row.status() == Status::Pending && world.cancels_left > 0 {
                actions.push(Action::Cancel { replica });
            }
            let call = &world.calls[usize::from(which)];
            let over = matches!(call.line, Line::Over { .. });
            if over && (call.delivered == 0 || which == 0 && world.repeats_left > 0) {
                let memories = [None, Some(0), Some(1)];
                let known = |memory: &Option<u8>| {
                    memory.is_none_or(|which| world.rows[usize::from(which)].is_some())
                };
                let deliver = |memory| Action::Deliver { replica, call: which, memory };
                actions.extend(memories.into_iter().filter(known).map(deliver));
            }
        }
    }

    fn starts(&self, world: &World, replica: u8, actions: &mut Vec<Action>) {
        if world.now > LAST_START || !self.claims_are_free(world) {
            return;
        }
        let begun = |which: u8| {
            let inserts = world.replicas.contains(&Replica::Inserts { of: which });
            inserts || world.rows[usize::from(which)].is_some()
        };
        if !begun(0) && world.now == 0 {
            actions.push(Action::Start { replica, which: 0 });
        } else if begun(0) && !begun(1) {
            actions.push(Action::Start { replica, which: 1 });
        }
    }

    /// Whether nothing is left to happen but what need not: a delivery, a crash.
    fn is_over(&self, world: &World) -> bool {
        let idle = world.replicas.iter().all(|replica| *replica == Replica::Idle);
        if !idle || Self::time_may_pass(world) {
            return false;
        }
        let mut actions = Vec::new();
        self.actions(world, &mut actions);
        !actions.into_iter().any(|action| match action {
            Action::Deliver { .. } | Action::Crash { .. } | Action::Cancel { .. } => false,
            Action::TimePasses
            | Action::Start { .. }
            | Action::LookAtLease { .. }
            | Action::Dial { .. }
            | Action::TakeOver { .. }
            | Action::Expire { .. }
            | Action::HangUp { .. }
            | Action::Commit { .. } => self.next_state(world, action).is_some(),
        })
    }
}

impl Model for Replicas {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![World {
            now: 0,
            rows: [None; 2],
            calls: [Call::default(); 2],
            replicas: [Replica::default(); 3],
            crashes_left: 1,
            cancels_left: 1,
            repeats_left: 1,
        }]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        if Self::time_may_pass(world) {
            actions.push(Action::TimePasses);
        }
        for (call, known) in (0..).zip(&world.calls) {
            if let Line::Rings { .. } = known.line {
                actions.push(Action::HangUp { call, pressed: Pressed::One });
                if call == 0 {
                    actions.push(Action::HangUp { call, pressed: Pressed::Nothing });
                }
            }
        }
        for (replica, known) in (0..).zip(&world.replicas) {
            // One of equal replicas stands for all.
            if world.replicas[..usize::from(replica)].contains(known) {
                continue;
            }
            self.of_replica(world, replica, actions);
            if world.crashes_left > 0 && known.loses_something() {
                actions.push(Action::Crash { replica });
            }
        }
    }

    fn next_state(&self, last: &World, action: Action) -> Option<World> {
        let mut world = *last;
        let place = |replica: u8| usize::from(replica);
        match action {
            Action::TimePasses => {
                world.now += 1;
                Some(())
            }
            Action::Start { replica, which } => {
                self.start(&mut world, place(replica), which);
                Some(())
            }
            Action::LookAtLease { replica } => self.look_at_lease(&mut world, place(replica)),
            Action::Dial { replica, answer } => self.dial(&mut world, place(replica), answer),
            Action::TakeOver { replica, which } => {
                self.take_over(&mut world, place(replica), which)
            }
            Action::Expire { replica, which } => {
                self.change(&mut world, place(replica), which, Attempted::Expire)
            }
            Action::Cancel { replica } => {
                world.cancels_left -= 1;
                self.change(&mut world, place(replica), 0, Attempted::Cancel)
            }
            Action::HangUp { call, pressed } => {
                let known = &mut world.calls[usize::from(call)];
                let Line::Rings { since } = known.line else { return None };
                known.line = Line::Over { since, pressed };
                Some(())
            }
            Action::Deliver { replica, call, memory } => {
                self.deliver(&mut world, place(replica), call, memory)
            }
            Action::Commit { replica } => self.commit(&mut world, place(replica)),
            Action::Crash { replica } => {
                world.replicas[place(replica)] = Replica::Idle;
                world.crashes_left -= 1;
                Some(())
            }
        }?;
        self.settle(&mut world);
        Some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = invariants();
        properties.extend(reached());
        properties
    }
}

pub const FINAL_ABSORBS: &str = "final absorbs, and no two replicas resolve differently";
pub const OWN_PRESS: &str = "verified only by a press in its own call";
pub const ONE_CALL: &str = "one call at a time to the number";
pub const DIALLED_ONCE: &str = "no attempt is dialled twice";
pub const STORED: &str = "an acknowledged result is stored where it belongs";
pub const ENDS: &str = "every verification ends";

fn invariants() -> Vec<Property<Replicas>> {
    vec![
        Property::always(FINAL_ABSORBS, |model: &Replicas, world: &World| {
            model.each(world, |row, call| {
                call.told == row.conclusion().map_or(0, |end| bit(end.outcome))
            })
        }),
        Property::always(OWN_PRESS, |model: &Replicas, world: &World| {
            model.each(world, |row, call| {
                let pressed = matches!(call.line, Line::Over { pressed: Pressed::One, .. });
                row.status() != Status::Verified || pressed
            })
        }),
        Property::always(ONE_CALL, |_: &Replicas, world: &World| {
            let rings = |call: &&Call| matches!(call.line, Line::Rings { .. });
            world.calls.iter().filter(rings).count() < 2
        }),
        Property::always(DIALLED_ONCE, |_: &Replicas, world: &World| {
            world.calls.iter().all(|call| call.dialled < 2)
        }),
        Property::always(STORED, |model: &Replicas, world: &World| {
            model
                .each(world, |row, call| !call.acknowledged || row.attempts[0].key_report.is_some())
        }),
        Property::always(ENDS, |model: &Replicas, world: &World| {
            model.each(world, |row, _| row.status() != Status::Pending) || !model.is_over(world)
        }),
    ]
}

/// What must be seen, or the invariants would hold of nothing.
fn reached() -> Vec<Property<Replicas>> {
    vec![
        Property::sometimes("both are verified", |model: &Replicas, world: &World| {
            let verified =
                |which| model.row(world, which).is_some_and(|row| row.status() == Status::Verified);
            verified(0) && verified(1)
        }),
        Property::sometimes(
            "a lease is gone, so nobody is called",
            |model: &Replicas, world: &World| {
                let refuses = |replica: &Replica| {
                    matches!(
                        replica,
                        Replica::Changes(Change { of: 0, event: Attempted::Refused, .. })
                    )
                };
                let gone = model.row(world, 0).is_some_and(|row| lease_has_ended(&row, world.now));
                gone && world.calls[0].dialled == 0 && world.replicas.iter().any(refuses)
            },
        ),
        Property::sometimes(
            "it rings though it counts as unknown",
            |model: &Replicas, world: &World| {
                let unknown = |row: &Verification| row.attempts[0].dispatch == Dispatch::Unknown;
                let rings = matches!(world.calls[0].line, Line::Rings { .. });
                rings && model.row(world, 0).is_some_and(|row| unknown(&row))
            },
        ),
        Property::sometimes("a change meets a newer version", |_: &Replicas, world: &World| {
            let stale =
                |replica: &Replica| matches!(replica, Replica::Changes(Change { from: STALE, .. }));
            world.replicas.iter().any(stale)
        }),
        Property::sometimes("a result that is lost", |model: &Replicas, world: &World| {
            let lost = bit(Outcome::ProviderLost);
            model.is_over(world) && world.calls.iter().any(|call| call.told == lost)
        }),
        Property::sometimes("a press after a cancel", |model: &Replicas, world: &World| {
            let canceled = |row: &Verification| {
                row.status() == Status::Canceled && row.attempts[0].key_report.is_some()
            };
            model.row(world, 0).is_some_and(|row| canceled(&row))
        }),
    ]
}

impl Replicas {
    fn each(&self, world: &World, holds: impl Fn(&Verification, &Call) -> bool) -> bool {
        (0_u8..2)
            .zip(&world.calls)
            .all(|(which, call)| self.row(world, which).is_none_or(|row| holds(&row, call)))
    }
}

fn bit(outcome: Outcome) -> u16 {
    let place = Outcome::ALL.iter().position(|known| *known == outcome).unwrap();
    1 << place
}
