//! Random histories of the pure core, and what holds in each of them.
//!
//! A failure names its seed and tells the shortest history that still fails;
//! [`replay`] runs one seed again.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use super::history::History;
use super::invariants::Broken;
use super::run::Run;
use super::tally::Tally;
use crate::domain::Outcome;

/// How many histories are run, by how many threads.
const HISTORIES: u64 = 200_000;
const THREADS: u64 = 2;

#[test]
fn what_is_promised_holds_in_every_history() {
    let next = AtomicU64::new(0);
    let tallies = thread::scope(|scope| {
        let run = || {
            let mut sum = Tally::default();
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= HISTORIES {
                    return sum;
                }
                sum.add(&replay(seed));
            }
        };
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(run)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("no history fails"))
            .collect::<Vec<_>>()
    });
    let mut sum = Tally::default();
    for tally in &tallies {
        let histories = sum.histories + tally.histories;
        sum.add(tally);
        sum.histories = histories;
    }
    println!("{}", sum.describe());
    assert_eq!(sum.histories, HISTORIES);
    // Codes have histories of their own, beside the plans.
    let by_call = |outcome: &Outcome| {
        !matches!(outcome, Outcome::CodeCorrect | Outcome::TooManyChecks | Outcome::NotMe)
    };
    for (outcome, count) in
        Outcome::ALL.iter().zip(sum.outcomes).filter(|(outcome, _)| by_call(outcome))
    {
        assert!(count > 0, "no history ended as {}", outcome.as_str());
    }
    assert!(sum.redeemed > 0 && sum.disputed > 0 && sum.refused_starts > 0);
    assert!(sum.attacks > 10_000, "the adversary was idle");
    assert!(
        sum.forgiven.iter().sum::<u64>() * 100 < sum.told,
        "too much is lost around changes of zone"
    );
}

/// Runs one history; panics with its shortest failing part if something does not hold.
fn replay(seed: u64) -> Tally {
    let history = History::draw(seed);
    match Run::new(&history, false).finish().0 {
        Ok(tally) => tally,
        Err(broken) => panic!("{}", tell(&shorten(history, &broken))),
    }
}

/// Leaves out whatever is not needed for the same invariant to break.
fn shorten(mut history: History, broken: &Broken) -> History {
    let breaks = |history: &History| {
        let result = Run::new(history, false).finish().0;
        result.is_err_and(|other| other.split(':').next() == broken.split(':').next())
    };
    let mut index = history.happenings.len();
    while index > 0 {
        index -= 1;
        let mut shorter = history.clone();
        shorter.happenings.remove(index);
        if breaks(&shorter) {
            history = shorter;
        }
    }
    history
}

fn tell(history: &History) -> String {
    let (result, log) = Run::new(history, true).finish();
    let broken = result.err().unwrap_or_default();
    format!("seed {}\n{}\n=> {broken}", history.seed, log.join("\n"))
}
