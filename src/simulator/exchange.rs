//! Carries calls out: rings, answers, presses, hangs up, and notifies.
//!
//! Every waiting time is reckoned from the call's beginning, so that a settable
//! clock may be moved before the call has begun to wait.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::call::{ButtonSounds, Call, CallId, CallState, Kind};
use super::events;
use super::numbers;
use super::script::{Does, Notify, Script, Unrelated};
use super::world::{Shared, State, World, random_hex};
use super::{Pace, Sound};

/// How long a phone rings before the PBX gives up.
const RING_LIMIT: Duration = Duration::from_secs(30);

/// How long a person may think after the greeting.
const PATIENCE: Duration = Duration::from_secs(10);

/// A call that the API has accepted.
pub(super) struct Order {
    pub kind: Kind,
    pub to: String,
    pub from: String,
    pub sounds: Option<ButtonSounds>,
    pub spoken: Option<String>,
}

/// Registers an accepted call and lets it begin once `gate` opens or is dropped.
pub(super) fn begin(
    world: &Shared,
    order: Order,
    script: Script,
    gate: oneshot::Receiver<()>,
) -> CallId {
    let id = register(world, order, &script);
    let conductor = Arc::clone(world);
    world.spawn(async move {
        let _ = gate.await;
        conductor.conduct(id, &script).await;
    });
    id
}

/// Carries out an unrelated call at once, to its last notification.
pub(super) async fn unrelated(
    world: &World,
    order: Order,
    script: &Script,
    key: Option<String>,
) -> CallId {
    let id = register(world, order, script);
    let now = world.clock.now();
    let call = world.change(|state| {
        let call = state.call_mut(id)?;
        call.ring();
        if script.does == Does::Answer && call.answer(now).is_ok() {
            call.key = key;
        }
        let (disposition, cause) = ending(script);
        call.end(now, &disposition, &cause);
        Some(call.clone())
    });
    for fields in call.iter().flat_map(|call| events::unrelated(call, script)) {
        world.notify(id, fields, script.content_type).await;
    }
    world.step(id, |call| call.settled = true);
    id
}

fn register(world: &World, order: Order, script: &Script) -> CallId {
    let direction = if order.kind == Kind::Incoming { "in" } else { "out" };
    let pbx_call_id = format!("{direction}_{}", random_hex(40));
    let call_start = world.pbx_time(script.clock_skew_s);
    let begun_at = world.clock.now();
    world.change(|state| {
        let id = state.fresh_id();
        state.add_call(Call {
            id,
            kind: order.kind,
            number: numbers::digits(&order.to),
            given: order.to,
            from: order.from,
            sounds: order.sounds,
            spoken: order.spoken,
            pbx_call_id,
            call_start,
            begun_at,
            answered_at: None,
            decided_at: None,
            ended_at: None,
            state: CallState::Dialing,
            playing: None,
            key: None,
            disposition: None,
            status_code: None,
            handset: script.does == Does::Handset,
            over: CancellationToken::new(),
            settled: false,
        });
        id
    })
}

impl World {
    async fn conduct(&self, id: CallId, script: &Script) {
        let Some(call) = self.look(|state| state.call(id).cloned()) else { return };
        let ringing_at = after(call.begun_at, script.dial(self.pace));
        self.clock.sleep_until(ringing_at).await;
        self.step(id, Call::ring);
        let is_ours = matches!(call.kind, Kind::Button | Kind::Code);
        if is_ours && script.notify_start {
            self.notify(id, events::start(&call, script), script.content_type).await;
        }
        if is_ours {
            self.notify(id, events::out_start(&call, script), script.content_type).await;
        }
        for kind in &script.meanwhile {
            self.meanwhile(&call, script, *kind).await;
        }
        match script.does {
            Does::Handset => self.person(id, &call, script, ringing_at).await,
            _ => self.scripted(&call, script, ringing_at).await,
        }
        if is_ours {
            self.tell_result(id, script).await;
        }
        self.step(id, |call| call.settled = true);
    }

    async fn scripted(&self, call: &Call, script: &Script, ringing_at: Timestamp) {
        let id = call.id;
        let decided_at = after(ringing_at, script.answer_after(self.pace));
        if self.is_over_before(call, decided_at).await {
            return;
        }
        let (disposition, cause) = ending(script);
        if script.does != Does::Answer {
            self.step(id, |call| call.end(decided_at, &disposition, &cause));
            return;
        }
        self.step(id, |call| call.answer(decided_at).is_ok());
        self.tell_answer(id, script).await;
        let pressed_at = after(decided_at, script.press_after(self.pace));
        if self.is_over_before(call, pressed_at).await {
            return;
        }
        self.step(id, |call| match script.press.as_str() {
            "" => call.give_up_waiting(pressed_at),
            key => _ = call.press(key, pressed_at),
        });
        let ended_at = after(pressed_at, script.hang_up_after(self.pace));
        if !self.is_over_before(call, ended_at).await {
            self.step(id, |call| call.end(ended_at, &disposition, &cause));
        }
    }

    /// Waits, unless a person at the handset ends the scripted call before.
    async fn is_over_before(&self, call: &Call, at: Timestamp) -> bool {
        tokio::select! {
            biased;
            () = call.over.cancelled() => true,
            () = self.clock.sleep_until(at) => false,
        }
    }

