//! The configuration: defaults, file, environment and flags, checked once into types.
//!
//! `config.example.toml` is compiled in as the defaults and documents every key.
//! Whoever loads gets a configuration in which every value is valid, or all the
//! problems at once, each with the place to change. Nobody checks again later,
//! and nothing here looks at the running system; that is `doctor`'s work.

mod account;
mod app;
mod codes;
mod conversion;
mod endpoint;
mod guard;
mod guard_money;
mod log;
mod outbound;
mod plan;

mod problem;
mod prompt;
mod quiet;
mod secrets;
mod section;
mod server;
mod spill;
mod store;
mod test_number;
#[cfg(test)]
mod tests;
mod tree;
mod value;
mod verification;
mod vonage;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;

pub use crate::domain::Network;
pub use account::{Account, ProviderKind};
pub use app::App;
pub use codes::{Channels, CodeSource, Codes};
pub use conversion::ConversionRule;
pub use endpoint::{Endpoint, Events, OnFailure, PreSend};
pub use guard::{Cooldown, Countries, CountryList, Guard, NumberTypes, Prefixes, Rate};
pub use guard_money::{MoneyRules, Prices, Spending};
pub use log::{Log, LogFormat};
pub use outbound::Outbound;
pub use plan::{Plan, PlanBy, PlanCode, PlanStep};
pub use problem::Problem;
pub use prompt::{Prompt, PromptKey, PromptSounds};
pub use quiet::QuietHours;
pub use server::{Server, Tls};
pub use spill::Spill;
pub use store::{Store, StoreUrl};
pub use test_number::{TestDoes, TestNumber};
pub use verification::VerificationLimits;
pub use vonage::Vonage;

use problem::Place;
use section::{Section, variable};
use tree::Table;

/// The defaults, with the documentation of every key.
pub const EXAMPLE: &str = include_str!("../../config.example.toml");

/// Everything that an operator decides.
#[derive(Clone, Debug)]
pub struct Config {
    /// The listener.
    pub server: Server,
    /// Where verifications are kept.
    pub store: Store,
    /// Where notifications are kept while the store is away.
    pub spill: Spill,
    /// What is logged.
    pub log: Log,
    /// How long everything may take.
    pub verification: VerificationLimits,
    /// How codes are made, sent and checked.
    pub codes: Codes,
    /// Settings of the channels.
    pub channels: Channels,
    /// The surface for clients of Vonage Verify.
    pub vonage: Vonage,
    /// The rules of all apps.
    pub guard: Guard,
    /// Plans, by name.
    pub plans: BTreeMap<String, Plan>,
    /// What is sent to apps.
    pub outbound: Outbound,
    /// Accounts at providers, by name.
    pub accounts: BTreeMap<String, Account>,
    /// Prompts, by name.
    pub prompts: BTreeMap<String, Prompt>,
    /// Numbers that keys for tests verify without a provider, by their digits.
    pub test_numbers: BTreeMap<String, TestNumber>,
    /// Settings of apps, by name.
    pub apps: BTreeMap<String, App>,
}

/// Loads the configuration from the defaults, `file`, `environment` and `flags` (dotted
/// key and value), later ones winning.
///
/// # Errors
///
/// All problems in the order of their places. A file that is no TOML is reported alone,
/// since everything missing from it would look like a problem of its own.
pub fn load(
    file: Option<&Path>,
    environment: impl Iterator<Item = (String, String)>,
    flags: &[(String, String)],
) -> Result<Config, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut table = tree::from_toml(EXAMPLE, &|line| Place::Default { line })?;
    let file = file.map(read_file).transpose()?.unwrap_or_default();
    for layer in [file, tree::from_environment(environment), tree::from_flags(flags)] {
        tree::merge(&mut table, layer, &mut problems);
    }
    let problems = RefCell::new(problems);
    let config = Config::read(table, &problems);
    let mut problems = problems.into_inner();
    if problems.is_empty() {
        return Ok(config);
    }
    problems.sort();
    problems.dedup();
    Err(problems)
}

