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
    let internal = ("internal", script.internal.as_str());
    let (first, parties, end): (&[&str], Fields, &str) = if call.kind == Kind::Agent {
        let parties = [("destination", number.as_str()), ("caller_id", &call.from), internal];
        (&["NOTIFY_OUT_START"], fields(parties), "NOTIFY_OUT_END")
    } else {
        let parties = [("caller_id", number.as_str()), ("called_did", &call.from), internal];
        (&["NOTIFY_START", "NOTIFY_INTERNAL"], fields(parties), "NOTIFY_END")
    };
    let mut told: Vec<Fields> = first.iter().map(|event| head(call, event)).collect();
    told.push(head(call, end));
    for event in &mut told {
        event.extend(parties.iter().cloned());
    }
    if let Some(ending) = told.last_mut() {
        ending.extend(fields([
            ("duration", &call.seconds().to_string()),
            ("disposition", call.disposition.as_deref().unwrap_or("answered")),
            ("status_code", call.status_code.as_deref().unwrap_or("16")),
            ("is_recorded", "0"),
            ("calltype", "normal"),
        ]));
        ending.extend(call.key.iter().map(|key| owned(("callback_dtmf", key))));
    }
    told
}

fn head(call: &Call, event: &str) -> Fields {
    fields([("event", event), ("call_start", &call.call_start), ("pbx_call_id", &call.pbx_call_id)])
}

/// Makes fields of names and values.
fn fields<const N: usize>(pairs: [(&str, &str); N]) -> Fields {
    pairs.into_iter().map(owned).collect()
}

fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulator::call::CallState;

    fn ended(key: &str) -> Call {
        let at = |second| Timestamp::from_second(second).unwrap();
        Call {
            id: 1,
            kind: Kind::Button,
            number: "380999999999".to_owned(),
            given: "+380999999999".to_owned(),
            from: "380441234567".to_owned(),
            sounds: None,
            spoken: None,
            pbx_call_id: "out_a".to_owned(),
            call_start: civil(at(1_729_688_447), 0, 180),
            begun_at: at(0),
            answered_at: Some(at(2)),
            decided_at: Some(at(4)),
            ended_at: Some(at(5)),
            state: CallState::Ended,
            playing: None,
            key: Some(key.to_owned()),
            disposition: Some("answered".to_owned()),
            status_code: Some("16".to_owned()),
            handset: false,
            over: tokio_util::sync::CancellationToken::new(),
            settled: false,
        }
    }

    fn keys(script: &str) -> Vec<Option<String>> {
        let script = Script::parse(script.as_bytes()).unwrap();
        let key = |told: &Fields| told.iter().find(|(name, _)| name == "callback_dtmf").cloned();
        let told = results(&ended("1"), &script, "out_b");
        told.iter().map(|fields| key(fields).map(|(_, key)| key)).collect()
    }

    #[test]
    fn a_result_has_the_fields_that_the_provider_prints() {
        let told = results(&ended("1"), &Script::default(), "out_b");
        let pairs = told[0].iter().map(|(name, value)| (name.as_str(), value.as_str()));
        assert_eq!(
            crate::zadarma::form::encode(pairs),
            "event=NOTIFY_END&call_start=2024-10-23+16%3A00%3A47&pbx_call_id=out_a\
             &caller_id=0999999999&called_did=0&internal=100&last_internal=100&duration=3\
             &status_code=16&is_recorded=0&calltype=callback_leg1&callback_dtmf=1\
             &disposition=answered"
        );
    }

    #[test]
    fn the_key_stands_where_the_script_puts_it() {
        let one = || Some("1".to_owned());
        assert_eq!(keys(r#"{"result":"both","key_in":"first"}"#), [one(), None]);
        assert_eq!(keys(r#"{"legs":2,"key_in":"second"}"#), [None, one()]);
        assert_eq!(keys(r#"{"two_ids":true}"#), [one(), one()]);
        assert_eq!(keys(r#"{"legs":2,"keys":[""]}"#), [Some(String::new()), None]);
        assert_eq!(keys(r#"{"result":"none"}"#), []);
    }
}
