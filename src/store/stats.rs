//! Counts of what became of verifications. They are added up by whoever reads the journal
//! on from where the counting has come to, so that no change pays for them, and stay when
//! the verifications go.

use super::{JournalCursor, Store, StoreError, adapter};
use crate::domain::{Channel, Name, Outcome};

/// What is counted together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CountKey {
    /// The hour of the start, counted from 1970.
    pub hour: i64,
    /// The app.
    pub app: Name,
    /// The channel that was tried last; of a start the first.
    pub channel: Channel,
    /// The number's country, two letters, or `-`.
    pub country: Box<str>,
    /// The number's first digits, or `-`.
    pub prefix: Box<str>,
    /// How it ended; `None` counts starts.
    pub outcome: Option<Outcome>,
    /// How long it took, if it was verified, in steps of the caller's choice.
    pub step: Option<u8>,
}

/// By what counts are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatsBy {
    /// The app.
    App,
    /// The channel.
    Channel,
    /// The number's country.
    Country,
    /// The number's first digits.
    Prefix,
    /// The day of the start, UTC.
    Day,
    /// The hour of the start, UTC.
    Hour,
}

impl StatsBy {
    /// Each.
    pub const ALL: [Self; 6] =
        [Self::App, Self::Channel, Self::Country, Self::Prefix, Self::Day, Self::Hour];

    /// The word used in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Channel => "channel",
            Self::Country => "country",
            Self::Prefix => "prefix",
            Self::Day => "day",
            Self::Hour => "hour",
        }
    }
}

/// Which counts to add up. Days are counted from 1970, UTC.
#[derive(Clone, Debug)]
pub struct StatsSearch {
    /// The first day.
    pub from_day: i64,
    /// The day after the last.
    pub until_day: i64,
    /// Only this app's.
    pub app: Option<Name>,
    /// By what they are told apart.
    pub by: StatsBy,
}

/// The counts of one app, channel, country, prefix, day or hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatsGroup {
    /// Which; days and hours as decimal numbers counted from 1970.
    pub key: Box<str>,
    /// How many were started.
    pub started: u64,
    /// How many ended, by outcome, in order.
    pub ended: Vec<(Outcome, u64)>,
    /// How many of the verified took each step, in order; empty by prefix and by hour.
    pub took: Vec<(u8, u64)>,
}

impl Store {
    /// Where the counting has come to.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn counted(&self) -> Result<JournalCursor, StoreError> {
        adapter!(self.counted())
    }

    /// Adds counts of the journal's rows after `from` up to `to`, unless somebody else has
    /// counted from there meanwhile; whether they were added.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn add_counts(
        &self,
        from: JournalCursor,
        to: JournalCursor,
        counts: Vec<(CountKey, u64)>,
    ) -> Result<bool, StoreError> {
        adapter!(self.add_counts(from, to, counts))
    }

    /// Counts, in order of their key.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn stats(&self, search: StatsSearch) -> Result<Vec<StatsGroup>, StoreError> {
        adapter!(self.stats(search))
    }
}
