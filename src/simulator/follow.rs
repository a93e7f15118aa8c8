//! Who follows a phone: every step of its latest call, in order, none left out.
//!
//! Steps are handed over as they are made, under the state's lock, because a
//! look from time to time would miss what is over at once: under the instant
//! pace the last sound and the call's end come together. Who reads too slowly
//! is let go, and begins again with what is.

use serde_json::json;
use tokio::sync::mpsc;

use super::call::{Call, Kind};
use super::world::State;

/// Steps that may wait for a follower.
const WAITING: usize = 1024;

/// One who follows the phone of a number, or every phone.
pub(super) struct Follower {
    number: Option<String>,
    told: String,
    steps: mpsc::Sender<String>,
}

impl State {
    /// The phone's latest call as it is, then after every step of it.
    pub fn follow(&mut self, number: Option<String>) -> mpsc::Receiver<String> {
        let (steps, received) = mpsc::channel(WAITING);
        let mut follower = Follower { number, told: String::new(), steps };
        if follower.tell(self) {
            self.followers.push(follower);
        }
        received
    }

    /// Tells every follower what has changed for it.
    pub fn tell_followers(&mut self) {
        let mut followers = std::mem::take(&mut self.followers);
        followers.retain_mut(|follower| follower.tell(self));
        self.followers = followers;
    }
}

impl Follower {
    /// Whether it still follows.
    fn tell(&mut self, state: &State) -> bool {
        let now = shown(state, self.number.as_deref());
        if now == self.told {
            return !self.steps.is_closed();
        }
        self.told.clone_from(&now);
        self.steps.try_send(now).is_ok()
    }
}

/// The newest call that is still going on, otherwise the newest of all.
fn shown(state: &State, number: Option<&str>) -> String {
    let is_theirs = |call: &&Call| {
        matches!(call.kind, Kind::Button | Kind::Code)
            && number.is_none_or(|number| call.number == number)
    };
    let theirs = || state.calls.iter().rev().filter(is_theirs);
    let call = theirs().find(|call| call.ended_at.is_none()).or_else(|| theirs().next());
    let sound = call.and_then(Call::sound);
    json!({ "call": call, "sound": sound }).to_string()
}
