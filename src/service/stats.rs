//! Statistics: counted from the journal by a worker, so that no change writes a count, and
//! read as sums, so that no answer looks at single verifications.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use crate::domain::{Channel, Entry, EntryKind, Name, Outcome, Status, Step, Verification};
use crate::store::{CountKey, FeedPage, StatsBy, StatsGroup, StatsSearch, StoreError};

use super::Service;

/// How many rows of the journal are counted at once.
const AT_ONCE: u16 = 500;
/// How many digits of a number make its prefix.
const PREFIX: usize = 5;
/// The shortest time to answer that is told apart, in milliseconds.
const SHORTEST: f64 = 50.0;
/// Steps of an octave: a time is known to about a twentieth.
const STEPS: f64 = 8.0;
/// The most groups of an answer; the largest ones.
const MOST_GROUPS: usize = 500;
/// What stands for the country of an address or an unknown number.
const NOWHERE: &str = "-";

/// Which statistics are wanted.
pub struct StatsWanted {
    /// From the beginning of this day, UTC.
    pub from: Timestamp,
    /// Up to the end of this day, UTC.
    pub until: Timestamp,
    /// Only this app's.
    pub app: Option<Name>,
    /// By what they are told apart.
    pub by: StatsBy,
}

/// Statistics of verifications that were started in a span of days. Tests do not count.
pub struct Stats {
    /// All of them.
    pub total: StatsLine,
    /// Told apart, in order; of more than 500 the largest ones.
    pub groups: Vec<StatsLine>,
}

/// One line of statistics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatsLine {
    /// What is counted; of the total nothing.
    pub key: String,
    /// How many were started.
    pub started: u64,
    /// How many ended, by outcome.
    pub ended: Vec<(Outcome, u64)>,
    /// How long the verified ones took; `None` where it is not known.
    pub took: Option<Took>,
}

/// How long the verified ones took from start to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Took {
    /// Half of them at most so long.
    pub p50: SignedDuration,
    /// All but a twentieth at most so long.
    pub p95: SignedDuration,
}

impl StatsLine {
    /// How many ended verified.
    #[must_use]
    pub fn verified(&self) -> u64 {
        let verified =
            self.ended.iter().filter(|(outcome, _)| outcome.status() == Status::Verified);
        verified.map(|(_, total)| total).sum()
    }

    /// How many ended.
    #[must_use]
    pub fn concluded(&self) -> u64 {
        self.ended.iter().map(|(_, total)| total).sum()
    }

    fn of(group: &StatsGroup, by: StatsBy) -> Self {
        Self {
            key: key(&group.key, by),
            started: group.started,
            ended: group.ended.clone(),
            took: took(&group.took),
        }
    }
}

impl Service {
    /// Counts what happened since it was counted last.
    ///
    /// # Errors
    /// When the store does not answer; what was counted by then is counted.
    pub async fn count(&self) -> Result<(), StoreError> {
        loop {
            let from = self.store.counted().await?;
            let page = self.store.feed(Some(from), AT_ONCE).await?;
            if page.end != from {
                let counts = counts(&page).into_iter().collect();
                // Somebody else may have counted these; then the next page is another one.
                self.store.add_counts(from, page.end, counts).await?;
            }
            if !page.more {
                return Ok(());
            }
        }
    }

    /// Statistics, up to this moment.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn stats(&self, wanted: StatsWanted) -> Result<Stats, StoreError> {
        self.count().await?;
        let search = |by| StatsSearch {
            from_day: day(wanted.from),
            until_day: day(wanted.until) + 1,
            app: wanted.app.clone(),
            by,
        };
        let by_channel = self.store.stats(search(StatsBy::Channel)).await?;
        let total = total(&by_channel);
        let found = match wanted.by {
            StatsBy::Channel => by_channel,
            by => self.store.stats(search(by)).await?,
        };
        let groups = largest(found.iter().map(|group| StatsLine::of(group, wanted.by)).collect());
        Ok(Stats { total, groups })
    }
}

/// What a page of the journal adds to the counts.
fn counts(page: &FeedPage) -> HashMap<CountKey, u64> {
    let mut counts = HashMap::new();
    for row in page.rows.iter().filter(|row| !row.verification.test) {
        for entry in &row.entries {
            if let Some(key) = counted(&row.verification, entry) {
                *counts.entry(key).or_insert(0) += 1;
            }
        }
    }
    counts
}

/// Under what an entry counts, if it does.
fn counted(verification: &Verification, entry: &Entry) -> Option<CountKey> {
    let (outcome, step) = match entry.kind {
        EntryKind::Requested => (None, verification.plan.iter().find(|step| !step.skipped)),
        EntryKind::Concluded { outcome } => (Some(outcome), verification.current_step()),
        EntryKind::CallRequested { .. }
        | EntryKind::CallAccepted { .. }
        | EntryKind::CallRefused { .. }
        | EntryKind::CallUnknown { .. }
        | EntryKind::Ringing { .. }
        | EntryKind::Answered { .. }
        | EntryKind::CallEnded { .. }
        | EntryKind::OtherCallEnded { .. }
        | EntryKind::KeyReported { .. }
        | EntryKind::Disputed { .. }
        | EntryKind::Redeemed
        | EntryKind::CodeRequested { .. }
        | EntryKind::CodeAccepted { .. }
        | EntryKind::CodeRefused { .. }
        | EntryKind::CodeUnknown { .. }
        | EntryKind::CodeChecked { .. }
        | EntryKind::NextAsked => return None,
    };
    let is_verified = outcome.is_some_and(|outcome| outcome.status() == Status::Verified);
    let took = entry.at.duration_since(verification.created_at);
    let phone = verification.to.phone();
    let country =
        phone.and_then(|number| number.numbering().country).map(|country| country.to_string());
    let prefix = phone.map(|number| number.digits().chars().take(PREFIX).collect::<String>());
    Some(CountKey {
        hour: verification.created_at.as_second().div_euclid(3_600),
        app: verification.app.clone(),
        channel: step.map_or(Channel::CallButton, Step::channel),
        country: country.map_or(NOWHERE.into(), Into::into),
        prefix: prefix.map_or(NOWHERE.into(), Into::into),
        outcome,
        step: is_verified.then(|| step_of(took)),
    })
}

