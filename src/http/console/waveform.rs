//! The picture of a sound: its loudest moments over its length.

use std::io::Cursor;

use maud::{Markup, html};
use plotters::prelude::{ChartBuilder, Color, IntoDrawingArea, RGBColor, Rectangle, SVGBackend};

use super::chart::{Failed, TEXT, VERIFIED, classed};

/// How many moments are told apart.
const MOMENTS: usize = 300;
const SIZE: (u32, u32) = (900, 96);

/// The picture of a WAV file with one channel of 16 bits; nothing for anything else.
#[must_use]
pub fn waveform(wav: &[u8]) -> Markup {
    let Some(peaks) = peaks(wav) else { return html! {} };
    let mut svg = String::new();
    if let Err(error) = draw(&mut svg, &peaks) {
        tracing::warn!(error = %error, "a waveform was not drawn");
        return html! {};
    }
    html! { div.waveform role="img" aria-label="The sound's loudness over time" { (classed(svg)) } }
}

/// The loudest sample of each moment, from 0 to 1.
fn peaks(wav: &[u8]) -> Option<Vec<f64>> {
    let mut reader = hound::WavReader::new(Cursor::new(wav)).ok()?;
    let samples: Vec<i16> = reader.samples::<i16>().collect::<Result<_, _>>().ok()?;
    let each = samples.len().div_ceil(MOMENTS).max(1);
    let loudest = |moment: &[i16]| moment.iter().map(|one| one.unsigned_abs()).max().unwrap_or(0);
    Some(samples.chunks(each).map(|moment| f64::from(loudest(moment)) / 32_768.0).collect())
}

fn draw<'a>(svg: &'a mut String, peaks: &[f64]) -> Result<(), Failed<'a>> {
    let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    let count = i32::try_from(peaks.len()).unwrap_or(i32::MAX);
    let mut chart = ChartBuilder::on(&area).build_cartesian_2d(0..count.max(1), -1.0..1.0)?;
    let colour: &RGBColor = if peaks.is_empty() { &TEXT } else { &VERIFIED };
    let bars = (0i32..).zip(peaks).map(|(place, peak)| {
        // A line where there is silence, so that its length is seen.
        let height = peak.max(0.01);
        Rectangle::new([(place, height), (place + 1, -height)], colour.filled())
    });
    chart.draw_series(bars)?;
    area.present()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sound_has_a_picture_and_what_is_none_has_not() {
        let mut wav = Cursor::new(Vec::new());
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: 8_000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::new(&mut wav, spec).unwrap();
        for sample in 0..8_000_i16 {
            writer.write_sample(sample).unwrap();
        }
        writer.finalize().unwrap();
        let wav = wav.into_inner();
        let peaks = peaks(&wav).unwrap();
        assert!(peaks.len() <= MOMENTS && peaks.is_sorted());
        assert!(waveform(&wav).0.contains("class=\"good\""));
        assert_eq!(waveform(b"RIFF").0, "");
        assert_eq!(waveform(&wav[..100]).0, "");
    }
}
