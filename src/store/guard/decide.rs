//! From the rows that were found to what is written or refused. Pure, and the same for
//! every adapter.

use jiff::{SignedDuration, Timestamp};

use super::attempts::Attempts;
use super::calls::Unheard;
use super::window::Windows;
use super::{Admission, Bar, Converting, Count, GuardKey};
use crate::domain::{Limit, Mode, Refusal, Rule};
use crate::store::record::Unreadable;

/// How long it is known that calls were not heard of.
const UNHEARD_KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);

/// The rows that an admission asked for, in its order.
pub(in crate::store) struct Found {
    /// Of `bars`.
    pub(in crate::store) bars: Vec<Option<Bar>>,
    /// Of `counts`, packed.
    pub(in crate::store) windows: Vec<Option<Vec<u8>>>,
    /// Of `calling`, packed.
    pub(in crate::store) calls: Option<Vec<u8>>,
    /// Of `converting`, packed.
    pub(in crate::store) attempts: Vec<Option<Vec<u8>>>,
    /// Whether a bar stands under one of `exemptions`.
    pub(in crate::store) is_exempt: bool,
}

/// What follows from them.
pub(in crate::store) enum Decision {
    /// It may go on; these rows are to be written with it.
    Admitted {
        /// The windows as they are then.
        written: Vec<Written>,
        /// What would have refused it.
        noted: Vec<Refusal>,
    },
    /// It may not.
    Refused {
        /// The rule that holds longest.
        refusal: Refusal,
        /// That one, and what would have refused it too.
        noted: Vec<Refusal>,
        /// What is blocked from now on.
        blocked: Vec<Bar>,
        /// The rows of what is blocked, in which counting begins afresh.
        written: Vec<Written>,
    },
}

/// A row of windows to be written.
pub(in crate::store) struct Written {
    /// Its key.
    pub(in crate::store) key: GuardKey,
    /// Whether it was not there.
    pub(in crate::store) is_new: bool,
    /// Its windows, packed.
    pub(in crate::store) windows: Box<[u8]>,
    /// When nothing of it counts any more.
    pub(in crate::store) expires_at: Timestamp,
}

impl Admission {
    /// Judges the start by the rows that it asked for.
    pub(in crate::store) fn decide(
        &self,
        found: &Found,
        now: Timestamp,
    ) -> Result<Decision, Unreadable> {
        let mut against = self.noted.clone();
        for (barring, bar) in self.bars.iter().zip(&found.bars) {
            let stands = bar.as_ref().filter(|bar| bar.until.is_none_or(|until| until > now));
            let stands = stands.filter(|bar| !(found.is_exempt && bar.rule == Rule::Conversion));
            against.extend(stands.map(|bar| Refusal {
                rule: barring.rule,
                mode: barring.mode,
                until: bar.until,
                limit: None,
            }));
        }
        let mut counted = Vec::with_capacity(self.counts.len());
        for (count, packed) in self.counts.iter().zip(&found.windows) {
            let windows = packed.as_deref().map(Windows::read).transpose()?.unwrap_or_default();
            against.extend(count.refusal(&windows, now));
            counted.push(windows);
        }
        let mut called = None;
        if let Some(calling) = &self.calling {
            let mut unheard =
                found.calls.as_deref().map(Unheard::read).transpose()?.unwrap_or_default();
            let (written, refusal) = unheard.call(calling, now);
            against.extend(refusal);
            called = written.then(|| Written {
                key: calling.key,
                is_new: found.calls.is_none(),
                windows: unheard.pack(),
                expires_at: later(now, UNHEARD_KEPT),
            });
        }
        let tried = self.tried(found, now)?;
        against.extend(tried.against.iter().copied());
        let enforced = against.iter().filter(|refusal| refusal.mode == Mode::Enforce);
        // What passes last is what the caller has to wait for.
        let refused = enforced.max_by_key(|refusal| refusal.until.unwrap_or(Timestamp::MAX));
        if let Some(refused) = refused.copied() {
            let noted =
                against.into_iter().filter(|other| other.mode == Mode::Shadow || *other == refused);
            let (noted, Tried { blocked, afresh, .. }) = (noted.collect(), tried);
            return Ok(Decision::Refused { refusal: refused, noted, blocked, written: afresh });
        }
        let counted = self.counts.iter().zip(counted).zip(&found.windows);
        let written = counted.map(|((count, windows), packed)| {
            let windows = count.added(windows, now);
            Written {
                key: count.key,
                is_new: packed.is_none(),
                expires_at: windows.expires_at(),
                windows: windows.pack(),
            }
        });
        let written = written.chain(called).chain(tried.counted).collect();
        Ok(Decision::Admitted { written, noted: against })
    }

