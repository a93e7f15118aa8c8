//! Button calls in the thousands: each a pending verification of its own, and
//! the signed notification that ends it with the key 1.

use jiff::{SignedDuration, Timestamp};
use ringproof::domain::{
    Applied, Button, By, Claim, Event, Key, Name, PhoneNumber, Sounds, State, Step, Timing,
    Verification, VerificationId, WrittenForm,
};
use ringproof::zadarma::sign;
use ringproof::zadarma::{Secret, form};

/// The account that calls.
pub const ACCOUNT: &str = "main";
/// The app that asked.
pub const APP: &str = "bench";

/// The call with one number. Up to ten million numbers differ, in their last seven digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Call {
    index: u64,
}

/// What the provider sends when a call ends.
pub struct Sent {
    pub body: String,
    pub signature: String,
}

impl Call {
    pub const fn new(index: u64) -> Self {
        Self { index }
    }

    /// The digits after the calling code and the leading zero. The multiplier
    /// has no factor of ten million, so it only scatters.
    const fn national(self) -> u64 {
        990_000_000 + self.index * 7_654_321 % 10_000_000
    }

    /// The number in the international form.
    #[allow(dead_code, reason = "the other bench that has this file starts nothing")]
    pub fn to(self) -> String {
        format!("+380{}", self.national())
    }

    /// Ordered and spread like real ones: several in a millisecond, with random-looking ends.
    pub fn id(self, began: Timestamp) -> VerificationId {
        let mut ending = [0; 10];
        let scattered = (self.index + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        ending[..8].copy_from_slice(&scattered.to_be_bytes());
        let millis = u64::try_from(began.as_millisecond()).unwrap_or(0) + self.index / 1_000;
        let uuid = uuid::Builder::from_unix_timestamp_millis(millis, &ending).into_uuid();
        VerificationId::new(uuid)
    }

    /// A verification whose call the provider accepted at `now`.
    pub fn verification(self, now: Timestamp) -> Verification {
        let name = |text| Name::parse(text).expect("the names above are names");
        let step = Step {
            account: name(ACCOUNT),
            wait: None,
            skipped: false,
            by: By::Button(Button {
                from: None,
                press: Key::ONE,
                random_key: false,
                refuse: None,
                sounds: Sounds::Prompt { name: name("default"), language: name("en") },
            }),
        };
        let verification = Verification {
            id: self.id(now),
            app: name(APP),
            to: PhoneNumber::from_u64(380_000_000_000 + self.national()).into(),
            known_valid: true,
            reference: Some(format!("order-{}", self.index).into()),
            metadata: None,
            callback_url: None,
            created_at: now,
            expires_at: now + SignedDuration::from_hours(1),
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
        let (verification, _) = verification.begin(now);
        match verification.apply(Event::Accepted { attempt: 0 }, now, &Timing::default()) {
            Applied::Moved { next, .. } => *next,
            Applied::Ignored(_) => verification,
        }
    }

    /// Every written form of the number, as `WrittenForm::all_of` makes them, at
    /// a fraction of its cost: a test run compares the two.
    pub fn forms(self) -> Vec<WrittenForm> {
        let national = self.national();
        let texts = [format!("380{national}"), format!("0{national}"), national.to_string()];
        let mut forms: Vec<_> = texts.iter().filter_map(|text| WrittenForm::read(text)).collect();
        forms.sort_unstable();
        forms
    }

    pub fn claims(self) -> Vec<Claim> {
        let account = Name::parse(ACCOUNT).expect("the name above is a name");
        let claim = |form| Claim { account: account.clone(), form };
        self.forms().into_iter().map(claim).collect()
    }

    /// The notification with the number in national form, as the provider writes it.
    pub fn notification(self, secret: &Secret, began: Timestamp) -> Sent {
        let caller_id = format!("0{}", self.national());
        let call_start = began.strftime("%Y-%m-%d %H:%M:%S").to_string();
        let pbx_call_id = format!("out_{:040x}", self.index);
        let body = form::encode([
            ("event", "NOTIFY_END"),
            ("call_start", &call_start),
            ("pbx_call_id", &pbx_call_id),
            ("caller_id", &caller_id),
            ("called_did", "0"),
            ("internal", "100"),
            ("last_internal", "100"),
            ("duration", "3"),
            ("status_code", "16"),
            ("is_recorded", "0"),
            ("calltype", "callback_leg1"),
            ("callback_dtmf", "1"),
            ("disposition", "answered"),
        ]);
        let signature = sign::signature(secret, &[&caller_id, "0", &call_start]);
        Sent { body, signature }
    }
}
