//! Verifications and timeline entries as bytes, the same for every adapter.
//!
//! The first byte names the format, the rest is postcard. A field or variant
//! is added at the end of its type together with a new format byte; the older
//! format stays readable. Times are kept to the nanosecond, as spans from the
//! first one, which makes them short.

mod codes;
mod demand;
mod entries;
mod extra;
mod later;
mod refusals;
mod verification;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::{Entry, Verification};

pub(super) use codes::{channel_bit, outcome_code, status_code};

/// The format of plain button calls.
const PLAIN: u8 = 1;
/// The format of what has more to it, codes, a plan or a callback: the plain one's
/// fields, then those.
const WITH_MORE: u8 = 2;
/// The format of tests, of rules for codes, and of SMS with a text of their own: the
/// second one's fields, then those.
const WITH_RULES: u8 = 3;
/// The format of calls with a key that says never to call again: the third one's fields,
/// then those keys.
const WITH_REFUSALS: u8 = 4;
/// The format of verifications whose app demanded evidence: the fourth one's fields, then
/// the level.
const WITH_DEMAND: u8 = 5;

/// Room for a usual record.
const USUAL_LENGTH: usize = 192;

/// Bytes that are no record of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(pub &'static str);

/// Packs a verification.
#[must_use]
pub fn pack(verification: &Verification) -> Box<[u8]> {
    let stored = verification::Stored::of(verification);
    let extra = extra::Extra::of(verification);
    let later = later::Later::of(verification);
    let refusals = refusals::Refusals::of(verification);
    let demand = demand::Demand::of(verification);
    if !demand.is_empty() {
        write(WITH_DEMAND, &(stored, extra, later, refusals, demand))
    } else if !refusals.is_empty() {
        write(WITH_REFUSALS, &(stored, extra, later, refusals))
    } else if !later.is_empty() || extra.has_plain_sms() {
        write(WITH_RULES, &(stored, extra, later))
    } else if !extra.is_empty() {
        write(WITH_MORE, &(stored, extra))
    } else {
        write(PLAIN, &stored)
    }
}

/// Reads a packed verification; any bytes are answered.
///
/// # Errors
/// When nobody here wrote them.
pub fn unpack(bytes: &[u8]) -> Result<Verification, Unreadable> {
    let (mut refusals, mut demand) = (refusals::Refusals::default(), demand::Demand::default());
    let (stored, extra, later) = match bytes.first() {
        Some(&WITH_DEMAND) => {
            let all: (verification::Stored<'_>, _, _, _, _) = read(WITH_DEMAND, bytes)?;
            (refusals, demand) = (all.3, all.4);
            (all.0, all.1, all.2)
        }
        Some(&WITH_REFUSALS) => {
            let all: (verification::Stored<'_>, _, _, _) = read(WITH_REFUSALS, bytes)?;
            refusals = all.3;
            (all.0, all.1, all.2)
        }
        Some(&WITH_RULES) => read::<(verification::Stored<'_>, _, _)>(WITH_RULES, bytes)?,
        Some(&WITH_MORE) => {
            let (stored, extra) = read(WITH_MORE, bytes)?;
            (stored, extra, later::Later::default())
        }
        _ => (read(PLAIN, bytes)?, extra::Extra::default(), later::Later::default()),
    };
    let mut verification = stored.into_verification()?;
    extra.complete(&mut verification)?;
    later.complete(&mut verification)?;
    refusals.complete(&mut verification)?;
    demand.complete(&mut verification)?;
    Ok(verification)
}

/// Packs timeline entries.
#[must_use]
pub fn pack_entries(entries: &[Entry]) -> Box<[u8]> {
    let format = if entries.iter().any(entries::is_of_codes) { WITH_MORE } else { PLAIN };
    write(format, &entries::Stored::of(entries))
}

/// Reads packed timeline entries; any bytes are answered.
///
/// # Errors
/// When nobody here wrote them.
pub fn unpack_entries(bytes: &[u8]) -> Result<Vec<Entry>, Unreadable> {
    let format = if bytes.first() == Some(&WITH_MORE) { WITH_MORE } else { PLAIN };
    read::<entries::Stored<'_>>(format, bytes)?.into_entries()
}

fn write<S: Serialize>(format: u8, stored: &S) -> Box<[u8]> {
    let mut bytes = Vec::with_capacity(USUAL_LENGTH);
    bytes.push(format);
    let bytes = postcard::to_extend(stored, bytes)
        .expect("plain structs of known length do not fail, and a Vec grows");
    bytes.into_boxed_slice()
}

fn read<'b, S: Deserialize<'b>>(expected: u8, bytes: &'b [u8]) -> Result<S, Unreadable> {
    let (format, packed) = bytes.split_first().ok_or(Unreadable("it is empty"))?;
    if *format != expected {
        return Err(Unreadable("its format is unknown to this release"));
    }
    match postcard::take_from_bytes(packed) {
        Ok((stored, [])) => Ok(stored),
        Ok(_) => Err(Unreadable("it goes on after its end")),
        Err(_) => Err(Unreadable("its bytes do not fit its format")),
    }
}

/// A span in nanoseconds; short when small.
type Span = i128;

fn since(base: Timestamp, at: Timestamp) -> Span {
    at.as_nanosecond() - base.as_nanosecond()
}

fn after(base: Timestamp, span: Span) -> Result<Timestamp, Unreadable> {
    // Only of this era, so that no later sum can overflow.
    base.as_nanosecond()
        .checked_add(span)
        .filter(|nanoseconds| i64::try_from(*nanoseconds).is_ok())
        .and_then(|nanoseconds| Timestamp::from_nanosecond(nanoseconds).ok())
        .ok_or(Unreadable("a time is out of range"))
}

fn after_if(base: Timestamp, span: Option<Span>) -> Result<Option<Timestamp>, Unreadable> {
    span.map(|span| after(base, span)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_or_newer_record_is_told_apart_from_a_damaged_one() {
        assert_eq!(unpack(&[]), Err(Unreadable("it is empty")));
        assert_eq!(unpack(&[9, 1]), Err(Unreadable("its format is unknown to this release")));
        assert_eq!(unpack(&[1, 1]), Err(Unreadable("its bytes do not fit its format")));
    }

    #[test]
    fn what_follows_a_record_is_not_ignored() {
        let mut bytes = pack_entries(&[]).into_vec();
        bytes.push(0);
        assert_eq!(unpack_entries(&bytes), Err(Unreadable("it goes on after its end")));
    }
}