/// The step of a time: eight of them double it.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a byte")]
fn step_of(took: SignedDuration) -> u8 {
    let times = (took.as_secs_f64() * 1_000.0 / SHORTEST).max(1.0);
    (times.log2() * STEPS).clamp(0.0, 255.0) as u8
}

/// The time in the middle of a step.
fn time_of(step: u8) -> SignedDuration {
    let milliseconds = SHORTEST * ((f64::from(step) + 0.5) / STEPS).exp2();
    SignedDuration::from_secs_f64(milliseconds / 1_000.0)
}

fn took(steps: &[(u8, u64)]) -> Option<Took> {
    let all: u64 = steps.iter().map(|(_, total)| total).sum();
    // The time of the first one that at least so many hundredths did not pass.
    let at = |hundredths: u64| {
        let mut seen = 0;
        let place = steps.iter().find(|(_, total)| {
            seen += total;
            seen * 100 >= all * hundredths
        });
        place.map(|(step, _)| time_of(*step))
    };
    Some(Took { p50: at(50)?, p95: at(95)? })
}

fn total(groups: &[StatsGroup]) -> StatsLine {
    let mut ended = HashMap::new();
    let mut steps = std::collections::BTreeMap::new();
    for group in groups {
        for (outcome, total) in &group.ended {
            *ended.entry(*outcome).or_insert(0) += total;
        }
        for (step, total) in &group.took {
            *steps.entry(*step).or_insert(0) += total;
        }
    }
    let in_order = Outcome::ALL.into_iter();
    let ended = in_order.filter_map(|outcome| Some((outcome, *ended.get(&outcome)?))).collect();
    let steps: Vec<(u8, u64)> = steps.into_iter().collect();
    let started = groups.iter().map(|group| group.started).sum();
    StatsLine { key: String::new(), started, ended, took: took(&steps) }
}

/// The largest lines, in the order in which they came.
fn largest(mut lines: Vec<StatsLine>) -> Vec<StatsLine> {
    if lines.len() > MOST_GROUPS {
        let mut sizes: Vec<u64> = lines.iter().map(|line| line.started).collect();
        sizes.sort_unstable_by(|a, b| b.cmp(a));
        let least = sizes[MOST_GROUPS - 1];
        lines.retain(|line| line.started >= least);
        lines.truncate(MOST_GROUPS);
    }
    lines
}

fn day(at: Timestamp) -> i64 {
    at.as_second().div_euclid(86_400)
}

/// A key as it is shown: days and hours as instants of UTC.
fn key(key: &str, by: StatsBy) -> String {
    let instant = |seconds: i64, format: &str| {
        let at = key.parse().ok().and_then(|number: i64| number.checked_mul(seconds));
        let at = at.and_then(|at| Timestamp::from_second(at).ok());
        at.map_or_else(|| key.to_owned(), |at| at.strftime(format).to_string())
    };
    match by {
        StatsBy::App | StatsBy::Channel | StatsBy::Country | StatsBy::Prefix => key.to_owned(),
        StatsBy::Day => instant(86_400, "%Y-%m-%d"),
        StatsBy::Hour => instant(3_600, "%Y-%m-%dT%H:00:00Z"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_known_to_about_a_twentieth() {
        for milliseconds in [60, 777, 4_200, 31_000, 599_000] {
            let took = SignedDuration::from_millis(milliseconds);
            let known = time_of(step_of(took)).as_secs_f64() / took.as_secs_f64();
            assert!((0.95..1.05).contains(&known), "{milliseconds}: {known}");
        }
        assert_eq!(step_of(SignedDuration::from_secs(-1)), 0);
        assert_eq!(step_of(SignedDuration::MAX), 255);
    }

    #[test]
    fn percentiles_are_those_of_the_steps() {
        assert_eq!(took(&[]), None);
        let found = took(&[(10, 90), (20, 5), (30, 5)]).unwrap();
        assert_eq!((found.p50, found.p95), (time_of(10), time_of(20)));
    }

    #[test]
    fn the_largest_groups_stay_in_order() {
        let line = |number: u64| StatsLine { started: number, ..StatsLine::default() };
        let kept = largest((0..600).map(line).collect());
        assert_eq!(kept.len(), 500);
        assert_eq!((kept[0].started, kept[499].started), (100, 599));
    }

    #[test]
    fn days_and_hours_are_shown_as_such() {
        assert_eq!(key("20779", StatsBy::Day), "2026-11-22");
        assert_eq!(key("498708", StatsBy::Hour), "2026-11-22T12:00:00Z");
        assert_eq!(key("UA", StatsBy::Country), "UA");
    }
}
