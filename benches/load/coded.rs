//! Verifications whose code is on its way by SMS, and the codes.

use jiff::Timestamp;
use ringproof::domain::{
    Asks, By, Code, CodeBy, CodeRules, CodeSource, CodeStep, Codes, Verification,
};
use ringproof::store::StoreKey;

use super::calls::Call;

/// What codes are made of, beside the ids.
const SEED: [u8; 16] = [7; 16];
/// Digits of a code.
const CODE_LENGTH: u8 = 6;

impl Call {
    /// A verification to whose number a code was sent by SMS at `now`.
    pub fn coded(self, now: Timestamp) -> Verification {
        let sms = CodeBy::Sms { template: None, sender: None };
        let code = CodeStep { source: CodeSource::Own, new_code: false, language: None, by: sms };
        let mut verification = self.verification(now);
        verification.plan[0].by = By::Code(Box::new(code));
        verification.codes = Some(Box::new(Codes {
            seed: SEED,
            length: CODE_LENGTH,
            sealed: None,
            generation: 0,
            checks_used: 0,
            checks_open: 0,
            checks_limit: 5,
            sends_limit: 3,
            rules: CodeRules::default(),
            newest_used: 0,
            typed: Vec::new(),
        }));
        verification.attempts[0].asks = Asks::Code(0);
        verification
    }

    /// The code that was sent.
    pub fn code(self, key: &StoreKey, began: Timestamp) -> Code {
        key.code(self.id(began), 0, &SEED, CODE_LENGTH)
    }
}
