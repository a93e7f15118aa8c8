//! What the stored form of a verification gains with codes, plans and a callback.
//! It stands behind the plain format's fields, and only where one of it is needed,
//! so that a plain button call stays as short as it was.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::verification::name;
use super::{Span, Unreadable, after_if, since};
use crate::domain::{
    By, CodeBy, CodeRules, CodeSource, CodeStep, Codes, EmailAddress, PhoneNumber, Recipient, Step,
    Verification,
};

#[derive(Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Extra<'a> {
    email: Option<&'a str>,
    callback_url: Option<&'a str>,
    not_before: Option<Span>,
    /// One for each step, or none.
    #[serde(borrow)]
    steps: Vec<StepExtra<'a>>,
    /// One for each attempt, or none.
    #[serde(borrow)]
    requests: Vec<Option<&'a str>>,
    #[serde(borrow)]
    codes: Option<StoredCodes<'a>>,
}

#[derive(Default, PartialEq, Serialize, Deserialize)]
struct StepExtra<'a> {
    wait: Option<Span>,
    skipped: bool,
    #[serde(borrow)]
    code: Option<StoredCodeStep<'a>>,
}

#[derive(PartialEq, Serialize, Deserialize)]
struct StoredCodeStep<'a> {
    by_provider: bool,
    new_code: bool,
    language: Option<&'a str>,
    #[serde(borrow)]
    by: StoredBy<'a>,
}

#[derive(PartialEq, Serialize, Deserialize)]
enum StoredBy<'a> {
    Call {
        from: Option<u64>,
    },
    Sms {
        template: Option<&'a str>,
        sender: Option<&'a str>,
    },
    Email {
        from: Option<&'a str>,
        subject: Option<&'a str>,
        body: Option<&'a str>,
    },
    /// Since format 3.
    PlainSms {
        sender: Option<&'a str>,
        text: &'a str,
    },
}

#[derive(PartialEq, Serialize, Deserialize)]
struct StoredCodes<'a> {
    seed: [u8; 16],
    length: u8,
    sealed: Option<&'a [u8]>,
    generation: u8,
    checks_used: u8,
    checks_open: u8,
    checks_limit: u8,
    sends_limit: u8,
}

impl<'a> Extra<'a> {
    pub(super) fn of(verification: &'a Verification) -> Self {
        let steps = verification.plan.iter().map(StepExtra::of);
        let requests = verification.attempts.iter().map(|attempt| attempt.request.as_deref());
        Self {
            email: match &verification.to {
                Recipient::Phone(_) => None,
                Recipient::Email(address) => Some(address.as_str()),
            },
            callback_url: verification.callback_url.as_deref(),
            not_before: verification.not_before.map(|at| since(verification.created_at, at)),
            steps: or_none(steps, &StepExtra::default()),
            requests: or_none(requests, &None),
            codes: verification.codes.as_deref().map(StoredCodes::of),
        }
    }

    /// Whether a step is of a kind that only the third format knows.
    pub(super) fn has_plain_sms(&self) -> bool {
        self.steps.iter().any(|step| {
            let by = step.code.as_ref().map(|code| &code.by);
            matches!(by, Some(StoredBy::PlainSms { .. }))
        })
    }

    /// Whether nothing of it is needed.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Completes what the plain format's fields say.
    pub(super) fn complete(self, verification: &mut Verification) -> Result<(), Unreadable> {
        if let Some(text) = self.email {
            let address = EmailAddress::parse(text)
                .map_err(|_| Unreadable("an e-mail address in it is none"))?;
            verification.to = Recipient::Email(address);
        }
        verification.callback_url = self.callback_url.map(Into::into);
        let base: Timestamp = verification.created_at;
        verification.not_before = after_if(base, self.not_before)?;
        for (step, extra) in verification.plan.iter_mut().zip(self.steps) {
            extra.complete(step)?;
        }
        for (attempt, request) in verification.attempts.iter_mut().zip(self.requests) {
            attempt.request = request.map(Into::into);
        }
        verification.codes = self.codes.map(|codes| Box::new(codes.into_codes()));
        Ok(())
    }
}

