//! Money: what attempts cost and what accounts have left, asked of the provider and kept
//! for a while. Nothing here decides; the guard does.
//!
//! Prices are kept by account and prefix, since neighbouring numbers cost the same, and
//! asked for at most once at a time. A start waits for the first answer, but not long.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use dashmap::DashMap;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Notify, OnceCell, watch};

use crate::domain::{Channel, Money, Name, PhoneNumber, Recipient};
use crate::guard::{Costs, Price, prefix_of};
use crate::provider::ProviderError;
use crate::telemetry;
use crate::telemetry::metrics::balances_low;

use super::{Account, AccountIndex, Service};

/// How long a price counts that the provider told.
const PRICE_KEPT: SignedDuration = SignedDuration::from_hours(24);
/// How long it counts that it did not tell one.
const NO_PRICE_KEPT: SignedDuration = SignedDuration::from_mins(1);
/// How long a balance counts: two hourly answers may be missed.
const BALANCE_KEPT: SignedDuration = SignedDuration::from_hours(3);
/// The longest that a start waits for a price or a balance.
const TOLD_WITHIN: SignedDuration = SignedDuration::from_secs(2);
/// How often an account's balance is asked for.
const BALANCE_EVERY: SignedDuration = SignedDuration::from_hours(1);
/// How often while it is below a floor, so that money paid in is soon noticed.
const LOW_BALANCE_EVERY: SignedDuration = SignedDuration::from_mins(1);
/// After so many calls and messages it is asked for too.
const ATTEMPTS_BETWEEN: u32 = 50;
/// An alarm about money is raised again after that.
const ALARM_EVERY: SignedDuration = SignedDuration::from_hours(1);
/// The most prices kept; beyond it, all are asked for anew.
const MOST_PRICES: usize = 100_000;

/// What providers told of money.
pub(super) struct MoneyTold {
    prices: DashMap<(u16, String), Arc<OnceCell<Told>>>,
    balances: Box<[AccountBalance]>,
    other_currency: Alarm,
}

/// A price that was told, or not, and until when that counts.
struct Told {
    price: Option<Money>,
    until: Timestamp,
}

/// What is left of one account.
struct AccountBalance {
    /// None before the provider was asked; then what it last told, and when it was asked.
    told: watch::Sender<Option<(Option<Money>, Timestamp)>>,
    /// Since it was last asked for.
    attempts: AtomicU32,
    wanted: Notify,
    low: AtomicBool,
    alarm: Alarm,
}

/// An alarm that is not raised with every call.
#[derive(Default)]
struct Alarm(Mutex<Option<Timestamp>>);

impl Alarm {
    fn raise(&self, now: Timestamp, kind: &'static str, message: &str) {
        let mut raised = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if raised.is_none_or(|at| now.duration_since(at) >= ALARM_EVERY) {
            *raised = Some(now);
            telemetry::alarm(kind, message);
        }
    }

