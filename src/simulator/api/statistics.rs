//! `/v1/statistics/pbx/`: finished calls, one row per leg.

use serde_json::{Value, json};

use super::answer::Answer;
use super::received::Received;
use crate::simulator::call::{Call, CallState, Kind};
use crate::simulator::world::World;
use crate::zadarma::parse_call_start;

pub(super) fn pbx(world: &World, received: &Received) -> Answer {
    let time = |name: &str, otherwise: &str| {
        let text = received.param(name).unwrap_or(otherwise);
        parse_call_start(text).map(|_| text.to_owned())
    };
    let now = world.pbx_time(0);
    let midnight = format!("{} 00:00:00", now.split(' ').next().unwrap_or_default());
    let (Some(start), Some(end)) = (time("start", &midnight), time("end", &now)) else {
        return Answer::error("Wrong date format").with_status(400);
    };
    let count = |name: &str, otherwise: usize| match received.param(name) {
        Some(text) => text.parse().unwrap_or(otherwise),
        None => otherwise,
    };
    let wanted = received.param("call_type");
    let is_wanted = |call: &&Call| {
        let direction = if call.kind == Kind::Incoming { "in" } else { "out" };
        call.state == CallState::Ended
            && wanted.is_none_or(|wanted| wanted == direction)
            && (start.as_str()..=end.as_str()).contains(&call.call_start.as_str())
    };
    let stats: Vec<Value> = world.look(|state| {
        let calls = state.calls.iter().filter(is_wanted);
        calls.skip(count("skip", 0)).take(count("limit", 1000).min(1000)).map(row).collect()
    });
    Answer::success(json!({ "start": start, "end": end, "version": 2, "stats": stats }))
}

fn row(call: &Call) -> Value {
    let disposition = match call.disposition.as_deref() {
        Some("failed") => "call failed",
        Some(other) => other,
        None => "answered",
    };
    let (clid, destination) = match call.kind {
        Kind::Incoming => (call.number.as_str(), call.from.as_str()),
        Kind::Button | Kind::Code | Kind::Agent => (call.from.as_str(), call.number.as_str()),
    };
    json!({
        "call_id": format!("{}.{}", call.begun_at.as_second(), call.id),
        "sip": "100",
        "callstart": call.call_start,
        "clid": clid,
        "destination": destination,
        "disposition": disposition,
        "seconds": call.seconds(),
        "is_recorded": "false",
        "pbx_call_id": call.pbx_call_id,
    })
}
