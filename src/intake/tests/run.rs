//! Runs a history: the truth goes its way, the world is told some of it, and
//! what must hold is looked at after each step.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::adversary::Header;
use super::history::{Happening, History};
use super::invariants::{self, Broken};
use super::numbers::numbers;
use super::pbx::{Millis, Text, civil};
use super::story::{Answer, Story};
use super::tally::Tally;
use super::truth::{Call, Origin};
use super::world::{World, instant};
use crate::domain::{Event, Key};

/// How late the worker may be that lets time pass, in milliseconds.
const LATE: [Millis; 3] = [250, 0, 30_000];

/// What comes of what happened.
#[derive(Clone)]
pub(super) enum Next {
    Happens(Happening),
    Answers(usize),
    Arrives { header: usize, origin: Origin },
    Falls { due: usize },
}

/// One history on its way.
pub(super) struct Run<'a> {
    pub(super) history: &'a History,
    pub(super) world: World,
    pub(super) calls: Vec<Call>,
    pub(super) headers: Vec<Header>,
    queue: BinaryHeap<Reverse<(Millis, u32)>>,
    nexts: Vec<Next>,
    swept_at: Millis,
    pub(super) restarted_at: Millis,
    pub(super) tally: Tally,
    /// What happened, in words; kept only when somebody will read it.
    log: Option<Vec<String>>,
}

impl<'a> Run<'a> {
    pub(super) fn new(history: &'a History, verbose: bool) -> Self {
        let mut run = Self {
            history,
            world: World::new(history.begins_at, history.signs),
            calls: Vec::new(),
            headers: Vec::new(),
            queue: BinaryHeap::new(),
            nexts: Vec::new(),
            swept_at: 0,
            restarted_at: 0,
            tally: Tally::default(),
            log: verbose.then(Vec::new),
        };
        for (at, happening) in &history.happenings {
            run.plan(*at, Next::Happens(happening.clone()));
        }
        run
    }

    /// To the end of time; the log as far as it was kept.
    pub(super) fn finish(mut self) -> (Result<Tally, Broken>, Vec<String>) {
        let result = self.run();
        (result.map(|()| self.tally), self.log.unwrap_or_default())
    }

    fn run(&mut self) -> Result<(), Broken> {
        while let Some(Reverse((at, place))) = self.queue.pop() {
            self.world.now = self.world.now.max(at);
            self.sweep();
            let next = self.nexts[usize::try_from(place).unwrap()].clone();
            self.happen(next)?;
        }
        invariants::hold_at_the_end(&self.world, &self.calls)?;
        for (call, verification) in self.calls.iter().zip(&self.world.store) {
            let end = verification.conclusion().expect("everything has ended");
            self.tally.count_end(call, end);
        }
        Ok(())
    }

    pub(super) fn plan(&mut self, at: Millis, next: Next) {
        self.queue.push(Reverse((at, u32::try_from(self.nexts.len()).unwrap())));
        self.nexts.push(next);
    }

    fn sweep(&mut self) {
        let since = (self.world.now - self.history.sweep_phase).rem_euclid(10_000);
        let due = self.world.now - since;
        if due > self.swept_at {
            self.swept_at = due;
            self.world.sweep(due);
        }
    }

    fn happen(&mut self, next: Next) -> Result<(), Broken> {
        match next {
            Next::Happens(Happening::Start { number, press, expires_in, story }) => {
                return self.start(number, press, expires_in, *story);
            }
            Next::Happens(Happening::Cancel { back }) => {
                if let Some(index) = self.newest_but(back) {
                    self.tell(|| format!("the app cancels {index}"));
                    self.calls[index].canceled = true;
                    self.world.answered(index, &Event::CancelAsked);
                }
            }
            Next::Happens(Happening::Redeem { back, other_number }) => {
                self.redeem(back, other_number)?
            }
            Next::Happens(Happening::Crash) => {
                self.tell(|| "the process dies and starts again".to_owned());
                self.restarted_at = self.world.now;
                self.world.restart();
                let shows = self.history.clock.shows(self.world.now, 0);
                self.world.measure(shows);
            }
            Next::Happens(Happening::Measure { error }) => self.measure(error),
            Next::Happens(Happening::AgentCall { number, written, event, error, answered }) => {
                self.agent_call(number, written, event, error, answered);
            }
            Next::Happens(Happening::Stranger { number, written, event, error }) => {
                self.stranger(number, written, event, error);
            }
            Next::Happens(Happening::Attack { attack, pick }) => return self.attack(attack, pick),
            Next::Answers(index) => self.answer(index),
            Next::Arrives { header, origin } => return self.arrive(header, origin),
            Next::Falls { due } => self.world.answered(due, &Event::TimePassed),
        }
        self.look_at_moves(None)
    }

