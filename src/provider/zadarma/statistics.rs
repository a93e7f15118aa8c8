//! Outgoing calls as the statistics list them: one row a leg, finished calls only.
//!
//! They show that a call was made and whether somebody picked up; no field tells
//! the pressed key.

use jiff::SignedDuration;
use serde::Deserialize;

use super::{EPOCH, pbx_time};
use crate::domain::PbxTime;
use crate::provider::FinishedCall;
use crate::zadarma::form::Params;
use crate::zadarma::{Disposition, parse_call_start};

/// The most rows that one answer holds.
const MOST_ROWS: &str = "1000";

/// `GET /v1/statistics/pbx/`, as far as it is read.
#[derive(Deserialize)]
pub(super) struct Answer {
    stats: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    callstart: String,
    /// A number or text; absent on a phantom leg.
    #[serde(default)]
    destination: serde_json::Value,
    #[serde(default)]
    disposition: String,
}

pub(super) fn params(from: PbxTime, until: PbxTime) -> Params {
    Params::new()
        .text("start", written(from))
        .text("end", written(until))
        .text("version", "2")
        .text("call_type", "out")
        .text("limit", MOST_ROWS)
}

/// Rows that name no number or no time are left out: they tell nothing.
pub(super) fn finished_calls(answer: Answer) -> Vec<FinishedCall> {
    answer.stats.into_iter().filter_map(finished_call).collect()
}

fn finished_call(row: Row) -> Option<FinishedCall> {
    let to = match row.destination {
        serde_json::Value::String(text) if !text.is_empty() => text,
        serde_json::Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let started_at = pbx_time(parse_call_start(&row.callstart)?);
    let answered = Disposition::parse(&row.disposition) == Disposition::Answered;
    Some(FinishedCall { to, started_at, answered })
}

fn written(time: PbxTime) -> String {
    let civil = EPOCH.saturating_add(SignedDuration::from_secs(time.0));
    civil.strftime("%Y-%m-%d %H:%M:%S").to_string()
}
