//! Any body in either content type is read or refused, never a panic.

use proptest::prelude::*;

use super::super::{Received, body};
use crate::service::AccountIndex;

fn received(content_type: &str, body: Vec<u8>) -> Received {
    Received {
        account: AccountIndex(0),
        source: std::net::Ipv4Addr::LOCALHOST.into(),
        content_type: Some(content_type.into()),
        signature: None,
        body: body.into(),
        at: jiff::Timestamp::UNIX_EPOCH,
    }
}

/// The fields of a body, if it can be read.
fn read(content_type: &str, body: Vec<u8>) -> Option<Vec<(String, String)>> {
    let received = received(content_type, body);
    let decoded = futures_util::FutureExt::now_or_never(body::decode(&received));
    let decoded = decoded.expect("the whole body is there").ok()?;
    let names = ["event", "caller_id", "call_start"];
    let found = |name: &str| decoded.field(name).map(|value| (name.to_owned(), value.to_owned()));
    Some(names.into_iter().filter_map(found).collect())
}

/// A body of parts that may be whole or not.
fn parts() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just("--x\r\n".to_owned()),
        Just("--x--\r\n".to_owned()),
        Just("\r\n".to_owned()),
        Just("\r\n\r\n".to_owned()),
        Just("Content-Disposition: form-data; name=\"event\"\r\n".to_owned()),
        Just("Content-Disposition: form-data; name=\"caller_id\"; filename=\"a\"\r\n".to_owned()),
        Just("Content-Disposition: form-data\r\n".to_owned()),
        Just("NOTIFY_END".to_owned()),
        "\\PC{0,8}",
    ];
    let bytes = prop_oneof![
        8 => piece.prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..8),
    ];
    prop::collection::vec(bytes, 0..24).prop_map(|pieces| pieces.concat())
}

/// A caller without control characters, and without digits, which a number is read from: the
/// generator's tables may know fewer digits than the standard library's.
fn caller() -> impl Strategy<Value = String> {
    "[^\\x00-\\x1f\\p{N}]{0,12}"
        .prop_filter("no digit of any script", |caller| !caller.contains(char::is_numeric))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_multipart_body_is_read_or_refused(body in parts(), content_type in "\\PC{0,30}") {
        let _ = read("multipart/form-data; boundary=x", body.clone());
        let _ = read(&format!("multipart/{content_type}"), body.clone());
        let _ = read(&content_type, body);
    }

    #[test]
    fn fields_are_the_same_in_either_content_type(
        event in "[A-Z_]{1,12}", caller in caller(), start in "[0-9: -]{0,20}",
    ) {
        let fields = [("event", event.as_str()), ("caller_id", &caller), ("call_start", &start)];
        let part = |(name, value): &(&str, &str)| {
            format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        let multipart: String = fields.iter().map(part).chain(["--x--\r\n".to_owned()]).collect();
        let form = crate::zadarma::form::encode(fields);
        let one = read("multipart/form-data; boundary=x", multipart.into_bytes());
        let other = read("application/x-www-form-urlencoded", form.into_bytes());
        prop_assert!(one.is_some());
        prop_assert_eq!(one, other);
    }
}