    fn start(
        &mut self,
        number: usize,
        press: Key,
        expires_in: Millis,
        story: Story,
    ) -> Result<(), Broken> {
        let now = self.world.now;
        let Some(index) = self.world.start(number, press, expires_in) else {
            self.tell(|| format!("{} is refused", numbers()[number].number));
            self.tally.refused_starts += 1;
            return Ok(());
        };
        self.tell(|| {
            format!(
                "{index}: {} is asked to press {press}; the provider answers {:?} after {} ms; {} {:?} {}",
                numbers()[number].number,
                story.answer,
                story.answer_after,
                if story.placed { "the call is placed," } else { "no call is placed," },
                story.pressed,
                story.ending.disposition,
            )
        });
        self.plan(now + story.answer_after, Next::Answers(index));
        let ids = [("a", index), ("b", index)].map(|(id, n)| Text::Owned(format!("out_{n}{id}")));
        for report in &story.reports {
            let began_at = now + story.leg_after(report.leg);
            let error = story.clock_errors[report.leg];
            let start = Text::Owned(civil(self.history.clock.shows(began_at, error)));
            let written = Text::Borrowed(numbers()[number].written[report.written].as_str());
            let notice = story.notice(report, written, ids[report.id].clone(), start);
            let header = self.sign(notice, began_at, Some(index));
            for delay in &report.arrives_after {
                let at = now + story.happens_after(report) + delay;
                self.plan(at, Next::Arrives { header, origin: Origin::Button { call: index } });
            }
        }
        let expires_at = now + expires_in;
        let call = Call {
            index,
            number,
            press,
            intent_at: now,
            expires_at,
            story,
            told_in_time: None,
            forgiven: None,
            ended_without_key_at: None,
            canceled: false,
            redeemed: 0,
        };
        let result = invariants::hold_for_start(now, &self.calls, &call);
        self.calls.push(call);
        self.plan(now + 180_000 + LATE[0], Next::Falls { due: index });
        self.plan(expires_at + LATE[2], Next::Falls { due: index });
        result
    }

    /// The provider's answer, unless the process that asked has died meanwhile.
    fn answer(&mut self, index: usize) {
        let call = &self.calls[index];
        if self.restarted_at >= call.intent_at {
            return;
        }
        let answer = call.story.answer;
        self.tell(|| format!("{index}: the provider answers {answer:?}"));
        let event = match answer {
            Answer::Accepted => Event::Accepted { attempt: 0 },
            Answer::Refused(reason) => Event::Refused { attempt: 0, reason },
            Answer::Unknown => Event::Unknown { attempt: 0 },
        };
        self.world.answered(index, &event);
    }

    fn redeem(&mut self, back: usize, other_number: bool) -> Result<(), Broken> {
        let Some(index) = self.newest_but(back) else { return Ok(()) };
        let number = self.calls[index].number ^ usize::from(other_number);
        let redeemed = self.world.redeem(index, number);
        self.tell(|| format!("{index}: the app redeems it: {redeemed:?}"));
        if redeemed.is_ok() {
            self.calls[index].redeemed += 1;
            self.tally.redeemed += 1;
            let call = &self.calls[index];
            if other_number || call.redeemed > 1 || !call.is_confirmed_by_person() {
                return Err("2: redeemed twice, for another number or unconfirmed".to_owned());
            }
        }
        Ok(())
    }

    pub(super) fn measure(&mut self, error: Millis) {
        self.tell(|| "the PBX's clock is measured".to_owned());
        self.world.measure(self.history.clock.shows(self.world.now, error));
    }

    pub(super) fn look_at_moves(&mut self, origin: Option<Origin>) -> Result<(), Broken> {
        for (index, before, after) in std::mem::take(&mut self.world.moves) {
            invariants::hold_for_move(&before, &after, origin, &self.calls[index])?;
            if before.conclusion().is_none()
                && let Some(end) = after.conclusion()
            {
                self.tell(|| format!("{index}: ends as {:?}", end.outcome));
            }
            if let Some(due) = after.due_at(&self.world.timing) {
                let late = LATE[usize::try_from(after.version).unwrap() % LATE.len()];
                self.plan(due.as_millisecond() + late, Next::Falls { due: index });
            }
        }
        Ok(())
    }

    fn newest_but(&self, back: usize) -> Option<usize> {
        self.calls.len().checked_sub(1 + back)
    }

    pub(super) fn tell(&mut self, what: impl FnOnce() -> String) {
        if let Some(log) = &mut self.log {
            log.push(format!("{} {}", instant(self.world.now), what()));
        }
    }
}
