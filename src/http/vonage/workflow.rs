//! Vonage's workflows as timetables: which step comes when, and with which code.
//!
//! `next_event_wait` takes the place of every wait. A `pin_expiry` that is no
//! multiple of it becomes it. A step that begins when the code before it has
//! expired has a new one; all ends when the last code does.

/// Seconds that a code counts unless the client says otherwise.
const PIN_EXPIRY: u32 = 300;

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Sends a text.
    Sms,
    /// Says the code.
    Tts,
    /// Asks for a key; ours, not theirs.
    Button,
}

use Kind::{Button, Sms, Tts};

/// The workflows by number, from 1: steps and the seconds until the next one.
const WORKFLOWS: [&[(Kind, u32)]; 8] = [
    &[(Sms, 125), (Tts, 180), (Tts, 300)],
    &[(Sms, 125), (Sms, 180), (Tts, 300)],
    &[(Tts, 150), (Tts, 150)],
    &[(Sms, 120), (Sms, 180)],
    &[(Sms, 120), (Tts, 180)],
    &[(Sms, 300)],
    &[(Tts, 300)],
    &[(Button, 300)],
];

/// The highest number of a workflow.
pub const LAST: u32 = 8;

/// One step of a timetable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planned {
    /// What it does.
    pub kind: Kind,
    /// Seconds until the next one.
    pub wait: u32,
    /// Whether it has another code than the one before.
    pub new_code: bool,
}

/// What a request comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timetable {
    /// The steps; none, if none can say what is to be said.
    pub steps: Vec<Planned>,
    /// Seconds that a code counts.
    pub pin_expiry: u32,
    /// Seconds until all is over.
    pub expires_in: u32,
}

/// The timetable of a workflow with those of its steps that are `wanted`.
pub fn timetable(
    workflow: u32,
    pin_expiry: Option<u32>,
    next_event_wait: Option<u32>,
    wanted: impl Fn(Kind) -> bool,
) -> Timetable {
    let pin_expiry = pin_expiry.unwrap_or(PIN_EXPIRY);
    let pin_expiry = match next_event_wait {
        Some(wait) if !pin_expiry.is_multiple_of(wait) => wait,
        Some(_) | None => pin_expiry,
    };
    let index = usize::try_from(workflow.saturating_sub(1)).unwrap_or(0);
    let steps = WORKFLOWS.get(index).copied().unwrap_or(WORKFLOWS[0]);
    let (mut at, mut code_at) = (0, 0);
    let mut planned = Vec::new();
    for (kind, wait) in steps.iter().filter(|(kind, _)| wanted(*kind)) {
        let wait = next_event_wait.unwrap_or(*wait);
        let new_code = at >= code_at + pin_expiry;
        if new_code {
            code_at = at;
        }
        planned.push(Planned { kind: *kind, wait, new_code });
        at += wait;
    }
    Timetable { steps: planned, pin_expiry, expires_in: code_at + pin_expiry }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn renewals(pin_expiry: Option<u32>, wait: Option<u32>) -> (Vec<bool>, u32) {
        let table = timetable(1, pin_expiry, wait, |_| true);
        (table.steps.iter().map(|step| step.new_code).collect(), table.expires_in)
    }

    #[test]
    fn codes_are_renewed_as_documented() {
        assert_eq!(renewals(None, None), (vec![false, false, true], 605));
        assert_eq!(renewals(Some(360), Some(120)), (vec![false, false, false], 360));
        assert_eq!(renewals(Some(240), Some(120)), (vec![false, false, true], 480));
        for no_multiple in [120, 90, 200] {
            assert_eq!(renewals(Some(no_multiple), Some(120)), (vec![false, true, true], 360));
        }
    }

    #[test]
    fn every_workflow_has_its_steps_and_ends() {
        let kinds = |workflow| {
            let steps = timetable(workflow, None, None, |_| true).steps;
            steps.iter().map(|step| step.kind).collect::<Vec<_>>()
        };
        assert_eq!(kinds(2), [Sms, Sms, Tts]);
        assert_eq!((kinds(6), kinds(7), kinds(LAST)), (vec![Sms], vec![Tts], vec![Button]));
        for (workflow, seconds) in [(3, 300), (4, 300), (5, 300), (6, 300), (7, 300), (8, 300)] {
            assert_eq!(timetable(workflow, None, None, |_| true).expires_in, seconds);
        }
    }

    #[test]
    fn left_out_steps_take_no_time() {
        let table = timetable(1, None, None, |kind| kind == Sms);
        assert_eq!((table.steps.len(), table.expires_in), (1, 300));
        assert!(timetable(7, None, None, |kind| kind == Sms).steps.is_empty());
    }
}
