//! The account's whole state, and who may touch it.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::call::{Call, CallId, instant};
use super::events;
use super::follow::Follower;
use super::inbox::Message;
use super::limits::Window;
use super::patterns;
use super::post::Posted;
use super::script::Script;
use super::settings::Settings;
use super::{Options, Pace, Sound};
use crate::clock::Clock;
use crate::zadarma::Secret;

/// The notifications that can be switched, all on at first.
pub(super) const TOGGLES: [&str; 6] = [
    "notify_start",
    "notify_internal",
    "notify_answer",
    "notify_end",
    "notify_out_start",
    "notify_out_end",
];

/// As many requests, notifications, messages and calls are remembered.
const REMEMBERED: usize = 10_000;

/// The simulated provider. Shared by the server's worker and the calls under way.
pub(super) struct World {
    pub clock: Clock,
    pub pace: Pace,
    pub key: String,
    pub client: reqwest::Client,
    runtime: tokio::runtime::Handle,
    /// Written by API, control and calls; locked only to copy or change, never over an await.
    state: Mutex<State>,
    /// Raised after every change, for those who wait for one.
    changed: watch::Sender<()>,
    /// Owns every call under way, so that stopping ends them.
    tasks: Mutex<JoinSet<()>>,
}

/// What changes.
pub(super) struct State {
    pub secret: Secret,
    /// Signs notifications instead of `secret`, as during a rotation.
    pub signing_secret: Option<Secret>,
    pub settings: Settings,
    pub scripts: BTreeMap<String, Script>,
    pub sounds: Vec<Sound>,
    pub toggles: BTreeMap<&'static str, bool>,
    pub calls: Vec<Call>,
    pub messages: Vec<Message>,
    pub requests: Vec<RequestRecord>,
    pub posted: Vec<Posted>,
    pub general: Window,
    pub statistics: Window,
    pub followers: Vec<Follower>,
    next_id: u64,
}

/// One request that the API received.
#[derive(Clone, Debug, Serialize)]
pub(super) struct RequestRecord {
    pub id: u64,
    #[serde(serialize_with = "instant")]
    pub at: Timestamp,
    pub method: String,
    pub path: String,
    pub params: Vec<(String, String)>,
    /// Absent while it is being answered, 0 if the connection was dropped.
    pub status: Option<u16>,
}

impl World {
    pub fn new(options: Options, settings: Settings) -> reqwest::Result<Self> {
        // The client cannot be built without a provider; one chosen earlier stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(std::time::Duration::from_secs(20))
            .build()?;
        let state = State {
            secret: options.secret,
            signing_secret: None,
            settings,
            scripts: BTreeMap::new(),
            sounds: options.sounds,
            toggles: TOGGLES.into_iter().map(|name| (name, true)).collect(),
            calls: Vec::new(),
            messages: Vec::new(),
            requests: Vec::new(),
            posted: Vec::new(),
            general: Window::default(),
            statistics: Window::default(),
            followers: Vec::new(),
            next_id: 0,
        };
        Ok(Self {
            clock: options.clock,
            pace: options.pace,
            key: options.key,
            client,
            runtime: tokio::runtime::Handle::current(),
            state: Mutex::new(state),
            changed: watch::Sender::new(()),
            tasks: Mutex::new(JoinSet::new()),
        })
    }

    /// Reads the state.
    pub fn look<T>(&self, read: impl FnOnce(&State) -> T) -> T {
        read(&self.lock())
    }

    /// Changes the state, tells those who follow a phone, and wakes whoever waits for a change.
    pub fn change<T>(&self, write: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        let result = write(&mut state);
        state.tell_followers();
        drop(state);
        self.changed.send_replace(());
        result
    }

    /// Waits until `find` finds something. Subscribes before it looks.
    pub async fn until<T>(&self, mut find: impl FnMut(&State) -> Option<T>) -> T {
        let mut changed = self.changed.subscribe();
        loop {
            if let Some(found) = self.look(&mut find) {
                return found;
            }
            if changed.changed().await.is_err() {
                // The sender lives in `self`: cannot be, and waiting for ever is harmless.
                std::future::pending::<()>().await;
            }
        }
    }

    /// Runs a call on the runtime that started the simulator, until it ends or the simulator stops.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(ended) = tasks.try_join_next() {
            if let Err(error) = ended {
                tracing::error!(%error, "a simulated call failed");
            }
        }
        tasks.spawn_on(task, &self.runtime);
    }

    /// Ends every call under way, without a result.
    pub fn abort_calls(&self) {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
    }

    /// The PBX's civil time now, with the account's skew and zone and a call's own skew.
    pub fn pbx_time(&self, extra_skew: i64) -> String {
        let (skew, offset) = self
            .look(|state| (state.settings.clock_skew_seconds, state.settings.zone_offset_minutes));
        events::civil(self.clock.now(), skew.saturating_add(extra_skew), offset)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// An id that no other call or notification has.
    pub fn fresh_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// The script of a number: its own, then by pattern, then the default.
    pub fn script(&self, digits: &str) -> Script {
        let by_ending = || self.settings.patterns.then(|| patterns::by_ending(digits)).flatten();
        self.scripts
            .get(digits)
            .cloned()
            .or_else(by_ending)
            .unwrap_or_else(|| self.settings.default_script.clone())
    }

    pub fn call(&self, id: CallId) -> Option<&Call> {
        self.calls.iter().rev().find(|call| call.id == id)
    }

    pub fn call_mut(&mut self, id: CallId) -> Option<&mut Call> {
        self.calls.iter_mut().rev().find(|call| call.id == id)
    }

    pub fn add_call(&mut self, call: Call) {
        if self.calls.len() >= 2 * REMEMBERED {
            let mut surplus = REMEMBERED;
            self.calls.retain(|call| {
                let forget = call.settled && surplus > 0;
                surplus -= usize::from(forget);
                !forget
            });
        }
        self.calls.push(call);
    }
}

/// Adds to a list of which only the latest entries are remembered.
pub(super) fn remember<T>(list: &mut Vec<T>, entry: T) {
    if list.len() >= 2 * REMEMBERED {
        list.drain(..REMEMBERED);
    }
    list.push(entry);
}

/// A random text of `length` lower-case hex digits.
pub(super) fn random_hex(length: usize) -> String {
    let mut text = const_hex::encode(rand::random::<[u8; 32]>());
    text.truncate(length);
    text
}

/// The world as handlers share it.
pub(super) type Shared = Arc<World>;
