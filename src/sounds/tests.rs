//! Good files, bad ones, and spoilt ones: none of them may panic.

use std::io::Cursor;

use proptest::prelude::*;

use super::decode::decode;
use super::{BadSound, MAX_BYTES, prepare};

const FLAC: &[u8] = include_bytes!("../../tests/data/sounds/tone.flac");
const MP3: &[u8] = include_bytes!("../../tests/data/sounds/tone.mp3");
const OGG: &[u8] = include_bytes!("../../tests/data/sounds/tone.ogg");
const OPUS: &[u8] = include_bytes!("../../tests/data/sounds/tone.opus");

/// A WAV of `seconds` at `rate` whose samples are `of` their time in seconds, in each channel.
fn wav(seconds: f32, rate: u32, channels: u16, of: impl Fn(f32) -> f32) -> Vec<u8> {
    let spec = hound::WavSpec {
        channels,
        sample_rate: rate,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut bytes = Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut bytes, spec).unwrap();
    for frame in 0..(seconds * rate as f32) as u32 {
        let sample = of(frame as f32 / rate as f32).clamp(-1.0, 1.0) * 32767.0;
        for _ in 0..channels {
            writer.write_sample(sample as i16).unwrap();
        }
    }
    writer.finalize().unwrap();
    bytes.into_inner()
}

fn tone(level: f32) -> impl Fn(f32) -> f32 {
    move |at| (at * 440.0 * std::f32::consts::TAU).sin() * level
}

fn samples(wav: &[u8]) -> Vec<i16> {
    let reader = hound::WavReader::new(Cursor::new(wav)).unwrap();
    let spec = reader.spec();
    assert_eq!((spec.channels, spec.sample_rate, spec.bits_per_sample), (1, 8000, 16));
    reader.into_samples().map(Result::unwrap).collect()
}

#[test]
fn every_format_is_read_and_comes_out_as_telephones_play_it() {
    let wav = wav(1.2, 44_100, 2, tone(0.2));
    for (format, bytes, rate, channels) in [
        ("wav", wav.as_slice(), 44_100, 2),
        ("flac", FLAC, 16_000, 1),
        ("mp3", MP3, 16_000, 1),
        ("ogg", OGG, 16_000, 1),
    ] {
        let prepared = prepare(bytes).unwrap_or_else(|error| panic!("{format}: {error}"));
        let found = &prepared.inspection;
        assert_eq!((found.format.as_str(), found.sample_rate), (format, rate));
        assert_eq!(found.channels, channels, "{format}");
        assert!((1_190..=1_300).contains(&found.duration_ms), "{format}: {found:?}");
        assert!((-19.5..=-18.5).contains(&found.converted_loudness_lufs), "{format}: {found:?}");
        let samples = samples(&prepared.wav);
        assert!(samples.len().abs_diff(found.duration_ms as usize * 8) < 80, "{format}");
        let crossings = samples.windows(2).filter(|pair| (pair[0] < 0) != (pair[1] < 0)).count();
        // 440 Hz crosses zero 880 times a second, for 0.9 to 1.2 of them.
        assert!((780..=1_080).contains(&crossings), "{format}: {crossings}");
    }
}

#[test]
fn what_is_measured_is_what_is_in_the_file() {
    let between = |from: f32, until: f32, level: f32| {
        move |at: f32| if (from..until).contains(&at) { tone(level)(at) } else { 0.0 }
    };
    let found = prepare(&wav(3.0, 16_000, 1, between(0.7, 2.0, 0.1))).unwrap().inspection;
    assert!((690..=710).contains(&found.leading_silence_ms), "{found:?}");
    assert!((990..=1_010).contains(&found.trailing_silence_ms), "{found:?}");
    assert_eq!((found.duration_ms, found.peak_dbfs, found.clipped_samples), (3_000, -20.0, 0));
    assert_eq!(found.advice.len(), 2, "{:?}", found.advice);

    let loud = prepare(&wav(1.0, 8_000, 1, tone(3.0))).unwrap();
    assert!(loud.inspection.clipped_samples > 1_000, "{:?}", loud.inspection);
    assert!(loud.inspection.advice.iter().any(|line| line.contains("crackles")));
    let peak = samples(&loud.wav).iter().map(|sample| sample.unsigned_abs()).max().unwrap();
    assert!(f64::from(peak) <= 32_767.0 * 0.842, "{peak}");

    let quiet = prepare(&wav(1.0, 8_000, 1, tone(0.005))).unwrap().inspection;
    assert!(quiet.advice.iter().any(|line| line.contains("very quiet")), "{quiet:?}");
    assert!((-19.5..=-18.5).contains(&quiet.converted_loudness_lufs), "{quiet:?}");
}

