//! The service without its rim: rules, results and state machine as they are,
//! around a store that is a list and a clock that is a number.
//!
//! What the store, the start and the recovery do here is written down a second
//! time, from the design; that the real ones do the same is tested elsewhere.

use std::sync::Arc;

use jiff::Timestamp;

use super::fixture::{facts, policy, secret, verification};
use super::numbers::numbers;
use super::pbx::{Millis, Notice};
use crate::domain::{
    Applied, Dispatch, Event, Key, PbxTime, RedeemRefusal, Timing, Verification, VerificationId,
    WrittenForm,
};
use crate::intake::rules::{self, Case};
use crate::intake::{Context, Policy, Received, Verdict, decide};
use crate::live::{AccountIndex, Found, Live};
use crate::service::{Facts, Offsets};
use crate::zadarma::notification::{Decoded, Notification};
use crate::zadarma::{form, sign};

const MAIN: AccountIndex = AccountIndex(0);

/// The service, and the number that is its clock.
pub(super) struct World {
    pub(super) now: Millis,
    pub(super) timing: Timing,
    /// The newest version of each verification, by the number that is its id.
    pub(super) store: Vec<Verification>,
    /// Every version ever stored; memory holds their places in this list.
    versions: Vec<Verification>,
    /// Which verification a form's claim names.
    claims: Vec<(WrittenForm, usize)>,
    live: Live,
    facts: Arc<Facts>,
    rim: Arc<Rim>,
    /// Whether notifications are signed and read for real.
    signs: bool,
    /// Whether the next change meets another one that got in first.
    pub(super) contended: bool,
    /// Moves that the caller has not looked at yet: which, before, after.
    pub(super) moves: Vec<(usize, Verification, Verification)>,
}

/// What never changes: the account's settings, and the frame of a delivery.
struct Rim {
    policy: Policy,
    received: Received,
}

/// The instant of a number of milliseconds.
pub(super) fn instant(at: Millis) -> Timestamp {
    Timestamp::from_millisecond(at).unwrap()
}

impl World {
    pub(super) fn new(now: Millis, signs: bool) -> Self {
        let received = Received {
            account: MAIN,
            source: [185, 45, 152, 41].into(),
            content_type: None,
            signature: None,
            body: Box::default(),
            at: Timestamp::UNIX_EPOCH,
        };
        Self {
            now,
            timing: Timing::default(),
            store: Vec::new(),
            versions: Vec::new(),
            claims: Vec::new(),
            live: Live::new(),
            facts: Arc::new(facts(Offsets::default())),
            rim: Arc::new(Rim { policy: policy(), received }),
            signs,
            contended: false,
            moves: Vec::new(),
        }
    }

    /// Admits a start, or refuses it since a call with one of its forms is in flight.
    pub(super) fn start(&mut self, number: usize, press: Key, expires_in: Millis) -> Option<usize> {
        let number = &numbers()[number];
        let now = instant(self.now);
        let index = self.store.len();
        let expires_at = instant(self.now + expires_in);
        let id = u32::try_from(index).unwrap();
        let mut new = verification(id, number.number, press, now, expires_at);
        for (_, owner) in self.claims.iter().filter(|(form, _)| number.claimed.contains(form)) {
            let held = &self.store[*owner].attempts[0];
            if held.claims_held_until(&self.timing) > now {
                return None;
            }
            let earlier = &mut new.attempts[0].earlier_call_start;
            *earlier = (*earlier).max(held.last_call_start());
        }
        self.claims.retain(|(form, _)| !number.claimed.contains(form));
        self.claims.extend(number.claimed.iter().map(|form| (*form, index)));
        self.store.push(new.clone());
        self.hold(index);
        Some(index)
    }

    /// A notification as the provider would send it, with a signature over
    /// `signed`; `None` if that is not what its fields say.
    pub(super) fn receive(&mut self, notice: &Notice, signed: &str) -> Option<Verdict> {
        if notice.signed_before_time() + &notice.call_start != signed {
            return None;
        }
        if self.signs {
            self.check_signature(notice, signed);
        }
        let at = instant(self.now);
        Some(self.judge(notice, at))
    }

    /// Judges again, as after a measurement.
    pub(super) fn judge(&mut self, notice: &Notice, at: Timestamp) -> Verdict {
        let call = notice.call();
        let form = WrittenForm::read(call.number);
        let found = form.map_or(Found::Nothing, |form| self.live.find(MAIN, form));
        let (rim, facts, timing) = (Arc::clone(&self.rim), Arc::clone(&self.facts), self.timing);
        let (policy, evidence) = (&rim.policy, rim.policy.evidence(0));
        let case = Case {
            call: &call,
            has_number: form.is_some(),
            found,
            policy,
            facts: &facts,
            received_at: at,
            timing: &timing,
        };
        let context = Context { policy, facts: &facts, evidence, received: &rim.received };
        match (rules::judge_form(&case), found.exact()) {
            (None, Some(id)) => {
                let mut verdict = Verdict::NoMatch;
                self.resolve(index_of(id), at, |newest| {
                    let (judged, event) = decide(newest, &case, &context);
                    verdict = judged;
                    event
                });
                verdict
            }
            (verdict, _) => verdict.unwrap_or(Verdict::NoMatch),
        }
    }

