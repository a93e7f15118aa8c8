//! Outgoing calls as the statistics list them: one row a leg, finished calls only.

use jiff::SignedDuration;

use super::{EPOCH, pbx_time};
use crate::domain::PbxTime;
use crate::provider::FinishedCall;
use crate::zadarma::Disposition;
use crate::zadarma::form::Params;
use crate::zadarma::wire::{StatisticsAnswer, StatisticsRow};

/// The most rows that one answer holds.
const MOST_ROWS: &str = "1000";

pub(super) fn params(from: PbxTime, until: PbxTime) -> Params {
    Params::new()
        .text("start", written(from))
        .text("end", written(until))
        .text("version", "2")
        .text("call_type", "out")
        .text("limit", MOST_ROWS)
}

/// Legs without a number are left out: they tell nothing.
pub(super) fn finished_calls(answer: StatisticsAnswer) -> Vec<FinishedCall> {
    let named = answer.stats.into_iter().filter(|row| !row.destination.is_empty());
    named.map(finished_call).collect()
}

fn finished_call(row: StatisticsRow) -> FinishedCall {
    FinishedCall {
        to: row.destination,
        started_at: pbx_time(row.callstart),
        answered: Disposition::parse(&row.disposition) == Disposition::Answered,
    }
}

fn written(time: PbxTime) -> String {
    let civil = EPOCH.saturating_add(SignedDuration::from_secs(time.0));
    civil.strftime("%Y-%m-%d %H:%M:%S").to_string()
}
