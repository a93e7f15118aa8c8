//! The stored form of timeline entries.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::codes::{
    channel, channel_code, outcome, outcome_code, reason, reason_code, result, result_code,
};
use super::{Span, Unreadable, after, since};
use crate::domain::{Entry, EntryKind, Evidence};

/// Entries in order; each time counts from the one before.
#[derive(Serialize, Deserialize)]
pub(super) struct Stored<'a>(#[serde(borrow)] Vec<StoredEntry<'a>>);

#[derive(Serialize, Deserialize)]
struct StoredEntry<'a> {
    number: u32,
    at: Span,
    #[serde(borrow)]
    kind: StoredKind<'a>,
}

#[derive(Serialize, Deserialize)]
enum StoredKind<'a> {
    Requested,
    CallRequested { attempt: u8 },
    CallAccepted { attempt: u8 },
    CallRefused { attempt: u8, reason: u8 },
    CallUnknown { attempt: u8 },
    Ringing { attempt: u8 },
    Answered { attempt: u8 },
    CallEnded { attempt: u8, result: u8 },
    OtherCallEnded { attempt: u8, result: u8 },
    KeyReported { attempt: u8, result: u8, pressed: &'a str, evidence: u16 },
    Disputed { attempt: u8, pressed: &'a str },
    Concluded { outcome: u8 },
    Redeemed,
    // From here on of the format with codes.
    CodeRequested { attempt: u8, channel: u8 },
    CodeAccepted { attempt: u8 },
    CodeRefused { attempt: u8, reason: u8 },
    CodeUnknown { attempt: u8 },
    CodeChecked { correct: bool },
    NextAsked,
}

/// Whether the plain format does not know an entry.
pub(super) const fn is_of_codes(entry: &Entry) -> bool {
    matches!(
        entry.kind,
        EntryKind::CodeRequested { .. }
            | EntryKind::CodeAccepted { .. }
            | EntryKind::CodeRefused { .. }
            | EntryKind::CodeUnknown { .. }
            | EntryKind::CodeChecked { .. }
            | EntryKind::NextAsked
    )
}

impl<'a> Stored<'a> {
    pub(super) fn of(entries: &'a [Entry]) -> Self {
        let mut before = Timestamp::UNIX_EPOCH;
        let stored = entries.iter().map(|entry| {
            let at = since(before, entry.at);
            before = entry.at;
            StoredEntry { number: entry.number, at, kind: StoredKind::of(&entry.kind) }
        });
        Self(stored.collect())
    }

    pub(super) fn into_entries(self) -> Result<Vec<Entry>, Unreadable> {
        let mut before = Timestamp::UNIX_EPOCH;
        let entries = self.0.into_iter().map(|stored| {
            let at = after(before, stored.at)?;
            before = at;
            Ok(Entry { number: stored.number, at, kind: stored.kind.into_kind()? })
        });
        entries.collect()
    }
}

impl<'a> StoredKind<'a> {
    fn of(kind: &'a EntryKind) -> Self {
        match *kind {
            EntryKind::Requested => Self::Requested,
            EntryKind::CallRequested { attempt } => Self::CallRequested { attempt },
            EntryKind::CallAccepted { attempt } => Self::CallAccepted { attempt },
            EntryKind::CallRefused { attempt, reason } => {
                Self::CallRefused { attempt, reason: reason_code(reason) }
            }
            EntryKind::CallUnknown { attempt } => Self::CallUnknown { attempt },
            EntryKind::Ringing { attempt } => Self::Ringing { attempt },
            EntryKind::Answered { attempt } => Self::Answered { attempt },
            EntryKind::CallEnded { attempt, result } => {
                Self::CallEnded { attempt, result: result_code(result) }
            }
            EntryKind::OtherCallEnded { attempt, result } => {
                Self::OtherCallEnded { attempt, result: result_code(result) }
            }
            EntryKind::KeyReported { attempt, result, ref pressed, evidence } => {
                let (result, evidence) = (result_code(result), evidence.bits());
                Self::KeyReported { attempt, result, pressed, evidence }
            }
            EntryKind::Disputed { attempt, ref pressed } => Self::Disputed { attempt, pressed },
            EntryKind::Concluded { outcome } => Self::Concluded { outcome: outcome_code(outcome) },
            EntryKind::Redeemed => Self::Redeemed,
            EntryKind::CodeRequested { attempt, channel } => {
                Self::CodeRequested { attempt, channel: channel_code(channel) }
            }
            EntryKind::CodeAccepted { attempt } => Self::CodeAccepted { attempt },
            EntryKind::CodeRefused { attempt, reason } => {
                Self::CodeRefused { attempt, reason: reason_code(reason) }
            }
            EntryKind::CodeUnknown { attempt } => Self::CodeUnknown { attempt },
            EntryKind::CodeChecked { correct } => Self::CodeChecked { correct },
            EntryKind::NextAsked => Self::NextAsked,
        }
    }

    fn into_kind(self) -> Result<EntryKind, Unreadable> {
        Ok(match self {
            Self::Requested => EntryKind::Requested,
            Self::CallRequested { attempt } => EntryKind::CallRequested { attempt },
            Self::CallAccepted { attempt } => EntryKind::CallAccepted { attempt },
            Self::CallRefused { attempt, reason: code } => {
                EntryKind::CallRefused { attempt, reason: reason(code)? }
            }
            Self::CallUnknown { attempt } => EntryKind::CallUnknown { attempt },
            Self::Ringing { attempt } => EntryKind::Ringing { attempt },
            Self::Answered { attempt } => EntryKind::Answered { attempt },
            Self::CallEnded { attempt, result: code } => {
                EntryKind::CallEnded { attempt, result: result(code)? }
            }
            Self::OtherCallEnded { attempt, result: code } => {
                EntryKind::OtherCallEnded { attempt, result: result(code)? }
            }
            Self::KeyReported { attempt, result: code, pressed, evidence } => {
                EntryKind::KeyReported {
                    attempt,
                    result: result(code)?,
                    pressed: pressed.into(),
                    evidence: Evidence::from_bits(evidence),
                }
            }
            Self::Disputed { attempt, pressed } => {
                EntryKind::Disputed { attempt, pressed: pressed.into() }
            }
            Self::Concluded { outcome: code } => EntryKind::Concluded { outcome: outcome(code)? },
            Self::Redeemed => EntryKind::Redeemed,
            Self::CodeRequested { attempt, channel: code } => {
                EntryKind::CodeRequested { attempt, channel: channel(code)? }
            }
            Self::CodeAccepted { attempt } => EntryKind::CodeAccepted { attempt },
            Self::CodeRefused { attempt, reason: code } => {
                EntryKind::CodeRefused { attempt, reason: reason(code)? }
            }
            Self::CodeUnknown { attempt } => EntryKind::CodeUnknown { attempt },
            Self::CodeChecked { correct } => EntryKind::CodeChecked { correct },
            Self::NextAsked => EntryKind::NextAsked,
        })
    }
}
