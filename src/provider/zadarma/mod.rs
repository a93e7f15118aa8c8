//! The port over Zadarma's API: one method of theirs for each of ours.
//!
//! Which request, in which line it waits, and what its answer means to us. It
//! keeps nothing of what it is told.

mod client;
mod codes;
mod price;
mod settings;
mod sms;
mod sounds;
mod statistics;

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::{DateTime, date};
use serde::de::DeserializeOwned;

use super::queue::{NoRoom, Queue, SharedLine, Slot, Told, TooLate};
use super::{Balance, BuildError, ButtonCall, Dispatched, FinishedCall, ProviderError, Settings};
use crate::clock::Clock;
use crate::domain::{Name, PbxTime, RefusalReason};
use crate::telemetry::metrics::{provider_error, provider_request};
use crate::zadarma::form::Params;
use crate::zadarma::wire::{
    BalanceAnswer, DirectNumbersAnswer, InternalAnswer, TimezoneAnswer, VerifyAnswer,
};
use client::{Answer, Client, Limit, Verb};

pub(super) use codes::{CODE_LANGUAGES, CODE_MARKER};

/// An account at Zadarma.
pub(super) struct Zadarma {
    name: Name,
    clock: Clock,
    /// Every request waits here.
    queue: Queue,
    /// Requests for statistics wait here first.
    statistics: Queue,
    client: Client,
    /// What the provider last said is left of its limit; written after each answer.
    left: AtomicUsize,
}

/// Nothing was said yet of what is left.
const UNKNOWN: usize = usize::MAX;

/// One of the provider's methods.
#[derive(Clone, Copy)]
struct Method {
    verb: Verb,
    path: &'static str,
}

const VERIFY: Method = Method { verb: Verb::Post, path: "/v1/verify/" };
const CHECK: Method = Method { verb: Verb::Post, path: "/v1/verify/check/" };
const SMS: Method = Method { verb: Verb::Post, path: "/v1/sms/send/" };
const PBX_CLOCK: Method = Method { verb: Verb::Get, path: "/v1/info/timezone/" };
const OWN_NUMBERS: Method = Method { verb: Verb::Get, path: "/v1/direct_numbers/" };
const EXTENSIONS: Method = Method { verb: Verb::Get, path: "/v1/pbx/internal/" };
const FINISHED_CALLS: Method = Method { verb: Verb::Get, path: "/v1/statistics/pbx/" };
const BALANCE: Method = Method { verb: Verb::Get, path: "/v1/info/balance/" };

/// Where the seconds of a civil time are counted from.
const EPOCH: DateTime = date(1970, 1, 1).at(0, 0, 0, 0);

impl Zadarma {
    pub(super) fn new(
        settings: Settings,
        clock: Clock,
        shared: Option<&Arc<dyn SharedLine>>,
    ) -> Result<Self, BuildError> {
        let client = Client::new(&settings)?;
        let line = |name: &str, per_minute| {
            let shared = shared.cloned().map(|by| (format!("{}{name}", settings.name), by));
            Queue::new(clock.clone(), per_minute, settings.queue_deadline, shared)
        };
        let queue = line("", settings.requests_per_minute);
        let statistics = line("/statistics", settings.statistics_per_minute);
        let left = AtomicUsize::new(UNKNOWN);
        Ok(Self { name: settings.name, clock, queue, statistics, client, left })
    }

