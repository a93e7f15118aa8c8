//! Any text at all as a configuration file, and as the parameters of a client of
//! Vonage: never a panic, always an answer that says what to change.
//!
//! The other parsers have theirs beside them: notifications and form encoding in
//! `src/zadarma/tests.rs`, multipart in `src/intake/tests/bodies.rs`, numbers in
//! `src/domain/tests/texts.rs`, a client's fields in `src/http/vonage/fields.rs`.
//! `PROPTEST_CASES=100000 cargo test` runs them all for longer.

use std::io::Write;

use proptest::prelude::*;
use ringproof::config;

fn settings() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }
}

/// Loads a file; what is wrong with it is said with its place.
fn load(text: &[u8]) -> Result<(), TestCaseError> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text).unwrap();
    let Err(problems) = config::load(Some(file.path()), std::iter::empty(), &[]) else {
        return Ok(());
    };
    prop_assert!(!problems.is_empty());
    let path = file.path().display().to_string();
    for problem in problems {
        let said = problem.to_string();
        // What is missing is named by its key.
        let rest = said.strip_prefix(&path).or_else(|| said.strip_prefix("configuration"));
        prop_assert!(rest.is_some_and(|rest| rest.len() > 4), "{} in {:?}", said, text);
    }
    Ok(())
}

/// The example with every setting taken over.
fn uncommented() -> Vec<String> {
    let open = |line: &str| match line.strip_prefix('#') {
        Some(setting) if !setting.is_empty() && !setting.starts_with(' ') => setting.to_owned(),
        _ => line.to_owned(),
    };
    config::EXAMPLE.lines().map(open).collect()
}

/// One thing done to a line of the example.
#[derive(Clone, Debug)]
enum Harm {
    Leave,
    Double,
    Cut(usize),
    Insert(usize, String),
    Value(String),
}

fn harm() -> impl Strategy<Value = (usize, Harm)> {
    let value = prop_oneof![
        "-?[0-9]{1,20}",
        Just("\"\"".to_owned()),
        Just("[]".to_owned()),
        Just("{}".to_owned()),
        Just("true".to_owned()),
        Just("1979-05-27".to_owned()),
        Just("nan".to_owned()),
        "\"[0-9]{1,20}(ms|s|m|h|d|KiB)?\"",
        "\"\\PC{0,20}\"",
        "\\[(\"[a-z0-9./:+]{0,12}\", ){0,3}\\]",
    ];
    let harm = prop_oneof![
        Just(Harm::Leave),
        Just(Harm::Double),
        (0_usize..80).prop_map(Harm::Cut),
        (0_usize..80, "\\PC{1,3}").prop_map(|(at, text)| Harm::Insert(at, text)),
        value.prop_map(Harm::Value),
    ];
    (any::<prop::sample::Index>().prop_map(|index| index.index(100_000)), harm)
}

fn harmed(mut lines: Vec<String>, harms: Vec<(usize, Harm)>) -> String {
    for (place, harm) in harms {
        let place = place % lines.len();
        let line = &mut lines[place];
        let within = |line: &str, at: usize| {
            line.char_indices().map(|(place, _)| place).nth(at).unwrap_or(line.len())
        };
        match harm {
            Harm::Leave => line.clear(),
            Harm::Double => *line = format!("{line}\n{line}"),
            Harm::Cut(at) => line.truncate(within(line, at)),
            Harm::Insert(at, text) => line.insert_str(within(line, at), &text),
            Harm::Value(value) => {
                if let Some((key, _)) = line.split_once('=') {
                    *line = format!("{key}= {value}");
                }
            }
        }
    }
    lines.join("\n")
}

proptest! {
    #![proptest_config(settings())]

    #[test]
    fn any_bytes_as_a_configuration_are_answered(
        text in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        load(&text)?;
    }

    #[test]
    fn any_toml_as_a_configuration_is_answered(
        text in "(\\[{1,2}[a-z_.]{1,12}\\]{1,2}\n|[a-z_.]{1,12} = ([0-9]{1,4}|\"[a-z0-9]{0,8}\"|\\[\\]|true)\n){0,12}",
    ) {
        load(text.as_bytes())?;
    }

    #[test]
    fn a_harmed_example_is_answered(harms in prop::collection::vec(harm(), 1..4)) {
        load(harmed(config::EXAMPLE.lines().map(str::to_owned).collect(), harms.clone()).as_bytes())?;
        load(harmed(uncommented(), harms).as_bytes())?;
    }
}
