//! The second step: was it signed by the provider?

use subtle::ConstantTimeEq;

use super::Decoded;
use super::interpret::{Notification, interpret};
use crate::zadarma::Secret;
use crate::zadarma::sign::{SIGNATURE_LENGTH, signature_bytes};

/// The names that an event's signature covers, in their order.
type Formula = &'static [&'static str];

const INCOMING: Formula = &["caller_id", "called_did", "call_start"];
const ANSWER: Formula = &["caller_id", "destination", "call_start"];
const OUTGOING: Formula = &["internal", "destination", "call_start"];
const RECORD: Formula = &["pbx_call_id", "call_id_with_rec"];
const RESULT: Formula = &["result"];

/// A notification that carries the provider's signature over its signed fields,
/// and over nothing else: see [`CallNotification`](super::CallNotification).
#[derive(Clone, Debug)]
pub struct Authentic<'a> {
    decoded: Decoded<'a>,
    secret_index: usize,
}

/// Why a notification is not taken as the provider's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unauthentic {
    /// No `Signature` header.
    #[error("the notification has no signature")]
    Absent,
    /// A header of another length than a signature has. 28 is base64 over raw bytes.
    #[error("the notification's signature has {0} characters, not {SIGNATURE_LENGTH}")]
    Length(usize),
    /// The right length, but made with none of the secrets or over other text.
    #[error("the notification's signature fits none of the secrets")]
    Mismatch,
}

impl Unauthentic {
    /// How long the refused header was; `None` if there was none.
    #[must_use]
    pub const fn header_length(&self) -> Option<usize> {
        match self {
            Self::Absent => None,
            Self::Length(length) => Some(*length),
            Self::Mismatch => Some(SIGNATURE_LENGTH),
        }
    }
}

impl<'a> Decoded<'a> {
    /// Checks the `Signature` header against each of `secrets`, the current one first.
    ///
    /// The event chooses the formula. For an event without a documented formula
    /// (SPEECH_RECOGNITION, DOCUMENT, whatever comes next) any documented formula
    /// will do, so that it can be journaled as the provider's: such an event is
    /// only ever [`Notification::Other`] and moves nothing. A formula whose fields
    /// are all absent fits nothing, since its text says nothing, and an empty
    /// secret matches nothing.
    ///
    /// # Errors
    /// See [`Unauthentic`].
    pub fn authenticate(
        self,
        header: Option<&[u8]>,
        secrets: &[Secret],
    ) -> Result<Authentic<'a>, Unauthentic> {
        let header = header.ok_or(Unauthentic::Absent)?;
        if header.len() != SIGNATURE_LENGTH {
            return Err(Unauthentic::Length(header.len()));
        }
        let formulas = formulas(self.field("event").unwrap_or_default());
        let matches = |secret: &Secret| {
            !secret.expose().is_empty()
                && formulas.iter().any(|formula| self.is_signed(formula, secret, header))
        };
        match secrets.iter().position(matches) {
            Some(secret_index) => Ok(Authentic { decoded: self, secret_index }),
            None => Err(Unauthentic::Mismatch),
        }
    }

    fn is_signed(&self, formula: Formula, secret: &Secret, header: &[u8]) -> bool {
        let mut parts = [""; 3];
        for (part, name) in parts.iter_mut().zip(formula) {
            *part = self.field(name).unwrap_or_default();
        }
        parts.iter().any(|part| !part.is_empty())
            && bool::from(signature_bytes(secret, &parts).ct_eq(header))
    }
}

impl Authentic<'_> {
    /// Which of the secrets matched: 0 is the current one.
    #[must_use]
    pub const fn secret_index(&self) -> usize {
        self.secret_index
    }

    /// What it says. Never fails: what is unknown, absent or odd stays representable.
    #[must_use]
    pub fn interpret(&self) -> Notification<'_> {
        interpret(&self.decoded)
    }
}

/// The names that the signature of `event` covers, in their order; for an event without
/// a documented formula, those of an incoming call.
#[must_use]
pub fn signed_fields(event: &str) -> &'static [&'static str] {
    formulas(event)[0]
}

fn formulas(event: &str) -> &'static [Formula] {
    match event {
        "NOTIFY_START"
        | "NOTIFY_INTERNAL"
        | "NOTIFY_END"
        | "NOTIFY_IVR"
        | "NOTIFY_INTERNAL_END" => &[INCOMING],
        "NOTIFY_ANSWER" => &[ANSWER],
        "NOTIFY_OUT_START" | "NOTIFY_OUT_END" => &[OUTGOING],
        "NOTIFY_RECORD" => &[RECORD],
        "NUMBER_LOOKUP" | "CALL_TRACKING" | "SMS" => &[RESULT],
        _ => &[INCOMING, OUTGOING, ANSWER, RECORD, RESULT],
    }
}
