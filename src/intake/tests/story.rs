//! What happens to one button call: the truth, and how the PBX tells it.

use super::pbx::{Millis, Notice, Text};
use super::random::Random;
use crate::domain::{CallResult, RefusalReason};
use crate::zadarma::notification::CallEvent;

/// A call's fate. Times count from the stored intent.
#[derive(Clone)]
pub(super) struct Story {
    /// What the provider's API answers.
    pub(super) answer: Answer,
    pub(super) answer_after: Millis,
    /// Whether the phone is called at all.
    pub(super) placed: bool,
    pub(super) starts_after: Millis,
    pub(super) ends_after: Millis,
    pub(super) ending: Ending,
    /// The keys; empty if none.
    pub(super) pressed: &'static str,
    /// How far the PBX's clock is off when it notes the start of each leg.
    pub(super) clock_errors: [Millis; 2],
    /// How much later the second leg starts.
    pub(super) second_leg_after: Millis,
    pub(super) reports: Vec<Report>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Accepted,
    Refused(RefusalReason),
    Unknown,
}

/// How a call ends: the PBX's words, and what they mean.
#[derive(Clone, Copy)]
pub(super) struct Ending {
    pub(super) disposition: &'static str,
    pub(super) status_code: &'static str,
    pub(super) result: CallResult,
}

/// One notification of the call.
#[derive(Clone)]
pub(super) struct Report {
    pub(super) event: CallEvent,
    /// Which leg of the call, and under which of two ids.
    pub(super) leg: usize,
    pub(super) id: usize,
    /// In which way the number is written.
    pub(super) written: usize,
    /// Whether it has the field that tells the key.
    pub(super) tells_key: bool,
    /// When it arrives, counted from what it reports; never if empty, repeatedly if more.
    pub(super) arrives_after: Vec<Millis>,
}

pub(super) const ENDINGS: [Ending; 11] = [
    Ending { disposition: "answered", status_code: "16", result: CallResult::Answered },
    Ending { disposition: "ANSWERED", status_code: "16", result: CallResult::Answered },
    Ending { disposition: "busy", status_code: "17", result: CallResult::Busy },
    Ending { disposition: "cancel", status_code: "16", result: CallResult::NoAnswer },
    Ending { disposition: "no answer", status_code: "19", result: CallResult::NoAnswer },
    Ending { disposition: "cancel", status_code: "21", result: CallResult::Rejected },
    Ending { disposition: "failed", status_code: "34", result: CallResult::Unreachable },
    Ending { disposition: "unallocated number", status_code: "1", result: CallResult::Unreachable },
    Ending { disposition: "no money", status_code: "0", result: CallResult::ProviderRefused },
    Ending {
        disposition: "no money, no limit",
        status_code: "0",
        result: CallResult::ProviderRefused,
    },
    Ending { disposition: "seven dwarfs", status_code: "0", result: CallResult::Other },
];

/// The events that tell of a call's end, in their order; whether each tells the
/// key, and of which leg and under which id it speaks.
type Telling = &'static [(CallEvent, bool, usize, usize)];

/// Every form that is documented, or met in the field. In all but the last
/// the key is told.
const TELLINGS: [Telling; 11] = [
    &[(CallEvent::End, true, 0, 0)],
    &[(CallEvent::OutEnd, true, 0, 0)],
    &[(CallEvent::End, true, 0, 0), (CallEvent::OutEnd, true, 0, 0)],
    &[(CallEvent::OutEnd, true, 0, 0), (CallEvent::End, true, 0, 0)],
    &[(CallEvent::End, false, 0, 0), (CallEvent::OutEnd, true, 0, 0)],
    &[(CallEvent::OutEnd, false, 0, 0), (CallEvent::End, true, 0, 0)],
    &[(CallEvent::End, true, 0, 0), (CallEvent::OutEnd, false, 0, 0)],
    &[(CallEvent::End, false, 0, 0), (CallEvent::End, true, 1, 0)],
    &[(CallEvent::End, true, 0, 0), (CallEvent::End, true, 1, 0)],
    &[(CallEvent::End, true, 0, 0), (CallEvent::OutEnd, true, 1, 1)],
    &[(CallEvent::End, false, 0, 0)],
];

/// Keys of a person who does not press what was asked.
const OTHER_KEYS: [&str; 7] = ["", "", "2", "11", "1#", "*", "12345678901234567890"];

