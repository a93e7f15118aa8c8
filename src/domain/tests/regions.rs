//! Every region's example numbers, in every way in which they may be written.
//!
//! What libphonenumber knows of a country is the source of the texts; that a
//! number's own forms find it, and that no other's do, is what is tested.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rlibphonenumber::{NumberFormat, PHONE_NUMBER_UTIL, PhoneNumberFormat, PhoneNumberType};

use super::super::{PhoneNumber, VerificationId, WrittenForm};
use crate::live::{AccountIndex, Found, Live};

const MAIN: AccountIndex = AccountIndex(0);
const TYPES: [PhoneNumberType; 11] = [
    PhoneNumberType::FixedLine,
    PhoneNumberType::Mobile,
    PhoneNumberType::FixedLineOrMobile,
    PhoneNumberType::TollFree,
    PhoneNumberType::PremiumRate,
    PhoneNumberType::SharedCost,
    PhoneNumberType::VoIP,
    PhoneNumberType::PersonalNumber,
    PhoneNumberType::Pager,
    PhoneNumberType::UAN,
    PhoneNumberType::VoiceMail,
];

/// A number, and what an exchange may call it.
struct Example {
    number: PhoneNumber,
    forms: Vec<WrittenForm>,
    texts: Vec<String>,
}

impl Example {
    fn new(number: PhoneNumber) -> Self {
        let parsed = rlibphonenumber::PhoneNumber::parse(number.to_string(), None).unwrap();
        let digits = number.digits();
        let national = parsed.get_national_significant_number();
        let mut texts = vec![
            format!("+{digits}"),
            format!("00{digits}"),
            format!("011{digits}"),
            digits,
            national.clone(),
            parsed.format_as(PhoneNumberFormat::National).into_owned(),
            parsed.format_as(PhoneNumberFormat::International).into_owned(),
        ];
        texts.push(with_trunk_prefix(&parsed));
        Self { number, forms: WrittenForm::all_of(number), texts }
    }

    /// Those texts that have enough digits to be looked up at all.
    fn written(&self) -> impl Iterator<Item = (&str, WrittenForm)> {
        self.texts.iter().filter_map(|text| Some((text.as_str(), WrittenForm::read(text)?)))
    }

    fn is_refused_beside(&self, other: &Self) -> bool {
        self.forms.iter().any(|form| other.forms.contains(form))
    }
}

/// The national number after its trunk prefix, if the country has one.
fn with_trunk_prefix(number: &rlibphonenumber::PhoneNumber) -> String {
    #[expect(deprecated, reason = "the one way to say a pattern of our own")]
    let format = NumberFormat {
        pattern: "([0-9]+)".to_owned(),
        format: "$1".to_owned(),
        national_prefix_formatting_rule: Some("$NP$FG".to_owned()),
        ..NumberFormat::default()
    };
    PHONE_NUMBER_UTIL.format_by_pattern(number, PhoneNumberFormat::National, &[format.into()])
}

/// Every example number of every region and type.
fn examples() -> Vec<Example> {
    let util = &*PHONE_NUMBER_UTIL;
    let geographic = util.get_supported_regions().flat_map(|region| {
        TYPES.into_iter().filter_map(move |of_type| {
            util.get_example_number_for_type_and_region(region, of_type).ok()
        })
    });
    let everywhere = util
        .get_supported_global_network_calling_codes()
        .filter_map(|code| util.get_example_number_for_non_geo_entity(code).ok());
    let numbers: BTreeSet<PhoneNumber> = geographic
        .chain(everywhere)
        .filter_map(|example| PhoneNumber::parse(&example.format_as(PhoneNumberFormat::E164)).ok())
        .collect();
    numbers.into_iter().map(Example::new).collect()
}

/// The examples, and the numbers of other countries that are written like one of them.
fn with_namesakes(examples: Vec<Example>) -> Vec<Example> {
    let known: BTreeSet<PhoneNumber> = examples.iter().map(|example| example.number).collect();
    let namesakes: BTreeSet<PhoneNumber> = examples
        .iter()
        .flat_map(|example| {
            // As international digits, and as the national number of a country with an open plan.
            let digits = example.number.digits();
            let national: String = example.texts[4].clone();
            [format!("+{national}"), format!("+49{national}"), format!("+49{digits}")]
        })
        .filter_map(|text| PhoneNumber::parse(&text).ok())
        .filter(|number| !known.contains(number))
        .collect();
    examples.into_iter().chain(namesakes.into_iter().map(Example::new)).collect()
}

