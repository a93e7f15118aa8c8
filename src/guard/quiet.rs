//! Quiet hours: whether it is night where a number is, and until when.
//!
//! A number tells its country, not the place in it, and not where its owner travels. So a
//! country with several time zones is quiet while any of them is.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::zones::ZONES;
use crate::config::QuietHours;
use crate::domain::Country;

/// Beyond so many nights one after the other, there is no hour that suits every zone.
const NIGHTS: usize = 100;

/// What a country's clocks say.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Night {
    /// It is quiet in none of its zones, or it has none.
    Over,
    /// It will be over in all of them.
    Until(Timestamp),
    /// Some zone is always quiet.
    Always,
}

/// Whether it is night in a country.
pub(super) fn night(hours: &QuietHours, country: Country, now: Timestamp) -> Night {
    let zones = zones_of(country);
    let mut at = now;
    for _ in 0..NIGHTS {
        match zones.iter().filter_map(|zone| ends(hours, zone, at)).max() {
            Some(end) => at = end,
            None if at == now => return Night::Over,
            None => return Night::Until(at),
        }
    }
    Night::Always
}

fn zones_of(country: Country) -> Vec<TimeZone> {
    let place = ZONES.binary_search_by(|(code, _)| Country::of(*code).cmp(&Some(country)));
    let names = place.map_or(&[][..], |place| ZONES[place].1);
    names.iter().filter_map(|name| TimeZone::get(name).ok()).collect()
}

/// When it is not quiet any more in a zone; `None` if it is not.
fn ends(hours: &QuietHours, zone: &TimeZone, at: Timestamp) -> Option<Timestamp> {
    let quiet = |at: Timestamp| hours.hold(zone.to_datetime(at).time());
    if !quiet(at) {
        return None;
    }
    let local = zone.to_datetime(at);
    let date = local.date();
    let day = if local.time() < hours.to { date } else { date.checked_add(1.day()).ok()? };
    let end = first_after(zone, day.to_datetime(hours.to), at)?;
    // A clock that is put forward may jump over the end.
    let changed = zone.following(at).next().map(|change| change.timestamp());
    Some(changed.filter(|changed| *changed < end && !quiet(*changed)).unwrap_or(end))
}

/// When a clock shows `local` after `at`, the earlier of two.
fn first_after(zone: &TimeZone, local: DateTime, at: Timestamp) -> Option<Timestamp> {
    let shown = zone.to_ambiguous_timestamp(local);
    let first = shown.compatible().ok().filter(|end| *end > at);
    first.or_else(|| shown.later().ok().filter(|end| *end > at))
}

#[cfg(test)]
mod tests {
    use jiff::civil::time;

    use super::*;
    use crate::domain::{Channel, Mode};

    fn hours(from: (i8, i8), to: (i8, i8)) -> QuietHours {
        let (from, to) = (time(from.0, from.1, 0, 0), time(to.0, to.1, 0, 0));
        QuietHours { mode: Mode::Enforce, from, to, channels: vec![Channel::CallButton] }
    }

    #[track_caller]
    fn until(hours: &QuietHours, country: &str, now: &str) -> Option<String> {
        match night(hours, Country::parse(country).unwrap(), now.parse().unwrap()) {
            Night::Over => None,
            Night::Until(until) => Some(until.to_string()),
            Night::Always => Some("always".to_owned()),
        }
    }

    #[test]
    fn nights_are_the_countrys_own_around_midnight_and_without_it() {
        let night = hours((22, 0), (7, 0));
        let morning = Some("2026-11-23T05:00:00Z".to_owned());
        assert_eq!(until(&night, "FI", "2026-11-22T19:59:59Z"), None);
        assert_eq!(until(&night, "FI", "2026-11-22T20:00:00Z"), morning);
        assert_eq!(until(&night, "FI", "2026-11-23T04:59:59Z"), morning);
        assert_eq!(until(&night, "FI", "2026-11-23T05:00:00Z"), None);
        let siesta = hours((13, 0), (15, 0));
        assert_eq!(
            until(&siesta, "FI", "2026-11-22T12:00:00Z").as_deref(),
            Some("2026-11-22T13:00:00Z")
        );
        assert_eq!(until(&siesta, "FI", "2026-11-22T13:00:00Z"), None);
    }

    #[test]
    fn a_country_of_many_zones_is_quiet_while_any_of_them_is() {
        let night = hours((22, 0), (7, 0));
        // 22:00 in New York to 07:00 in Honolulu.
        let over = Some("2026-11-22T17:00:00Z".to_owned());
        assert_eq!(until(&night, "US", "2026-11-22T03:00:00Z"), over);
        assert_eq!(until(&night, "US", "2026-11-22T16:59:59Z"), over);
        assert_eq!(until(&night, "US", "2026-11-22T17:00:00Z"), None);
        let long = hours((12, 0), (9, 0));
        assert_eq!(until(&long, "US", "2026-11-22T18:00:00Z").as_deref(), Some("always"));
        assert_eq!(until(&long, "ZZ", "2026-11-22T18:00:00Z"), None, "no such country");
    }

    #[test]
    fn a_clock_that_is_put_on_or_back_ends_the_night_when_it_says_so() {
        // Poland, 2026-03-29: 01:00 UTC is 02:00, then 03:00.
        let jumped = hours((22, 0), (2, 30));
        let change = Some("2026-03-29T01:00:00Z".to_owned());
        assert_eq!(until(&jumped, "PL", "2026-03-29T00:30:00Z"), change);
        assert_eq!(until(&jumped, "PL", "2026-03-29T01:00:00Z"), None);
        let night = hours((22, 0), (7, 0));
        assert_eq!(
            until(&night, "PL", "2026-03-28T22:00:00Z").as_deref(),
            Some("2026-03-29T05:00:00Z")
        );
        // 2026-10-25: 02:30 comes twice, at 00:30 and at 01:30 UTC.
        assert_eq!(
            until(&night, "PL", "2026-10-24T22:00:00Z").as_deref(),
            Some("2026-10-25T06:00:00Z")
        );
        assert_eq!(
            until(&jumped, "PL", "2026-10-25T00:10:00Z").as_deref(),
            Some("2026-10-25T00:30:00Z")
        );
        assert_eq!(
            until(&jumped, "PL", "2026-10-25T01:10:00Z").as_deref(),
            Some("2026-10-25T01:30:00Z")
        );
    }

    #[test]
    fn every_zone_of_the_table_is_known_and_every_country_is_found() {
        for (code, names) in ZONES {
            let country = Country::of(*code).unwrap();
            assert!(!names.is_empty() && zones_of(country).len() == names.len(), "{country}");
        }
    }
}
