//! Pending verifications in memory: how a notification finds its own, the
//! newest version of each, and who waits for it.
//!
//! A convenience that may be lost at any moment: the store is the truth, and a
//! replica that starts fills this from it. Versions are kept packed, as the
//! store keeps them, since a million of them may be pending at once; this room
//! does not look inside.

mod lookers;
mod waiters;

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use jiff::Timestamp;
use tokio::sync::watch;

use crate::domain::{Verification, VerificationId, WrittenForm};

pub use waiters::Subscription;
use waiters::Waiters;

/// Which of the configured accounts, by its place among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AccountIndex(pub u16);

/// Shared state of one process. Written by the service after each commit, read
/// by the intake and by whoever waits. Every lock is a map shard's, held only
/// to copy in or out, never across an await.
#[derive(Default)]
pub struct Live {
    /// What is held, by id.
    held: DashMap<VerificationId, Held>,
    /// Ids by the last seven digits that all written forms of their number share.
    endings: DashMap<u32, Ids>,
    waiters: Waiters,
    /// Who looks at all of them; told of every version.
    lookers: watch::Sender<()>,
}

/// One verification: its newest version as packed by the store, behind the
/// forms that find it.
struct Held {
    /// The second after which it may be released, unless a newer version says otherwise.
    until: i64,
    version: u32,
    /// Each form's account and integer, then the packed version.
    forms: u8,
    bytes: Box<[u8]>,
}

/// Nearly always one.
enum Ids {
    One(VerificationId),
    Many(Vec<VerificationId>),
}

/// Bytes that one form takes: two of the account, eight of the form.
const FORM_BYTES: usize = 10;
/// In an account's bytes: the form is no claim.
const UNCLAIMED: u16 = 1 << 15;

/// A written form by which notifications find a verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The account that calls.
    pub account: AccountIndex,
    /// The form.
    pub form: WrittenForm,
    /// Whether it is claimed. A call that says a code claims nothing: what is told of it
    /// proves nothing, and must not hide a button call with the same number.
    pub claimed: bool,
}

/// What a look-up found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// The one verification that claims exactly this form.
    Exact(VerificationId),
    /// None does, but one ends in the same nine digits.
    NearMiss(VerificationId),
    /// None.
    Nothing,
}

impl Found {
    /// The verification, if one claims exactly this form.
    #[must_use]
    pub const fn exact(self) -> Option<VerificationId> {
        match self {
            Self::Exact(id) => Some(id),
            Self::NearMiss(_) | Self::Nothing => None,
        }
    }
}

/// A newest version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Newest {
    /// Its version number.
    pub version: u32,
    /// The version as packed by the store.
    pub packed: Box<[u8]>,
}

impl Live {
    /// Nothing pending, nobody waiting.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Holds a verification until `until`, so that notifications with one of `forms`,
    /// which it claims, find it.
    pub fn hold(
        &self,
        id: VerificationId,
        version: u32,
        until: Timestamp,
        account: AccountIndex,
        forms: &[WrittenForm],
        packed: &[u8],
    ) {
        let found_by = |form: &WrittenForm| Finding { account, form: *form, claimed: true };
        let findings: Vec<Finding> = forms.iter().map(found_by).collect();
        self.hold_by(id, version, until, &findings, packed);
    }

