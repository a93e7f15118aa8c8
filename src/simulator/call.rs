//! One simulated call: its record, and the steps it may take.
//!
//! A script and a person at the handset take the same steps.

use jiff::Timestamp;
use serde::{Serialize, Serializer};
use tokio_util::sync::CancellationToken;

/// Names a call at the control API.
pub(super) type CallId = u64;

/// A call of any kind, as the control API shows it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Call {
    pub id: CallId,
    pub kind: Kind,
    pub number: String,
    #[serde(skip)]
    pub given: String,
    pub from: String,
    pub sounds: Option<ButtonSounds>,
    pub spoken: Option<String>,
    pub pbx_call_id: String,
    /// On the PBX's clock, in the account's zone.
    pub call_start: String,
    #[serde(serialize_with = "instant")]
    pub begun_at: Timestamp,
    #[serde(serialize_with = "optional_instant")]
    pub answered_at: Option<Timestamp>,
    /// When the key was pressed, or the wait for one ended.
    #[serde(skip)]
    pub decided_at: Option<Timestamp>,
    #[serde(serialize_with = "optional_instant")]
    pub ended_at: Option<Timestamp>,
    pub state: CallState,
    pub playing: Option<Playing>,
    pub key: Option<String>,
    pub disposition: Option<String>,
    pub status_code: Option<String>,
    /// Whether a person at the handset decides what happens.
    pub handset: bool,
    /// Raised at the end, for the script that is then over.
    #[serde(skip)]
    pub over: CancellationToken,
    /// Whether everything that this call causes has been notified.
    pub settled: bool,
}

/// Why a call exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    Button,
    Code,
    Incoming,
    Agent,
}

/// How far a call has come. Ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum CallState {
    Dialing,
    Ringing,
    Answered,
    Ended,
}

/// What the person hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Playing {
    Greeting,
    Confirmed,
    Fallback,
    Code,
}

/// The sounds of a button call, by id.
#[derive(Clone, Debug, Serialize)]
pub(super) struct ButtonSounds {
    pub greeting: String,
    pub confirmed: String,
    pub fallback: String,
}

/// The call is not in a state for this step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OutOfStep;

impl Call {
    pub fn ring(&mut self) {
        if self.state == CallState::Dialing {
            self.state = CallState::Ringing;
        }
    }

    pub fn answer(&mut self, now: Timestamp) -> Result<(), OutOfStep> {
        if self.state != CallState::Ringing {
            return Err(OutOfStep);
        }
        self.state = CallState::Answered;
        self.answered_at = Some(now);
        self.playing = match self.kind {
            Kind::Button => Some(Playing::Greeting),
            Kind::Code => Some(Playing::Code),
            Kind::Incoming | Kind::Agent => None,
        };
        Ok(())
    }

    /// The first key counts. The provider's method knows button 1 only: any other
    /// key plays the fallback.
    pub fn press(&mut self, key: &str, now: Timestamp) -> Result<(), OutOfStep> {
        if self.state != CallState::Answered {
            return Err(OutOfStep);
        }
        if self.kind == Kind::Button && self.playing == Some(Playing::Greeting) {
            self.key = Some(key.to_owned());
            self.decided_at = Some(now);
            self.playing = Some(if key == "1" { Playing::Confirmed } else { Playing::Fallback });
        }
        Ok(())
    }

    /// Nobody pressed anything.
    pub fn give_up_waiting(&mut self, now: Timestamp) {
        if self.playing == Some(Playing::Greeting) {
            self.decided_at = Some(now);
            self.playing = Some(Playing::Fallback);
        }
    }

    /// Ends the call. A person who hangs up a ringing phone refuses the call.
    pub fn hang_up(&mut self, now: Timestamp) -> Result<(), OutOfStep> {
        match self.state {
            CallState::Dialing | CallState::Ringing => self.end(now, "cancel", "21"),
            CallState::Answered => self.end(now, "answered", "16"),
            CallState::Ended => return Err(OutOfStep),
        }
        Ok(())
    }

    pub fn end(&mut self, now: Timestamp, disposition: &str, status_code: &str) {
        if self.state == CallState::Ended {
            return;
        }
        self.state = CallState::Ended;
        self.over.cancel();
        self.ended_at = Some(now);
        self.playing = None;
        self.disposition = Some(disposition.to_owned());
        self.status_code = Some(status_code.to_owned());
    }

    /// Whole seconds of conversation.
    pub fn seconds(&self) -> i64 {
        match (self.answered_at, self.ended_at) {
            (Some(answered), Some(ended)) => ended.duration_since(answered).as_secs().max(0),
            _ => 0,
        }
    }

    /// The id of the sound that is playing.
    pub fn sound(&self) -> Option<&str> {
        let sounds = self.sounds.as_ref()?;
        match self.playing? {
            Playing::Greeting => Some(&sounds.greeting),
            Playing::Confirmed => Some(&sounds.confirmed),
            Playing::Fallback => Some(&sounds.fallback),
            Playing::Code => None,
        }
    }
}

pub(super) fn instant<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(at)
}

fn optional_instant<S: Serializer>(
    at: &Option<Timestamp>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => serializer.collect_str(at),
        None => serializer.serialize_none(),
    }
}