    /// Whether it matters to the decision that it is exempt, which is then to be looked up.
    pub(in crate::store) fn asks_exemption(
        &self,
        found: &Found,
        now: Timestamp,
    ) -> Result<bool, Unreadable> {
        if self.exemptions.is_empty() {
            return Ok(false);
        }
        for (converting, packed) in self.converting.iter().zip(&found.attempts) {
            let Some(packed) = packed else { continue };
            let (tried, proved) = Attempts::read(packed)?.settled(&converting.conversion, now);
            if converting.conversion.is_too_low(tried, proved) {
                return Ok(true);
            }
        }
        Ok(found.bars.iter().flatten().any(|bar| bar.rule == Rule::Conversion))
    }

    /// Judges an attempt by what came of those before it, and counts it.
    fn tried(&self, found: &Found, now: Timestamp) -> Result<Tried, Unreadable> {
        let mut tried = Tried::default();
        for (converting, packed) in self.converting.iter().zip(&found.attempts) {
            let Converting { key, mode, conversion, .. } = converting;
            let attempts = packed.as_deref().map(Attempts::read).transpose()?;
            let mut attempts = attempts.unwrap_or_default();
            let settled = attempts.settled(conversion, now);
            let row = |attempts: &Attempts| Written {
                key: *key,
                is_new: packed.is_none(),
                windows: attempts.pack(),
                expires_at: converting.expires_at(now),
            };
            if !found.is_exempt && conversion.is_too_low(settled.0, settled.1) {
                let bar = converting.bar(settled, now);
                let (rule, until) = (Rule::Conversion, bar.until);
                tried.against.push(Refusal { rule, mode: *mode, until, limit: None });
                if *mode == Mode::Enforce {
                    tried.afresh.push(row(&Attempts::afresh(now)));
                    tried.blocked.push(bar);
                }
            }
            attempts.add(conversion, now);
            tried.counted.push(row(&attempts));
        }
        Ok(tried)
    }
}

/// What came of the attempts before.
#[derive(Default)]
struct Tried {
    against: Vec<Refusal>,
    /// The rows if it is admitted.
    counted: Vec<Written>,
    /// The rows of what is blocked.
    afresh: Vec<Written>,
    blocked: Vec<Bar>,
}

impl Count {
    fn refusal(&self, windows: &Windows, now: Timestamp) -> Option<Refusal> {
        let full = |limit: &Limit| {
            let full = windows.full(limit, self.amount, now)?;
            let (rule, mode) = (self.rule, self.mode);
            // The key of such a window is of one day, so what it counts ends with the day.
            let by_day = full.until.filter(|_| rule.is_day_budget());
            let until = by_day.map(|_| midnight_after(now)).or(full.until);
            Some(Refusal { rule, mode, until, limit: Some(*limit) })
        };
        let refusals = self.limits.iter().filter_map(full);
        refusals.max_by_key(|refusal| refusal.until.unwrap_or(Timestamp::MAX))
    }

    fn added(&self, mut windows: Windows, now: Timestamp) -> Windows {
        windows.keep(&self.limits);
        self.limits.iter().for_each(|limit| windows.add(limit, self.amount, now));
        windows
    }
}

/// The end of the day of UTC.
fn midnight_after(now: Timestamp) -> Timestamp {
    let day = SignedDuration::from_hours(24).as_secs();
    let next = (now.as_second().div_euclid(day) + 1).saturating_mul(day);
    Timestamp::from_second(next).unwrap_or(Timestamp::MAX)
}

fn later(now: Timestamp, span: SignedDuration) -> Timestamp {
    now.checked_add(span).unwrap_or(Timestamp::MAX)
}