    /// Lets one event happen to a verification, with compare-and-set.
    pub(super) fn resolve(
        &mut self,
        index: usize,
        at: Timestamp,
        mut judge: impl FnMut(&Verification) -> Option<Event>,
    ) {
        let mut newest = self.newest(index);
        let mut contended = std::mem::take(&mut self.contended);
        loop {
            let Some(event) = judge(&newest) else { return };
            let Applied::Moved { next, .. } = newest.apply(event, at, &self.timing) else {
                return;
            };
            if std::mem::take(&mut contended) {
                // The same happened a moment before, by another delivery or replica.
                self.change(index, (*next).clone());
            }
            if self.change(index, *next) {
                return;
            }
            newest = self.store[index].clone();
        }
    }

    /// Redeems as the service does.
    pub(super) fn redeem(&mut self, index: usize, number: usize) -> Result<(), RedeemRefusal> {
        let (now, to) = (instant(self.now), numbers()[number].number);
        let (next, _) = self.newest(index).redeem(&to.into(), None, now, &self.timing)?;
        assert!(self.change(index, next), "nobody else changed it");
        Ok(())
    }

    /// Whether the version before it was still the newest, so that it is stored.
    fn change(&mut self, index: usize, next: Verification) -> bool {
        if self.store[index].version + 1 != next.version {
            return false;
        }
        let until = next.live_until(&self.timing);
        let before = std::mem::replace(&mut self.store[index], next.clone());
        self.live.put(before.id, next.version, until, &place(self.versions.len()));
        self.versions.push(next.clone());
        self.moves.push((index, before, next));
        true
    }

    fn newest(&self, index: usize) -> Verification {
        match self.live.newest(self.store[index].id) {
            None => self.store[index].clone(),
            Some(newest) => {
                let place = u32::from_le_bytes(newest.packed.as_ref().try_into().unwrap());
                self.versions[usize::try_from(place).unwrap()].clone()
            }
        }
    }

    fn hold(&mut self, index: usize) {
        let stored = &self.store[index];
        let claimed = self.claims.iter().filter(|(_, owner)| *owner == index);
        let claimed: Vec<WrittenForm> = claimed.map(|(form, _)| *form).collect();
        let forms = WrittenForm::finding(&claimed);
        let until = stored.live_until(&self.timing);
        let packed = place(self.versions.len());
        self.live.hold(stored.id, stored.version, until, MAIN, &forms, &packed);
        self.versions.push(stored.clone());
    }

    /// Lets go of what is over, as every ten seconds.
    pub(super) fn sweep(&self, at: Millis) {
        self.live.sweep(instant(at));
    }

    /// Everything in memory is gone; what is in flight is held again, and a call
    /// whose answer is not known counts as unknown.
    pub(super) fn restart(&mut self) {
        self.live = Live::new();
        self.facts = Arc::new(facts(Offsets::default()));
        let now = instant(self.now);
        for index in 0..self.store.len() {
            if self.store[index].live_until(&self.timing) < now {
                continue;
            }
            self.hold(index);
            if self.store[index].attempts[0].dispatch == Dispatch::Intended {
                self.resolve(index, now, |_| Some(Event::Unknown { attempt: 0 }));
            }
        }
    }

    /// The PBX's clock is asked for.
    pub(super) fn measure(&mut self, shows: PbxTime) {
        let at = instant(self.now);
        let facts = Arc::make_mut(&mut self.facts);
        facts.offsets = facts.offsets.measured(shows, at);
    }

    /// In some histories the whole way is gone: signed, encoded, decoded, checked, read.
    fn check_signature(&self, notice: &Notice, signed: &str) {
        let fields = notice.fields().into_iter();
        let text = fields.fold(form::Params::new(), |text, (name, value)| text.text(name, value));
        let (body, header) = (text.query(), sign::signature(&secret(), &[signed]));
        let decoded = Decoded::from_urlencoded(body.as_bytes()).unwrap();
        let authentic =
            decoded.authenticate(Some(header.as_bytes()), &self.rim.policy.secrets).unwrap();
        assert_eq!(authentic.interpret(), Notification::Call(notice.call()));
    }

    /// What the API's answer does, once it comes.
    pub(super) fn answered(&mut self, index: usize, event: &Event) {
        let now = instant(self.now);
        self.resolve(index, now, |_| Some(event.clone()));
    }
}

fn place(index: usize) -> [u8; 4] {
    u32::try_from(index).unwrap().to_le_bytes()
}

fn index_of(id: VerificationId) -> usize {
    usize::try_from(u128::from_be_bytes(*id.as_bytes())).unwrap()
}
