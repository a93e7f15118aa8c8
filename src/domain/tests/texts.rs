//! What reads texts is total, and says the same of texts that mean the same.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::super::{PhoneNumber, WrittenForm};

/// The same texts at each run, and more of them where `PROPTEST_CASES` says so.
fn config() -> ProptestConfig {
    let rng_seed = RngSeed::Fixed(20_261_122);
    ProptestConfig {
        cases: ProptestConfig::default().cases.max(2_000),
        rng_seed,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Digits with the separators that people and exchanges put between them.
fn separated() -> impl Strategy<Value = (String, String)> {
    let piece = ("[0-9]", "[-+ ().]{0,3}");
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| {
        let digits = pieces.iter().map(|(digit, _)| digit.as_str()).collect();
        let text = pieces.iter().flat_map(|(digit, rest)| [digit.as_str(), rest]).collect();
        (digits, text)
    })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_text_is_read_as_a_form_or_not_without_panic(text in "\\PC{0,40}") {
        let _ = WrittenForm::read(&text);
    }

    #[test]
    fn any_digits_are_read_as_a_form_exactly_if_there_are_enough(digits in "[0-9]{0,24}") {
        prop_assert_eq!(WrittenForm::read(&digits).is_some(), (7..=18).contains(&digits.len()));
    }

    #[test]
    fn separators_do_not_change_a_form((digits, text) in separated()) {
        prop_assert_eq!(WrittenForm::read(&text), WrittenForm::read(&digits));
    }

    #[test]
    fn a_form_outlives_being_stored((digits, _) in separated()) {
        if let Some(form) = WrittenForm::read(&digits) {
            prop_assert_eq!(WrittenForm::from_u64(form.as_u64()), form);
            prop_assert!(i64::try_from(form.as_u64()).is_ok());
            prop_assert!(form.as_u64() >= 10_000_000, "it has seven digits behind its 1");
        }
    }

    #[test]
    fn different_digits_are_different_forms(one in "[1-9][0-9]{6,17}", other in "[1-9][0-9]{6,17}") {
        let same = WrittenForm::read(&one) == WrittenForm::read(&other);
        prop_assert_eq!(same, one == other);
    }

    #[test]
    fn any_text_is_answered_as_a_number(text in "\\PC{0,80}") {
        let _ = PhoneNumber::parse(&text);
    }

    #[test]
    fn a_number_reads_its_own_text(text in "\\+[1-9][0-9 ().-]{0,24}") {
        if let Ok(number) = PhoneNumber::parse(&text) {
            prop_assert_eq!(PhoneNumber::parse(&number.to_string()), Ok(number));
            prop_assert!(number.digits().len() <= 15);
            let forms = WrittenForm::all_of(number);
            prop_assert!(forms.contains(&WrittenForm::read(&number.digits()).unwrap()));
        }
    }
}
