//! Admission: starts with their claims and keys, and later steps with their claims, or
//! nothing of them.
//!
//! INVARIANT: every transaction that waits for another one's rows takes them in this order,
//! each kind sorted: idempotency keys, numbers to be alone, claims, verifications, the guard's
//! windows; then it adds new rows in the same order, then come the guard's bars and totals. So no two wait for each other. A row that another replica
//! adds meanwhile is met when it is added here, and then the whole batch is judged anew.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::change;
use super::columns::Failure;
use super::connect::Link;
use super::insert;
use super::known::{
    Held, Known, Running, Writes, form_of, keep_alone, keep_claims, keep_keys, key_of, look_up,
};
use super::lane::{Batch, Ended, Transaction};
use crate::domain::{Refusal, Timing, Verification};
use crate::store::change::JournalRow;
use crate::store::guard::Decision;
use crate::store::kept::{self, nanoseconds};
use crate::store::look_ups::KeyedClaim;
use crate::store::record::pack;
use crate::store::{Change, Intended, Intent, NewDelivery, Start, Started};

/// Writes starts and intents.
pub(super) struct Admissions {
    pub(super) timing: Timing,
}

/// What is to be admitted, and when.
pub(super) enum Job {
    /// The start is without its claims, which are beside it.
    Start { start: Box<Start>, to: i64, claims: Vec<KeyedClaim>, now: Timestamp },
    /// So is the intent.
    Intend { intent: Box<Intent>, claims: Vec<KeyedClaim>, now: Timestamp },
}

/// What a job came to.
pub(super) enum Admitted {
    /// It was, with what the attempt learned of an earlier call, so packed, and what would
    /// have refused it.
    Start(Box<Verification>, Box<[u8]>, Vec<Refusal>),
    Intent(Box<Verification>, Box<[u8]>, Vec<Refusal>),
    NotStarted(Box<Started>),
    NotIntended(Box<Intended>),
}

/// What a caller is told.
pub(super) enum Answer {
    Started(Started),
    Intended(Intended),
}

impl Batch for Admissions {
    type Job = Job;
    type Done = Admitted;
    type Answer = Answer;

    async fn write(
        &self,
        jobs: &[&Job],
        transaction: &mut Transaction<'_, Admitted>,
    ) -> Result<Ended, Failure> {
        let on = transaction.on;
        let mut known = look_up(on, jobs, &self.timing).await?;
        let mut writes = Writes::default();
        let admitted = jobs.iter().map(|job| self.admit(job, &mut known, &mut writes));
        let admitted = admitted.collect::<Result<Vec<Admitted>, Failure>>()?;
        // What another replica may have added first comes first.
        keep_keys(on, &known.old.keys, &writes.keys).await?;
        keep_alone(on, &known.old.alone, &writes.alone).await?;
        keep_claims(on, &known.old.claims, &writes.claims).await?;
        known.guarded.keep_windows(on).await?;
        self.keep(on, jobs, &admitted).await?;
        known.guarded.keep_totals(on).await?;
        let changed: Vec<_> = admitted
            .iter()
            .filter_map(|admitted| match admitted {
                Admitted::Start(new, ..) | Admitted::Intent(new, ..) => Some((new.id, new.version)),
                Admitted::NotStarted(_) | Admitted::NotIntended(_) => None,
            })
            .collect();
        transaction.commit(admitted, &changed).await
    }

    fn answer(job: Job, admitted: Admitted) -> Answer {
        drop(job);
        match admitted {
            Admitted::Start(verification, packed, noted) => {
                Answer::Started(Started::Stored { verification: *verification, packed, noted })
            }
            Admitted::Intent(verification, packed, noted) => {
                Answer::Intended(Intended::Stored { verification: *verification, packed, noted })
            }
            Admitted::NotStarted(answer) => Answer::Started(*answer),
            Admitted::NotIntended(answer) => Answer::Intended(*answer),
        }
    }
}

impl Admissions {
    fn admit(
        &self,
        job: &Job,
        known: &mut Known,
        writes: &mut Writes,
    ) -> Result<Admitted, Failure> {
        match job {
            Job::Start { start, to, claims, now } => {
                self.start(start, *to, claims, *now, known, writes)
            }
            Job::Intend { intent, claims, now } => self.intend(intent, claims, *now, known, writes),
        }
    }

    /// The checks in the order in which a replay comes before what is in its own way.
    fn start(
        &self,
        start: &Start,
        to: i64,
        claims: &[KeyedClaim],
        now: Timestamp,
        known: &mut Known,
        writes: &mut Writes,
    ) -> Result<Admitted, Failure> {
        let not = |answer| Ok(Admitted::NotStarted(Box::new(answer)));
        let mut verification = start.verification.clone();
        let key = start.idempotency.as_ref().map(|key| (key, key_of(&verification.app, key)));
        if let Some((given, key)) = &key
            && let Some((fingerprint, first, at)) = known.keys.get(key)
            && *at > kept::before(now, kept::IDEMPOTENCY)
        {
            let same = *fingerprint == given.fingerprint;
            return not(if same { Started::Replayed(*first) } else { Started::KeyReused });
        }
        if start.alone
            && let Some(Some(running)) = known.alone.get(&to)
            && running.until > now
        {
            return not(Started::Running { id: running.id, app: running.app.clone() });
        }
        let (written, noted) = match known.guarded.judge(&start.admission, now)? {
            Decision::Admitted { written, noted } => (written, noted),
            Decision::Refused { refusal, noted, blocked, written } => {
                known.guarded.refuse(&noted, &blocked, written);
                return not(Started::Refused { refusal, noted, blocked });
            }
        };
        let held = known.held(claims);
        if let Some(until) = held.until.filter(|until| *until > now) {
            return not(Started::ClaimHeld { until });
        }
        known.guarded.write(written);
        known.guarded.note(&noted);
        learn(&mut verification, held);
        self.claim(&verification, claims, known, writes);
        if start.alone {
            let running = Running::of(&verification);
            writes.alone.insert(to, verification.id);
            known.alone.insert(to, running);
        }
        if let Some((given, key)) = key {
            let row = (given.fingerprint, verification.id, nanoseconds(now));
            writes.keys.insert(key.clone(), row);
            known.keys.insert(key, row);
        }
        let packed = pack(&verification);
        Ok(Admitted::Start(Box::new(verification), packed, noted))
    }

