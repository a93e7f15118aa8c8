//! The guard: whether a verification may start, and a step begin. It protects the owner's
//! money and the people who are called.
//!
//! Pure rules over what the store counts. [`Guard::judge`] says what can be said without
//! the store, and what the store must look at and count within the transaction of the
//! start; what follows from its rows is the same for every adapter (`store::guard`). It
//! asks no clock and stores nothing.

mod budgets;
mod conversion;
mod judge;
mod keys;
mod money;
mod quiet;
mod shown;
mod zones;

use std::collections::BTreeMap;
use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};

use crate::config;
use crate::domain::{Channel, Name, Numbering, Recipient, Refusal, Rule};
use crate::store::{Admission, GuardKey};

pub use budgets::AppBudget;
pub use conversion::{Exemption, LONGEST_PREFIX};
pub use keys::{Keys, Scope, prefix_of};
pub use money::{Costs, Price};
pub use shown::RuleShown;

/// Holds starts and steps against the rules.
pub struct Guard {
    rules: Rules,
    keys: Keys,
    result_window: SignedDuration,
}

/// The rules of all apps and of each.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Of all apps.
    pub general: config::Guard,
    /// Of one app, beside these.
    pub apps: BTreeMap<Name, config::Guard>,
}

/// What is to be judged.
pub struct Asked<'a> {
    /// Whose start it is.
    pub app: &'a Name,
    /// Whom it reaches.
    pub to: &'a Recipient,
    /// What is told of its number; nothing of an address.
    pub numbering: Numbering,
    /// By which channel.
    pub channel: Channel,
    /// The account that calls, if a key is asked for by call.
    pub calls_from: Option<&'a Name>,
    /// When.
    pub now: Timestamp,
    /// What begins: a verification, or a later step of one.
    pub begins: Begins<'a>,
}

/// What begins.
pub enum Begins<'a> {
    /// A verification.
    Start {
        /// The end user's address, as the app says it.
        client_ip: Option<IpAddr>,
        /// Keys of the app's own to count by.
        rate_keys: &'a [Box<str>],
    },
    /// A later step, which is no start of its own.
    Step,
}

/// What the guard says without the store.
pub struct Judged {
    /// What refuses it already.
    pub refused: Option<Refusal>,
    /// What the store must look at and count if nothing does; and what would have refused
    /// it in shadow.
    pub admission: Admission,
}

impl Guard {
    /// Over these rules. A call has `result_window` to bring its result; `secret` keys the hashes under which numbers are counted.
    #[must_use]
    pub fn new(rules: Rules, result_window: SignedDuration, secret: [u8; 32]) -> Self {
        Self { rules, result_window, keys: Keys::new(secret) }
    }

    /// Under which keys it counts and bars.
    #[must_use]
    pub const fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Under what starts to a person are counted and blocked. A suppression is not among it:
    /// who asked not to be reached is not to be reached because all else was erased.
    #[must_use]
    pub fn of_person(&self, to: &Recipient) -> Vec<GuardKey> {
        let scopes = self.rules().map(|(app, _)| app.map_or(Scope::All, Scope::App));
        let counted = scopes.map(|scope| self.keys.of_recipient(Rule::PerNumber, scope, to));
        let blocked = self.keys.of_recipient(Rule::Cooldown, Scope::All, to);
        counted.chain([blocked]).collect()
    }

    /// How long a person is left alone who turned a call away.
    #[must_use]
    pub const fn cooldown_after_rejected(&self) -> Option<SignedDuration> {
        self.rules.general.cooldown.rejected
    }

    /// How long a person is left alone who said "this was not me".
    #[must_use]
    pub const fn cooldown_after_not_me(&self) -> Option<SignedDuration> {
        self.rules.general.cooldown.not_me
    }

    /// Whether the key for never being called again keeps every app away, or only its own.
    #[must_use]
    pub const fn never_again_for_all(&self) -> bool {
        self.rules.general.never_again_for_all
    }

    /// The rules of all apps, then those of each.
    pub fn rules(&self) -> impl Iterator<Item = (Option<&Name>, &config::Guard)> {
        let apps = self.rules.apps.iter().map(|(name, rules)| (Some(name), rules));
        std::iter::once((None, &self.rules.general)).chain(apps)
    }

    /// The rules that hold for an app: all apps' and its own.
    fn rules_of(&self, app: &Name) -> impl Iterator<Item = (Scope<'_>, &config::Guard)> {
        let own = self.rules.apps.get_key_value(app);
        let own = own.map(|(name, rules)| (Scope::App(name), rules));
        std::iter::once((Scope::All, &self.rules.general)).chain(own)
    }
}
