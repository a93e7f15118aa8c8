//! The sounds that we ship, in the binary, for the simulator, the demo and the doctor.

use std::borrow::Cow;
use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::config::{Prompt, PromptKey, PromptSounds};
use crate::simulator;

/// One shipped sound.
struct Shipped {
    prompt: &'static str,
    language: &'static str,
    part: &'static str,
    wav: &'static [u8],
}

macro_rules! shipped {
    ($($prompt:literal / $language:literal),* $(,)?) => {
        &[$(
            shipped!(@one $prompt, $language, "greeting"),
            shipped!(@one $prompt, $language, "confirmed"),
            shipped!(@one $prompt, $language, "fallback"),
        )*]
    };
    (@one $prompt:literal, $language:literal, $part:literal) => {
        Shipped {
            prompt: $prompt,
            language: $language,
            part: $part,
            wav: include_bytes!(concat!("../../sounds/", $prompt, "/", $language, "/", $part, ".wav")),
        }
    };
}

/// As in `sounds/catalogue.toml`, which a test compares.
const SHIPPED: &[Shipped] = shipped![
    "default" / "de",
    "default" / "en",
    "default" / "es",
    "default" / "fr",
    "default" / "ko",
    "default" / "pl",
    "default" / "ru",
    "default" / "uk",
    "match" / "de",
    "match" / "en",
    "match" / "es",
    "match" / "fr",
    "match" / "ko",
    "match" / "pl",
    "match" / "ru",
    "match" / "uk",
];

/// Every shipped sound, as a simulated account holds it.
pub(super) fn simulated_sounds() -> Vec<simulator::Sound> {
    let sound = |shipped: &Shipped| simulator::Sound {
        id: id(shipped),
        name: name(shipped),
        wav: Cow::Borrowed(shipped.wav),
    };
    SHIPPED.iter().map(sound).collect()
}

/// The prompts that play them: `default` asks for the key 1, `match` for the digit on the screen.
#[must_use]
pub fn prompts() -> BTreeMap<String, Prompt> {
    let mut prompts: BTreeMap<String, Prompt> = BTreeMap::new();
    for three in SHIPPED.chunks_exact(3) {
        let press =
            if three[0].prompt == "match" { PromptKey::Random } else { PromptKey::Digit('1') };
        let sounds = PromptSounds {
            never_again: None,
            greeting: id(&three[0]),
            confirmed: id(&three[1]),
            fallback: id(&three[2]),
            press,
        };
        let prompt = prompts
            .entry(three[0].prompt.to_owned())
            .or_insert_with(|| Prompt { default_language: None, languages: BTreeMap::new() });
        prompt.languages.insert(three[0].language.to_owned(), sounds);
    }
    prompts
}

/// The file of the shipped sound that a prompt names, if it does: by its name at simulated
/// accounts, or by the one that `sounds sync` gives it, as `config.example.toml` has it.
pub(super) fn named(text: &str) -> Option<&'static [u8]> {
    let is_it = |shipped: &&Shipped| name(shipped) == text || short_name(shipped) == text;
    SHIPPED.iter().find(is_it).map(|shipped| shipped.wav)
}

fn name(shipped: &Shipped) -> String {
    format!("ringproof-{}", short_name(shipped))
}

fn short_name(shipped: &Shipped) -> String {
    format!("{}-{}-{}", shipped.prompt, shipped.language, shipped.part)
}

/// 24 hexadecimal digits, as real accounts show them; the same in every run.
fn id(shipped: &Shipped) -> String {
    const_hex::encode(&Sha256::digest(name(shipped))[..12])
}
