//! The published vectors, the traps, and bad input.

use proptest::prelude::*;
use serde_json::Value;

use super::form::{self, Params};
use super::notification::{CallEvent, Decoded, Malformed, Notification, Unauthentic};
use super::wire::{self, Failure};
use super::*;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../tests/data/zadarma-vectors.json")).unwrap()
}

fn secret() -> Secret {
    Secret::new("test_secret")
}

fn value(json: &Value) -> form::Value {
    match json {
        Value::Bool(true) => form::Value::Text("1".to_owned()),
        Value::Array(items) => form::Value::List(items.iter().map(value).collect()),
        Value::Object(members) => {
            form::Value::Map(members.iter().map(|(k, v)| (k.clone(), value(v))).collect())
        }
        Value::String(text) => form::Value::Text(text.clone()),
        other => form::Value::Text(other.to_string()),
    }
}

fn webhook<'a>(vectors: &'a Value, id: &str) -> (&'a str, &'a [u8]) {
    let all = vectors["webhooks"].as_array().unwrap();
    let found = all.iter().find(|hook| hook["id"] == id).unwrap();
    (found["body"].as_str().unwrap(), found["signature_header"].as_str().unwrap().as_bytes())
}

fn judge(body: &str, header: &[u8]) -> Result<usize, Unauthentic> {
    let decoded = Decoded::from_urlencoded(body.as_bytes()).unwrap();
    decoded.authenticate(Some(header), &[secret()]).map(|authentic| authentic.secret_index())
}

#[test]
fn every_request_vector_is_signed_byte_for_byte() {
    let vectors = vectors();
    let requests = vectors["requests"].as_array().unwrap();
    for request in requests.iter().filter(|request| request["id"] != "nested_object") {
        let mut params = Params::new().text("format", "json");
        for (name, json) in request["params"].as_object().unwrap() {
            params = params.value(name, value(json));
        }
        let (path, query) = (request["path"].as_str().unwrap(), params.query());
        assert_eq!(query, request["signed_query"].as_str().unwrap());
        let header = sign::authorization("test_key", &secret(), path, &query);
        assert_eq!(header, request["authorization"].as_str().unwrap());
    }
    assert_eq!(requests.len(), 14);
}

#[test]
fn nested_maps_keep_their_own_order() {
    // Apart from the others because the JSON reader sorts the members of a map.
    let text = |text: &str| form::Value::Text(text.to_owned());
    let phone = vec![("type".to_owned(), text("work")), ("phone".to_owned(), text("+44123456100"))];
    let customer = form::Value::Map(vec![
        ("name".to_owned(), text("Good company")),
        ("status".to_owned(), text("company")),
        ("phones".to_owned(), form::Value::List(vec![form::Value::Map(phone)])),
    ]);
    let query = Params::new().text("format", "json").value("customer", customer).query();
    let vectors = vectors();
    let all = vectors["requests"].as_array().unwrap();
    let vector = all.iter().find(|request| request["id"] == "nested_object").unwrap();
    assert_eq!(query, vector["signed_query"].as_str().unwrap());
}

#[test]
fn the_signed_text_is_rebuilt_from_any_wire_order() {
    for request in vectors()["requests"].as_array().unwrap() {
        let wire = &request["wire_php"];
        let target = wire["target"].as_str().unwrap();
        let (_, query) = target.split_once('?').unwrap_or((target, ""));
        let sent = if query.is_empty() { wire["body"].as_str().unwrap() } else { query };
        let fields: Vec<(String, String)> = form::decode(sent.as_bytes())
            .map(|field| field.map(|(name, value)| (name.into_owned(), value.into_owned())))
            .collect::<Result<_, _>>()
            .unwrap();
        assert_eq!(form::rebuild(&fields), request["signed_query"].as_str().unwrap());
    }
}

