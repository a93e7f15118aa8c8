//! The contract of the port, run for every adapter. Each case is a sentence.

/// Makes of each case a test for every adapter.
macro_rules! contract {
    ($($case:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $case() {
                crate::store::tests::on(crate::store::tests::Adapter::Sqlite, super::$case()).await;
            })+
        }

        mod postgres {
            $(#[tokio::test]
            async fn $case() {
                crate::store::tests::on(crate::store::tests::Adapter::Postgres, super::$case())
                    .await;
            })+
        }
    };
}

mod admission;
pub(super) mod audit;
mod browsing;
mod conversion;
mod deliveries;
mod formats;
mod guard;
mod histories;
mod in_windows;
pub(super) mod keys;
mod operations;
mod reading;
mod record;
mod replicas;
mod resting;
pub(super) mod server;
mod sessions;
mod sounds;
mod sweeping;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;
use uuid::Uuid;

use super::look_ups::KeyedClaim;
use super::{
    Admission, Change, Committed, IdempotencyKey, LookUps, NotificationRow, ServerKeys, Settings,
    Start, Started, Store,
};
use crate::config::StoreUrl;
use crate::domain::{
    Applied, Button, By, CallResult, Claim, Event, Evidence, Key, KeyReport, Name, PbxTime,
    PhoneNumber, Secret, Sounds, State, Step, Timing, Verification, VerificationId, WrittenForm,
};

/// What a case is run for.
#[derive(Clone, Copy)]
enum Adapter {
    Sqlite,
    Postgres,
}

tokio::task_local! {
    static ADAPTER: Adapter;
}

/// Runs a case for an adapter.
async fn on(adapter: Adapter, case: impl Future<Output = ()>) {
    ADAPTER.scope(adapter, case).await;
}

/// A store of its own, in a folder or a database.
pub(super) struct TestStore {
    pub(super) folder: TempDir,
    pub(super) url: StoreUrl,
    pub(super) store: Store,
}

impl TestStore {
    /// Of the adapter that the case is run for; of SQLite in tests of that adapter alone.
    pub(super) async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = match ADAPTER.try_with(|adapter| *adapter) {
            Ok(Adapter::Postgres) => {
                StoreUrl::Postgres(Secret::new(server::shared().new_database()))
            }
            Ok(Adapter::Sqlite) | Err(_) => StoreUrl::Sqlite(folder.path().join("store.db")),
        };
        let store = super::open(Settings::of(url.clone(), server_keys())).await.unwrap();
        Self { folder, url, store }
    }

    /// Closes the store and opens it again.
    pub(super) async fn reopen(self) -> Self {
        self.store.close().await;
        let store = super::open(Settings::of(self.url.clone(), server_keys())).await.unwrap();
        Self { store, ..self }
    }

    /// Opens the same store a second time, as another replica does.
    pub(super) async fn beside(&self) -> Store {
        super::open(Settings::of(self.url.clone(), server_keys())).await.unwrap()
    }

    /// Starts a verification of `number` at `now` and expects it to be stored.
    pub(super) async fn started(&self, number: u64, now: Timestamp) -> Verification {
        match self.store.start(start(number, now), now).await.unwrap() {
            Started::Stored { verification, .. } => verification,
            other => panic!("{other:?}"),
        }
    }

    /// Lets an event happen and expects the new version to be stored.
    pub(super) async fn happened(
        &self,
        verification: &Verification,
        event: Event,
        now: Timestamp,
    ) -> Verification {
        let (next, change) = moved(verification, event, now);
        let committed = self.store.change(change).await.unwrap();
        assert!(matches!(committed, Committed::Stored { .. }));
        next
    }
}

/// Some second of this era, with odd nanoseconds, `seconds` later.
pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::new(1_790_000_000, 123_456_789).unwrap() + SignedDuration::from_secs(seconds)
}

pub(super) fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

