//! Inspection: what an operator should know of a sound before anybody hears it,
//! and the sound as it will be played.

use serde::{Deserialize, Serialize};

use super::advice::advice;
use super::convert::{self, RATE};
use super::decode::decode;
use super::measure::silence;

/// The longest sound, in seconds: nobody listens to a longer greeting.
pub const MAX_SECONDS: u32 = 60;
/// The shortest, in milliseconds: less is a click.
pub const MIN_MILLIS: u32 = 500;
/// The largest file, in bytes: a minute in 16 bits, 44.1 kHz and two channels has 10.6 MB.
pub const MAX_BYTES: usize = 16 * 1024 * 1024;

/// What was found out about a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Inspection {
    /// `wav`, `mp3`, `flac` or `ogg`.
    pub format: String,
    /// How long it plays.
    pub duration_ms: u32,
    /// Samples a second.
    pub sample_rate: u32,
    /// How many channels; they are mixed into one.
    pub channels: u8,
    /// Integrated loudness (EBU R 128) in LUFS.
    pub loudness_lufs: f64,
    /// The highest sample in dBFS.
    pub peak_dbfs: f64,
    /// Samples that are cut off at full scale.
    pub clipped_samples: u64,
    /// Silence before the first sound.
    pub leading_silence_ms: u32,
    /// Silence after the last sound.
    pub trailing_silence_ms: u32,
    /// The longest silence in between.
    pub longest_pause_ms: u32,
    /// Loudness after the conversion, in LUFS.
    pub converted_loudness_lufs: f64,
    /// What to mend, in plain words; empty when nothing is.
    pub advice: Vec<String>,
}

/// A file that can be played: what was found out, and the converted sound.
#[derive(Clone, Debug, PartialEq)]
pub struct Prepared {
    /// What was found out.
    pub inspection: Inspection,
    /// 8 kHz, one channel, 16 bits, levelled.
    pub wav: Vec<u8>,
}

/// Why a file is no sound that can be played. The texts say what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSound {
    /// It has no bytes.
    #[error("the file is empty; was it recorded and saved?")]
    Empty,
    /// It has too many bytes.
    #[error("the file is larger than {} MiB; send the sound as MP3 or FLAC, or shorten it", MAX_BYTES / (1024 * 1024))]
    TooLarge,
    /// Its codec is Opus.
    #[error("the file is Ogg Opus, which cannot be read; save it as WAV, FLAC, MP3 or Ogg Vorbis")]
    Opus,
    /// It is something else.
    #[error(
        "the file is no WAV, MP3, FLAC or Ogg Vorbis, whatever its name says: it looks like {looks_like}"
    )]
    NoSoundFile {
        /// What its first bytes say.
        looks_like: &'static str,
    },
    /// Its codec is not read.
    #[error("the file's encoding cannot be read; save it as WAV (PCM), FLAC, MP3 or Ogg Vorbis")]
    Unsupported,
    /// It ends too early.
    #[error(
        "the file is cut off: it ends before the end that it announces; copy or export it again"
    )]
    Truncated,
    /// It cannot be decoded.
    #[error("the file is damaged and cannot be decoded; export it again")]
    Damaged,
    /// Its rate or channels change on the way.
    #[error("the file holds several recordings with different settings; export it as a single one")]
    Changes,
    /// It has no samples.
    #[error("the file lasts 0 seconds: there is no sound in it")]
    NoSound,
    /// It is too short.
    #[error("the sound lasts {millis} ms only; it must last {MIN_MILLIS} ms or more")]
    TooShort {
        /// How long it lasts.
        millis: u32,
    },
    /// It is too long.
    #[error("the sound lasts {seconds} seconds or more; it may last {MAX_SECONDS} seconds")]
    TooLong {
        /// As far as it was looked at.
        seconds: u64,
    },
    /// Nothing can be heard.
    #[error("nothing can be heard in the file; was the microphone on?")]
    Silent,
    /// Its rate or channels are out of range.
    #[error(
        "the file has {channels} channels at {rate} Hz; 1 to 8 channels at 4000 to 192000 Hz can be read"
    )]
    Unusual {
        /// Samples a second.
        rate: u32,
        /// Channels.
        channels: usize,
    },
}

/// Inspects a whole file and converts it. Takes a while: run it where that disturbs nobody.
///
/// # Errors
/// When it cannot be played, see [`BadSound`]. It never panics, whatever the bytes are.
pub fn prepare(bytes: &[u8]) -> Result<Prepared, BadSound> {
    if bytes.len() > MAX_BYTES {
        return Err(BadSound::TooLarge);
    }
    let decoded = decode(bytes)?;
    let duration_ms = millis(decoded.mono.len(), decoded.rate);
    match duration_ms {
        0 => return Err(BadSound::NoSound),
        1..MIN_MILLIS => return Err(BadSound::TooShort { millis: duration_ms }),
        _ => {}
    }
    let loudness = decoded.meter.lufs().ok_or(BadSound::Silent)?;
    let converted = convert::convert(&decoded.mono, decoded.rate)?;
    let silence = silence(&decoded.mono, decoded.rate);
    let mut inspection = Inspection {
        format: decoded.format.as_str().to_owned(),
        duration_ms,
        sample_rate: decoded.rate,
        channels: u8::try_from(decoded.channels).unwrap_or(u8::MAX),
        loudness_lufs: tenths(loudness),
        peak_dbfs: tenths(decoded.meter.peak_db()),
        clipped_samples: decoded.meter.clipped(),
        leading_silence_ms: silence.leading,
        trailing_silence_ms: silence.trailing,
        longest_pause_ms: silence.within,
        converted_loudness_lufs: tenths(converted.lufs),
        advice: Vec::new(),
    };
    inspection.advice = advice(&inspection);
    debug_assert!(converted.wav.len() <= (RATE * (MAX_SECONDS + 1) * 2) as usize);
    Ok(Prepared { inspection, wav: converted.wav })
}

fn millis(frames: usize, rate: u32) -> u32 {
    u32::try_from(frames as u64 * 1000 / u64::from(rate)).unwrap_or(u32::MAX)
}

fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}
