//! The stored form of a verification. Times count from its creation.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::codes::{outcome, outcome_code, reason, reason_code, result, result_code};
use super::{Span, Unreadable, after, after_if, since};
use crate::domain::{
    Asks, Attempt, Button, By, CallEnd, CodeBy, CodeSource, CodeStep, Conclusion, Dispatch,
    Evidence, Key, KeyReport, Name, PbxTime, PhoneNumber, Recipient, Sounds, State, Step,
    Verification, VerificationId,
};

#[derive(Serialize, Deserialize)]
pub(super) struct Stored<'a> {
    id: [u8; 16],
    app: &'a str,
    to: u64,
    known_valid: bool,
    reference: Option<&'a str>,
    metadata: Option<&'a str>,
    created_at: Span,
    expires_at: Span,
    #[serde(borrow)]
    plan: Vec<StoredStep<'a>>,
    #[serde(borrow)]
    attempts: Vec<StoredAttempt<'a>>,
    state: Option<StoredConclusion>,
    version: u32,
    entries: u32,
}

#[derive(Serialize, Deserialize)]
struct StoredStep<'a> {
    account: &'a str,
    from: Option<u64>,
    press: u8,
    random_key: bool,
    #[serde(borrow)]
    sounds: StoredSounds<'a>,
}

#[derive(Serialize, Deserialize)]
enum StoredSounds<'a> {
    Prompt {
        name: &'a str,
        language: &'a str,
    },
    Given {
        greeting: &'a str,
        confirmed: &'a str,
        fallback: &'a str,
    },
    /// No call that plays sounds; see [`Extra`](super::extra::Extra).
    Code,
}

#[derive(Serialize, Deserialize)]
struct StoredAttempt<'a> {
    index: u8,
    step: u8,
    intent_at: Span,
    press: u8,
    dispatch: StoredDispatch,
    ringing_at: Option<Span>,
    answered_at: Option<Span>,
    call_end: Option<StoredEnd>,
    hint: Option<u8>,
    #[serde(borrow)]
    key_report: Option<StoredReport<'a>>,
    earlier_call_start: Option<i64>,
}

#[derive(Serialize, Deserialize)]
enum StoredDispatch {
    Intended,
    Accepted,
    Refused { at: Span, reason: u8 },
    Unknown,
}

#[derive(Serialize, Deserialize)]
struct StoredEnd {
    at: Span,
    result: u8,
    call_start: i64,
}

#[derive(Serialize, Deserialize)]
struct StoredReport<'a> {
    at: Span,
    result: u8,
    pressed: &'a str,
    call_start: i64,
    evidence: u16,
}

#[derive(Serialize, Deserialize)]
struct StoredConclusion {
    outcome: u8,
    at: Span,
    disputed: bool,
    redeemed_at: Option<Span>,
}

impl<'a> Stored<'a> {
    pub(super) fn of(verification: &'a Verification) -> Self {
        let base = verification.created_at;
        Self {
            id: *verification.id.as_bytes(),
            app: verification.app.as_str(),
            to: verification.to.phone().map_or(0, PhoneNumber::as_u64),
            known_valid: verification.known_valid,
            reference: verification.reference.as_deref(),
            metadata: verification.metadata.as_deref(),
            created_at: base.as_nanosecond(),
            expires_at: since(base, verification.expires_at),
            plan: verification.plan.iter().map(StoredStep::of).collect(),
            attempts: verification
                .attempts
                .iter()
                .map(|attempt| StoredAttempt::of(attempt, base))
                .collect(),
            state: verification.conclusion().map(|end| StoredConclusion::of(end, base)),
            version: verification.version,
            entries: verification.entries,
        }
    }

    pub(super) fn into_verification(self) -> Result<Verification, Unreadable> {
        let base = after(Timestamp::UNIX_EPOCH, self.created_at)?;
        Ok(Verification {
            id: VerificationId::from_bytes(self.id),
            app: name(self.app)?,
            to: Recipient::Phone(PhoneNumber::from_u64(self.to)),
            known_valid: self.known_valid,
            reference: self.reference.map(Into::into),
            metadata: self.metadata.map(Into::into),
            callback_url: None,
            created_at: base,
            expires_at: after(base, self.expires_at)?,
            plan: self.plan.into_iter().map(StoredStep::into_step).collect::<Result<_, _>>()?,
            attempts: self
                .attempts
                .into_iter()
                .map(|attempt| attempt.into_attempt(base))
                .collect::<Result<_, _>>()?,
            state: match self.state {
                None => State::Pending,
                Some(end) => State::Final(end.into_conclusion(base)?),
            },
            version: self.version,
            entries: self.entries,
            codes: None,
            not_before: None,
            test: false,
            demanded: None,
        })
    }
}

impl<'a> StoredStep<'a> {
    fn of(step: &'a Step) -> Self {
        let account = step.account.as_str();
        let By::Button(button) = &step.by else {
            let sounds = StoredSounds::Code;
            return Self { account, from: None, press: 0, random_key: false, sounds };
        };
        let sounds = match &button.sounds {
            Sounds::Prompt { name, language } => {
                StoredSounds::Prompt { name: name.as_str(), language: language.as_str() }
            }
            Sounds::Given { greeting, confirmed, fallback } => {
                StoredSounds::Given { greeting, confirmed, fallback }
            }
        };
        Self {
            account,
            from: button.from.map(PhoneNumber::as_u64),
            press: button.press.digit(),
            random_key: button.random_key,
            sounds,
        }
    }