    /// Follows what a person does at the handset, and gives up when nobody does anything.
    async fn person(&self, id: CallId, call: &Call, script: &Script, ringing_at: Timestamp) {
        let picked_up = self.until(|state| past(state, id, CallState::Ringing));
        tokio::select! {
            () = picked_up => {}
            () = self.clock.sleep_until(after(ringing_at, RING_LIMIT)) => {
                let now = self.clock.now();
                self.step(id, |call| call.end(now, "cancel", "19"));
            }
        }
        if self.look(|state| past(state, id, CallState::Answered)).is_some() {
            return;
        }
        self.tell_answer(id, script).await;
        let greeting = call.sounds.as_ref().map(|sounds| sounds.greeting.clone());
        let patience = self.sound_length(greeting.as_deref()) + PATIENCE;
        let answered_at = self.look(|state| state.call(id).and_then(|call| call.answered_at));
        let gives_up_at = after(answered_at.unwrap_or(ringing_at), patience);
        tokio::select! {
            () = self.until(|state| decided(state, id)) => {}
            () = self.clock.sleep_until(gives_up_at) => {
                self.step(id, |call| call.give_up_waiting(gives_up_at));
            }
        }
        self.last_words(id, script).await;
    }

    /// Lets the last sound play, then hangs up, unless the person does.
    async fn last_words(&self, id: CallId, script: &Script) {
        let Some(call) = self.look(|state| state.call(id).cloned()) else { return };
        let last_words = match (script.hang_up_after_ms, self.pace) {
            (Some(_), pace) => script.hang_up_after(pace),
            (None, Pace::Real) => self.sound_length(call.sound()),
            (None, Pace::Instant) => Duration::ZERO,
        };
        let decided_at = call.decided_at.or(call.answered_at).unwrap_or(call.begun_at);
        let hangs_up_at = after(decided_at, last_words);
        tokio::select! {
            () = self.until(|state| past(state, id, CallState::Answered)) => {}
            () = self.clock.sleep_until(hangs_up_at) => {
                self.step(id, |call| call.hang_up(hangs_up_at));
            }
        }
    }

    async fn tell_answer(&self, id: CallId, script: &Script) {
        let call = self.look(|state| state.call(id).cloned());
        if let Some(call) = call.filter(|call| matches!(call.kind, Kind::Button | Kind::Code)) {
            self.notify(id, events::answer(&call, script), script.content_type).await;
        }
    }

    async fn tell_result(&self, id: CallId, script: &Script) {
        let Some(call) = self.look(|state| state.call(id).cloned()) else { return };
        let second_id = format!("out_{}", random_hex(40));
        let results = events::results(&call, script, &second_id);
        let times = match script.notify {
            Notify::Never => 0,
            Notify::Twice => 2,
            Notify::Normal | Notify::BeforeAnswer => 1,
            Notify::Late => {
                let ended_at = call.ended_at.unwrap_or(call.begun_at);
                let late = Duration::from_millis(script.late_ms);
                self.clock.sleep_until(after(ended_at, late)).await;
                1
            }
        };
        for fields in std::iter::repeat_n(results, times).flatten() {
            self.notify(id, fields, script.content_type).await;
        }
    }

    async fn meanwhile(&self, call: &Call, script: &Script, kind: Unrelated) {
        let kind = match kind {
            Unrelated::Incoming => Kind::Incoming,
            Unrelated::Agent => Kind::Agent,
        };
        let order = Order {
            kind,
            to: call.given.clone(),
            from: call.from.clone(),
            sounds: None,
            spoken: None,
        };
        let other = Script {
            number_form: script.number_form,
            number_written: script.number_written.clone(),
            clock_skew_s: script.clock_skew_s,
            content_type: script.content_type,
            ..Script::default()
        };
        unrelated(self, order, &other, None).await;
    }

    /// Changes a call, if it is still known.
    pub(super) fn step<T>(&self, id: CallId, take: impl FnOnce(&mut Call) -> T) {
        self.change(|state| {
            state.call_mut(id).map(take);
        });
    }

    fn sound_length(&self, id: Option<&str>) -> Duration {
        self.look(|state| {
            let sound = state.sounds.iter().find(|sound| Some(sound.id.as_str()) == id);
            sound.map_or(Duration::ZERO, Sound::length)
        })
    }
}

fn ending(script: &Script) -> (String, String) {
    let (disposition, cause) = script.does.ending();
    (
        script.disposition.clone().unwrap_or_else(|| disposition.to_owned()),
        script.status_code.clone().unwrap_or_else(|| cause.to_owned()),
    )
}

fn past(state: &State, id: CallId, passed: CallState) -> Option<()> {
    state.call(id).is_none_or(|call| call.state > passed).then_some(())
}

fn decided(state: &State, id: CallId) -> Option<()> {
    state
        .call(id)
        .is_none_or(|call| call.key.is_some() || call.state == CallState::Ended)
        .then_some(())
}

fn after(at: Timestamp, span: Duration) -> Timestamp {
    at.checked_add(span).unwrap_or(Timestamp::MAX)
}