    fn intend(
        &self,
        intent: &Intent,
        claims: &[KeyedClaim],
        now: Timestamp,
        known: &mut Known,
        writes: &mut Writes,
    ) -> Result<Admitted, Failure> {
        let not = |answer| Ok(Admitted::NotIntended(Box::new(answer)));
        let (written, noted) = match known.guarded.judge(&intent.admission, now)? {
            Decision::Admitted { written, noted } => (written, noted),
            Decision::Refused { refusal, noted, blocked, written } => {
                known.guarded.refuse(&noted, &blocked, written);
                return not(Intended::Refused { refusal, noted, blocked });
            }
        };
        let held = known.held(claims);
        if let Some(until) = held.until.filter(|until| *until > now) {
            return not(Intended::ClaimHeld { until });
        }
        let mut verification = intent.verification.clone();
        let expected = verification.version.checked_sub(1);
        if known.versions.get(&verification.id).copied() != expected || expected.is_none() {
            return not(Intended::Conflict);
        }
        known.guarded.write(written);
        known.guarded.note(&noted);
        learn(&mut verification, held);
        known.versions.insert(verification.id, verification.version);
        self.claim(&verification, claims, known, writes);
        let packed = pack(&verification);
        Ok(Admitted::Intent(Box::new(verification), packed, noted))
    }

    /// Claims for the last attempt what is dead or free, as the caller has seen.
    fn claim(
        &self,
        verification: &Verification,
        claims: &[KeyedClaim],
        known: &mut Known,
        writes: &mut Writes,
    ) {
        let attempt = verification.attempts.last();
        let held = attempt.map_or_else(Held::default, |attempt| Held::by(attempt, &self.timing));
        let index = attempt.map_or(0, |attempt| attempt.index);
        for claim in claims {
            known.claims.insert(form_of(claim), held);
            writes.claims.insert(form_of(claim), (verification.id, index));
        }
    }

    /// Stores what is new of the admitted: verifications, new versions, what goes with them.
    async fn keep(&self, on: &Link, jobs: &[&Job], admitted: &[Admitted]) -> Result<(), Failure> {
        let (mut new, mut changes) = (Vec::new(), Vec::new());
        let (mut rows, mut deliveries) = (Vec::new(), Vec::<&NewDelivery>::new());
        for (place, pair) in jobs.iter().zip(admitted).enumerate() {
            match pair {
                (Job::Start { start, to, .. }, Admitted::Start(verification, packed, _)) => {
                    new.push((&**verification, *to, &**packed));
                    rows.extend(JournalRow::of(verification.id, &start.entries, None));
                    deliveries.extend(&start.deliveries);
                }
                (Job::Intend { intent, .. }, Admitted::Intent(verification, ..)) => {
                    let change = Change::new(verification, &self.timing, &intent.entries, None);
                    changes.push((place, change));
                    deliveries.extend(&intent.deliveries);
                }
                _ => {}
            }
        }
        insert::verifications(on, &new, &self.timing).await?;
        let updates: Vec<_> = changes.iter().map(|(place, change)| (*place, change)).collect();
        if change::update(on, &updates).await?.len() < updates.len() {
            // Its row is locked and had the version; two intents of one batch are the rest.
            return Err(Failure::Contended);
        }
        let due = |change: &Change| Some((change.id, nanoseconds(change.due_at?)));
        let due: Vec<_> = changes.iter().filter_map(|(_, change)| due(change)).collect();
        let intended = changes.iter().filter_map(|(_, change)| change.journal.as_ref());
        let journal: Vec<&JournalRow> = rows.iter().chain(intended).collect();
        futures_util::try_join!(
            insert::journal(on, &journal),
            insert::due(on, &due),
            insert::deliveries(on, &deliveries),
        )?;
        Ok(())
    }
}

/// Notes the last call on the claims, before which the attempt's own cannot be.
fn learn(verification: &mut Verification, held: Held) {
    if let Some(attempt) = verification.attempts.last_mut() {
        attempt.earlier_call_start = attempt.earlier_call_start.max(held.last_call_start);
    }
}

/// Stores verifications and claims unchecked.
pub(super) async fn seed(
    on: &Link,
    verifications: &[(Verification, i64, Vec<KeyedClaim>)],
    timing: &Timing,
) -> Result<(), Failure> {
    let packed: Vec<Box<[u8]>> = verifications.iter().map(|(new, ..)| pack(new)).collect();
    let packed = verifications.iter().zip(&packed);
    let new: Vec<_> = packed.map(|((new, to, _), packed)| (new, *to, &**packed)).collect();
    let claims = verifications.iter().flat_map(|(new, _, claims)| {
        let index = new.attempts.last().map_or(0, |attempt| attempt.index);
        claims.iter().map(move |claim| (form_of(claim), (new.id, index)))
    });
    on.batch_execute("BEGIN").await?;
    keep_claims(on, &BTreeSet::new(), &claims.collect()).await?;
    insert::verifications(on, &new, timing).await?;
    Ok(on.batch_execute("COMMIT").await?)
}