    fn into_step(self) -> Result<Step, Unreadable> {
        let sounds = match self.sounds {
            StoredSounds::Prompt { name: prompt, language } => {
                Sounds::Prompt { name: name(prompt)?, language: name(language)? }
            }
            StoredSounds::Given { greeting, confirmed, fallback } => Sounds::Given {
                greeting: greeting.into(),
                confirmed: confirmed.into(),
                fallback: fallback.into(),
            },
            StoredSounds::Code => {
                let by = CodeBy::Call { from: None };
                let (source, new_code) = (CodeSource::Own, false);
                let code = CodeStep { source, new_code, language: None, by };
                let (account, by) = (name(self.account)?, By::Code(Box::new(code)));
                return Ok(Step { account, wait: None, skipped: false, by });
            }
        };
        let button = Button {
            from: self.from.map(PhoneNumber::from_u64),
            press: key(self.press)?,
            random_key: self.random_key,
            refuse: None,
            sounds,
        };
        Ok(Step {
            account: name(self.account)?,
            wait: None,
            skipped: false,
            by: By::Button(button),
        })
    }
}

impl<'a> StoredAttempt<'a> {
    fn of(attempt: &'a Attempt, base: Timestamp) -> Self {
        let from_base = |at| since(base, at);
        Self {
            index: attempt.index,
            step: attempt.step,
            intent_at: from_base(attempt.intent_at),
            press: asks_code(attempt.asks),
            dispatch: match attempt.dispatch {
                Dispatch::Intended => StoredDispatch::Intended,
                Dispatch::Accepted => StoredDispatch::Accepted,
                Dispatch::Refused { at, reason } => {
                    StoredDispatch::Refused { at: from_base(at), reason: reason_code(reason) }
                }
                Dispatch::Unknown => StoredDispatch::Unknown,
            },
            ringing_at: attempt.ringing_at.map(from_base),
            answered_at: attempt.answered_at.map(from_base),
            call_end: attempt.call_end.map(|end| StoredEnd {
                at: from_base(end.at),
                result: result_code(end.result),
                call_start: end.call_start.0,
            }),
            hint: attempt.hint.map(result_code),
            key_report: attempt.key_report.as_ref().map(|report| StoredReport {
                at: from_base(report.at),
                result: result_code(report.result),
                pressed: &report.pressed,
                call_start: report.call_start.0,
                evidence: report.evidence.bits(),
            }),
            earlier_call_start: attempt.earlier_call_start.map(|start| start.0),
        }
    }

    fn into_attempt(self, base: Timestamp) -> Result<Attempt, Unreadable> {
        Ok(Attempt {
            index: self.index,
            step: self.step,
            intent_at: after(base, self.intent_at)?,
            asks: asks(self.press)?,
            dispatch: match self.dispatch {
                StoredDispatch::Intended => Dispatch::Intended,
                StoredDispatch::Accepted => Dispatch::Accepted,
                StoredDispatch::Refused { at, reason: code } => {
                    Dispatch::Refused { at: after(base, at)?, reason: reason(code)? }
                }
                StoredDispatch::Unknown => Dispatch::Unknown,
            },
            ringing_at: after_if(base, self.ringing_at)?,
            answered_at: after_if(base, self.answered_at)?,
            call_end: self.call_end.map(|end| end.into_end(base)).transpose()?,
            hint: self.hint.map(result).transpose()?,
            key_report: self.key_report.map(|report| report.into_report(base)).transpose()?,
            earlier_call_start: self.earlier_call_start.map(PbxTime),
            request: None,
        })
    }
}

impl StoredEnd {
    fn into_end(self, base: Timestamp) -> Result<CallEnd, Unreadable> {
        Ok(CallEnd {
            at: after(base, self.at)?,
            result: result(self.result)?,
            call_start: PbxTime(self.call_start),
        })
    }
}

impl StoredReport<'_> {
    fn into_report(self, base: Timestamp) -> Result<KeyReport, Unreadable> {
        Ok(KeyReport {
            at: after(base, self.at)?,
            result: result(self.result)?,
            pressed: self.pressed.into(),
            call_start: PbxTime(self.call_start),
            evidence: Evidence::from_bits(self.evidence),
        })
    }
}

impl StoredConclusion {
    fn of(end: &Conclusion, base: Timestamp) -> Self {
        Self {
            outcome: outcome_code(end.outcome),
            at: since(base, end.at),
            disputed: end.disputed,
            redeemed_at: end.redeemed_at.map(|at| since(base, at)),
        }
    }

    fn into_conclusion(self, base: Timestamp) -> Result<Conclusion, Unreadable> {
        Ok(Conclusion {
            outcome: outcome(self.outcome)?,
            at: after(base, self.at)?,
            disputed: self.disputed,
            redeemed_at: after_if(base, self.redeemed_at)?,
        })
    }
}

/// A key's digit, or from 10 on a code's generation.
const fn asks_code(asks: Asks) -> u8 {
    match asks {
        Asks::Key(key) => key.digit(),
        Asks::Code(generation) => generation.saturating_add(10),
    }
}

fn asks(code: u8) -> Result<Asks, Unreadable> {
    match code.checked_sub(10) {
        Some(generation) => Ok(Asks::Code(generation)),
        None => key(code).map(Asks::Key),
    }
}

pub(super) fn name(text: &str) -> Result<Name, Unreadable> {
    Name::parse(text).map_err(|_| Unreadable("a name in it is none"))
}

fn key(digit: u8) -> Result<Key, Unreadable> {
    Key::new(digit).ok_or(Unreadable("a key in it is none"))
}
