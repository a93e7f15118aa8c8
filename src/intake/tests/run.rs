//! Runs a history: the truth goes its way, the world is told some of it, and
//! what must hold is looked at after each step.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use jiff::Timestamp;

use super::adversary::{Header, is_withheld};
use super::history::{Happening, History};
use super::invariants::{self, Broken};
use super::numbers::{numbers, share_a_form};
use super::pbx::{Millis, Notice, Text, civil};
use super::story::{Answer, Story};
use super::tally::Tally;
use super::world::{World, instant};
use crate::domain::{CallResult, Event, Key, Outcome, Timing, WrittenForm};
use crate::intake::Verdict;
use crate::zadarma::notification::CallEvent;

/// A button call: what an app asked, and what really happened.
pub(super) struct Call {
    /// Its place among the calls, which is that of its verification in the store.
    pub(super) index: usize,
    pub(super) number: usize,
    pub(super) press: Key,
    pub(super) intent_at: Millis,
    pub(super) expires_at: Millis,
    pub(super) story: Story,
    /// The outcome that is due, since it was told by somebody who knows, in time.
    pub(super) told_in_time: Option<Outcome>,
    /// Whether what was told may have been lost for a reason that the design accepts.
    pub(super) forgiven: Option<Excuse>,
    ended_without_key_at: Option<Millis>,
    canceled: bool,
    redeemed: u32,
}

/// Whose notification it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The PBX's, of a button call.
    Button { call: usize },
    /// The PBX's, of another call.
    Other,
    /// The adversary's.
    Forged,
}

/// Why a true result may be lost, as the design accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Excuse {
    /// The zone has changed since the one measurement that a minute allows.
    MeasuredJustBefore,
    /// A restart has forgotten the offset before the change.
    OffsetForgotten,
    /// An earlier call to the number was accepted in the first pass of the hour.
    HourRepeats,
}

/// What comes of what happened.
#[derive(Clone)]
enum Next {
    Happens(Happening),
    Answers(usize),
    Arrives { header: usize, origin: Origin },
    Falls { due: usize },
}

/// One history on its way.
pub(super) struct Run<'a> {
    history: &'a History,
    world: World,
    calls: Vec<Call>,
    headers: Vec<Header>,
    queue: BinaryHeap<Reverse<(Millis, u32)>>,
    nexts: Vec<Next>,
    swept_at: Millis,
    restarted_at: Millis,
    pub(super) tally: Tally,
    /// What happened, in words; kept only when somebody will read it.
    log: Option<Vec<String>>,
}

impl Call {
    pub(super) fn is_confirmed_by_person(&self) -> bool {
        self.story.placed
            && self.story.ending.result == CallResult::Answered
            && self.press.is_exactly(self.story.pressed)
    }

    pub(super) fn shares_a_form_with(&self, other: &Self) -> bool {
        share_a_form(self.number, other.number)
    }

    pub(super) const fn ends_at(&self) -> Millis {
        self.intent_at + self.story.ends_after
    }

    pub(super) fn window_ends_at(&self, timing: &Timing) -> Timestamp {
        instant(self.intent_at) + timing.result_window
    }

    /// What a report that tells the key means.
    fn outcome(&self) -> Outcome {
        match self.story.ending.result {
            CallResult::Answered if self.is_confirmed_by_person() => Outcome::Confirmed,
            CallResult::Answered if self.story.pressed.is_empty() => Outcome::NoKey,
            CallResult::Answered => Outcome::WrongKey,
            result => result.outcome_without_key(),
        }
    }