/// All, or none if each is the default.
fn or_none<T: PartialEq>(all: impl Iterator<Item = T> + Clone, default: &T) -> Vec<T> {
    if all.clone().all(|one| one == *default) { Vec::new() } else { all.collect() }
}

impl<'a> StepExtra<'a> {
    fn of(step: &'a Step) -> Self {
        let code = step.code().map(|code| StoredCodeStep {
            by_provider: code.source == CodeSource::Provider,
            new_code: code.new_code,
            language: code.language.as_ref().map(crate::domain::Name::as_str),
            by: match &code.by {
                CodeBy::Call { from } => StoredBy::Call { from: from.map(PhoneNumber::as_u64) },
                CodeBy::Sms { template, sender } => {
                    StoredBy::Sms { template: template.as_deref(), sender: sender.as_deref() }
                }
                CodeBy::PlainSms { sender, text } => {
                    StoredBy::PlainSms { sender: sender.as_deref(), text }
                }
                CodeBy::Email { from, subject, body } => StoredBy::Email {
                    from: from.as_deref(),
                    subject: subject.as_deref(),
                    body: body.as_deref(),
                },
            },
        });
        Self { wait: step.wait.map(|wait| wait.as_nanos()), skipped: step.skipped, code }
    }

    fn complete(self, step: &mut Step) -> Result<(), Unreadable> {
        step.wait = self.wait.map(span).transpose()?;
        step.skipped = self.skipped;
        if let Some(code) = self.code {
            step.by = By::Code(Box::new(code.into_step()?));
        }
        Ok(())
    }
}

impl StoredCodeStep<'_> {
    fn into_step(self) -> Result<CodeStep, Unreadable> {
        let text = |text: Option<&str>| text.map(Into::into);
        Ok(CodeStep {
            source: if self.by_provider { CodeSource::Provider } else { CodeSource::Own },
            new_code: self.new_code,
            language: self.language.map(name).transpose()?,
            by: match self.by {
                StoredBy::Call { from } => CodeBy::Call { from: from.map(PhoneNumber::from_u64) },
                StoredBy::Sms { template, sender } => {
                    CodeBy::Sms { template: text(template), sender: text(sender) }
                }
                StoredBy::PlainSms { sender, text: said } => {
                    CodeBy::PlainSms { sender: text(sender), text: said.into() }
                }
                StoredBy::Email { from, subject, body } => {
                    CodeBy::Email { from: text(from), subject: text(subject), body: text(body) }
                }
            },
        })
    }
}

impl<'a> StoredCodes<'a> {
    fn of(codes: &'a Codes) -> Self {
        Self {
            seed: codes.seed,
            length: codes.length,
            sealed: codes.sealed.as_deref(),
            generation: codes.generation,
            checks_used: codes.checks_used,
            checks_open: codes.checks_open,
            checks_limit: codes.checks_limit,
            sends_limit: codes.sends_limit,
        }
    }

    fn into_codes(self) -> Codes {
        Codes {
            seed: self.seed,
            length: self.length,
            sealed: self.sealed.map(Into::into),
            generation: self.generation,
            checks_used: self.checks_used,
            checks_open: self.checks_open,
            checks_limit: self.checks_limit,
            sends_limit: self.sends_limit,
            rules: CodeRules::default(),
            newest_used: 0,
            typed: Vec::new(),
        }
    }
}

/// A span that no sum with a time of this era overflows.
pub(super) fn span(nanoseconds: Span) -> Result<SignedDuration, Unreadable> {
    i64::try_from(nanoseconds)
        .map(SignedDuration::from_nanos)
        .map_err(|_| Unreadable("a span is out of range"))
}
