//! The use cases, one verb per file: start, show, wait, cancel, redeem,
//! search, resolve, expire, and what carries them.
//!
//! The service reads and writes through the store, keeps `live` in step after
//! each commit, and asks providers to call. It decides nothing itself: that is
//! the domain's `apply`. It knows neither HTTP nor any provider's protocol.

mod account;
mod admission;
mod audit;
mod bars;
mod browse;
mod buckets;
mod cancel;
mod check;
mod codes;
mod compose;
mod credit;
mod deliveries;
mod dispatch;
mod erase;
mod exemptions;
mod expire;
mod feed;
mod follow;
mod forward;
mod guarding;
mod in_force;
mod key;
mod key_life;
mod learn;
mod money;
mod next;
mod notifications;
mod offset;
mod pre_send;
mod presence;
mod prompts;
mod recover;
mod redeem;
mod refusal;
mod request;
mod resolve;
mod sending;
mod session;
mod show;
mod signature;
mod silence;
mod sound_files;
mod sounds;
mod spending;
mod start;
mod stats;
mod store_key;
mod test_number;
mod to_the_end;
mod wait;
mod walk;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::SignedDuration;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::domain::{CodeBy, CodeSource, Name, Outcome, PhoneNumber, Timing};
use crate::guard::{Guard, Rules};
use crate::live::Live;
use crate::outbound::{self, Outbound};
use crate::sounds::Catalogue;
use crate::store::{NotificationRow, Store, StoreKey};
use crate::telemetry::Refusals;
use crate::telemetry::metrics::{Counters, VERIFICATIONS_TOTAL};

pub use crate::guard::{Exemption, LONGEST_PREFIX, RuleShown};
pub use crate::live::{AccountIndex, Found};
pub use crate::outbound::{CallbackRefusal, Forwarded};
pub use crate::sounds::{
    BadSound, Inspection, MAX_BYTES as MAX_SOUND_BYTES, Prompt, PromptKey, PromptSounds, SoundUse,
    Version as SoundVersion,
};
pub use crate::store::{
    AuditEntry, AuditError, AuditHead, Bar, Browse, Delivery, DeliveryDetails, DeliverySearch,
    DeliveryState, DisabledEndpoint, FeedPage, FeedRow, GuardKey, JournalCursor, Journaled, KeyRow,
    NotificationPage, NotificationSearch, RuleTotal, SoundFile, StatsBy, StoreError, Target, Tried,
};
pub use account::{Account, Facts};
pub use audit::{Actor, Administered, AuditPage};
pub use bars::{BarPage, Suppression, Switch};
pub use browse::{LOOK_AT, Page};
pub use buckets::{Buckets, Empty, Rate, site};
pub use cancel::CancelRefusal;
pub use check::{CheckRefusal, CheckResult};
pub use deliveries::{DeliveryPage, DeliveryRefusal, EndpointState};
pub use erase::{EraseRefusal, ErasedCounts};
pub use guarding::Guarded;
pub use key::{Caller, KeyOptions, KeyRefusal, NewKey, Scope};
pub use key_life::{MAX_OVERLAP, RotatedKey};
pub use next::NextRefusal;
pub use offset::Offsets;
pub use presence::{RECOVERY_GRACE, STORE_ANSWERS_WITHIN};
pub use prompts::{MissingSound, NewPrompt, PromptRefusal, PromptState};
pub use redeem::RedeemError;
pub use refusal::StartRefusal;
pub use request::{
    Idempotency, MAX_TEMPLATE, Press, StartRequest, Started, WantedBy, WantedCode, WantedPlan,
    WantedSounds, WantedStep,
};
pub use resolve::{Judgement, ResolveError, Resolved};
pub use session::{Session, SessionRefusal};
pub use show::ShowRefusal;
pub use signature::{SIGNED_WITHIN, SignatureMethod};
pub use sound_files::PlaceToPrepare;
pub use sounds::{DeletedSound, SoundRefusal, SoundState, UploadedSound};
pub use spending::SpentToday;
pub use start::ANSWER_WITHIN;
pub use stats::{Stats, StatsLine, StatsWanted, Took};
pub use test_number::TestDoes;
pub use to_the_end::{Background, to_the_end};

/// What the use cases need, once checked and never changed.
pub struct Settings {
    /// The spans that decide.
    pub timing: Timing,
    /// How long a verification lasts unless the app says otherwise.
    pub expires_in: SignedDuration,
    /// The longest that an app may ask for.
    pub max_expires_in: SignedDuration,
    /// The longest that one code may count where that is asked for by itself.
    pub max_code_life: SignedDuration,
    /// The prompts of the configuration, by name; taken when the service opens.
    pub prompts: BTreeMap<Name, Prompt>,
    /// The plans of the configuration, by name.
    pub plans: BTreeMap<Name, Vec<WantedStep>>,
    /// How codes are made and how often they may be sent and checked.
    pub codes: CodeSettings,
    /// What is sent to apps.
    pub outbound: outbound::Settings,
    /// What decides whether a start may be.
    pub guard: Rules,
    /// Numbers that keys for tests verify without a provider.
    pub test_numbers: BTreeMap<PhoneNumber, TestDoes>,
}

