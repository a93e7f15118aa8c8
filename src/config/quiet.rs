//! The sections `guard.quiet_hours`: when nobody is called where it is night.

use jiff::civil::Time;

use super::guard::mode;
use super::section::Section;
use super::tree::Entry;
use super::value;
use crate::domain::{Channel, Mode};

/// By which channels, and when by their local time, people are left alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuietHours {
    /// How strictly.
    pub mode: Mode,
    /// Quiet from here on.
    pub from: Time,
    /// Not quiet from here on; before `from`, it is the next day's.
    pub to: Time,
    /// What keeps quiet.
    pub channels: Vec<Channel>,
}

impl QuietHours {
    /// The hours of one section; `from` and `to` must be given.
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let mode = mode(section);
        let (from, to) = (
            section.value("from", time, Time::midnight()),
            section.value("to", time, Time::midnight()),
        );
        if from == to {
            section.wrong("to", "must be another time than \"from\"");
        }
        let channels =
            section.list("channels", channel, vec![Channel::CallButton, Channel::CallCode]);
        Self { mode, from, to, channels }
    }

    /// Whether it is quiet at this local time.
    #[must_use]
    pub fn hold(&self, at: Time) -> bool {
        if self.from < self.to {
            self.from <= at && at < self.to
        } else {
            self.from <= at || at < self.to
        }
    }
}

fn time(entry: &Entry) -> Result<Time, String> {
    let text = value::text(entry)?;
    let bad = || format!("must be a time of day from \"00:00\" to \"23:59\", but is {text:?}");
    if text.len() != 5 {
        return Err(bad());
    }
    Time::strptime("%H:%M", &text).map_err(|_| bad())
}

fn channel(entry: &Entry) -> Result<Channel, String> {
    // An e-mail wakes nobody, and its address has no country.
    let known = [Channel::CallButton, Channel::CallCode, Channel::Sms];
    let text = value::text(entry)?;
    known.into_iter().find(|channel| channel.as_str() == text).ok_or_else(|| {
        let known = known.map(Channel::as_str).join(", ");
        format!("must be one of {known}, but is {text:?}")
    })
}
