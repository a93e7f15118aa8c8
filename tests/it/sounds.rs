//! The sounds we ship: complete, in the one format, and pleasant enough to be played into a call.
//!
//! Reads the files themselves, with a small reader of its own, so that it agrees with nothing by accident.
//! It cannot judge the voice or the wording; a person has to listen.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

const LANGUAGES: [&str; 8] = ["de", "en", "es", "fr", "ko", "pl", "ru", "uk"];
const PROMPTS: [&str; 2] = ["default", "match"];
const ROLES: [&str; 3] = ["greeting", "confirmed", "fallback"];

const RATE: u32 = 8000;
/// What is judged as silent or not: 10 ms.
const FRAME: usize = RATE as usize / 100;
/// A frame with an RMS below this is silence, in dBFS. Speech here lies about 27 dB above it.
const SILENT: f64 = -45.0;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Catalogue {
    prompts: BTreeMap<String, Prompt>,
}

#[derive(Deserialize)]
struct Prompt {
    press: String,
    #[serde(flatten)]
    languages: BTreeMap<String, Texts>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Texts {
    greeting: String,
    confirmed: String,
    fallback: String,
}

struct Sound {
    name: String,
    format: Format,
    samples: Vec<i16>,
}

#[derive(Debug, PartialEq)]
struct Format {
    encoding: u16,
    channels: u16,
    rate: u32,
    bytes_per_second: u32,
    bytes_per_frame: u16,
    bits: u16,
}

#[test]
fn every_prompt_has_three_texts_in_every_language() {
    let catalogue = catalogue();
    assert!(catalogue.prompts.keys().eq(PROMPTS), "the prompts are {PROMPTS:?}");
    for (name, prompt) in &catalogue.prompts {
        assert!(prompt.languages.keys().eq(LANGUAGES), "{name} is in {LANGUAGES:?}");
        for (language, texts) in &prompt.languages {
            for text in [&texts.greeting, &texts.confirmed, &texts.fallback] {
                assert!(!text.is_empty() && text.trim() == text, "{name}/{language}: {text:?}");
                assert!(text.ends_with('.'), "{name}/{language} is whole sentences: {text:?}");
            }
        }
    }
}

#[test]
fn every_text_has_its_file_and_every_file_its_text() {
    let mut expected: BTreeSet<PathBuf> = ["README.md", "catalogue.toml", "generate.py"]
        .iter()
        .map(|name| folder().join(name))
        .collect();
    expected.extend(names().iter().map(|name| path(name)));

    assert_eq!(files_below(&folder()), expected);
}

#[test]
fn every_prompt_names_key_1_or_a_random_digit() {
    for (name, prompt) in catalogue().prompts {
        assert!(
            ["1", "random"].contains(&prompt.press.as_str()),
            "{name}: press = {:?}",
            prompt.press
        );
    }
}

#[test]
fn every_greeting_names_the_key_to_press_and_no_other() {
    for (name, prompt) in catalogue().prompts {
        // A greeting that asks for the digit on the screen must not name one itself.
        let expected = if prompt.press == "random" { "" } else { &prompt.press };
        for (language, texts) in prompt.languages {
            let digits: String = texts.greeting.chars().filter(char::is_ascii_digit).collect();
            assert_eq!(digits, expected, "{name}/{language}: {}", texts.greeting);
        }
    }
}

#[test]
fn every_sound_is_8_khz_mono_16_bit() {
    let pcm = Format {
        encoding: 1,
        channels: 1,
        rate: RATE,
        bytes_per_second: 16000,
        bytes_per_frame: 2,
        bits: 16,
    };
    for sound in sounds() {
        assert_eq!(sound.format, pcm, "{}", sound.name);
    }
}

#[test]
fn no_sound_is_too_short_or_too_long_for_a_call() {
    for sound in sounds() {
        let seconds = sound.samples.len() as f64 / f64::from(RATE);
        let allowed = if sound.name.ends_with("greeting") { 4.0..=20.0 } else { 0.7..=8.0 };
        assert!(allowed.contains(&seconds), "{} lasts {seconds:.2} s", sound.name);
    }
}

#[test]
fn no_sound_is_silent_for_over_half_a_second() {
    for sound in sounds() {
        let levels = frame_levels(&sound.samples);
        let longest = levels.split(|level| *level >= SILENT).map(<[f64]>::len).max().unwrap();
        assert!(longest <= 50, "{} is silent for {} ms", sound.name, longest * 10);
    }
}

#[test]
fn every_sound_begins_and_ends_with_a_breath_of_silence() {
    for sound in sounds() {
        let levels = frame_levels(&sound.samples);
        let before = levels.iter().take_while(|level| **level < SILENT).count();
        let after = levels.iter().rev().take_while(|level| **level < SILENT).count();
        for frames in [before, after] {
            assert!((9..=21).contains(&frames), "{} has {} ms at one end", sound.name, frames * 10);
        }
    }
}

#[test]
fn no_sound_is_clipped() {
    for sound in sounds() {
        let peak = sound.samples.iter().map(|sample| sample.unsigned_abs()).max().unwrap();
        let peak = 20.0 * (f64::from(peak) / 32768.0).log10();
        assert!(peak <= -0.5, "{} peaks at {peak:.2} dBFS", sound.name);
    }
}

#[test]
fn all_sounds_are_equally_loud() {
    let loudness: Vec<(f64, String)> =
        sounds().into_iter().map(|sound| (speech_level(&sound.samples), sound.name)).collect();
    let quietest = loudness.iter().min_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
    let loudest = loudness.iter().max_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
    assert!(loudest.0 - quietest.0 <= 2.0, "{quietest:.2?} to {loudest:.2?} dBFS");
}

fn catalogue() -> Catalogue {
    toml::from_str(&fs::read_to_string(folder().join("catalogue.toml")).unwrap()).unwrap()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sounds")
}

fn path(name: &str) -> PathBuf {
    folder().join(format!("{name}.wav"))
}

/// `<prompt>/<language>/<role>` of each sound that the catalogue asks for.
fn names() -> Vec<String> {
    let mut names = Vec::new();
    for (prompt, Prompt { languages, .. }) in catalogue().prompts {
        for language in languages.keys() {
            names.extend(ROLES.map(|role| format!("{prompt}/{language}/{role}")));
        }
    }
    names
}

fn files_below(folder: &Path) -> BTreeSet<PathBuf> {
    let mut files = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else {
            files.insert(path);
        }
    }
    files
}