impl Story {
    /// A story in which `asked` is the key asked for.
    pub(super) fn draw(random: &mut Random, asked: &'static str) -> Self {
        let answer = match random.below(10) {
            0 => Answer::Refused(random.pick(&RefusalReason::ALL)),
            1 => Answer::Unknown,
            _ => Answer::Accepted,
        };
        let placed = match answer {
            Answer::Accepted => !random.percent(3),
            Answer::Refused(_) => false,
            Answer::Unknown => random.percent(60),
        };
        let ending = if random.percent(70) { ENDINGS[0] } else { random.pick(&ENDINGS) };
        let starts_after = random.between(100, 6_000);
        let lasts = if random.percent(8) { 164_000 } else { random.between(1_000, 40_000) };
        let pressed = match ending.result {
            CallResult::Answered if random.percent(60) => asked,
            CallResult::Answered => random.pick(&OTHER_KEYS),
            _ => "",
        };
        let mut story = Self {
            answer,
            answer_after: random.between(30, 1_000) * if random.percent(15) { 40 } else { 1 },
            placed,
            starts_after,
            ends_after: starts_after + lasts,
            ending,
            pressed,
            clock_errors: [random.between(-20_000, 20_000), random.between(-20_000, 20_000)],
            second_leg_after: random.between(0, 1_000),
            reports: Vec::new(),
        };
        story.reports = if placed { reports(random) } else { Vec::new() };
        story
    }

    /// When a leg starts, counted from the intent.
    pub(super) const fn leg_after(&self, leg: usize) -> Millis {
        self.starts_after + if leg == 0 { 0 } else { self.second_leg_after }
    }

    /// When what a report tells of has happened.
    pub(super) const fn happens_after(&self, report: &Report) -> Millis {
        match report.event {
            CallEvent::Start | CallEvent::OutStart | CallEvent::Internal => {
                self.leg_after(report.leg)
            }
            CallEvent::Answer => (self.starts_after + self.ends_after) / 2,
            CallEvent::End | CallEvent::OutEnd | CallEvent::Ivr | CallEvent::InternalEnd => {
                self.ends_after
            }
        }
    }

    /// A report as the PBX writes it.
    pub(super) fn notice(&self, report: &Report, number: Text, id: Text, start: Text) -> Notice {
        let mut notice = Notice::new(report.event, id, start);
        match report.event {
            CallEvent::End
            | CallEvent::Start
            | CallEvent::Internal
            | CallEvent::Ivr
            | CallEvent::InternalEnd => {
                notice.caller_id = Some(number);
                notice.called_did = Some(Text::Borrowed("0"));
            }
            CallEvent::Answer => {
                notice.caller_id = Some(Text::Borrowed("48573134144"));
                notice.destination = Some(number);
            }
            CallEvent::OutStart | CallEvent::OutEnd => {
                notice.internal =
                    (report.written.is_multiple_of(2)).then_some(Text::Borrowed("100"));
                notice.destination = Some(number);
            }
        }
        if matches!(report.event, CallEvent::End | CallEvent::OutEnd) {
            notice.disposition = Some(Text::Borrowed(self.ending.disposition));
            notice.status_code = Some(Text::Borrowed(self.ending.status_code));
            notice.calltype = Some(Text::Borrowed(["callback_leg1", "callback_leg2"][report.leg]));
            notice.callback_dtmf = report.tells_key.then_some(Text::Borrowed(self.pressed));
        }
        notice
    }
}

fn reports(random: &mut Random) -> Vec<Report> {
    let mut reports = Vec::new();
    let written = random.below(6);
    for event in [CallEvent::Start, CallEvent::OutStart, CallEvent::Internal, CallEvent::Answer] {
        if random.percent(25) {
            let arrives_after = vec![random.between(0, 4_000)];
            reports.push(Report { event, leg: 0, id: 0, written, tells_key: false, arrives_after });
        }
    }
    let telling = random.pick(&TELLINGS);
    let mut delay = 0;
    for (event, tells_key, leg, id) in telling.iter().copied() {
        let arrives_after = arrivals(random, delay);
        delay = arrives_after.first().copied().unwrap_or(delay);
        let written = if random.percent(80) { written } else { random.below(6) };
        reports.push(Report { event, leg, id, written, tells_key, arrives_after });
    }
    reports
}

/// Mostly soon and in order; sometimes at any time, late, again, or never. Not
/// as late as the hour that the clock repeats in autumn: what is signed would
/// then be, to the letter, what is signed of a call made now.
fn arrivals(random: &mut Random, after: Millis) -> Vec<Millis> {
    let soon = match random.below(20) {
        0 => return Vec::new(),
        1 => random.between(10_000, 200_000),
        2 => random.between(200_000, 2_400_000),
        3..6 => random.between(0, 12_000),
        _ => after + random.between(0, 1_500),
    };
    match random.below(10) {
        0 => vec![soon, soon + random.between(0, 100_000)],
        _ => vec![soon],
    }
}
