//! Invariant 9: the same true facts of one call, in any order, come to the same.
//!
//! The facts are the provider's answer, every notification of the call, and the
//! end of an agent's call with the number; each arrives within the grace that
//! follows an end without a key, or anywhere if no such end is among them.

use super::numbers::numbers;
use super::pbx::{Millis, Notice, PbxClock, Text, civil};
use super::random::Random;
use super::story::{Answer, Story};
use super::world::World;
use crate::domain::{Event, Key, Outcome};
use crate::zadarma::notification::CallEvent;

const STORIES: u64 = 2_500;
/// How many orders of each story's facts are tried.
const ORDERS: usize = 24;
const NOON: Millis = 1_793_872_800_000;

#[derive(Clone)]
enum Fact {
    Answer(Event),
    Notice(Notice),
}

#[test]
fn true_facts_of_one_call_in_any_order_come_to_the_same() {
    let mut reached = [0_u64; Outcome::ALL.len()];
    for seed in 0..STORIES {
        let random = &mut Random::new(seed);
        let number = random.below(numbers().len());
        let story = Story::draw(random, "1");
        let mut facts = facts(random, number, &story);
        let times = times(random, &story, facts.len());
        let (outcome, first) = (come_true(number, &facts, &times), describe(&facts));
        reached[Outcome::ALL.iter().position(|known| *known == outcome).unwrap()] += 1;
        for _ in 1..ORDERS {
            shuffle(random, &mut facts);
            let other = come_true(number, &facts, &times);
            assert_eq!(other, outcome, "seed {seed}, {first}; but then: {}", describe(&facts));
        }
    }
    let reached: Vec<_> = Outcome::ALL.iter().zip(reached).filter(|(_, n)| *n > 0).collect();
    println!("{STORIES} calls, each in {ORDERS} orders: {reached:?}");
    assert!(reached.len() >= 8);
}

/// What is told of a call, with every notification arriving once.
fn facts(random: &mut Random, number: usize, story: &Story) -> Vec<Fact> {
    let event = match story.answer {
        // A refusal and a result would contradict each other.
        Answer::Accepted | Answer::Refused(_) => Event::Accepted { attempt: 0 },
        Answer::Unknown => Event::Unknown { attempt: 0 },
    };
    let mut facts = vec![Fact::Answer(event)];
    for report in &story.reports {
        let began_at = NOON + story.leg_after(report.leg);
        let start = civil(clock().shows(began_at, story.clock_errors[report.leg]));
        let written = Text::Borrowed(numbers()[number].written[report.written].as_str());
        let id = Text::Borrowed(["out_a", "out_b"][report.id]);
        facts.push(Fact::Notice(story.notice(report, written, id, Text::Owned(start))));
    }
    if random.percent(30) {
        let start = Text::Owned(civil(clock().shows(NOON + 2_000, 0)));
        let mut notice = Notice::new(CallEvent::OutEnd, Text::Borrowed("out_agent"), start);
        notice.internal = Some(Text::Borrowed("101"));
        notice.destination = Some(Text::Borrowed(numbers()[number].written[0].as_str()));
        notice.disposition = Some(Text::Borrowed("busy"));
        notice.calltype = Some(Text::Borrowed("normal"));
        facts.push(Fact::Notice(notice));
    }
    shuffle(random, &mut facts);
    facts
}

/// When they arrive: after the call has ended, within its grace and its window.
fn times(random: &mut Random, story: &Story, count: usize) -> Vec<Millis> {
    let ended = NOON + story.ends_after;
    let mut times: Vec<Millis> = (0..count).map(|_| ended + random.between(0, 9_900)).collect();
    times.sort_unstable();
    times
}

/// How a verification ends to which this happens, and then nothing but time.
fn come_true(number: usize, facts: &[Fact], times: &[Millis]) -> Outcome {
    let mut world = World::new(NOON, false);
    world.measure(clock().shows(NOON, 0));
    let index = world.start(number, Key::ONE, 600_000).expect("nothing else is in flight");
    for (fact, at) in facts.iter().zip(times) {
        world.now = *at;
        match fact {
            Fact::Answer(event) => world.answered(index, event),
            Fact::Notice(notice) => {
                let signed = notice.signed_before_time() + &notice.call_start;
                world.receive(notice, &signed).expect("it is signed");
            }
        }
    }
    world.now = NOON + 600_000;
    world.answered(index, &Event::TimePassed);
    let end = world.store[index].conclusion().expect("its time is over");
    assert!(!end.disputed, "{}", describe(facts));
    end.outcome
}

const fn clock() -> PbxClock {
    PbxClock { ahead_before: 7_200, ahead_after: 7_200, changes_at: NOON }
}

fn shuffle(random: &mut Random, facts: &mut [Fact]) {
    for last in (1..facts.len()).rev() {
        facts.swap(last, random.below(last + 1));
    }
}

fn describe(facts: &[Fact]) -> String {
    let describe = |fact: &Fact| match fact {
        Fact::Answer(event) => format!("{event:?}"),
        Fact::Notice(notice) => notice.describe(),
    };
    facts.iter().map(describe).collect::<Vec<_>>().join("; ")
}