#[test]
fn every_webhook_vector_is_authentic_and_its_raw_variant_is_not() {
    let vectors = vectors();
    let hooks = vectors["webhooks"].as_array().unwrap();
    for hook in hooks {
        let (body, header) = webhook(&vectors, hook["id"].as_str().unwrap());
        assert_eq!(judge(body, header), Ok(0), "{}", hook["id"]);
        let raw = hook["raw_base64_variant"].as_str().unwrap().as_bytes();
        assert_eq!(judge(body, raw), Err(Unauthentic::Length(28)));
        let pairs: Vec<(String, String)> = serde_json::from_value(hook["fields"].clone()).unwrap();
        let decoded = Decoded::from_pairs(pairs).unwrap();
        let secrets = [Secret::new("newer"), secret()];
        assert_eq!(decoded.authenticate(Some(header), &secrets).unwrap().secret_index(), 1);
    }
    assert_eq!(hooks.len(), 13);
}

#[test]
fn the_traps_are_as_described() {
    let vectors = vectors();
    let (no_key, header) = webhook(&vectors, "notify_end_call_button_no_key");
    let forged = no_key.replace("callback_dtmf=&", "callback_dtmf=1&");
    assert_eq!(judge(&forged, header), Ok(0), "the key is not signed");
    let shifted = no_key.replace("0999999999&called_did=0", "09999999990&called_did=");
    assert_eq!(judge(&shifted, header), Ok(0), "nothing separates the signed fields");
    let (start, header) = webhook(&vectors, "notify_start");
    for id in ["notify_internal", "notify_end_answered", "notify_ivr_wait_dtmf"] {
        assert_eq!(webhook(&vectors, id).1, header);
    }
    let traps = vectors["webhook_traps"].as_array().unwrap();
    let wrong = traps.iter().find(|trap| trap["id"] == "wrong_secret").unwrap();
    let wrong = wrong["signature_header"].as_str().unwrap().as_bytes();
    assert_eq!(judge(start, wrong), Err(Unauthentic::Mismatch));
    let decoded = Decoded::from_urlencoded(start.as_bytes()).unwrap();
    let refused = decoded.authenticate(None, &[secret()]).unwrap_err();
    assert_eq!((refused, refused.header_length()), (Unauthentic::Absent, None));
}

#[test]
fn nothing_is_authentic_by_default() {
    let unsigned = |secrets: &[Secret]| {
        let header = sign::signature(&Secret::new(""), &["x"]);
        let decoded = Decoded::from_urlencoded(b"event=SMS&result=x").unwrap();
        decoded.authenticate(Some(header.as_bytes()), secrets).unwrap_err()
    };
    assert_eq!(unsigned(&[]), Unauthentic::Mismatch);
    assert_eq!(unsigned(&[Secret::new("")]), Unauthentic::Mismatch);
    let over_nothing = sign::signature(&secret(), &[]);
    assert_eq!(judge("event=NEW", over_nothing.as_bytes()), Err(Unauthentic::Mismatch));
}

#[test]
fn an_event_without_a_documented_signature_may_use_any_formula() {
    for signed in [&["7", "0", "2026"][..], &["100", "8", "2026"], &["{}"]] {
        let header = sign::signature(&secret(), signed);
        let body = "event=NEW&caller_id=7&called_did=0&call_start=2026&internal=100\
                    &destination=8&result=%7B%7D";
        assert_eq!(judge(body, header.as_bytes()), Ok(0), "{signed:?}");
    }
}

#[test]
fn a_button_result_is_read_with_its_absent_and_empty_fields_apart() {
    let vectors = vectors();
    let read = |id: &str, check: &dyn Fn(Notification<'_>)| {
        let (body, header) = webhook(&vectors, id);
        let decoded = Decoded::from_urlencoded(body.as_bytes()).unwrap();
        check(decoded.authenticate(Some(header), &[secret()]).unwrap().interpret());
    };
    read("notify_end_call_button_no_key", &|notification| {
        let Notification::Call(call) = notification else { panic!("{notification:?}") };
        assert_eq!((call.event, call.number), (CallEvent::End, "0999999999"));
        assert_eq!((call.called_did, call.callback_dtmf), (Some("0"), Some("")));
    });
    read("notify_out_end", &|notification| {
        let Notification::Call(call) = notification else { panic!("{notification:?}") };
        assert_eq!((call.event, call.number), (CallEvent::OutEnd, "380999999999"));
        assert_eq!(call.callback_dtmf, None);
        let disposition = call.disposition.map(Disposition::parse);
        assert_eq!(disposition, Some(Disposition::NoMoneyNoLimit));
    });
    read("call_tracking", &|notification| {
        assert_eq!(notification, Notification::Other { event: "CALL_TRACKING" });
    });
}