/// A new verification of `number`, its attempt not yet intended.
pub(super) fn asked(number: u64, now: Timestamp) -> Verification {
    let time = uuid::Timestamp::from_unix_time(
        now.as_second().unsigned_abs(),
        now.subsec_nanosecond().unsigned_abs(),
        0,
        0,
    );
    Verification {
        id: VerificationId::new(Uuid::new_v7(time)),
        app: name("shop"),
        to: PhoneNumber::from_u64(number).into(),
        known_valid: true,
        reference: Some("order-1".into()),
        metadata: Some("{\"cart\":7}".into()),
        callback_url: None,
        created_at: now,
        expires_at: now + SignedDuration::from_secs(300),
        plan: vec![Step {
            account: name("main"),
            wait: None,
            skipped: false,
            by: By::Button(Button {
                from: None,
                press: Key::ONE,
                random_key: false,
                refuse: None,
                sounds: Sounds::Prompt { name: name("confirm"), language: name("uk") },
            }),
        }],
        attempts: Vec::new(),
        state: State::Pending,
        version: 1,
        entries: 0,
        codes: None,
        not_before: None,
        test: false,
        demanded: None,
    }
}

/// A start of `number` with claims on it and on its last nine digits.
pub(super) fn start(number: u64, now: Timestamp) -> Start {
    let (verification, entries) = asked(number, now).begin(now);
    Start {
        verification,
        entries,
        claims: claims(number),
        idempotency: None,
        deliveries: Vec::new(),
        alone: false,
        admission: Admission::default(),
    }
}

/// A key as good as any.
pub(super) fn server_keys() -> ServerKeys {
    ServerKeys::one([7; 32])
}

/// As good as any.
pub(super) fn look_ups() -> LookUps {
    LookUps::new(&[7; 32])
}

/// A start as adapters take it.
pub(super) fn keyed(mut start: Start) -> (Start, i64, Vec<KeyedClaim>) {
    let to = look_ups().recipient(&start.verification.to);
    let claims = look_ups().claims(std::mem::take(&mut start.claims));
    (start, to, claims)
}

pub(super) fn claims(number: u64) -> Vec<Claim> {
    let digits = number.to_string();
    let forms = [digits.as_str(), &digits[digits.len() - 9..]];
    forms
        .iter()
        .map(|form| Claim { account: name("main"), form: WrittenForm::read(form).unwrap() })
        .collect()
}

pub(super) fn idempotent(mut start: Start, key: &str, fingerprint: u8) -> Start {
    start.idempotency = Some(IdempotencyKey { key: key.into(), fingerprint: [fingerprint; 32] });
    start
}

pub(super) fn moved(
    verification: &Verification,
    event: Event,
    now: Timestamp,
) -> (Verification, Change) {
    let timing = Timing::default();
    let Applied::Moved { next, entries, .. } = verification.apply(event, now, &timing) else {
        panic!("the event did not apply");
    };
    let row = notification(Some(verification.id), now);
    let change = Change::new(&next, &timing, &entries, Some(row));
    (*next, change)
}

/// A report that "1" was pressed in the call that the PBX began at `call_start`.
pub(super) fn pressed(call_start: i64, now: Timestamp) -> Event {
    let report = KeyReport {
        at: now,
        result: CallResult::Answered,
        pressed: "1".into(),
        call_start: PbxTime(call_start),
        evidence: Evidence::from_bits(0b111_1011),
    };
    Event::KeyReported { attempt: 0, report }
}

pub(super) fn notification(
    verification: Option<VerificationId>,
    received_at: Timestamp,
) -> NotificationRow {
    NotificationRow {
        received_at,
        account: name("main"),
        event: "NOTIFY_END".into(),
        verdict: "resolved",
        verification,
        number_hash: Some([7; 16]),
        masked: Some("+380•••••••67".into()),
        body: Some(b"event=NOTIFY_END".to_vec().into()),
        signature: Some(b"signature".to_vec().into()),
    }
}

/// Longer than any claim holds.
pub(super) const A_DAY: Duration = Duration::from_hours(24);
