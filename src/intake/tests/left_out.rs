//! Each protective rule, left out alone, lets an adversary's case through.
//!
//! There is no switch in the product; the rules are pure functions in two lists,
//! so that this test can do without one. Every case is a notification that
//! carries a genuine signature: the PBX signed `signed`, and the adversary, who
//! holds that header but not the secret, delivers `body`.

use jiff::{SignedDuration, Timestamp};

use super::fixture::{facts, policy, secret, verification};
use super::traps::{TRAPS, Trap, press};
use crate::domain::{
    Applied, Evidence, Key, PbxTime, PhoneNumber, Status, Timing, Verification, WrittenForm,
};
use crate::intake::rules::{ATTEMPT_RULES, Case, FORM_RULES};
use crate::intake::{Verdict, result};
use crate::live::{AccountIndex, Found, Live};
use crate::service::Offsets;
use crate::zadarma::notification::{Decoded, Notification};
use crate::zadarma::{form, sign};

/// The rules, in the order of their lists.
const RULES: [&str; 7] = [
    "unshifted",
    "outgoing",
    "not_to_us",
    "whole_number",
    "in_window",
    "later_than_earlier",
    "carries_result",
];

impl Trap {
    /// The verdict, and the status in which it leaves the verification, when
    /// the rules but `left_out` have judged.
    fn spring(&self, left_out: Option<&str>) -> (Option<Verdict>, Status) {
        let asked = self.verification();
        let timing = Timing::default();
        let text = form::Params::new();
        let text = self.body.iter().fold(text, |text, (name, value)| text.text(*name, *value));
        let body = text.query();
        let header = sign::signature(&secret(), &self.signed);
        let decoded = Decoded::from_urlencoded(body.as_bytes()).unwrap();
        let policy = policy();
        let authentic = decoded.authenticate(Some(header.as_bytes()), &policy.secrets);
        let authentic = authentic.unwrap_or_else(|error| panic!("{}: {error}", self.story));
        let Notification::Call(call) = authentic.interpret() else { panic!("{}", self.story) };
        let received_at = asked.created_at + SignedDuration::from_secs(40);
        let number = WrittenForm::read(call.number);
        let facts = facts(autumn(received_at));
        let case = Case {
            call: &call,
            has_number: number.is_some(),
            found: number.map_or(Found::Nothing, |number| find(&asked, number)),
            policy: &policy,
            facts: &facts,
            received_at,
            timing: &timing,
        };
        let attempt = &asked.attempts[0];
        let mut rules = RULES.into_iter().filter(|rule| Some(*rule) != left_out);
        let verdict = rules.find_map(|name| {
            let index = RULES.iter().position(|known| *known == name)?;
            match index.checked_sub(FORM_RULES.len()) {
                None => FORM_RULES[index](&case),
                Some(index) => ATTEMPT_RULES[index](&case, attempt),
            }
        });
        if verdict.is_some() {
            return (verdict, asked.status());
        }
        let (_, event) = result::event(&case, attempt, Evidence::default());
        let Some(event) = event else { return (None, asked.status()) };
        match asked.apply(event, received_at, &timing) {
            Applied::Moved { next, .. } => (None, next.status()),
            Applied::Ignored(_) => (None, asked.status()),
        }
    }

    fn verification(&self) -> Verification {
        let at: Timestamp = self.intent_at.parse().unwrap();
        let to = PhoneNumber::parse(self.asked).unwrap();
        let expires_at = at + SignedDuration::from_secs(600);
        let mut asked = verification(1, to, Key::ONE, at, expires_at);
        asked.attempts[0].earlier_call_start = self.earlier.map(pbx_time);
        asked
    }
}

/// What a look-up answers while only `asked` is in flight.
fn find(asked: &Verification, number: WrittenForm) -> Found {
    let live = Live::new();
    let forms = WrittenForm::all_of(asked.to.phone().unwrap());
    live.hold(asked.id, 1, Timestamp::MAX, AccountIndex(0), &forms, b"");
    live.find(AccountIndex(0), number)
}

/// The PBX's clock two hours ahead; three before 01:00 UTC on 25 October 2026.
fn autumn(now: Timestamp) -> Offsets {
    let change: Timestamp = "2026-10-25T01:00:00Z".parse().unwrap();
    let ahead = |at: Timestamp, hours: i64| PbxTime(at.as_second() + hours * 3600);
    let before = change - SignedDuration::from_secs(1800);
    let offsets = Offsets::default().measured(ahead(before, 3), before);
    offsets.measured(ahead(change, 2), change).measured(ahead(now, 2), now)
}

fn pbx_time(text: &str) -> PbxTime {
    let civil = crate::zadarma::parse_call_start(text).unwrap();
    PbxTime(jiff::tz::Offset::UTC.to_timestamp(civil).unwrap().as_second())
}

#[test]
fn every_rule_has_a_case_and_every_case_a_rule() {
    assert_eq!(RULES.len(), FORM_RULES.len() + ATTEMPT_RULES.len(), "a rule has no case");
    for rule in RULES {
        assert!(TRAPS.iter().any(|trap| trap.rule == rule), "{rule} has no case");
    }
    for trap in &TRAPS {
        assert!(RULES.contains(&trap.rule), "{} is no rule", trap.rule);
    }
}

#[test]
fn with_all_rules_no_case_passes() {
    for trap in &TRAPS {
        assert_eq!(trap.spring(None), (Some(trap.verdict), Status::Pending), "{}", trap.story);
    }
}

#[test]
fn without_its_rule_each_case_verifies() {
    for trap in &TRAPS {
        assert_eq!(trap.spring(Some(trap.rule)), (None, Status::Verified), "{}", trap.story);
    }
}

#[test]
fn without_another_rule_no_case_passes() {
    for trap in &TRAPS {
        for other in RULES.into_iter().filter(|rule| *rule != trap.rule) {
            let (verdict, status) = trap.spring(Some(other));
            assert_eq!(status, Status::Pending, "without {other}: {}", trap.story);
            assert_eq!(verdict, Some(trap.verdict), "without {other}: {}", trap.story);
        }
    }
}

#[test]
fn a_true_press_passes_all_rules() {
    assert_eq!(press().spring(None), (None, Status::Verified));
}
