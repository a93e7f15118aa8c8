//! Percentiles, medians, and how they are written.

use std::time::Duration;

/// The value below which so many of `values` lie; `share` from 0 to 1.
pub fn percentile(values: &[Duration], share: f64) -> Duration {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let place = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(place.saturating_sub(1)).copied().unwrap_or_default()
}

pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.into_iter().collect();
    sorted.sort_unstable_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => sorted[odd / 2],
        even => f64::midpoint(sorted[even / 2 - 1], sorted[even / 2]),
    }
}

pub fn milliseconds(span: Duration) -> f64 {
    span.as_secs_f64() * 1e3
}

pub fn microseconds(span: Duration) -> f64 {
    span.as_secs_f64() * 1e6
}

pub fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / 1_048_576.0
}
