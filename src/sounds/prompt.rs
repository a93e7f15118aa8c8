//! Prompts: named sets of three sounds, in several languages.

use std::collections::BTreeMap;

use crate::domain::{Key, Name};
use crate::store::PromptRow;

/// A named set of sounds, by language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// What it speaks when it does not speak what was asked for.
    pub default_language: Option<Name>,
    /// Its sounds, by language; never empty.
    pub languages: BTreeMap<Name, PromptSounds>,
}

/// The sounds of a prompt in one language, each by the name of a sound here (perhaps
/// `NAME@VERSION`), or by the provider's id of it or its name there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromptSounds {
    /// Played when the call is answered.
    pub greeting: String,
    /// Played after the key.
    pub confirmed: String,
    /// Played after another key or none.
    pub fallback: String,
    /// The key that the greeting names.
    pub press: PromptKey,
    /// The key that the greeting names for never being called again, if it does.
    pub refuse: Option<Key>,
}

/// The key that a greeting names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PromptKey {
    /// This one.
    Fixed(Key),
    /// The one on the person's screen.
    Random,
}

impl Prompt {
    /// What is played to somebody who is to be spoken to in `wanted`: that language;
    /// without its region; in another region; then the prompt's default, English, and
    /// the first that there is. `None` only if it has no language.
    #[must_use]
    pub fn speak(&self, wanted: Option<&Name>) -> Option<(&Name, &PromptSounds)> {
        let exact = |language: &Name| self.languages.get_key_value(language);
        let base = wanted.map(|wanted| base_of(wanted.as_str()));
        let alike = || {
            let base = base?;
            let without_region = self.languages.iter().find(|(name, _)| name.as_str() == base);
            without_region
                .or_else(|| self.languages.iter().find(|(name, _)| base_of(name.as_str()) == base))
        };
        let english = || self.languages.iter().find(|(name, _)| name.as_str() == "en");
        wanted
            .and_then(exact)
            .or_else(alike)
            .or_else(|| self.default_language.as_ref().and_then(exact))
            .or_else(english)
            .or_else(|| self.languages.iter().next())
    }
}

impl PromptSounds {
    /// The three with the words for them.
    #[must_use]
    pub fn parts(&self) -> [(&'static str, &str); 3] {
        [
            ("greeting", self.greeting.as_str()),
            ("confirmed", self.confirmed.as_str()),
            ("fallback", self.fallback.as_str()),
        ]
    }
}

impl From<&PromptRow> for Prompt {
    fn from(row: &PromptRow) -> Self {
        let languages = row.languages.iter().map(|three| {
            let sounds = PromptSounds {
                greeting: three.greeting.to_string(),
                confirmed: three.confirmed.to_string(),
                fallback: three.fallback.to_string(),
                press: three.press.map_or(PromptKey::Random, PromptKey::Fixed),
                refuse: three.never_again,
            };
            (three.language.clone(), sounds)
        });
        Self { default_language: row.default_language.clone(), languages: languages.collect() }
    }
}

/// A language without its region.
fn base_of(language: &str) -> &str {
    language.split('-').next().unwrap_or(language)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spoken(known: &[&str], default: Option<&str>, wanted: Option<&str>) -> String {
        let name = |text: &str| Name::parse(text).unwrap();
        let sounds = PromptSounds {
            greeting: "g".to_owned(),
            confirmed: "c".to_owned(),
            fallback: "f".to_owned(),
            press: PromptKey::Random,
            refuse: None,
        };
        let prompt = Prompt {
            default_language: default.map(name),
            languages: known.iter().map(|known| (name(known), sounds.clone())).collect(),
        };
        prompt.speak(wanted.map(name).as_ref()).unwrap().0.to_string()
    }

    #[test]
    fn a_language_falls_back_to_the_nearest_that_there_is() {
        let all = &["de", "en", "es-mx", "pt", "pt-br"];
        for (wanted, expected) in [
            (Some("pt-br"), "pt-br"),
            (Some("pt-ao"), "pt"),
            (Some("es"), "es-mx"),
            (Some("es-ar"), "es-mx"),
            (Some("ja"), "de"),
            (None, "de"),
        ] {
            assert_eq!(spoken(all, Some("de"), wanted), expected, "{wanted:?}");
        }
        assert_eq!(spoken(all, None, Some("ja")), "en");
        assert_eq!(spoken(&["uk", "pl"], None, Some("ja")), "pl");
        assert_eq!(spoken(&["uk", "pl"], Some("fr"), None), "pl");
    }
}
