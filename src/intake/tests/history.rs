//! A history: everything that will happen, drawn from one seed before it begins.
//!
//! Nothing in it depends on what the service does, so that any part of a failed
//! history can be left out to see whether it still fails.

use super::adversary::Attack;
use super::pbx::{Millis, PbxClock};
use super::random::Random;
use super::story::Story;
use crate::domain::Key;
use crate::zadarma::notification::CallEvent;

/// 2026-10-24T21:40:00Z, in milliseconds.
const EPOCH: Millis = 1_792_878_000_000;

/// What will happen, and on what clock.
#[derive(Clone)]
pub(super) struct History {
    pub(super) seed: u64,
    pub(super) clock: PbxClock,
    pub(super) begins_at: Millis,
    pub(super) happenings: Vec<(Millis, Happening)>,
    /// When memory is swept, within each ten seconds.
    pub(super) sweep_phase: Millis,
    /// Whether every notification is signed and read for real.
    pub(super) signs: bool,
}

/// One thing that somebody does.
#[derive(Clone)]
pub(super) enum Happening {
    /// An app asks; if it is admitted, the story begins.
    Start { number: usize, press: Key, expires_in: Millis, story: Box<Story> },
    /// The app takes the newest verification, or the one before, back.
    Cancel { back: usize },
    /// The app redeems one of the newest verifications, for its number or another.
    Redeem { back: usize, other_number: bool },
    /// The process dies and starts again.
    Crash,
    /// The PBX's clock is measured, with an error.
    Measure { error: Millis },
    /// An employee calls the number.
    AgentCall { number: usize, written: usize, event: CallEvent, error: Millis, answered: bool },
    /// Somebody phones us under the number as caller ID, and presses keys.
    Stranger { number: usize, written: usize, event: CallEvent, error: Millis },
    /// A forged notification.
    Attack { attack: Attack, pick: u64 },
}

/// How far a measurement of the clock is off; a leg's start may be off by 20 s more.
const MEASURED: Millis = 5_000;

impl History {
    pub(super) fn draw(seed: u64) -> Self {
        let random = &mut Random::new(seed);
        let clock = draw_clock(random);
        // Two numbers that are easily taken for one another, or one alone.
        let pair = random.below(5) * 2;
        let only_one = random.percent(50);
        let mut happenings = Vec::new();
        let mut now = EPOCH + random.between(0, 7_200_000);
        let begins_at = now;
        let error = random.between(-MEASURED, MEASURED);
        happenings.push((now, Happening::Measure { error }));
        if clock.changes() && random.percent(80) {
            let error = random.between(-MEASURED, MEASURED);
            let at = clock.changes_at + random.between(0, 20_000);
            happenings.push((at, Happening::Measure { error }));
        }
        for _ in 0..1 + random.below(4) {
            let number = pair + if only_one { 0 } else { random.below(2) };
            round(random, now, number, &mut happenings);
            now += match random.below(12) {
                0..3 => random.between(0, 60_000),
                3..8 => random.between(60_000, 240_000),
                8..10 => random.between(400_000, 900_000),
                _ => random.between(3_400_000, 3_800_000),
            };
        }
        happenings.sort_by_key(|(at, _)| *at);
        let sweep_phase = random.between(0, 9_999);
        let signs = seed.is_multiple_of(97);
        Self { seed, clock, begins_at, happenings, sweep_phase, signs }
    }
}

fn draw_clock(random: &mut Random) -> PbxClock {
    // Whole hours and the constant error of the PBX's clock.
    let ahead_before = random.between(-11, 13) * 3600 + random.between(-20, 20);
    let ahead_after = match random.below(10) {
        0..2 => ahead_before - 3600,
        2 => ahead_before + 3600,
        _ => ahead_before,
    };
    let changes_at = EPOCH + random.between(1, 5) * 1_800_000;
    PbxClock { ahead_before, ahead_after, changes_at }
}

/// One start, and what else happens around it.
fn round(random: &mut Random, now: Millis, number: usize, into: &mut Vec<(Millis, Happening)>) {
    let digit = if random.percent(70) { 1 } else { random.below(10) };
    let asked = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"][digit];
    let press = Key::new(u8::try_from(digit).unwrap()).unwrap();
    let expires_in = if random.percent(85) { 600_000 } else { random.between(10_000, 200_000) };
    let story = Box::new(Story::draw(random, asked));
    let ends = now + story.ends_after;
    into.push((now, Happening::Start { number, press, expires_in, story }));
    let any = |random: &mut Random| now + random.between(-50_000, 300_000);
    if random.percent(10) {
        into.push((now + random.between(0, 60_000), Happening::Cancel { back: random.below(2) }));
    }
    if random.percent(30) {
        let other_number = random.percent(20);
        let back = random.below(2);
        let at = ends + random.between(0, 700_000);
        into.push((at, Happening::Redeem { back, other_number }));
    }
    if random.percent(8) {
        into.push((now + random.between(0, 100_000), Happening::Crash));
    }
    if random.percent(15) {
        let written = random.below(6);
        let event = random.pick(&[CallEvent::OutEnd, CallEvent::OutEnd, CallEvent::OutStart]);
        let (error, answered) = (random.between(-20_000, 20_000), random.percent(70));
        let number = number ^ random.below(2);
        into.push((any(random), Happening::AgentCall { number, written, event, error, answered }));
    }
    if random.percent(12) {
        let written = random.below(6);
        let event = random.pick(&[CallEvent::End, CallEvent::Start, CallEvent::Ivr]);
        let error = random.between(-20_000, 20_000);
        into.push((any(random), Happening::Stranger { number, written, event, error }));
    }
    for _ in 0..random.below(4) {
        let attack = random.pick(&Attack::ALL);
        let at = if random.percent(50) { any(random) } else { ends + random.between(0, 5_000) };
        into.push((at, Happening::Attack { attack, pick: random.next() }));
    }
}
