//! Samples into what telephones play: 8 kHz, one channel, 16 bits, one loudness.

use std::io::Cursor;

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler, WindowFunction};

use super::BadSound;
use super::measure::{decibels, lufs};

/// Samples a second.
pub(super) const RATE: u32 = 8_000;
/// What every sound is brought to, as the shipped ones are, in LUFS.
const LOUDNESS: f64 = -19.0;
/// No sample may be higher, in dBFS.
const CEILING: f32 = -1.5;
/// By how much the limiter may lower a peak, in dB: more would be heard.
const MOST_LIMITING: f32 = 6.0;
/// How far around a peak the limiter lowers, in samples: 5 ms.
const REACH: usize = RATE as usize / 200;
/// Input samples that are resampled at a time.
const CHUNK: usize = 4_096;

/// A sound as telephones play it.
pub(super) struct Telephone {
    pub(super) wav: Vec<u8>,
    /// Its loudness in LUFS.
    pub(super) lufs: f64,
}

/// Converts one channel.
///
/// # Errors
/// When nothing can be heard in it.
pub(super) fn convert(mono: &[f32], rate: u32) -> Result<Telephone, BadSound> {
    let mut samples = if rate == RATE { mono.to_vec() } else { resample(mono, rate)? };
    let before = lufs(&samples, RATE).ok_or(BadSound::Silent)?;
    let peak = decibels(samples.iter().fold(0.0, |peak, sample| sample.abs().max(peak)));
    let wanted = (LOUDNESS - before) as f32;
    let gain = amplitude(wanted.min(CEILING - peak + MOST_LIMITING));
    samples.iter_mut().for_each(|sample| *sample *= gain);
    limit(&mut samples);
    let after = lufs(&samples, RATE).ok_or(BadSound::Silent)?;
    Ok(Telephone { wav: write(&samples)?, lufs: after })
}

fn resample(mono: &[f32], rate: u32) -> Result<Vec<f32>, BadSound> {
    let unusual = BadSound::Unusual { rate, channels: 1 };
    let window = WindowFunction::BlackmanHarris2;
    let resampler =
        Fft::<f32>::new_custom(rate as usize, RATE as usize, CHUNK, 1, 1, window, FixedSync::Both);
    let Ok(mut resampler) = resampler else { return Err(unusual) };
    let Ok(input) = InterleavedSlice::new(mono, 1, mono.len()) else { return Err(unusual) };
    let Ok(output) = resampler.process_all(&input, mono.len(), None) else { return Err(unusual) };
    Ok(output.take_data())
}

/// Lowers what is above the ceiling, and what lies around it smoothly.
fn limit(samples: &mut [f32]) {
    let ceiling = amplitude(CEILING);
    let needed = |sample: &f32| if sample.abs() > ceiling { ceiling / sample.abs() } else { 1.0 };
    let gains: Vec<f32> = samples.iter().map(needed).collect();
    if gains.iter().all(|gain| *gain >= 1.0) {
        return;
    }
    // The least over the reach, then the mean over the same: never above what is needed.
    let around = |at: usize| at.saturating_sub(REACH)..(at + REACH + 1).min(gains.len());
    let least: Vec<f32> =
        (0..gains.len()).map(|at| gains[around(at)].iter().copied().fold(1.0, f32::min)).collect();
    for (at, sample) in samples.iter_mut().enumerate() {
        let near = &least[around(at)];
        let mean = near.iter().sum::<f32>() / near.len() as f32;
        *sample = (*sample * mean).clamp(-ceiling, ceiling);
    }
}

fn write(samples: &[f32]) -> Result<Vec<u8>, BadSound> {
    let format = hound::WavSpec {
        channels: 1,
        sample_rate: RATE,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut wav = Cursor::new(Vec::with_capacity(samples.len() * 2 + 44));
    let mut writer = hound::WavWriter::new(&mut wav, format).map_err(|_| BadSound::Damaged)?;
    for sample in samples {
        let sample = (sample * f32::from(i16::MAX)).round() as i16;
        writer.write_sample(sample).map_err(|_| BadSound::Damaged)?;
    }
    writer.finalize().map_err(|_| BadSound::Damaged)?;
    Ok(wav.into_inner())
}

fn amplitude(decibels: f32) -> f32 {
    10.0_f32.powf(decibels / 20.0)
}
