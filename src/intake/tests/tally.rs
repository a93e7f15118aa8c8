//! What a run of histories came to, in counts.

use super::truth::Call;
use crate::domain::{Conclusion, Outcome};
use crate::intake::Verdict;

#[derive(Clone, Default)]
pub(super) struct Tally {
    pub(super) histories: u64,
    pub(super) outcomes: [u64; Outcome::ALL.len()],
    pub(super) verdicts: [u64; Verdict::ALL.len()],
    pub(super) refused_starts: u64,
    pub(super) redeemed: u64,
    pub(super) disputed: u64,
    pub(super) attacks: u64,
    /// Headers that the adversary may not use, since nothing could stop him.
    pub(super) withheld: u64,
    /// Results told in time, and those of them whose loss the design accepts.
    pub(super) told: u64,
    pub(super) forgiven: [u64; 2],
}

impl Tally {
    pub(super) fn count_end(&mut self, call: &Call, end: &Conclusion) {
        let place = Outcome::ALL.iter().position(|outcome| *outcome == end.outcome);
        self.outcomes[place.expect("every outcome is listed")] += 1;
        self.disputed += u64::from(end.disputed);
        if let Some(expected) = call.told_in_time {
            self.told += 1;
            if let Some(excuse) = call.forgiven
                && end.outcome != expected
            {
                self.forgiven[excuse as usize] += 1;
            }
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.histories += 1;
        for (sum, more) in self.outcomes.iter_mut().zip(other.outcomes) {
            *sum += more;
        }
        for (sum, more) in self.verdicts.iter_mut().zip(other.verdicts) {
            *sum += more;
        }
        self.refused_starts += other.refused_starts;
        self.redeemed += other.redeemed;
        self.disputed += other.disputed;
        self.attacks += other.attacks;
        self.withheld += other.withheld;
        self.told += other.told;
        for (sum, more) in self.forgiven.iter_mut().zip(other.forgiven) {
            *sum += more;
        }
    }

    pub(super) fn describe(&self) -> String {
        let outcomes = Outcome::ALL.iter().zip(self.outcomes);
        let outcomes = outcomes.map(|(outcome, n)| format!("{} {n}", outcome.as_str()));
        let verdicts = Verdict::ALL.iter().zip(self.verdicts).filter(|(_, n)| *n > 0);
        let verdicts = verdicts.map(|(verdict, n)| format!("{} {n}", verdict.as_str()));
        format!(
            "{} histories\noutcomes: {}\nverdicts: {}\nstarts refused since a call was in flight {}, redeemed {}, \
             disputed {}\nforged {}, withheld {}\nresults told in time {}, of these lost since a restart forgot the offset before a change of zone, and in an hour that repeats: {:?}",
            self.histories,
            outcomes.collect::<Vec<_>>().join(", "),
            verdicts.collect::<Vec<_>>().join(", "),
            self.refused_starts,
            self.redeemed,
            self.disputed,
            self.attacks,
            self.withheld,
            self.told,
            self.forgiven,
        )
    }
}