#[test]
fn ambiguous_bodies_are_malformed() {
    let malformed = |body: &[u8]| Decoded::from_urlencoded(body).err();
    assert_eq!(malformed(b"event=a&event=a"), Some(Malformed::RepeatedField));
    assert_eq!(malformed(b"event=a&%65vent=b"), Some(Malformed::RepeatedField));
    assert_eq!(malformed(b"event=%FF"), Some(Malformed::NotUtf8));
    assert_eq!(malformed("caller_id=٣80".as_bytes()), Some(Malformed::ForeignDigit));
    assert_eq!(malformed("call_start=2026²".as_bytes()), Some(Malformed::ForeignDigit));
    assert_eq!(malformed("result=٣".as_bytes()), None, "free text may hold any digit");
    let many: Vec<String> = (0..65).map(|index| format!("f{index}=")).collect();
    assert_eq!(malformed(many.join("&").as_bytes()), Some(Malformed::TooManyFields));
    assert_eq!(malformed(many[1..].join("&").as_bytes()), None);
}

proptest! {
    #[test]
    fn any_body_is_decoded_authenticated_and_interpreted_without_panic(
        body in prop::collection::vec(any::<u8>(), 0..200),
        header in prop::option::of(prop::collection::vec(any::<u8>(), 0..60)),
    ) {
        if let Ok(decoded) = Decoded::from_urlencoded(&body) {
            let _ = decoded.authenticate(header.as_deref(), &[secret()]).is_ok();
        }
        let _ = wire::read::<wire::VerifyAnswer>(200, &body);
    }

    #[test]
    fn what_is_encoded_decodes_to_the_same_fields(
        fields in prop::collection::vec(("[a-zé%+&=]{1,6}", "\\PC{0,12}"), 0..8),
    ) {
        let body = form::encode(fields.iter().map(|(n, v)| (n.as_str(), v.as_str())));
        let decoded: Vec<(String, String)> = form::decode(body.as_bytes())
            .map(|field| field.map(|(n, v)| (n.into_owned(), v.into_owned())).unwrap())
            .collect();
        prop_assert_eq!(decoded, fields);
    }

    #[test]
    fn any_signed_call_is_authentic_and_says_what_was_signed(
        number in "[+0-9a-z ]{1,16}", did in "[0-9+%&]{0,12}", start in "[0-9 :-]{0,20}",
    ) {
        let body = form::encode([
            ("event", "NOTIFY_END"), ("caller_id", &number), ("called_did", &did),
            ("call_start", &start),
        ]);
        let header = sign::signature(&secret(), &[&number, &did, &start]);
        let decoded = Decoded::from_urlencoded(body.as_bytes()).unwrap();
        let authentic = decoded.authenticate(Some(header.as_bytes()), &[secret()]).unwrap();
        let Notification::Call(call) = authentic.interpret() else { panic!("a call") };
        prop_assert_eq!((call.number, call.call_start), (number.as_str(), start.as_str()));
    }
}

#[test]
fn a_call_start_has_exactly_nineteen_characters_and_exists() {
    let read = parse_call_start("2026-10-05 09:15:07").unwrap();
    assert_eq!(read, jiff::civil::date(2026, 10, 5).at(9, 15, 7, 0));
    for bad in [
        "",
        "2026-10-05 09:15:7",
        "2026-10-05T09:15:07",
        "2026-02-30 09:15:07",
        "2026-10-05 24:00:00",
        "02026-10-05 09:15:0",
        "2026-10-05 09:15:070",
        "2026-10-05 09:15:60",
        "２026-10-05 09:15",
        "-026-10-05 09:15:07",
    ] {
        assert_eq!(parse_call_start(bad), None, "{bad}");
    }
}

#[test]
fn languages_and_dispositions_are_known_by_the_providers_names() {
    assert_eq!(language("uk"), Some("ua"));
    assert_eq!(language("ko"), None);
    assert_eq!(Disposition::parse("Call Failed"), Disposition::Failed);
    assert_eq!(Disposition::parse("ANSWERED"), Disposition::Answered);
    assert_eq!(Disposition::parse("answered "), Disposition::Unknown);
}

