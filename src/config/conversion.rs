//! The sections `guard.conversion`: when a prefix is blocked of which too little is proved.

use std::time::Duration;

use super::guard::{mode, span};
use super::section::Section;
use super::value;
use crate::domain::{Conversion, Mode};

const DAY: Duration = Duration::from_hours(24);
/// The longest window and the longest block.
const LONGEST: Duration = Duration::from_hours(31 * 24);

/// When a prefix is blocked, and how strictly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConversionRule {
    /// How strictly.
    pub mode: Mode,
    /// When, and for how long.
    pub conversion: Conversion,
}

impl ConversionRule {
    /// The rule of one section, in which all but `mode` must be given.
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let mode = mode(section);
        let conversion = Conversion {
            min_percent: section.value("min_percent", value::number(1..=100), 1),
            min_volume: section.value("min_volume", value::number(1..=1_000_000), 1),
            window: span(section, "window", Duration::from_mins(10)..=LONGEST),
            settle: span(section, "settle", Duration::from_mins(1)..=DAY),
            block_for: span(section, "block_for", Duration::from_mins(1)..=LONGEST),
        };
        if conversion.settle > conversion.window && !conversion.window.is_zero() {
            section.clash("settle", "window", "must be at most \"window\"");
        }
        Self { mode, conversion }
    }

    /// What it says, unless it is off.
    #[must_use]
    pub fn set(self) -> Option<(Mode, Conversion)> {
        (self.mode != Mode::Off).then_some((self.mode, self.conversion))
    }
}