    /// Takes note that a report arrives, before the world hears of it.
    fn is_told(&mut self, now: Millis, notice: &Notice, timing: &Timing) {
        if !matches!(notice.event, CallEvent::End | CallEvent::OutEnd) {
            return;
        }
        let window = timing.result_window.as_millis();
        let mut until = self.expires_at.min(self.intent_at + i64::try_from(window).unwrap());
        if let Some(ended) = self.ended_without_key_at {
            until = until.min(ended + i64::try_from(timing.result_grace.as_millis()).unwrap());
        }
        let decides =
            notice.callback_dtmf.is_some() && self.story.ending.result != CallResult::Other;
        if decides && now < until && !self.canceled && self.told_in_time.is_none() {
            self.told_in_time = Some(self.outcome());
        } else if !decides {
            self.ended_without_key_at.get_or_insert(now);
        }
    }
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
    pub(super) fn to_the_end(mut self) -> (Result<Tally, Broken>, Vec<String>) {
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

    fn plan(&mut self, at: Millis, next: Next) {
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
        // The worker is late by up to a quarter of a second, and looks again at the very end.
        self.plan(now + 180_000 + 250, Next::Falls { due: index });
        self.plan(expires_at + 30, Next::Falls { due: index });
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

    fn measure(&mut self, error: Millis) {
        self.tell(|| "the PBX's clock is measured".to_owned());
        self.world.measure(self.history.clock.shows(self.world.now, error));
    }

    fn agent_call(
        &mut self,
        number: usize,
        written: usize,
        event: CallEvent,
        error: Millis,
        answered: bool,
    ) {
        let now = self.world.now;
        let start = Text::Owned(civil(self.history.clock.shows(now, error)));
        let mut notice = Notice::new(event, Text::Borrowed("out_agent"), start);
        notice.internal = Some(Text::Borrowed("100"));
        notice.destination = Some(Text::Borrowed(numbers()[number].written[written].as_str()));
        notice.calltype = Some(Text::Borrowed("normal"));
        notice.disposition = Some(Text::Borrowed(if answered { "answered" } else { "busy" }));
        let header = self.sign(notice, now, None);
        self.plan(now + 9_000, Next::Arrives { header, origin: Origin::Other });
    }

    fn stranger(&mut self, number: usize, written: usize, event: CallEvent, error: Millis) {
        let now = self.world.now;
        let start = Text::Owned(civil(self.history.clock.shows(now, error)));
        let mut notice = Notice::new(event, Text::Borrowed("in_stranger"), start);
        notice.caller_id = Some(Text::Borrowed(numbers()[number].written[written].as_str()));
        let line = if error % 4 == 0 { "0" } else { "48573134140" };
        notice.called_did = Some(Text::Borrowed(line));
        notice.disposition = Some(Text::Borrowed("answered"));
        notice.callback_dtmf = Some(Text::Borrowed("1"));
        let header = self.sign(notice, now, None);
        self.plan(now + 9_000, Next::Arrives { header, origin: Origin::Other });
    }

    fn attack(&mut self, attack: super::adversary::Attack, pick: u64) -> Result<(), Broken> {
        let now = self.world.now;
        let known = self.headers.iter().filter(|header| header.began_at <= now).count();
        let (Some(asked), true) = (self.calls.last().map(|call| call.press), known > 0) else {
            return Ok(());
        };
        let known = self.headers.iter().enumerate().filter(|(_, header)| header.began_at <= now);
        let choice = usize::try_from(pick >> 32).unwrap() % known.clone().count();
        let (index, header) = known.clone().nth(choice).expect("it was counted");
        let Some(forged) = attack.forge(header, pick, asked) else { return Ok(()) };
        let named = self.named_by(&forged);
        let clock = self.history.clock;
        let repeats = (clock.ahead_after < clock.ahead_before).then_some(clock.changes_at);
        if named
            .is_some_and(|named| is_withheld(header, (named, &self.world.store[named]), repeats))
        {
            self.tally.withheld += 1;
            return Ok(());
        }
        let signed = header.before_time.clone() + &header.notice.call_start;
        let verdict = self.deliver(&forged, &signed);
        self.tally.attacks += 1;
        self.tell(|| {
            format!("forged from {index} by {attack:?}: {} -> {verdict:?}", forged.describe())
        });
        self.look_at_moves(Some(Origin::Forged))
    }

    /// The verification that was last started with a number so written.
    fn named_by(&self, notice: &Notice) -> Option<usize> {
        let form = WrittenForm::read(notice.call().number)?;
        self.calls.iter().rposition(|call| numbers()[call.number].forms.contains(&form))
    }

    /// The PBX writes and signs; whether it arrives is another question.
    fn sign(&mut self, notice: Notice, began_at: Millis, call: Option<usize>) -> usize {
        let before_time = notice.signed_before_time();
        let like_ours =
            notice.pbx_call_id.starts_with("out_") || notice.called_did.as_deref() == Some("0");
        self.headers.push(Header {
            notice,
            before_time,
            began_at,
            call,
            like_ours,
            accepted: false,
        });
        self.headers.len() - 1
    }

    fn arrive(&mut self, header: usize, origin: Origin) -> Result<(), Broken> {
        let now = self.world.now;
        let Header { notice, before_time, began_at, .. } = self.headers[header].clone();
        if let Origin::Button { call } = origin {
            let timing = self.world.timing;
            self.calls[call].is_told(now, &notice, &timing);
        }
        let signed = before_time + &notice.call_start;
        // Some deliveries meet the same one again on its way.
        self.world.contended = now % 16 == 0;
        let verdict = self.deliver(&notice, &signed);
        self.world.contended = false;
        self.tell(|| format!("{header} of {origin:?}: {} -> {verdict:?}", notice.describe()));
        self.headers[header].accepted |= verdict == Some(Verdict::Accepted);
        if let Origin::Button { call } = origin
            && let Some(excuse) = self.excuse(began_at, verdict)
        {
            self.calls[call].forgiven = Some(excuse);
        }
        self.look_at_moves(Some(origin))
    }

    /// Delivers, and judges once more with the clock measured anew if it missed the window.
    fn deliver(&mut self, notice: &Notice, signed: &str) -> Option<Verdict> {
        let verdict = self.world.receive(notice, signed);
        if let Some(verdict) = verdict {
            self.tally.verdicts[verdict as usize] += 1;
        }
        if verdict == Some(Verdict::OutsideWindow) && self.world.may_measure() {
            self.measure(0);
            let at = instant(self.world.now);
            return Some(self.world.judge(notice, at));
        }
        verdict
    }

    /// Why a true result may miss around a change of zone, and only then.
    fn excuse(&self, began_at: Millis, verdict: Option<Verdict>) -> Option<Excuse> {
        let clock = self.history.clock;
        let repeats = clock.ahead_after < clock.ahead_before
            && (clock.changes_at..clock.changes_at + 3_700_000).contains(&began_at);
        let began_before = began_at < clock.changes_at + 30_000;
        match verdict {
            _ if !clock.changes() => None,
            Some(Verdict::StaleCallStart) if repeats => Some(Excuse::HourRepeats),
            Some(Verdict::OutsideWindow) if self.world.may_not_measure() => {
                Some(Excuse::MeasuredJustBefore)
            }
            Some(Verdict::OutsideWindow)
                if began_before && self.restarted_at >= clock.changes_at =>
            {
                Some(Excuse::OffsetForgotten)
            }
            _ => None,
        }
    }

    fn look_at_moves(&mut self, origin: Option<Origin>) -> Result<(), Broken> {
        for (index, before, after) in std::mem::take(&mut self.world.moves) {
            invariants::hold_for_move(&before, &after, origin, &self.calls[index])?;
            if before.conclusion().is_none()
                && let Some(end) = after.conclusion()
            {
                self.tell(|| format!("{index}: ends as {:?}", end.outcome));
            }
            if let Some(due) = after.due_at(&self.world.timing) {
                let late = (after.version % 3) * 80;
                self.plan(due.as_millisecond() + i64::from(late), Next::Falls { due: index });
            }
        }
        Ok(())
    }

    fn newest_but(&self, back: usize) -> Option<usize> {
        self.calls.len().checked_sub(1 + back)
    }

    fn tell(&mut self, what: impl FnOnce() -> String) {
        if let Some(log) = &mut self.log {
            log.push(format!("{} {}", instant(self.world.now), what()));
        }
    }
}
