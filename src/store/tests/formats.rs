//! The formats of records: which one is written, and what it costs.

use proptest::prelude::*;

use super::record::{text, verification};
use super::*;
use crate::domain::{CodeBy, CodeRules, CodeSource, CodeStep, Codes, Level, Recipient};
use crate::store::record::{pack, unpack};

const PLAIN: u8 = 1;
const WITH_MORE: u8 = 2;
const WITH_RULES: u8 = 3;
const WITH_REFUSALS: u8 = 4;
const WITH_DEMAND: u8 = 5;

/// A verification with nothing but button calls.
fn plain() -> impl Strategy<Value = Verification> {
    (verification(), any::<u64>()).prop_map(|(mut plain, number)| {
        plain.to = Recipient::Phone(PhoneNumber::from_u64(number));
        plain.plan.retain(|step| step.button().is_some());
        for step in &mut plain.plan {
            (step.wait, step.skipped) = (None, false);
            if let By::Button(button) = &mut step.by {
                button.refuse = None;
            }
        }
        for attempt in &mut plain.attempts {
            attempt.request = None;
        }
        let (codes, not_before, callback_url, demanded) = (None, None, None, None);
        Verification { codes, not_before, callback_url, demanded, test: false, ..plain }
    })
}

proptest! {
    #[test]
    fn a_plain_button_call_has_the_plain_format(plain in plain()) {
        let packed = pack(&plain);
        prop_assert_eq!(packed[0], PLAIN);
        prop_assert_eq!(unpack(&packed), Ok(plain));
    }

    #[test]
    fn a_callback_costs_its_own_length_and_a_few_bytes(plain in plain(), url in text()) {
        let without = pack(&plain);
        let told = Verification { callback_url: Some(url.clone()), ..plain };
        let with = pack(&told);
        prop_assert_eq!(with[0], WITH_MORE);
        prop_assert_eq!(&with[1..without.len()], &without[1..], "the plain fields stand first");
        prop_assert!(with.len() <= without.len() + url.len() + 8);
        prop_assert_eq!(unpack(&with), Ok(told));
    }

    #[test]
    fn a_test_has_the_format_of_tests_and_costs_a_few_bytes(plain in plain()) {
        let without = pack(&plain);
        let test = Verification { test: true, ..plain };
        let packed = pack(&test);
        prop_assert_eq!(packed[0], WITH_RULES);
        prop_assert_eq!(&packed[1..without.len()], &without[1..], "the plain fields stand first");
        prop_assert!(packed.len() <= without.len() + 16);
        prop_assert_eq!(unpack(&packed), Ok(test));
    }

    #[test]
    fn evidence_that_is_demanded_has_its_format_and_costs_a_few_bytes(plain in plain()) {
        let without = pack(&plain);
        let asked = Verification { demanded: Some(Level::Strong), ..plain };
        let packed = pack(&asked);
        prop_assert_eq!(packed[0], WITH_DEMAND);
        prop_assert_eq!(&packed[1..without.len()], &without[1..], "the plain fields stand first");
        prop_assert!(packed.len() <= without.len() + 20);
        let mut damaged = packed.to_vec();
        *damaged.last_mut().unwrap() = 3;
        prop_assert!(unpack(&damaged).is_err(), "there is no such level");
        prop_assert_eq!(unpack(&packed), Ok(asked));
    }

    #[test]
    fn codes_and_a_callback_go_together(verification in verification(), url in text()) {
        let told = Verification { callback_url: Some(url), ..verification };
        let packed = pack(&told);
        prop_assert!([WITH_MORE, WITH_RULES, WITH_REFUSALS, WITH_DEMAND].contains(&packed[0]));
        prop_assert_eq!(unpack(&packed), Ok(told));
    }
}

#[test]
fn a_usual_pending_record_is_small() {
    let (verification, _) =
        Verification { metadata: None, ..asked(380_991_234_567, at(0)) }.begin(at(0));
    assert!(pack(&verification).len() < 140, "{} bytes", pack(&verification).len());
}

#[test]
fn a_usual_record_with_a_code_is_small_too() {
    let mut asked = Verification { metadata: None, ..asked(380_991_234_567, at(0)) };
    let by = CodeBy::Sms { template: None, sender: None };
    let (source, new_code) = (CodeSource::Own, false);
    let code = CodeStep { source, new_code, language: Some(name("uk")), by };
    asked.plan[0].by = By::Code(Box::new(code));
    asked.codes = Some(Box::new(Codes {
        seed: [7; 16],
        length: 6,
        sealed: None,
        generation: 0,
        checks_used: 0,
        checks_open: 0,
        checks_limit: 5,
        sends_limit: 3,
        rules: CodeRules::default(),
        newest_used: 0,
        typed: Vec::new(),
    }));
    let packed = pack(&asked.begin(at(0)).0);
    assert!(packed.len() < 160, "{} bytes", packed.len());
}