    pub(super) const fn name(&self) -> &Name {
        &self.name
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(super) fn requests_left(&self) -> Option<usize> {
        Some(self.left.load(Ordering::Relaxed)).filter(|left| *left != UNKNOWN)
    }

    pub(super) async fn reserve(&self) -> Result<Slot, NoRoom> {
        self.queue.reserve().await
    }

    pub(super) async fn call_button(&self, mut slot: Slot, call: &ButtonCall) -> Dispatched {
        let params = Params::new()
            .text("channel", "call_button")
            .text("to", call.to.to_string())
            .text("greeting_sound_id", &call.greeting)
            .text("button_1_sound_id", &call.confirmed)
            .text("fallback_sound_id", &call.fallback);
        let params = match call.from {
            Some(from) => params.text("from", from.to_string()),
            None => params,
        };
        let result = match slot.turn().await {
            Ok(()) => self.send::<VerifyAnswer>(&self.queue, VERIFY, params).await,
            Err(_too_late) => Err(ProviderError::RateLimited),
        };
        match result {
            Ok(_) => Dispatched::Accepted,
            Err(error) => not_accepted(error),
        }
    }

    pub(super) async fn pbx_clock(&self) -> Result<PbxTime, ProviderError> {
        let answer: TimezoneAnswer = self.ask_first(PBX_CLOCK).await?;
        Ok(pbx_time(answer.datetime))
    }

    pub(super) async fn own_numbers(&self) -> Result<Vec<String>, ProviderError> {
        Ok(self.ask::<DirectNumbersAnswer>(OWN_NUMBERS).await?.numbers)
    }

    pub(super) async fn numbers_not_on(&self) -> Result<Vec<(String, String)>, ProviderError> {
        Ok(self.ask::<DirectNumbersAnswer>(OWN_NUMBERS).await?.not_on)
    }

    pub(super) async fn extensions(&self) -> Result<Vec<String>, ProviderError> {
        Ok(self.ask::<InternalAnswer>(EXTENSIONS).await?.numbers)
    }

    pub(super) async fn balance(&self) -> Result<Balance, ProviderError> {
        let answer: BalanceAnswer = self.ask(BALANCE).await?;
        Ok(Balance { amount: answer.balance.to_string(), currency: answer.currency })
    }

    pub(super) async fn finished_calls(
        &self,
        from: PbxTime,
        until: PbxTime,
    ) -> Result<Vec<FinishedCall>, ProviderError> {
        let params = statistics::params(from, until);
        wait_in(&self.statistics).await?;
        wait_in(&self.queue).await?;
        let answer = self.send(&self.statistics, FINISHED_CALLS, params).await?;
        Ok(statistics::finished_calls(answer))
    }

    /// Asks for something without which calls are worth nothing, in turn with them.
    async fn ask_first<T: DeserializeOwned>(&self, method: Method) -> Result<T, ProviderError> {
        let too_late = |_: TooLate| ProviderError::RateLimited;
        let mut slot = self.queue.reserve().await.map_err(|_| ProviderError::RateLimited)?;
        slot.turn().await.map_err(too_late)?;
        self.send(&self.queue, method, Params::new()).await
    }

    /// Asks for something that takes no parameters and may wait behind calls.
    async fn ask<T: DeserializeOwned>(&self, method: Method) -> Result<T, ProviderError> {
        wait_in(&self.queue).await?;
        self.send(&self.queue, method, Params::new()).await
    }

    /// Sends a request whose turn it is, measures it, and tells `queue` what is left of its limit.
    async fn send<T: DeserializeOwned>(
        &self,
        queue: &Queue,
        method: Method,
        params: Params,
    ) -> Result<T, ProviderError> {
        let sent_at = self.clock.now();
        let answer = self.client.send(method.verb, method.path, params).await;
        self.measured(queue, method, sent_at, answer)
    }

    /// Measures a request that was sent at `sent_at`.
    fn measured<T>(
        &self,
        queue: &Queue,
        method: Method,
        sent_at: Timestamp,
        answer: Answer<T>,
    ) -> Result<T, ProviderError> {
        let Answer { result, limit } = answer;
        if let Some(Limit { left, until }) = limit {
            self.left.store(left, Ordering::Relaxed);
            queue.tell(Told { sent_at, left, until });
        }
        if matches!(result, Err(ProviderError::RateLimited)) {
            queue.pause();
        }
        let took = Duration::try_from(self.clock.now().duration_since(sent_at));
        let kind = result.as_ref().err().map(kind);
        provider_request(method.path, kind.unwrap_or("ok"), took.unwrap_or_default());
        if let Some(kind) = kind {
            provider_error(kind);
        }
        result
    }
}

/// What an error means for a call: surely not placed, or unknown.
fn not_accepted(error: ProviderError) -> Dispatched {
    let (reason, message) = match error {
        ProviderError::Unknown { .. } => return Dispatched::Unknown { message: chain(&error) },
        ProviderError::Unreachable { .. } => (RefusalReason::Unreachable, Some(chain(&error))),
        ProviderError::Refused { message } => (RefusalReason::Refused, Some(message)),
        ProviderError::RateLimited => (RefusalReason::RateLimited, None),
        ProviderError::Unauthorized => (RefusalReason::Unauthorized, None),
    };
    Dispatched::Refused { reason, message }
}

/// Waits for a place that calls do not need, and uses it.
async fn wait_in(queue: &Queue) -> Result<(), ProviderError> {
    let too_late = |_: TooLate| ProviderError::RateLimited;
    queue.spare().await.map_err(too_late)?.turn().await.map_err(too_late)
}

/// Seconds since 1970 of the same zone, whichever that is.
fn pbx_time(civil: DateTime) -> PbxTime {
    PbxTime(civil.duration_since(EPOCH).as_secs())
}

/// The word for an error in metrics.
const fn kind(error: &ProviderError) -> &'static str {
    match error {
        ProviderError::Refused { .. } => "refused",
        ProviderError::RateLimited => "rate_limited",
        ProviderError::Unauthorized => "unauthorized",
        ProviderError::Unreachable { .. } => "unreachable",
        ProviderError::Unknown { .. } => "unknown",
    }
}

/// An error and what is behind it, for the operator.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}
