//! What is measured of a sound: loudness, peak, clipping, silence.

use ebur128::{EbuR128, Mode};

use super::BadSound;

/// From here on a sample counts as being at full scale.
const FULL_SCALE: f32 = 0.999;
/// So many of them in a row in one channel are no chance.
const CLIPPED_RUN: u64 = 3;
/// How far under the loudest 10 ms silence begins, and where it begins at the latest, in dB.
const SILENT_BELOW_LOUDEST: f32 = 40.0;
const SILENT_AT_MOST: f32 = -70.0;

/// Measures over all channels while they are decoded.
pub(super) struct Meter {
    loudness: EbuR128,
    peak: f32,
    clipped: u64,
    /// Samples at full scale in a row, by channel.
    runs: Vec<u64>,
}

impl Meter {
    pub(super) fn new(rate: u32, channels: usize) -> Result<Self, BadSound> {
        let unusual = |_| BadSound::Unusual { rate, channels };
        let loudness = EbuR128::new(u32::try_from(channels).unwrap_or(u32::MAX), rate, Mode::I)
            .map_err(unusual)?;
        Ok(Self { loudness, peak: 0.0, clipped: 0, runs: vec![0; channels] })
    }

    /// Takes whole frames, channel after channel.
    pub(super) fn take(&mut self, interleaved: &[f32]) -> Result<(), BadSound> {
        self.loudness.add_frames_f32(interleaved).map_err(|_| BadSound::Damaged)?;
        for frame in interleaved.chunks_exact(self.runs.len()) {
            for (sample, run) in frame.iter().zip(&mut self.runs) {
                self.peak = self.peak.max(sample.abs());
                *run = if sample.abs() >= FULL_SCALE { *run + 1 } else { 0 };
                self.clipped += match *run {
                    CLIPPED_RUN => CLIPPED_RUN,
                    longer if longer > CLIPPED_RUN => 1,
                    _ => 0,
                };
            }
        }
        Ok(())
    }

    /// Integrated loudness in LUFS; `None` when all is silence.
    pub(super) fn lufs(&self) -> Option<f64> {
        self.loudness.loudness_global().ok().filter(|lufs| lufs.is_finite())
    }

    /// The highest sample in dBFS.
    pub(super) fn peak_db(&self) -> f64 {
        f64::from(decibels(self.peak))
    }

    /// Samples that lie in a row at full scale.
    pub(super) const fn clipped(&self) -> u64 {
        self.clipped
    }
}

/// Silence of a sound, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Silence {
    pub(super) leading: u32,
    pub(super) trailing: u32,
    /// The longest between the two.
    pub(super) within: u32,
}

/// Looks for silence, in steps of 10 ms.
pub(super) fn silence(mono: &[f32], rate: u32) -> Silence {
    let frame = (rate as usize / 100).max(1);
    let levels: Vec<f32> = mono.chunks(frame).map(level).collect();
    let loudest = levels.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let limit = (loudest - SILENT_BELOW_LOUDEST).max(SILENT_AT_MOST);
    let is_silent = |level: &&f32| **level < limit;
    let leading = levels.iter().take_while(is_silent).count();
    let trailing = levels.iter().rev().take_while(is_silent).count();
    let inside = levels.get(leading..levels.len().saturating_sub(trailing)).unwrap_or_default();
    let within = inside.split(|level| *level >= limit).map(<[f32]>::len).max().unwrap_or(0);
    let millis = |frames: usize| u32::try_from(frames * 10).unwrap_or(u32::MAX);
    Silence { leading: millis(leading), trailing: millis(trailing), within: millis(within) }
}

/// Integrated loudness of one channel in LUFS; `None` when all is silence.
pub(super) fn lufs(mono: &[f32], rate: u32) -> Option<f64> {
    let mut meter = Meter::new(rate, 1).ok()?;
    meter.take(mono).ok()?;
    meter.lufs()
}

pub(super) fn decibels(amplitude: f32) -> f32 {
    20.0 * amplitude.max(1e-6).log10()
}

fn level(frame: &[f32]) -> f32 {
    let power = frame.iter().map(|sample| sample * sample).sum::<f32>() / frame.len().max(1) as f32;
    decibels(power.sqrt())
}