    fn reset(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl MoneyTold {
    pub(super) fn new(accounts: usize) -> Self {
        let account = |_| AccountBalance {
            told: watch::Sender::new(None),
            attempts: AtomicU32::new(0),
            wanted: Notify::new(),
            low: AtomicBool::new(false),
            alarm: Alarm::default(),
        };
        Self {
            prices: DashMap::new(),
            balances: (0..accounts).map(account).collect(),
            other_currency: Alarm::default(),
        }
    }

    fn of(&self, account: AccountIndex) -> Option<&AccountBalance> {
        self.balances.get(usize::from(account.0))
    }

    /// Counts a call or message, after many of which the balance is looked at.
    pub(super) fn attempted(&self, account: AccountIndex) {
        let Some(balance) = self.of(account) else { return };
        if balance.attempts.fetch_add(1, Ordering::Relaxed) + 1 >= ATTEMPTS_BETWEEN {
            balance.attempts.store(0, Ordering::Relaxed);
            balance.wanted.notify_one();
        }
    }

    /// Says that the provider counts in another currency than the rules.
    pub(super) fn alarm_currency(&self, now: Timestamp) {
        let message = "the provider counts in another currency than the guard's rules on money, \
            which cannot be judged so; write [guard.price_ceiling] and its like in the \
            account's currency";
        self.other_currency.raise(now, "other_currency", message);
    }

    /// The place of a price, a new one if what is there has run out.
    fn price(&self, key: (u16, String), now: Timestamp) -> Arc<OnceCell<Told>> {
        if let Some(cell) =
            self.prices.get(&key).filter(|cell| cell.get().is_none_or(|told| told.until > now))
        {
            return Arc::clone(&cell);
        }
        if self.prices.len() > MOST_PRICES {
            self.prices.clear();
        }
        let mut cell = self.prices.entry(key).or_default();
        if cell.get().is_some_and(|told| told.until <= now) {
            *cell = Arc::default();
        }
        Arc::clone(&cell)
    }
}

impl Service {
    /// What is known of the money of an attempt, as far as the rules of its app look at it.
    pub(super) async fn costs(
        self: &Arc<Self>,
        app: &Name,
        to: &Recipient,
        channel: Channel,
        account: &Name,
    ) -> Costs {
        let found = self.account_named(account).map(|(index, _)| index);
        let price = match (self.guard.asks_price(app), channel, to.phone()) {
            (false, _, _) => Price::Free,
            (true, Channel::CallButton | Channel::CallCode, Some(number)) => {
                let price = match found {
                    Some(account) => self.price(account, number).await,
                    None => None,
                };
                price.map_or(Price::Unknown, Price::Of)
            }
            (true, channel, _) => match (self.guard.prices().of(channel), channel) {
                (Some(price), _) => Price::Of(price),
                (None, Channel::Email) => Price::Free,
                (None, _) => Price::Unknown,
            },
        };
        let balance = match found.filter(|_| self.guard.asks_balance(app)) {
            Some(account) => self.balance(account).await,
            None => None,
        };
        Costs { price, balance, now: self.clock.now() }
    }

    /// What a minute of a call costs, from memory or, if it comes soon, from the provider.
    async fn price(self: &Arc<Self>, account: AccountIndex, number: PhoneNumber) -> Option<Money> {
        let cell = self.money.price((account.0, prefix_of(number)), self.clock.now());
        if let Some(told) = cell.get() {
            return told.price;
        }
        let (service, asked) = (Arc::clone(self), Arc::clone(&cell));
        // A task of its own: an answer that comes too late for this start serves the next.
        let asking = self.background.tasks.spawn_on(
            async move {
                asked.get_or_init(|| service.ask_price(account, number)).await;
            },
            &self.background.runtime,
        );
        tokio::select! {
            _ = asking => {}
            () = self.clock.sleep(TOLD_WITHIN.unsigned_abs()) => {}
        }
        cell.get().and_then(|told| told.price)
    }

    async fn ask_price(&self, account: AccountIndex, number: PhoneNumber) -> Told {
        let Account { name, provider, from, .. } = &self.accounts[usize::from(account.0)];
        let price = provider.price(number, *from).await;
        let kept = if price.is_ok() { PRICE_KEPT } else { NO_PRICE_KEPT };
        if let Err(error) = &price {
            tracing::warn!(
                account.name = %name, to = ?number, error = %error,
                "the provider did not tell what a call costs",
            );
        }
        let until = self.clock.now().checked_add(kept).unwrap_or(Timestamp::MAX);
        Told { price: price.ok(), until }
    }

    /// What an account has left, as last told and not too long ago.
    async fn balance(&self, account: AccountIndex) -> Option<Money> {
        let balance = self.money.of(account)?;
        if balance.told.borrow().is_none() {
            let mut told = balance.told.subscribe();
            tokio::select! {
                _ = told.wait_for(Option::is_some) => {}
                () = self.clock.sleep(TOLD_WITHIN.unsigned_abs()) => {}
            }
        }
        let (left, at) = (*balance.told.borrow())?;
        left.filter(|_| self.clock.now().duration_since(at) < BALANCE_KEPT)
    }

    /// What an account had left when the provider was last asked, and when that was. It is
    /// asked only where there is a floor.
    #[must_use]
    pub fn money_left(&self, account: &Name) -> Option<(Money, Timestamp)> {
        let (left, at) = (*self.money.of(self.account_named(account)?.0)?.told.borrow())?;
        Some((left?, at))
    }

    /// Asks an account's balance of the provider, and raises the alarm if it is below a floor.
    ///
    /// # Errors
    /// When the provider does not tell; what it told before counts for three hours.
    pub async fn refresh_balance(&self, account: AccountIndex) -> Result<(), ProviderError> {
        let Some(balance) = self.money.of(account) else { return Ok(()) };
        let (at, found) = (self.clock.now(), &self.accounts[usize::from(account.0)]);
        let told = found.provider.balance().await.and_then(|told| {
            Money::told(&told.amount, &told.currency).map_err(|error| ProviderError::Unknown {
                message: format!("the balance is no amount of a currency: {error}"),
                source: None,
            })
        });
        let left = match told {
            Ok(left) => left,
            Err(error) => {
                // Starts need not wait for it a second time.
                balance.told.send_if_modified(|told| {
                    let first = told.is_none();
                    told.get_or_insert((None, at));
                    first
                });
                return Err(error);
            }
        };
        self.compare_with_floors(balance, &found.name, left);
        balance.told.send_replace(Some((Some(left), at)));
        Ok(())
    }

    fn compare_with_floors(&self, balance: &AccountBalance, name: &Name, left: Money) {
        let now = self.clock.now();
        let of_it = |floor: &Money| floor.currency() == left.currency();
        if !self.guard.balance_floors().all(|floor| of_it(&floor)) {
            self.money.alarm_currency(now);
        }
        let floors = self.guard.balance_floors().filter(of_it);
        let low = floors.filter(|floor| left.micros() < floor.micros()).max_by_key(|f| f.micros());
        match low {
            Some(floor) => {
                let message = format!(
                    "account {name} has {left} left, below the floor of {floor}; top it up"
                );
                balance.alarm.raise(now, "balance_low", &message);
            }
            None => balance.alarm.reset(),
        }
        balance.low.store(low.is_some(), Ordering::Relaxed);
        let all = self.money.balances.iter();
        let low = all.filter(|balance| balance.low.load(Ordering::Relaxed)).count();
        balances_low(u32::try_from(low).unwrap_or(u32::MAX));
    }

    /// Keeps an account's balance known: hourly, after many calls, and each minute while it
    /// is below a floor or not told. Without a floor it asks nothing and ends.
    pub async fn keep_balance(&self, account: AccountIndex) {
        let Some(balance) = self.money.of(account) else { return };
        if self.guard.balance_floors().next().is_none() {
            return;
        }
        loop {
            let asked = self.refresh_balance(account).await;
            if let Err(error) = &asked {
                let name = &self.accounts[usize::from(account.0)].name;
                tracing::warn!(account.name = %name, error = %error, "the provider did not tell its balance");
            }
            let soon = asked.is_err() || balance.low.load(Ordering::Relaxed);
            let every = if soon { LOW_BALANCE_EVERY } else { BALANCE_EVERY };
            tokio::select! {
                () = self.clock.sleep(every.unsigned_abs()) => {}
                () = balance.wanted.notified() => {}
            }
        }
    }
}