fn id(index: usize) -> VerificationId {
    VerificationId::from_bytes(u128::try_from(index).unwrap().to_be_bytes())
}

fn hold(live: &Live, index: usize, example: &Example) {
    live.hold(id(index), 1, Timestamp::MAX, MAIN, &example.forms, b"");
}

#[test]
fn every_written_form_of_every_example_number_finds_its_own_attempt() {
    let examples = examples();
    let (mut looked_up, mut missed) = (0, Vec::new());
    for (index, example) in examples.iter().enumerate() {
        let live = Live::new();
        hold(&live, index, example);
        for (text, form) in example.written() {
            looked_up += 1;
            if live.find(MAIN, form) != Found::Exact(id(index)) {
                missed.push(format!("{} is not found as {text}", example.number));
            }
        }
        let unread = example.texts.iter().filter(|text| WrittenForm::read(text).is_none());
        for text in unread.filter(|text| text.chars().filter(char::is_ascii_digit).count() >= 7) {
            missed.push(format!("{} cannot be read as {text}", example.number));
        }
    }
    println!("{} example numbers, {looked_up} written forms", examples.len());
    assert!(examples.len() > 1_000 && looked_up > 6_500);
    assert!(missed.is_empty(), "{} missed:\n{}", missed.len(), missed.join("\n"));
}

#[test]
fn of_every_pair_the_second_is_refused_or_neither_finds_the_other() {
    let examples = with_namesakes(examples());
    let mut by_ending: BTreeMap<u32, BTreeSet<usize>> = BTreeMap::new();
    for (index, example) in examples.iter().enumerate() {
        let written = example.written().map(|(_, form)| form);
        for form in written.chain(example.forms.iter().copied()) {
            by_ending.entry(form.ending() % 10_000_000).or_default().insert(index);
        }
    }
    // Two numbers none of whose forms share their last digits cannot find each
    // other: a form is found by equality only.
    let alike: BTreeSet<(usize, usize)> = by_ending
        .values()
        .flat_map(|group| group.iter().flat_map(|a| group.iter().map(move |b| (*a, *b))))
        .filter(|(a, b)| a < b)
        .collect();
    let (mut refused, mut wrong) = (0, Vec::new());
    for (a, b) in &alike {
        let (one, other) = (&examples[*a], &examples[*b]);
        if one.is_refused_beside(other) {
            refused += 1;
            continue;
        }
        let live = Live::new();
        hold(&live, *a, one);
        hold(&live, *b, other);
        for (index, example) in [(*a, one), (*b, other)] {
            for (text, form) in example.written() {
                if live.find(MAIN, form) != Found::Exact(id(index)) {
                    wrong
                        .push(format!("{} beside the other: {text} finds another", example.number));
                }
            }
        }
    }
    let pairs = examples.len() * (examples.len() - 1) / 2;
    println!(
        "{} numbers, {pairs} pairs, {} of them written alike at their end, {refused} refused side by side",
        examples.len(),
        alike.len(),
    );
    assert!(refused > 100 && alike.len() - refused > 100);
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_number_is_known_valid_where_libphonenumber_says_so() {
    let (mut valid, mut others) = (0, 0);
    for example in examples() {
        // Some neighbours of an example are of the plan, too.
        for apart in 0..40 {
            let number = PhoneNumber::from_u64(example.number.as_u64() + apart * 123_457);
            let parsed = rlibphonenumber::PhoneNumber::parse(number.to_string(), None);
            let expected = parsed.is_ok_and(|parsed| parsed.is_valid());
            assert_eq!(number.numbering().is_known_valid, expected, "{}", number.digits());
            *(if expected { &mut valid } else { &mut others }) += 1;
        }
    }
    assert!(valid > 1_000 && others > 1_000, "{valid} {others}");
}
