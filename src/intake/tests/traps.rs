//! Notifications with a genuine signature that must not verify, each with the
//! one rule that sees to it.

use crate::intake::Verdict;

/// Who gets in when one rule is missing.
pub(super) struct Trap {
    pub(super) rule: &'static str,
    pub(super) story: &'static str,
    /// The number that is asked to press 1.
    pub(super) asked: &'static str,
    /// When; the PBX's clock is two hours ahead of UTC.
    pub(super) intent_at: &'static str,
    /// The latest `call_start` accepted for an earlier call to the number.
    pub(super) earlier: Option<&'static str>,
    /// What the PBX signed, joined with nothing between.
    pub(super) signed: [&'static str; 3],
    /// What is delivered with that signature.
    pub(super) body: &'static [(&'static str, &'static str)],
    /// What the rule says of it.
    pub(super) verdict: Verdict,
}

const NOON: &str = "2026-11-05T10:00:00Z";
const OUT: &str = "out_0e7d449cac2f0a3ce54919e91cd999194e8f2d97";
const IN: &str = "in_ae6b03b3b0765d127ec0b739209346bbc4f0d52d";

pub(super) const TRAPS: [Trap; 8] = [
    Trap {
        rule: "unshifted",
        story: "an employee at extension 100 calls +380441112222; the signed 100380441112222 is \
                re-read as extension 10 and the German number +49380441112222 in national form",
        asked: "+49380441112222",
        intent_at: NOON,
        earlier: None,
        signed: ["100", "380441112222", "2026-11-05 12:00:20"],
        body: &[
            ("event", "NOTIFY_OUT_END"),
            ("pbx_call_id", OUT),
            ("internal", "10"),
            ("destination", "0380441112222"),
            ("call_start", "2026-11-05 12:00:20"),
            ("disposition", "answered"),
            ("callback_dtmf", "1"),
        ],
        verdict: Verdict::Ambiguous,
    },
    Trap {
        rule: "outgoing",
        story: "a call that came in, to a line that the PBX names 0, and pressed 1 in its menu",
        asked: "+380991234567",
        intent_at: NOON,
        earlier: None,
        signed: ["0991234567", "0", "2026-11-05 12:00:20"],
        body: &[
            ("event", "NOTIFY_END"),
            ("pbx_call_id", IN),
            ("caller_id", "0991234567"),
            ("called_did", "0"),
            ("call_start", "2026-11-05 12:00:20"),
            ("disposition", "answered"),
            ("callback_dtmf", "1"),
        ],
        verdict: Verdict::NotOutgoing,
    },
    Trap {
        rule: "not_to_us",
        story: "a stranger phones our number under the person's caller ID; the call's id, which \
                is not signed, is changed from in_ to out_",
        asked: "+380991234567",
        intent_at: NOON,
        earlier: None,
        signed: ["+380991234567", "48573134144", "2026-11-05 12:00:20"],
        body: &[
            ("event", "NOTIFY_END"),
            ("pbx_call_id", OUT),
            ("caller_id", "+380991234567"),
            ("called_did", "48573134144"),
            ("call_start", "2026-11-05 12:00:20"),
            ("disposition", "answered"),
            ("callback_dtmf", "1"),
        ],
        verdict: Verdict::ForeignDid,
    },
    Trap {
        rule: "whole_number",
        story: "the owner of +13125550123, which shares nine digits, presses 1 in a call of his own",
        asked: "+12125550123",
        intent_at: NOON,
        earlier: None,
        signed: ["13125550123", "0", "2026-11-05 12:00:20"],
        body: &[
            ("event", "NOTIFY_END"),
            ("pbx_call_id", OUT),
            ("caller_id", "13125550123"),
            ("called_did", "0"),
            ("call_start", "2026-11-05 12:00:20"),
            ("calltype", "callback_leg1"),
            ("disposition", "answered"),
            ("callback_dtmf", "1"),
        ],
        verdict: Verdict::NearMiss,
    },
    Trap {
        rule: "in_window",
        story: "yesterday's notification, in which the person did press 1, is sent again",
        asked: "+380991234567",
        intent_at: NOON,
        earlier: None,
        signed: ["0991234567", "0", "2026-11-04 12:00:20"],
        body: &[
            ("event", "NOTIFY_END"),
            ("pbx_call_id", OUT),
            ("caller_id", "0991234567"),
            ("called_did", "0"),
            ("call_start", "2026-11-04 12:00:20"),
            ("calltype", "callback_leg1"),
            ("disposition", "answered"),
            ("callback_dtmf", "1"),
        ],
        verdict: Verdict::OutsideWindow,
    },
    Trap {
        rule: "in_window",
        story: "the call of an agent 31 seconds before the request, told as a button call",
        asked: "+380991234567",
        intent_at: NOON,
        earlier: None,
        signed: ["100", "0991234567", "2026-11-05 11:59:29"],
        body: &[
            ("event", "NOTIFY_OUT_END"),
            ("pbx_call_id", OUT),
            ("internal", "100"),
            ("destination", "0991234567"),
            ("call_start", "2026-11-05 11:59:29"),
            ("disposition", "answered"),
            ("callback_dtmf", "1"),
        ],
        verdict: Verdict::OutsideWindow,
    },
    Trap {
        rule: "later_than_earlier",
        story: "in the autumn night whose hour repeats, the press of an hour ago is sent again: \
                03:30:20 was, and is again, a time of the clock",
        asked: "+380991234567",
        intent_at: "2026-10-25T01:30:00Z",
        earlier: Some("2026-10-25 03:30:20"),
        signed: ["0991234567", "0", "2026-10-25 03:30:20"],
        body: &[
            ("event", "NOTIFY_END"),
            ("pbx_call_id", OUT),
            ("caller_id", "0991234567"),
            ("called_did", "0"),
            ("call_start", "2026-10-25 03:30:20"),
            ("calltype", "callback_leg1"),
            ("disposition", "answered"),
            ("callback_dtmf", "1"),
        ],
        verdict: Verdict::StaleCallStart,
    },
    Trap {
        rule: "carries_result",
        story: "while the phone rings, NOTIFY_START is sent again with a key: the signature \
                covers neither the event nor the key",
        asked: "+380991234567",
        intent_at: NOON,
        earlier: None,
        signed: ["0991234567", "0", "2026-11-05 12:00:03"],
        body: &[
            ("event", "NOTIFY_START"),
            ("pbx_call_id", OUT),
            ("caller_id", "0991234567"),
            ("called_did", "0"),
            ("call_start", "2026-11-05 12:00:03"),
            ("disposition", "answered"),
            ("callback_dtmf", "1"),
        ],
        verdict: Verdict::NotAResult,
    },
];

/// A true press, and what else the PBX may say of such a call.
pub(super) fn press() -> Trap {
    Trap {
        rule: "",
        story: "the person presses 1",
        asked: "+380991234567",
        intent_at: NOON,
        earlier: None,
        signed: ["0991234567", "0", "2026-11-05 12:00:03"],
        body: &[
            ("event", "NOTIFY_END"),
            ("pbx_call_id", OUT),
            ("caller_id", "0991234567"),
            ("called_did", "0"),
            ("call_start", "2026-11-05 12:00:03"),
            ("internal", "100"),
            ("calltype", "callback_leg1"),
            ("disposition", "answered"),
            ("callback_dtmf", "1"),
        ],
        verdict: Verdict::Accepted,
    }
}