/// The variables of this process that belong to the configuration; bytes that are no
/// UTF-8 are replaced and so refused where they matter.
pub fn environment() -> impl Iterator<Item = (String, String)> {
    let variables = std::env::vars_os();
    let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
    variables.map(move |(name, value)| (text(name), text(value)))
}

impl Config {
    /// Refuses to serve without an account.
    ///
    /// # Errors
    ///
    /// A problem that says what to set.
    pub fn require_account(&self) -> Result<(), Problem> {
        if !self.accounts.is_empty() {
            return Ok(());
        }
        let keys = ["key", "secret", "notification_token"];
        let variables = keys.map(|key| variable(&format!("accounts.main.{key}"))).join(", ");
        let message = format!(
            "no Zadarma account is set up; add [accounts.main] with {} to the configuration file \
             (config.example.toml explains them), or set {variables} in the environment. \
             To try Ringproof without an account, run `ringproof demo`",
            keys.join(", "),
        );
        Err(Problem::new(Place::Nowhere, "accounts", message))
    }

    fn read(table: Table, problems: &RefCell<Vec<Problem>>) -> Self {
        let mut root = Section::root(table, problems);
        let config = Self {
            store: Store::read(&mut root),
            server: root.section("server", Server::read),
            spill: root.section("spill", Spill::read),
            log: root.section("log", Log::read),
            verification: root.section("verification", VerificationLimits::read),
            codes: root.section("codes", Codes::read),
            channels: root.section("channels", Channels::read),
            vonage: root.section("vonage", Vonage::read),
            guard: root.section("guard", Guard::read),
            plans: root.named("plans", Plan::read),
            outbound: root.section("outbound", Outbound::read),
            accounts: root.named("accounts", Account::read),
            prompts: root.named("prompts", Prompt::read),
            test_numbers: root.named("test_numbers", TestNumber::read),
            apps: root.named("apps", App::read),
        };
        config.check(&root);
        root.finish();
        config
    }

    /// What could never be sent is better known at once.
    fn check_reach(&self, root: &Section<'_>) {
        for (name, account) in &self.accounts {
            let reached = account.forward.as_ref().map(|url| self.outbound.reaches(url));
            if let Some(Err(why)) = reached {
                root.wrong("accounts", &format!("accounts.{name}.forward: {why}"));
            }
        }
        for (name, app) in &self.apps {
            for (path, url) in app.webhook_urls() {
                if let Err(why) = self.outbound.reaches(url) {
                    root.wrong("apps", &format!("apps.{name}.{path}: {why}"));
                }
            }
        }
    }

    /// A token selects the account, so no two accounts may share one; and calls to one
    /// number are kept apart within an account only, so no two may be the same one.
    fn check(&self, root: &Section<'_>) {
        self.check_reach(root);
        let mut seen = BTreeSet::new();
        let mut keys = BTreeSet::new();
        for account in self.accounts.values() {
            if !account.key.is_empty() && !keys.insert((&account.base_url, &account.key)) {
                let message = format!(
                    "{} has the key of another account; one account at the provider is one here",
                    account.name
                );
                root.wrong("accounts", &message);
            }
            let tokens: BTreeSet<&str> =
                account.notification_tokens().map(|token| token.expose()).collect();
            if tokens.iter().any(|token| !token.is_empty() && seen.contains(token)) {
                let message = format!(
                    "{} has a notification token that another account has too",
                    account.name
                );
                root.wrong("accounts", &message);
            }
            seen.extend(tokens);
        }
    }
}

fn read_file(path: &Path) -> Result<Table, Vec<Problem>> {
    let file = Arc::new(path.to_path_buf());
    let bytes = fs::read(path).map_err(|error| {
        let message =
            format!("cannot be read: {error}; config.example.toml shows what it may hold");
        vec![Problem::new(Place::File(file.clone()), "", message)]
    })?;
    let place = |line| Place::Line { file: file.clone(), line };
    match std::str::from_utf8(&bytes) {
        Ok(text) => tree::from_toml(text, &place),
        Err(error) => {
            let line = tree::line_of(&bytes, error.valid_up_to());
            Err(vec![Problem::new(place(line), "", "is not UTF-8 text; save the file as UTF-8")])
        }
    }
}
