//! Compose: from what was asked and admitted to a verification, before anything is
//! stored of it.

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::domain::{Claim, Codes, State, Step, Verification, VerificationId, WrittenForm};

use super::admission::Admitted;
use super::refusal::StartRefusal;
use super::{Service, StartRequest, TestDoes};

/// The longest that a plan whose codes have a life of their own may take.
const LONGEST_LADDER: SignedDuration = SignedDuration::from_hours(1);

impl Service {
    /// A new verification, before its first step.
    pub(super) fn verification(
        &self,
        request: StartRequest,
        admitted: Admitted,
        now: Timestamp,
    ) -> Verification {
        let id = new_id(now);
        let tested = self.tested(&request);
        let test = tested.is_some();
        let codes =
            admitted.code_length.map(|length| Box::new(self.codes(id, &request, tested, length)));
        Verification {
            id,
            app: request.app,
            known_valid: request.to.phone().is_none() || admitted.numbering.is_known_valid,
            to: request.to,
            reference: request.reference,
            metadata: request.metadata,
            callback_url: request.callback_url,
            created_at: now,
            expires_at: now + admitted.expires_in,
            plan: admitted.steps,
            attempts: Vec::new(),
            state: State::Pending,
            version: 1,
            entries: 0,
            codes,
            not_before: None,
            test,
            demanded: request.evidence,
        }
    }

    fn codes(
        &self,
        id: VerificationId,
        request: &StartRequest,
        tested: Option<&TestDoes>,
        length: u8,
    ) -> Codes {
        let fixed = match tested {
            Some(TestDoes::Code(code)) => Some(code),
            Some(TestDoes::Outcome(_)) | None => None,
        };
        let own = fixed.or(request.code.as_ref());
        let own_length = own.and_then(|code| u8::try_from(code.expose().len()).ok());
        let limits = &self.settings.codes;
        Codes {
            seed: rand::random(),
            length: own_length.unwrap_or(length),
            sealed: own.map(|code| self.store_key().seal_code(id, code)),
            generation: 0,
            checks_used: 0,
            checks_open: 0,
            checks_limit: limits.max_checks,
            sends_limit: request.max_sends.unwrap_or(u8::MAX).min(limits.max_sends),
            rules: request.rules,
            newest_used: 0,
            typed: Vec::new(),
        }
    }

    /// How long it lasts, within what may be asked for.
    pub(super) fn lifetime(&self, request: &StartRequest) -> Result<SignedDuration, StartRefusal> {
        let wanted = request.expires_in.unwrap_or(self.settings.expires_in);
        if let Some(life) = request.rules.life {
            // What may be guessed is the code; its ladder may take longer than each of them.
            let max = self.settings.max_code_life;
            let fits = life <= max && wanted <= LONGEST_LADDER;
            return if fits {
                Ok(wanted)
            } else {
                Err(StartRefusal::CodeLife { max: max.as_secs() })
            };
        }
        let max = self.settings.max_expires_in;
        if wanted < SignedDuration::from_secs(10) || wanted > max {
            return Err(StartRefusal::Lifetime { max: max.as_secs() });
        }
        Ok(wanted)
    }
}

/// What the last attempt is to hold: a button call's every written form of the number.
pub(super) fn claims_of(verification: &Verification) -> Vec<Claim> {
    let Some(attempt) = verification.attempts.last() else { return Vec::new() };
    // Nobody is called by a test, so no notification is to find it.
    let calls = |step: &&Step| step.button().is_some() && !verification.test;
    let step = verification.step_of(attempt).filter(calls);
    let Some((step, number)) = step.zip(verification.to.phone()) else { return Vec::new() };
    let forms = WrittenForm::claimed_with(&WrittenForm::all_of(number));
    forms.into_iter().map(|form| Claim { account: step.account.clone(), form }).collect()
}

/// An id whose order is that of `now`.
fn new_id(now: Timestamp) -> VerificationId {
    let seconds = u64::try_from(now.as_second()).unwrap_or(0);
    let nanos = u32::try_from(now.subsec_nanosecond()).unwrap_or(0);
    VerificationId::new(Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, nanos)))
}
