//! The sections `[test_numbers.DIGITS]`.

use super::section::Section;
use super::value;
use crate::domain::{Code, Outcome, PhoneNumber};

/// How verifications of a test number end.
#[derive(Clone, Debug)]
pub struct TestNumber {
    /// The number.
    pub number: PhoneNumber,
    /// What happens.
    pub does: TestDoes,
}

/// What happens instead of a call or a message.
#[derive(Clone, Debug)]
pub enum TestDoes {
    /// This code is the right one; a call that asks for a key is confirmed.
    Code(Code),
    /// Every step ends so.
    Outcome(Outcome),
}

/// The outcomes that a script may say.
const OUTCOMES: [Outcome; 9] = [
    Outcome::Confirmed,
    Outcome::WrongKey,
    Outcome::NoKey,
    Outcome::NoAnswer,
    Outcome::Busy,
    Outcome::Rejected,
    Outcome::Unreachable,
    Outcome::ProviderRefused,
    Outcome::ProviderLost,
];

impl TestNumber {
    pub(super) fn read(digits: &str, section: &mut Section<'_>) -> Self {
        let number = PhoneNumber::parse(&format!("+{digits}")).unwrap_or_else(|error| {
            section.wrong("number", &format!("+{digits} in the section's name: {error}"));
            PhoneNumber::from_u64(0)
        });
        let code = section.optional("code", |entry| {
            let text = value::text(entry)?;
            Code::parse(&text).map_err(|error| error.to_string())
        });
        let outcome = section.optional("outcome", |entry| outcome(&value::word(entry)?));
        let does = match (code, outcome) {
            (Some(code), None) => Some(TestDoes::Code(code)),
            (None, Some(outcome)) => Some(TestDoes::Outcome(outcome)),
            (None, None) | (Some(_), Some(_)) => {
                section.wrong("code", "set either code or outcome");
                None
            }
        };
        Self { number, does: does.unwrap_or(TestDoes::Outcome(Outcome::Busy)) }
    }
}

fn outcome(word: &str) -> Result<Outcome, String> {
    let known = OUTCOMES.map(Outcome::as_str).join(", ");
    let found = OUTCOMES.into_iter().find(|outcome| outcome.as_str() == word);
    found.ok_or_else(|| format!("must be one of {known}, but is {word:?}"))
}
