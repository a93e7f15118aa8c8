//! How a sound, its inspection and what is wrong with it look in answers.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::Name;
use crate::service::{BadSound, Inspection, SoundRefusal, SoundState, SoundUse, SoundVersion};

use super::super::error::Code;
use super::super::problem::{Problem, instant, sentence};

/// When a provider whose line is full may be asked again, in seconds.
const PROVIDER_RETRY_AFTER: u64 = 10;
/// When other sounds are probably done, in seconds.
const SOUNDS_RETRY_AFTER: u64 = 2;

/// A sound with its versions.
#[derive(Serialize, ToSchema)]
#[schema(as = Sound)]
pub struct SoundView {
    /// Its name, by which prompts use it; `NAME@VERSION` is a certain version.
    name: String,
    /// Where it is used, in whatever version.
    used_by: Vec<SoundUseView>,
    /// The accounts whose provider does not have the newest version: upload it again.
    missing_at: Vec<String>,
    /// Its versions, newest first.
    versions: Vec<SoundVersionView>,
}

/// Where a sound is used.
#[derive(Serialize, ToSchema)]
#[schema(as = SoundUse)]
pub struct SoundUseView {
    /// The prompt.
    prompt: String,
    /// The language in it.
    language: String,
    /// `greeting`, `confirmed` or `fallback`.
    part: &'static str,
}

/// One version of a sound.
#[derive(Serialize, ToSchema)]
#[schema(as = SoundVersion)]
pub struct SoundVersionView {
    /// Its number, from 1.
    version: u32,
    /// SHA-256 of the file as it was uploaded, in hexadecimal digits.
    digest: String,
    /// Bytes of the file as it was uploaded.
    size: u32,
    /// When it was uploaded.
    #[schema(format = DateTime)]
    created_at: String,
    /// What was found out about it.
    inspection: InspectionView,
    /// The accounts whose provider has it.
    places: Vec<SoundPlaceView>,
}

/// Where a version is.
#[derive(Serialize, ToSchema)]
#[schema(as = SoundPlace)]
pub struct SoundPlaceView {
    /// The account.
    account: String,
    /// The provider's id of it.
    provider_id: String,
    /// Since when.
    #[schema(format = DateTime)]
    at: String,
}

/// What was found out about a file.
#[derive(Serialize, ToSchema)]
#[schema(as = Inspection)]
pub struct InspectionView {
    /// `wav`, `mp3`, `flac` or `ogg`.
    format: String,
    /// How long it plays.
    duration_ms: u32,
    /// Samples a second.
    sample_rate: u32,
    /// How many channels; they are mixed into one.
    channels: u8,
    /// Integrated loudness (EBU R 128), in LUFS.
    loudness_lufs: f64,
    /// The highest sample, in dBFS.
    peak_dbfs: f64,
    /// Samples that are cut off at full scale.
    clipped_samples: u64,
    /// Silence before the first sound.
    leading_silence_ms: u32,
    /// Silence after the last sound.
    trailing_silence_ms: u32,
    /// The longest silence in between.
    longest_pause_ms: u32,
    /// Loudness of what is played, in LUFS; -19 unless single peaks keep it lower.
    converted_loudness_lufs: f64,
    /// What to mend, in plain words; empty when nothing is.
    advice: Vec<String>,
}

impl SoundView {
    pub(super) fn new(sound: &SoundState) -> Self {
        Self {
            name: sound.name.to_string(),
            used_by: sound.used_by.iter().map(SoundUseView::new).collect(),
            missing_at: sound.missing_at.iter().map(ToString::to_string).collect(),
            versions: sound.versions.iter().rev().map(SoundVersionView::new).collect(),
        }
    }
}

impl SoundUseView {
    fn new(of: &SoundUse) -> Self {
        let (prompt, language) = (of.prompt.to_string(), of.language.to_string());
        Self { prompt, language, part: of.part }
    }
}

impl SoundVersionView {
    fn new(version: &SoundVersion) -> Self {
        let row = &version.row;
        let places = row.places.iter().map(|place| SoundPlaceView {
            account: place.account.to_string(),
            provider_id: place.provider_id.to_string(),
            at: instant(place.at),
        });
        Self {
            version: row.version,
            digest: const_hex::encode(row.digest),
            size: row.size,
            created_at: instant(row.created_at),
            inspection: InspectionView::new(&version.inspection),
            places: places.collect(),
        }
    }
}

impl InspectionView {
    pub(super) fn new(inspection: &Inspection) -> Self {
        let of = inspection.clone();
        Self {
            format: of.format,
            duration_ms: of.duration_ms,
            sample_rate: of.sample_rate,
            channels: of.channels,
            loudness_lufs: of.loudness_lufs,
            peak_dbfs: of.peak_dbfs,
            clipped_samples: of.clipped_samples,
            leading_silence_ms: of.leading_silence_ms,
            trailing_silence_ms: of.trailing_silence_ms,
            longest_pause_ms: of.longest_pause_ms,
            converted_loudness_lufs: of.converted_loudness_lufs,
            advice: of.advice,
        }
    }
}

/// The name of a sound or a prompt in a path. What is no name names nothing.
pub(super) fn named(text: &str) -> Result<Name, Problem> {
    let detail = "A name has 1 to 64 characters of a-z, 0-9, \"-\" and \"_\".";
    Name::parse(text).map_err(|_| Problem::new(Code::NotFound, detail))
}

/// What was not done with a sound is answered with.
pub(super) fn refused(refusal: SoundRefusal) -> Problem {
    let detail = sentence(&refusal);
    match refusal {
        SoundRefusal::Bad(BadSound::TooLarge) => Problem::field(Code::BodyTooLarge, "file", detail),
        SoundRefusal::Bad(_) | SoundRefusal::TooSlow => {
            Problem::field(Code::UnsupportedSound, "file", detail)
        }
        SoundRefusal::Busy => {
            Problem::new(Code::SoundsBusy, detail).retry_after(SOUNDS_RETRY_AFTER)
        }
        SoundRefusal::NotFound => Problem::new(Code::NotFound, detail),
        SoundRefusal::UnknownAccount { .. } => {
            Problem::field(Code::UnknownAccount, "account", detail)
        }
        SoundRefusal::InUse(uses) => {
            let words = |of: &SoundUse| format!("{}/{}/{}", of.prompt, of.language, of.part);
            let uses: Vec<String> = uses.iter().map(words).collect();
            Problem::new(Code::SoundInUse, detail).with("used_by", uses)
        }
        SoundRefusal::Provider { is_busy: true, .. } => {
            Problem::new(Code::ProviderBusy, detail).retry_after(PROVIDER_RETRY_AFTER)
        }
        SoundRefusal::Provider { is_busy: false, .. } => Problem::new(Code::ProviderFailed, detail),
        SoundRefusal::Store(error) => Problem::store(&error),
    }
}