    /// Holds a verification until `until`, or holds it by other forms from now on.
    /// A newer version that is held already stays, and so do its forms unless it is to
    /// claim some. Those are claimed by nobody else any more: the caller knows that such
    /// claims are dead.
    pub fn hold_by(
        &self,
        id: VerificationId,
        version: u32,
        until: Timestamp,
        forms: &[Finding],
        packed: &[u8],
    ) {
        for claimed in forms.iter().filter(|found_by| found_by.claimed) {
            self.unclaim(id, *claimed);
        }
        let claims = forms.iter().any(|found_by| found_by.claimed);
        let held = |version, until: i64, forms: (u8, &[u8]), packed: &[u8]| {
            let bytes = [forms.1, packed].concat().into_boxed_slice();
            Held { version, until, forms: forms.0, bytes }
        };
        let written = written(forms);
        let given = (u8::try_from(forms.len()).unwrap_or(u8::MAX), written.as_slice());
        let until = until.as_second();
        match self.held.entry(id) {
            Entry::Vacant(free) => {
                free.insert(held(version, until, given, packed));
            }
            Entry::Occupied(mut taken) => {
                let known = taken.get();
                let kept = if claims || known.forms == 0 { given } else { known.written() };
                let next = if known.version > version {
                    held(known.version, known.until, kept, known.packed())
                } else {
                    held(version, until, kept, packed)
                };
                taken.insert(next);
            }
        }
        let mut endings: Vec<u32> = forms.iter().map(|found_by| ending(found_by.form)).collect();
        endings.sort_unstable();
        endings.dedup();
        for ending in endings {
            match self.endings.entry(ending) {
                Entry::Vacant(free) => {
                    free.insert(Ids::One(id));
                }
                Entry::Occupied(mut taken) => taken.get_mut().add(id),
            }
        }
        self.wake_lookers();
    }

    /// Takes a claim from whoever held it before.
    fn unclaim(&self, by: VerificationId, claim: Finding) {
        let ids = match self.endings.get(&ending(claim.form)) {
            None => return,
            Some(ids) => ids.copy(),
        };
        for id in ids.as_slice().iter().filter(|id| **id != by) {
            let Some(mut held) = self.held.get_mut(id) else { continue };
            let place = held.findings().position(|found_by| found_by == claim);
            if let Some(place) = place {
                let account = (claim.account.0 | UNCLAIMED).to_le_bytes();
                held.bytes[place * FORM_BYTES..][..2].copy_from_slice(&account);
            }
        }
    }

    /// The verification whose claims include `form` at `account`: the latest, if
    /// an ended one with dead claims is held beside it.
    #[must_use]
    pub fn find(&self, account: AccountIndex, form: WrittenForm) -> Found {
        let candidates = match self.endings.get(&ending(form)) {
            None => return Found::Nothing,
            Some(ids) => ids.copy(),
        };
        let (mut best, mut unclaimed) = (Found::Nothing, None);
        for id in candidates.as_slice() {
            let Some(held) = self.held.get(id) else { continue };
            for Finding { account: held_account, form: held_form, claimed } in held.findings() {
                if held_account != account {
                    continue;
                }
                if !claimed {
                    unclaimed = unclaimed.max(Some(*id).filter(|_| held_form == form));
                    continue;
                }
                // A claim is taken over by a later attempt only when the earlier one's
                // is dead; ids made later sort later.
                if held_form == form && best.exact().is_none_or(|known| known < *id) {
                    best = Found::Exact(*id);
                } else if held_form.ending() == form.ending() && best == Found::Nothing {
                    best = Found::NearMiss(*id);
                }
            }
        }
        match (best, unclaimed) {
            (Found::NearMiss(_) | Found::Nothing, Some(id)) => Found::Exact(id),
            _ => best,
        }
    }

    /// The newest version of a held verification.
    #[must_use]
    pub fn newest(&self, id: VerificationId) -> Option<Newest> {
        let held = self.held.get(&id)?;
        Some(Newest { version: held.version, packed: held.packed().into() })
    }

    /// Takes in a stored version if it is newer than the held one. An id that
    /// is not held stays so.
    pub fn put(&self, id: VerificationId, version: u32, until: Timestamp, packed: &[u8]) {
        let Some(mut held) = self.held.get_mut(&id) else { return };
        if held.version >= version {
            return;
        }
        let forms = usize::from(held.forms) * FORM_BYTES;
        let mut bytes = Vec::with_capacity(forms + packed.len());
        bytes.extend_from_slice(&held.bytes[..forms]);
        bytes.extend_from_slice(packed);
        held.version = version;
        held.until = until.as_second();
        held.bytes = bytes.into_boxed_slice();
    }

