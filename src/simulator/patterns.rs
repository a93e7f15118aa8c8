//! Scripts by the last two digits of a number, for people without a control API at hand.

use super::script::Script;

/// Ending, what happens, and the script as one would put it.
pub(super) const PATTERNS: [(&str, &str, &str); 40] = [
    ("01", "presses 1", r#"{}"#),
    ("02", "presses another key, 5", r#"{"press":"5"}"#),
    ("03", "answers and presses nothing", r#"{"press":""}"#),
    ("04", "does not answer", r#"{"does":"no_answer"}"#),
    ("05", "is busy", r#"{"does":"busy"}"#),
    ("06", "refuses the call, cause 21", r#"{"does":"refused"}"#),
    ("07", "result as NOTIFY_OUT_END", r#"{"result":"out_end"}"#),
    ("08", "result as NOTIFY_END, then NOTIFY_OUT_END", r#"{"result":"both"}"#),
    ("09", "result as NOTIFY_OUT_END, then NOTIFY_END", r#"{"result":"out_end_then_end"}"#),
    ("10", "both, the key in the first only", r#"{"result":"both","key_in":"first"}"#),
    ("11", "both, the key in the second only", r#"{"result":"both","key_in":"second"}"#),
    ("12", "two legs under one id", r#"{"legs":2}"#),
    ("13", "two legs, the key in the second", r#"{"legs":2,"key_in":"second"}"#),
    ("14", "one call under two ids", r#"{"two_ids":true}"#),
    ("15", "an unrelated incoming call meanwhile", r#"{"meanwhile":["incoming"]}"#),
    ("16", "an agent's own call meanwhile", r#"{"meanwhile":["agent"]}"#),
    ("17", "PBX clock 20 s ahead", r#"{"clock_skew_s":20}"#),
    ("18", "PBX clock 20 s behind", r#"{"clock_skew_s":-20}"#),
    ("19", "notified before the API answers", r#"{"notify":"before_answer"}"#),
    ("20", "notified 5 s late", r#"{"notify":"late","late_ms":5000}"#),
    ("21", "notified twice", r#"{"notify":"twice"}"#),
    ("22", "never notified", r#"{"notify":"never"}"#),
    ("23", "number without plus or prefix", r#"{"number_form":"bare"}"#),
    ("24", "number with plus", r#"{"number_form":"plus"}"#),
    ("25", "number with 00", r#"{"number_form":"double_zero"}"#),
    ("26", "multipart notification", r#"{"content_type":"multipart"}"#),
    ("27", "the API answers after 3 s", r#"{"api":"slow","api_delay_ms":3000}"#),
    ("28", "the API accepts, then drops the connection", r#"{"api":"accept_then_drop"}"#),
    ("29", "the API drops the connection, no call", r#"{"api":"drop"}"#),
    ("30", "the API refuses", r#"{"api":"refuse"}"#),
    ("31", "the API answers 500 with HTML", r#"{"api":"http","api_status":500}"#),
    ("32", "the API answers 401", r#"{"api":"unauthorized"}"#),
    ("33", "the API is rate limited, HTTP 429", r#"{"api":"rate_limited_429"}"#),
    ("34", "the API is rate limited, HTTP 200", r#"{"api":"rate_limited_200"}"#),
    ("35", "the call fails", r#"{"does":"failed"}"#),
    ("36", "no such number", r#"{"does":"unallocated"}"#),
    ("37", "the account has no money", r#"{"does":"no_money"}"#),
    ("38", "rings until the PBX gives up", r#"{"does":"rings_out"}"#),
    ("39", "NOTIFY_START comes first", r#"{"notify_start":true}"#),
    ("40", "waits for a person at the handset", r#"{"does":"handset"}"#),
];

/// The script of a number by its ending, if there is one.
pub(super) fn by_ending(number: &str) -> Option<Script> {
    let (_, _, json) = PATTERNS.iter().find(|(ending, _, _)| number.ends_with(ending))?;
    Script::parse(json.as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_is_a_script_of_its_own_and_in_the_guide() {
        let guide = include_str!("guide.md");
        for (index, (ending, what, json)) in PATTERNS.iter().enumerate() {
            assert_eq!(*ending, format!("{:02}", index + 1));
            let script = Script::parse(json.as_bytes()).expect(json);
            assert_eq!(by_ending(&format!("3805000000{ending}")), Some(script));
            assert!(guide.contains(&format!("| …{ending} | {what} | `{json}` |")), "{ending}");
        }
        assert_eq!(by_ending("380500000000"), None);
    }
}