#[test]
fn each_bad_file_is_refused_by_its_own_reason() {
    let good = wav(1.0, 8_000, 1, tone(0.2));
    let refused = |bytes: &[u8]| prepare(bytes).map(|prepared| prepared.inspection).unwrap_err();
    assert_eq!(refused(b""), BadSound::Empty);
    assert_eq!(refused(OPUS), BadSound::Opus);
    assert_eq!(refused(&wav(0.0, 8_000, 1, tone(0.2))), BadSound::NoSound);
    assert_eq!(refused(&wav(0.2, 8_000, 1, tone(0.2))), BadSound::TooShort { millis: 200 });
    assert_eq!(refused(&wav(600.0, 8_000, 1, |_| 0.1)), BadSound::TooLong { seconds: 600 });
    assert_eq!(refused(&wav(1.0, 8_000, 1, |_| 0.0)), BadSound::Silent);
    assert_eq!(refused(&vec![0; MAX_BYTES + 1]), BadSound::TooLarge);
    let like = |bytes: &[u8]| refused(bytes).to_string();
    assert!(like(b"Dear customer,\nplease press 1.").ends_with("text"));
    assert!(like(b"\0\0\0\x20ftypM4A \0\0\0\0").ends_with("M4A or MP4 (AAC)"));
    assert!(like(&[7; 100]).ends_with("something else"));
    for (name, whole) in [("wav", good.as_slice()), ("flac", FLAC), ("ogg", OGG), ("mp3", MP3)] {
        let cut = refused(&whole[..whole.len() / 2]);
        assert_eq!(cut, BadSound::Truncated, "{name}");
    }
}