fn sounds() -> Vec<Sound> {
    names().into_iter().map(sound).collect()
}

fn sound(name: String) -> Sound {
    let bytes = fs::read(path(&name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let chunks = chunks(&name, &bytes);
    // No other chunk: some players read the first 44 bytes as the header, whatever they hold.
    let [(b"fmt ", format), (b"data", data)] = chunks.as_slice() else {
        panic!("{name} holds a format and samples, nothing else");
    };
    assert_eq!(format.len(), 16, "{name} has the plain form of the format");
    let u16_at = |at: usize| u16::from_le_bytes(format[at..at + 2].try_into().unwrap());
    let u32_at = |at: usize| u32::from_le_bytes(format[at..at + 4].try_into().unwrap());
    let format = Format {
        encoding: u16_at(0),
        channels: u16_at(2),
        rate: u32_at(4),
        bytes_per_second: u32_at(8),
        bytes_per_frame: u16_at(12),
        bits: u16_at(14),
    };
    let samples = data.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
    Sound { name, format, samples }
}

/// Kind and body of each chunk of a RIFF file.
fn chunks<'a>(name: &str, bytes: &'a [u8]) -> Vec<(&'a [u8; 4], &'a [u8])> {
    let (riff, bytes) = bytes.split_at(12);
    assert!(riff.starts_with(b"RIFF") && riff.ends_with(b"WAVE"), "{name} is a WAV file");
    let size = u32::from_le_bytes(riff[4..8].try_into().unwrap());
    assert_eq!(size as usize, bytes.len() + 4, "{name} is as long as it says");

    let mut chunks = Vec::new();
    let mut rest = bytes;
    while let Some((kind, after)) = rest.split_first_chunk::<4>() {
        let (size, after) = after
            .split_first_chunk::<4>()
            .unwrap_or_else(|| panic!("{name} ends in a chunk's head"));
        let size = u32::from_le_bytes(*size) as usize;
        assert!(size <= after.len(), "{name} ends in the middle of a chunk");
        chunks.push((kind, &after[..size]));
        // A chunk of odd length is followed by one byte of padding.
        rest = after.get(size + size % 2..).unwrap_or_default();
    }
    assert!(rest.is_empty(), "{name} has bytes after its last chunk");
    chunks
}

/// RMS of each frame in dBFS, where a square wave at full scale has 0.
fn frame_levels(samples: &[i16]) -> Vec<f64> {
    samples.chunks(FRAME).map(|frame| 10.0 * power(frame).log10()).collect()
}

/// RMS of all frames that are not silent, in dBFS.
fn speech_level(samples: &[i16]) -> f64 {
    let powers: Vec<f64> =
        samples.chunks(FRAME).map(power).filter(|power| 10.0 * power.log10() >= SILENT).collect();
    10.0 * (powers.iter().sum::<f64>() / powers.len() as f64).log10()
}

fn power(frame: &[i16]) -> f64 {
    frame.iter().map(|sample| (f64::from(*sample) / 32768.0).powi(2)).sum::<f64>()
        / frame.len() as f64
}