    /// Lets go of a verification; whoever waits for it keeps waiting.
    pub fn release(&self, id: VerificationId) {
        let Some((_, held)) = self.held.remove(&id) else { return };
        for Finding { form, .. } in held.findings() {
            if let Entry::Occupied(mut taken) = self.endings.entry(ending(form))
                && taken.get_mut().remove(id)
            {
                taken.remove();
            }
        }
    }

    /// Releases what need not be found any more at `now`.
    pub fn sweep(&self, now: Timestamp) {
        let second = now.as_second();
        let over: Vec<VerificationId> =
            self.held.iter().filter(|held| held.until < second).map(|held| *held.key()).collect();
        for id in over {
            self.release(id);
        }
    }

    /// How many verifications are held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.held.len()
    }

    /// Whether none is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Listens for changes of a verification. Subscribe first, then read, then wait.
    #[must_use]
    pub fn subscribe(&self, id: VerificationId) -> Subscription<'_> {
        self.waiters.subscribe(id)
    }

    /// Wakes whoever waits for a verification with its newest version; to be called after
    /// the commit.
    pub fn wake(&self, newest: &Verification) {
        self.waiters.wake(newest);
        self.wake_lookers();
    }

    /// How many wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiters.count()
    }
}

/// Forms as [`Held`] keeps them.
fn written(forms: &[Finding]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(forms.len() * FORM_BYTES);
    for Finding { account, form, claimed } in forms {
        let account = if *claimed { account.0 } else { account.0 | UNCLAIMED };
        bytes.extend_from_slice(&account.to_le_bytes());
        bytes.extend_from_slice(&form.as_u64().to_le_bytes());
    }
    bytes
}

impl Held {
    /// How many forms it has, and their bytes.
    fn written(&self) -> (u8, &[u8]) {
        (self.forms, &self.bytes[..usize::from(self.forms) * FORM_BYTES])
    }

    fn packed(&self) -> &[u8] {
        &self.bytes[usize::from(self.forms) * FORM_BYTES..]
    }

    fn findings(&self) -> impl Iterator<Item = Finding> {
        self.bytes.chunks_exact(FORM_BYTES).take(usize::from(self.forms)).map(|chunk| {
            let account = u16::from_le_bytes([chunk[0], chunk[1]]);
            let mut form = [0; 8];
            form.copy_from_slice(&chunk[2..]);
            Finding {
                account: AccountIndex(account & !UNCLAIMED),
                form: WrittenForm::from_u64(u64::from_le_bytes(form)),
                claimed: account & UNCLAIMED == 0,
            }
        })
    }
}

impl Ids {
    fn add(&mut self, id: VerificationId) {
        match self {
            Self::One(known) if *known == id => {}
            Self::One(known) => *self = Self::Many(vec![*known, id]),
            Self::Many(ids) if ids.contains(&id) => {}
            Self::Many(ids) => ids.push(id),
        }
    }

    /// Takes `id` out; whether none is left.
    fn remove(&mut self, id: VerificationId) -> bool {
        match self {
            Self::One(known) => *known == id,
            Self::Many(ids) => {
                ids.retain(|known| *known != id);
                ids.is_empty()
            }
        }
    }

    fn copy(&self) -> Self {
        match self {
            Self::One(id) => Self::One(*id),
            Self::Many(ids) => Self::Many(ids.clone()),
        }
    }

    fn as_slice(&self) -> &[VerificationId] {
        match self {
            Self::One(id) => std::slice::from_ref(id),
            Self::Many(ids) => ids,
        }
    }
}

/// The last seven digits, which every written form of one number shares.
const fn ending(form: WrittenForm) -> u32 {
    form.ending() % 10_000_000
}

#[cfg(test)]
mod tests;
