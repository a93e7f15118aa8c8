//! Places in a line of requests of which only so many may fall into any minute.

use jiff::{SignedDuration, Timestamp};

use super::attempt::later;

/// The span in which requests are counted.
pub const LINE_WINDOW: SignedDuration = SignedDuration::from_secs(60);

/// The first instant from `from` on at which one more place leaves at most `limit` in any
/// window. `places` are in order; `limit` is at least 1.
#[must_use]
pub fn earliest_place(places: &[Timestamp], from: Timestamp, limit: usize) -> Timestamp {
    let mut at = from;
    while let Some(next) = crowded_until(places, at, limit) {
        at = next;
    }
    at
}

/// If one more place at `at` would put more than `limit` into some window: the
/// first later instant that is out of that crowd.
///
/// A crowd is `limit` places in a row that fit into one window together with `at`.
fn crowded_until(places: &[Timestamp], at: Timestamp, limit: usize) -> Option<Timestamp> {
    places
        .windows(limit)
        .filter(|row| {
            let (first, last) = (row[0].min(at), row[limit - 1].max(at));
            later(first, LINE_WINDOW) > last
        })
        .map(|row| later(row[0], LINE_WINDOW))
        .max()
}