#[test]
fn a_file_that_says_another_length_than_it_has_is_read_or_refused() {
    let mut streamed = wav(1.0, 8_000, 1, tone(0.2));
    // As a program writes that does not know the length beforehand.
    streamed[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
    streamed[40..44].copy_from_slice(&u32::MAX.to_le_bytes());
    let found = prepare(&streamed);
    assert!(found.is_ok() || found == Err(BadSound::Truncated), "{found:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn no_bytes_panic_a_decoder(
        start in prop::sample::select(vec![
            &b""[..], b"RIFF\xff\xff\0\0WAVEfmt ", b"fLaC", b"ID3\x04\0\0\0\0\0\0", b"\xff\xfb\x90\0",
            b"OggS\0\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x1e\x01vorbis",
        ]),
        rest in prop::collection::vec(any::<u8>(), 0..4096),
    ) {
        let bytes = [start, &rest].concat();
        let _ = decode(&bytes);
        let _ = prepare(&bytes);
    }

    #[test]
    fn no_spoilt_file_panics_a_decoder(
        whole in prop::sample::select(vec![FLAC, MP3, OGG, OPUS]),
        cut in any::<prop::sample::Index>(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..24),
        is_cut in any::<bool>(),
    ) {
        let mut bytes = whole.to_vec();
        for (at, byte) in flips {
            // Half of them in the head, where lengths and rates stand.
            let length = if byte % 2 == 0 { bytes.len().min(200) } else { bytes.len() };
            bytes[at.index(length)] = byte;
        }
        if is_cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(prepared) = prepare(&bytes) {
            prop_assert!(hound::WavReader::new(Cursor::new(&prepared.wav)).is_ok());
        }
    }
}

mod of_the_catalogue {
    use std::collections::BTreeMap;

    use crate::domain::{Key, Name};
    use crate::sounds::{Catalogue, Known, Prompt, PromptKey, PromptSounds};
    use crate::store::{
        self, NewSound, PromptLanguage, PromptRow, ServerKeys, Settings, SoundPlace, Store,
    };

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    async fn opened(folder: &std::path::Path) -> Store {
        let settings = Settings::at(folder.join("store.db"), ServerKeys::one([7; 32]));
        store::open(settings).await.unwrap()
    }

    fn row(of: &str, greeting: &str) -> PromptRow {
        let three = PromptLanguage {
            language: name("en"),
            greeting: greeting.into(),
            confirmed: "confirmed".into(),
            fallback: "fallback".into(),
            press: Some(Key::ONE),
            never_again: None,
        };
        PromptRow {
            name: name(of),
            default_language: None,
            changed_at: jiff::Timestamp::UNIX_EPOCH,
            languages: vec![three],
        }
    }

    async fn keep(store: &Store, content: u8) {
        let inspection =
            super::prepare(&super::wav(1.0, 8_000, 1, super::tone(0.2))).unwrap().inspection;
        let sound = NewSound {
            name: name("greeting"),
            digest: [content; 32],
            original: [content].into(),
            wav: [content].into(),
            inspection: serde_json::to_string(&inspection).unwrap().into(),
            created_at: jiff::Timestamp::UNIX_EPOCH,
        };
        store.keep_sound(sound).await.unwrap();
    }

    #[tokio::test]
    async fn what_one_replica_changes_another_sees_when_it_looks() {
        let folder = tempfile::tempdir().unwrap();
        let store = opened(folder.path()).await;
        let open = || Catalogue::open(store.clone(), BTreeMap::new());
        let (one, other) = (open().await.unwrap(), open().await.unwrap());
        store.put_prompt(row("pay", "greeting")).await.unwrap();
        keep(&store, 1).await;
        one.refresh().await.unwrap();
        assert!(one.now().prompts.contains_key(&name("pay")));
        assert!(other.now().prompts.is_empty());
        other.refresh().await.unwrap();
        assert_eq!(other.now().prompts, one.now().prompts);
        assert_eq!(other.now().uses(&name("greeting")).len(), 1);
        store.delete_prompt(&name("pay")).await.unwrap();
        other.refresh().await.unwrap();
        assert!(other.now().prompts.is_empty());
        store.close().await;
    }

    #[tokio::test]
    async fn the_configuration_hides_a_stored_prompt_of_the_same_name() {
        let folder = tempfile::tempdir().unwrap();
        let store = opened(folder.path()).await;
        store.put_prompt(row("pay", "stored")).await.unwrap();
        store.put_prompt(row("other", "stored")).await.unwrap();
        let sounds = PromptSounds {
            greeting: "configured".to_owned(),
            confirmed: "c".to_owned(),
            fallback: "f".to_owned(),
            press: PromptKey::Random,
            refuse: None,
        };
        let languages = BTreeMap::from([(name("de"), sounds)]);
        let prompt = Prompt { default_language: None, languages };
        let configured = BTreeMap::from([(name("pay"), prompt.clone())]);
        let catalogue = Catalogue::open(store.clone(), configured).await.unwrap();
        let known = catalogue.now();
        assert_eq!(known.prompts[&name("pay")], prompt);
        assert_eq!(known.prompts[&name("other")], Prompt::from(&row("other", "stored")));
        store.close().await;
    }

    #[tokio::test]
    async fn until_a_new_version_is_at_the_account_the_one_before_is_played() {
        let folder = tempfile::tempdir().unwrap();
        let store = opened(folder.path()).await;
        keep(&store, 1).await;
        let place = |id: &str| SoundPlace {
            account: name("main"),
            provider_id: id.into(),
            at: jiff::Timestamp::UNIX_EPOCH,
        };
        store.place_sound(&name("greeting"), 1, place("old")).await.unwrap();
        keep(&store, 2).await;
        let catalogue = Catalogue::open(store.clone(), BTreeMap::new()).await.unwrap();
        let id = |named: &str| {
            let known = catalogue.now();
            let versions = known.versions(named)?;
            Known::provider_id(versions, &name("main"), None).map(str::to_owned)
        };
        assert_eq!(id("greeting").as_deref(), Some("old"));
        assert_eq!(id("greeting@2"), None);
        store.place_sound(&name("greeting"), 2, place("new")).await.unwrap();
        catalogue.refresh().await.unwrap();
        assert_eq!(id("greeting").as_deref(), Some("new"));
        assert_eq!(id("greeting@1").as_deref(), Some("old"));
        for unknown in ["greeting@3", "greeting@", "greeting@x", "other", "No Name", ""] {
            assert!(catalogue.now().versions(unknown).is_none(), "{unknown}");
        }
        store.close().await;
    }
}