#[test]
fn answers_accept_numbers_and_text_alike() {
    let sounds = br#"{"status":"success","pbx_id":1,"sounds":[{"id":42,"name":"a"},{"id":"6f","name":"b"}]}"#;
    let sounds = wire::read::<wire::SoundsAnswer>(200, sounds).unwrap().sounds;
    assert_eq!((sounds[0].id.as_str(), sounds[1].id.as_str()), ("42", "6f"));
    let numbers =
        br#"{"status":"success","info":[{"number":49876543210,"status":"on"},{"number":"19293091254","status":"parking"},{"number":1}]}"#;
    let numbers = wire::read::<wire::DirectNumbersAnswer>(200, numbers).unwrap();
    assert_eq!(numbers.numbers, ["49876543210", "19293091254", "1"]);
    assert_eq!(numbers.not_on, [("19293091254".to_owned(), "parking".to_owned())]);
    let zone = br#"{"status":"success","unixtime":"1483228800","datetime":"2017-01-01 00:00:00","timezone":"UTC+0"}"#;
    assert_eq!(wire::read::<wire::TimezoneAnswer>(200, zone).unwrap().unixtime, 1_483_228_800);
    let info = br#"{"status":"success","url":"https://a/","notifications":{"notify_end":"true","notify_answer":"false"}}"#;
    let info = wire::read::<wire::CallInfoAnswer>(200, info).unwrap();
    assert!(info.is_on("notify_end") && !info.is_on("notify_answer") && !info.is_on("other"));
    let balance = br#"{"status":"success","balance":"18.1636","currency":"EUR"}"#;
    assert!(
        (wire::read::<wire::BalanceAnswer>(200, balance).unwrap().balance - 18.1636).abs() < 1e-9
    );
    let internal = br#"{"status":"success","pbx_id":1234,"numbers":[100,"101"]}"#;
    assert_eq!(wire::read::<wire::InternalAnswer>(200, internal).unwrap().numbers, ["100", "101"]);
    let stats = br#"{"status":"success","stats":[{"call_id":1.5,"callstart":"2026-10-05 09:15:07","clid":48539923725,"destination":"100","disposition":"call failed","seconds":0,"pbx_call_id":"out_a"}]}"#;
    let stats = wire::read::<wire::StatisticsAnswer>(200, stats).unwrap().stats;
    assert_eq!((stats[0].clid.as_str(), stats[0].callstart.hour()), ("48539923725", 9));
    let verify = wire::read::<wire::VerifyAnswer>(200, br#"{"status":"success"}"#).unwrap();
    assert_eq!(verify.request_id, None);
}

#[test]
fn failures_are_told_apart() {
    let fail =
        |status, body: &str| wire::read::<wire::SoundsAnswer>(status, body.as_bytes()).unwrap_err();
    let limit = r#"{"status":"error","message":"You exceeded the rate limit by User Limits"}"#;
    assert_eq!(fail(200, limit), Failure::RateLimited);
    assert_eq!(fail(429, ""), Failure::RateLimited);
    assert_eq!(fail(401, "<html>"), Failure::Unauthorized);
    assert_eq!(fail(502, "<html>"), Failure::Server { status: 502 });
    let declined = r#"{"status":"error","message":"Check your phone number"}"#;
    for status in [200, 400] {
        let message = "Check your phone number".to_owned();
        assert_eq!(fail(status, declined), Failure::Refused { message });
    }
    assert!(matches!(fail(400, "<html>"), Failure::Refused { .. }));
    assert!(matches!(fail(403, r#"{"status":"success","sounds":[]}"#), Failure::Refused { .. }));
    for unreadable in [
        "",
        "<html>",
        r#"{"status":"success","sounds":[{"#,
        r#"{"sounds":[]}"#,
        "[]",
        "null",
        r#"{"status":"success"}"#,
        r#"{"status":"success","sounds":7}"#,
        r#"{"status":1}"#,
        r#"{"status":"success","sounds":[{"id":null,"name":"a"}]}"#,
    ] {
        assert!(matches!(fail(200, unreadable), Failure::Unreadable { .. }), "{unreadable}");
    }
    let redirect = fail(302, r#"{"status":"success","sounds":[]}"#);
    assert!(matches!(redirect, Failure::Unreadable { .. }));
}
