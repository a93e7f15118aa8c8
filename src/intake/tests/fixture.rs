//! What the tests of this folder hold notifications against: one account, one kind of verification.

use jiff::Timestamp;

use crate::domain::{
    Button, By, Key, Name, PhoneNumber, Secret, Sounds, State, Step, Verification, VerificationId,
};
use crate::intake::{Asking, Policy};
use crate::service::{Facts, Offsets};

/// Spells a name that is one.
pub(super) fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

/// The secret with which the PBX signs.
pub(super) fn secret() -> Secret {
    Secret::new("the-secret-of-the-tests")
}

/// The settings of an account whose button calls are reported with `called_did` 0.
pub(super) fn policy() -> Policy {
    Policy {
        account: name("main"),
        tokens: Vec::new(),
        secrets: vec![secret()],
        sources: Vec::new(),
        require_source: true,
        result_called_did: vec!["0".to_owned()],
        asks_extensions: false,
        clock: Asking::default(),
        extensions: Asking::default(),
    }
}

/// A PBX with two extensions.
pub(super) fn facts(offsets: Offsets) -> Facts {
    Facts { extensions: vec!["100".to_owned(), "101".to_owned()], offsets, ..Facts::default() }
}

/// What an app asks: 1 on the phone of `to`, within ten minutes unless `expires_at` says otherwise.
pub(super) fn verification(
    id: u32,
    to: PhoneNumber,
    press: Key,
    now: Timestamp,
    expires_at: Timestamp,
) -> Verification {
    let step = Step {
        account: name("main"),
        wait: None,
        skipped: false,
        by: By::Button(Button {
            from: None,
            press,
            random_key: press != Key::ONE,
            refuse: None,
            sounds: Sounds::Prompt { name: name("default"), language: name("en") },
        }),
    };
    let verification = Verification {
        id: VerificationId::from_bytes(u128::from(id).to_be_bytes()),
        app: name("shop"),
        to: to.into(),
        known_valid: true,
        reference: None,
        metadata: None,
        callback_url: None,
        created_at: now,
        expires_at,
        plan: vec![step],
        attempts: Vec::new(),
        state: State::Pending,
        version: 1,
        entries: 0,
        codes: None,
        not_before: None,
        test: false,
        demanded: None,
    };
    verification.begin(now).0
}
