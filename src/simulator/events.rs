//! The fields of every notification, as the PBX would fill them. Pure.

use jiff::Timestamp;
use jiff::tz::Offset;

use super::call::{Call, Kind};
use super::numbers;
use super::script::{KeyIn, Legs, ResultEvents, Script};

/// A notification's fields in their order.
pub(super) type Fields = Vec<(String, String)>;

/// The PBX's civil time: the clock, its skew, and the account's zone.
pub(super) fn civil(now: Timestamp, skew_seconds: i64, offset_minutes: i32) -> String {
    let seconds = now.as_second().saturating_add(skew_seconds);
    let shifted = Timestamp::from_second(seconds).unwrap_or(now);
    let offset = Offset::from_seconds(offset_minutes.saturating_mul(60)).unwrap_or(Offset::UTC);
    offset.to_datetime(shifted).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// The number as this call's notifications write it.
pub(super) fn written(call: &Call, script: &Script) -> String {
    match &script.number_written {
        Some(written) => written.clone(),
        None => numbers::written(&call.given, script.number_form),
    }
}

pub(super) fn start(call: &Call, script: &Script) -> Fields {
    fields([
        ("event", "NOTIFY_START"),
        ("call_start", &call.call_start),
        ("pbx_call_id", &call.pbx_call_id),
        ("caller_id", &written(call, script)),
        ("called_did", &script.called_did),
    ])
}

pub(super) fn out_start(call: &Call, script: &Script) -> Fields {
    fields([
        ("event", "NOTIFY_OUT_START"),
        ("call_start", &call.call_start),
        ("pbx_call_id", &call.pbx_call_id),
        ("destination", &written(call, script)),
        ("caller_id", &call.from),
        ("internal", &script.internal),
        ("calltype", &script.calltype),
    ])
}

pub(super) fn answer(call: &Call, script: &Script) -> Fields {
    fields([
        ("event", "NOTIFY_ANSWER"),
        ("caller_id", &call.from),
        ("destination", &written(call, script)),
        ("call_start", &call.call_start),
        ("pbx_call_id", &call.pbx_call_id),
        ("internal", &script.internal),
    ])
}

/// The result events of an ended call in their order; `second_id` names the call
/// when it is told a second time under another id.
pub(super) fn results(call: &Call, script: &Script, second_id: &str) -> Vec<Fields> {
    let events: &[&str] = match script.result {
        ResultEvents::End => &["NOTIFY_END"],
        ResultEvents::OutEnd => &["NOTIFY_OUT_END"],
        ResultEvents::Both => &["NOTIFY_END", "NOTIFY_OUT_END"],
        ResultEvents::OutEndThenEnd => &["NOTIFY_OUT_END", "NOTIFY_END"],
        ResultEvents::None => &[],
    };
    let ids: &[&str] =
        if script.two_ids { &[&call.pbx_call_id, second_id] } else { &[&call.pbx_call_id] };
    let legs: &[&str] = match script.legs {
        Legs::One => &[&script.calltype],
        Legs::Two => &[&script.calltype, "callback_leg2"],
    };
    let told = ids.iter().flat_map(|id| {
        legs.iter().flat_map(move |leg| events.iter().map(move |event| (*event, *id, *leg)))
    });
    told.enumerate()
        .map(|(index, (event, id, leg))| {
            result(call, script, (event, id, leg), key_told(call, script, index))
        })
        .collect()
}

/// What the event at `index` says about the key; `None` leaves the field out.
fn key_told(call: &Call, script: &Script, index: usize) -> Option<String> {
    if let Some(keys) = &script.keys {
        return keys.get(index).cloned().flatten();
    }
    let told = match script.key_in {
        KeyIn::All => true,
        KeyIn::First => index == 0,
        KeyIn::Second => index == 1,
        KeyIn::None => false,
    };
    told.then(|| call.key.clone().unwrap_or_default())
}

fn result(
    call: &Call,
    script: &Script,
    (event, id, leg): (&str, &str, &str),
    key: Option<String>,
) -> Fields {
    let mut told =
        fields([("event", event), ("call_start", &call.call_start), ("pbx_call_id", id)]);
    let number = written(call, script);
    let internal = script.internal.as_str();
    told.extend(if event == "NOTIFY_END" {
        fields([
            ("caller_id", &number),
            ("called_did", &script.called_did),
            ("internal", internal),
            ("last_internal", internal),
        ])
    } else {
        fields([("caller_id", &call.from), ("destination", &number), ("internal", internal)])
    });
    told.extend(fields([
        ("duration", &call.seconds().to_string()),
        ("status_code", call.status_code.as_deref().unwrap_or("16")),
        ("is_recorded", "0"),
        ("calltype", leg),
    ]));
    told.extend(key.map(|key| ("callback_dtmf".to_owned(), key)));
    told.extend(fields([("disposition", call.disposition.as_deref().unwrap_or("answered"))]));
    told
}

/// Everything an unrelated call tells. A key, which such calls never carry, is
/// there for those who try to pass one off as a verification's.
pub(super) fn unrelated(call: &Call, script: &Script) -> Vec<Fields> {
    let number = written(call, script);
    let (seconds, internal) = (call.seconds().to_string(), script.internal.as_str());
    let disposition = call.disposition.as_deref().unwrap_or("answered");
    let cause = call.status_code.as_deref().unwrap_or("16");
    let head = |event| {
        [
            ("event", event),
            ("call_start", call.call_start.as_str()),
            ("pbx_call_id", call.pbx_call_id.as_str()),
        ]
    };
    let (did, from) = (call.from.as_str(), call.from.as_str());
    let tail = [
        ("duration", seconds.as_str()),
        ("disposition", disposition),
        ("status_code", cause),
        ("is_recorded", "0"),
        ("calltype", "normal"),
    ];
    let key = call.key.iter().map(|key| ("callback_dtmf", key.as_str()));
    let told: Vec<Vec<(&str, &str)>> = if call.kind == Kind::Agent {
        let parties =
            [("destination", number.as_str()), ("caller_id", from), ("internal", internal)];
        vec![
            head("NOTIFY_OUT_START").into_iter().chain(parties).collect(),
            head("NOTIFY_OUT_END").into_iter().chain(parties).chain(tail).chain(key).collect(),
        ]
    } else {
        let parties = [("caller_id", number.as_str()), ("called_did", did)];
        let extension = [("internal", internal)];
        vec![
            head("NOTIFY_START").into_iter().chain(parties).collect(),
            head("NOTIFY_INTERNAL").into_iter().chain(parties).chain(extension).collect(),
            head("NOTIFY_END")
                .into_iter()
                .chain(parties)
                .chain(extension)
                .chain([("last_internal", internal)])
                .chain(tail)
                .chain(key)
                .collect(),
        ]
    };
    told.into_iter().map(|pairs| pairs.into_iter().map(owned).collect()).collect()
}

/// Makes fields of names and values.
fn fields<const N: usize>(pairs: [(&str, &str); N]) -> Fields {
    pairs.into_iter().map(owned).collect()
}

fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}