/// How codes are made and how often they may be sent and checked.
#[derive(Clone, Copy, Debug)]
pub struct CodeSettings {
    /// Digits, unless the app says otherwise.
    pub length: u8,
    /// Checks of one verification in all.
    pub max_checks: u8,
    /// Codes that one verification may send in all.
    pub max_sends: u8,
    /// Who makes and checks what is said by call.
    pub call_code: CodeSource,
    /// Who makes and checks what goes by SMS.
    pub sms: CodeSource,
    /// Who makes and checks what goes by e-mail.
    pub email: CodeSource,
}

impl CodeSettings {
    const fn source_of(&self, by: &CodeBy) -> CodeSource {
        match by {
            CodeBy::Call { .. } => self.call_code,
            CodeBy::Sms { .. } => self.sms,
            // The provider knows no code of its own for such a text.
            CodeBy::PlainSms { .. } => CodeSource::Own,
            CodeBy::Email { .. } => self.email,
        }
    }
}

/// The use cases over one store. Shared by every surface and worker.
pub struct Service {
    store: Store,
    live: Live,
    clock: Clock,
    settings: Settings,
    accounts: Vec<Account>,
    outbound: Arc<Outbound>,
    keys: in_force::Keys,
    starting: start::Starting,
    guard: Guard,
    money: money::MoneyTold,
    silent: silence::Silent,
    refusals: Refusals,
    outcomes: Counters,
    catalogue: Catalogue,
    sound_files: sound_files::SoundFiles,
    presence: presence::Presence,
    background: Background,
    closing: CancellationToken,
}

impl Service {
    /// Wires the use cases; reads the keys and what is in flight from the store.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn open(
        store: Store,
        clock: Clock,
        mut settings: Settings,
        accounts: Vec<Account>,
    ) -> Result<Arc<Self>, StoreError> {
        let keys = in_force::Keys::load(&store).await?;
        let prompts = std::mem::take(&mut settings.prompts);
        let catalogue = Catalogue::open(store.clone(), prompts).await?;
        let outbound = std::mem::take(&mut settings.outbound);
        let rules = std::mem::take(&mut settings.guard);
        let guard = Guard::new(rules, settings.timing.result_window, store.key().mac("guard", b""));
        let outbound = Outbound::new(outbound, store.clone(), clock.clone());
        let money = money::MoneyTold::new(accounts.len());
        let silent = silence::Silent::new(accounts.len());
        let service = Arc::new(Self {
            store,
            live: Live::new(),
            clock,
            settings,
            accounts,
            outbound,
            keys,
            starting: start::Starting::default(),
            guard,
            money,
            silent,
            refusals: Refusals::default(),
            outcomes: Counters::new(
                VERIFICATIONS_TOTAL,
                "outcome",
                Outcome::ALL.map(Outcome::as_str),
            ),
            catalogue,
            sound_files: sound_files::SoundFiles::default(),
            presence: presence::Presence::default(),
            background: Background { runtime: Handle::current(), tasks: TaskTracker::new() },
            closing: CancellationToken::new(),
        });
        service.recover().await?;
        Ok(service)
    }

    /// The accounts, in the order of their index.
    #[must_use]
    pub fn accounts(&self) -> &[Account] {
        &self.accounts
    }

    /// The spans that decide.
    #[must_use]
    pub const fn timing(&self) -> &Timing {
        &self.settings.timing
    }

    /// The clock that every decision uses.
    #[must_use]
    pub const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The key that makes wait tokens and keyed hashes.
    #[must_use]
    pub fn store_key(&self) -> &StoreKey {
        self.store.key()
    }

    /// Where work goes on that its caller has left.
    #[must_use]
    pub const fn background(&self) -> &Background {
        &self.background
    }

    /// How many verifications are held in memory, and how many callers wait.
    #[must_use]
    pub fn load(&self) -> (usize, usize) {
        (self.live.len(), self.live.waiting())
    }

    /// Whether the store takes writes.
    ///
    /// # Errors
    /// When it does not.
    pub async fn probe(&self) -> Result<(), StoreError> {
        self.store.probe().await
    }

    /// Journals a notification that changes no verification.
    ///
    /// # Errors
    /// When the store does not take it.
    pub async fn journal(&self, row: NotificationRow) -> Result<(), StoreError> {
        self.store.journal(row).await
    }

    /// Runs work that this service waits for when it closes.
    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.background.tasks.spawn_on(work, &self.background.runtime);
    }

    /// Stops: waiters are answered with what is known, and no start is taken.
    pub fn begin_closing(&self) {
        self.closing.cancel();
    }

    /// A signal that closing has begun.
    #[must_use]
    pub fn closing(&self) -> CancellationToken {
        self.closing.clone()
    }

    /// Ends: returns when every task has, and the store has written all it took.
    pub async fn close(&self) {
        self.begin_closing();
        self.background.tasks.close();
        self.background.tasks.wait().await;
        if let Err(error) = self.note_key_uses().await {
            tracing::warn!(error = %error, "the last use of keys could not be noted");
        }
        self.leave().await;
        self.store.clone().close().await;
    }
}
