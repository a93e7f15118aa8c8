//! The sections `[prompts.NAME.LANGUAGE]`.

use std::collections::BTreeMap;
use std::str::FromStr;

use super::section::Section;
use super::value;
use crate::domain::is_language;

/// A named set of sounds, by language.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// The language of those who are to be spoken to in one that it does not have.
    pub default_language: Option<String>,
    /// The sounds by language code.
    pub languages: BTreeMap<String, PromptSounds>,
}

/// The sounds of a prompt in one language, each by the provider's id or its name there.
#[derive(Clone, Debug)]
pub struct PromptSounds {
    /// What the person hears first.
    pub greeting: String,
    /// What follows the right key.
    pub confirmed: String,
    /// What follows anything else.
    pub fallback: String,
    /// The key that the greeting names.
    pub press: PromptKey,
    /// The digit that the greeting names for never being called again, if it does.
    pub never_again: Option<char>,
}

/// Which key a greeting asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PromptKey {
    /// This digit, `'0'` to `'9'`.
    Digit(char),
    /// The digit that the app shows.
    Random,
}

impl Prompt {
    pub(super) fn read(_name: &str, section: &mut Section<'_>) -> Self {
        let rule = "a language is two or three lower-case letters, perhaps with a region, such as \"en\" or \"pt-br\"";
        let prompt = Self {
            default_language: section.optional("default_language", value::text),
            languages: section.each(is_language, rule, |_, section| PromptSounds::read(section)),
        };
        if prompt.languages.is_empty() {
            section.wrong("", "has no language; write its sounds under its name and a language");
        }
        let default = prompt.default_language.as_ref();
        if default.is_some_and(|language| !prompt.languages.contains_key(language)) {
            section.wrong("default_language", "is none of the prompt's languages");
        }
        prompt
    }
}

impl PromptSounds {
    fn read(section: &mut Section<'_>) -> Self {
        let sounds = Self {
            greeting: section.value("greeting", value::text, String::new()),
            confirmed: section.value("confirmed", value::text, String::new()),
            fallback: section.value("fallback", value::text, String::new()),
            press: section.value("press", value::parsed, PromptKey::Random),
            never_again: section
                .optional("never_again", value::digits(1, 1))
                .and_then(|text| text.chars().next()),
        };
        if sounds.never_again.is_some_and(|digit| sounds.press == PromptKey::Digit(digit)) {
            section.wrong("never_again", "must be another key than press");
        }
        sounds
    }
}

impl FromStr for PromptKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut letters = text.chars();
        match (text, letters.next(), letters.next()) {
            ("random", ..) => Ok(Self::Random),
            (_, Some(digit @ '0'..='9'), None) => Ok(Self::Digit(digit)),
            _ => Err(format!("must be one digit, such as \"1\", or \"random\", but is {text:?}")),
        }
    }
}
