//! Records: whatever is packed is read again, and any bytes are answered.

use jiff::SignedDuration;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;
use crate::domain::{
    Asks, Attempt, CallEnd, Channel, CodeBy, CodeRules, CodeSource, CodeStep, Codes, Conclusion,
    Dispatch, EmailAddress, Entry, EntryKind, Level, Outcome, Recipient, RefusalReason, Typed,
};
use crate::store::record::{pack, pack_entries, unpack, unpack_entries};

fn time() -> impl Strategy<Value = Timestamp> {
    any::<i64>().prop_map(|n| Timestamp::from_nanosecond(i128::from(n)).unwrap())
}

fn word() -> impl Strategy<Value = Name> {
    "[a-z0-9_-]{1,64}".prop_map(|text| name(&text))
}

pub(super) fn text() -> impl Strategy<Value = Box<str>> {
    any::<String>().prop_map(Into::into)
}

fn key() -> impl Strategy<Value = Key> {
    (0_u8..10).prop_map(|digit| Key::new(digit).unwrap())
}

fn result() -> impl Strategy<Value = CallResult> {
    proptest::sample::select(CallResult::ALL.to_vec())
}

fn reason() -> impl Strategy<Value = RefusalReason> {
    proptest::sample::select(RefusalReason::ALL.to_vec())
}

fn outcome() -> impl Strategy<Value = Outcome> {
    proptest::sample::select(Outcome::ALL.to_vec())
}

fn step() -> impl Strategy<Value = Step> {
    let sounds = prop_oneof![
        (word(), word()).prop_map(|(name, language)| Sounds::Prompt { name, language }),
        (text(), text(), text()).prop_map(|(greeting, confirmed, fallback)| Sounds::Given {
            greeting,
            confirmed,
            fallback
        }),
    ];
    let button = (from(), key(), any::<bool>(), prop::option::of(key()), sounds).prop_map(
        |(from, press, random_key, refuse, sounds)| {
            By::Button(Button { from, press, random_key, refuse, sounds })
        },
    );
    let by = prop_oneof![button, code_step().prop_map(|code| By::Code(Box::new(code)))];
    let wait = option::of(any::<i64>().prop_map(SignedDuration::from_nanos));
    (word(), wait, any::<bool>(), by).prop_map(|(account, wait, skipped, by)| Step {
        account,
        wait,
        skipped,
        by,
    })
}

fn from() -> impl Strategy<Value = Option<PhoneNumber>> {
    option::of(any::<u64>().prop_map(PhoneNumber::from_u64))
}

fn code_step() -> impl Strategy<Value = CodeStep> {
    let texts = || (option::of(text()), option::of(text()), option::of(text()));
    let by = prop_oneof![
        from().prop_map(|from| CodeBy::Call { from }),
        texts().prop_map(|(template, sender, _)| CodeBy::Sms { template, sender }),
        (option::of(text()), text()).prop_map(|(sender, text)| CodeBy::PlainSms { sender, text }),
        texts().prop_map(|(from, subject, body)| CodeBy::Email { from, subject, body }),
    ];
    let source = proptest::sample::select(vec![CodeSource::Own, CodeSource::Provider]);
    (source, any::<bool>(), option::of(word()), by)
        .prop_map(|(source, new_code, language, by)| CodeStep { source, new_code, language, by })
}

fn rules() -> impl Strategy<Value = CodeRules> {
    let life = option::of(any::<i64>().prop_map(SignedDuration::from_nanos));
    (option::of(any::<u8>()), life, any::<bool>())
        .prop_map(|(checks_each, life, keeps_typed)| CodeRules { checks_each, life, keeps_typed })
}

fn codes() -> impl Strategy<Value = Codes> {
    let sealed = || vec(any::<u8>(), 0..50).prop_map(Vec::into_boxed_slice);
    let typed = (time(), any::<bool>(), sealed());
    let typed = typed.prop_map(|(at, correct, sealed)| Typed { at, correct, sealed });
    let more = (rules(), any::<u8>(), vec(typed, 0..4));
    (any::<[u8; 16]>(), option::of(sealed()), any::<[u8; 6]>(), more).prop_map(
        |(seed, sealed, numbers, (rules, newest_used, typed))| Codes {
            seed,
            length: numbers[0],
            sealed,
            generation: numbers[1],
            checks_used: numbers[2],
            checks_open: numbers[3],
            checks_limit: numbers[4],
            sends_limit: numbers[5],
            rules,
            newest_used,
            typed,
        },
    )
}

fn recipient() -> impl Strategy<Value = Recipient> {
    let address = Recipient::Email(EmailAddress::parse("person@example.com").unwrap());
    prop_oneof![any::<u64>().prop_map(|n| PhoneNumber::from_u64(n).into()), Just(address)]
}

fn dispatch() -> impl Strategy<Value = Dispatch> {
    prop_oneof![
        Just(Dispatch::Intended),
        Just(Dispatch::Accepted),
        Just(Dispatch::Unknown),
        (time(), reason()).prop_map(|(at, reason)| Dispatch::Refused { at, reason }),
    ]
}

fn pbx_time() -> impl Strategy<Value = PbxTime> {
    any::<i64>().prop_map(PbxTime)
}

fn report() -> impl Strategy<Value = KeyReport> {
    (time(), result(), text(), pbx_time(), any::<u16>()).prop_map(
        |(at, result, pressed, call_start, bits)| KeyReport {
            at,
            result,
            pressed,
            call_start,
            evidence: Evidence::from_bits(bits),
        },
    )
}

fn asks() -> impl Strategy<Value = Asks> {
    prop_oneof![key().prop_map(Asks::Key), (0_u8..10).prop_map(Asks::Code)]
}

fn attempt() -> impl Strategy<Value = Attempt> {
    let end = (time(), result(), pbx_time()).prop_map(|(at, result, call_start)| CallEnd {
        at,
        result,
        call_start,
    });
    let seen = (option::of(time()), option::of(time()), option::of(end), option::of(result()));
    let told = (option::of(report()), option::of(pbx_time()), option::of(text()));
    (any::<(u8, u8)>(), time(), asks(), dispatch(), seen, told).prop_map(
        |((index, step), intent_at, asks, dispatch, seen, told)| Attempt {
            dispatch,
            ringing_at: seen.0,
            answered_at: seen.1,
            call_end: seen.2,
            hint: seen.3,
            key_report: told.0,
            earlier_call_start: told.1,
            request: told.2,
            ..Attempt::intended(index, step, asks, intent_at)
        },
    )
}

fn state() -> impl Strategy<Value = State> {
    let end = (outcome(), time(), any::<bool>(), option::of(time())).prop_map(
        |(outcome, at, disputed, redeemed_at)| {
            State::Final(Conclusion { outcome, at, disputed, redeemed_at })
        },
    );
    prop_oneof![Just(State::Pending), end]
}

fn level() -> impl Strategy<Value = Option<Level>> {
    option::of(proptest::sample::select(vec![Level::Weak, Level::Partial, Level::Strong]))
}

pub(super) fn verification() -> impl Strategy<Value = Verification> {
    let texts = (option::of(text()), option::of(text()), option::of(text()));
    let who = (any::<[u8; 16]>(), word(), recipient(), texts);
    let counts = any::<(u32, u32)>();
    let path = (vec(step(), 0..3), vec(attempt(), 0..3), state());
    let codes =
        (option::of(codes().prop_map(Box::new)), option::of(time()), (any::<bool>(), level()));
    (who, (time(), time()), path, counts, codes).prop_map(
        |(who, (created_at, expires_at), (plan, attempts, state), (version, entries), codes)| {
            Verification {
                id: VerificationId::from_bytes(who.0),
                app: who.1,
                to: who.2,
                known_valid: true,
                reference: who.3.0,
                metadata: who.3.1,
                callback_url: who.3.2,
                created_at,
                expires_at,
                plan,
                attempts,
                state,
                version,
                entries,
                codes: codes.0,
                not_before: codes.1,
                test: codes.2.0,
                demanded: codes.2.1,
            }
        },
    )
}

fn kind() -> impl Strategy<Value = EntryKind> {
    let attempt = any::<u8>;
    prop_oneof![
        Just(EntryKind::Requested),
        Just(EntryKind::Redeemed),
        attempt().prop_map(|attempt| EntryKind::CallRequested { attempt }),
        attempt().prop_map(|attempt| EntryKind::CallAccepted { attempt }),
        attempt().prop_map(|attempt| EntryKind::CallUnknown { attempt }),
        attempt().prop_map(|attempt| EntryKind::Ringing { attempt }),
        attempt().prop_map(|attempt| EntryKind::Answered { attempt }),
        (attempt(), reason())
            .prop_map(|(attempt, reason)| EntryKind::CallRefused { attempt, reason }),
        (attempt(), result())
            .prop_map(|(attempt, result)| EntryKind::CallEnded { attempt, result }),
        (attempt(), result())
            .prop_map(|(attempt, result)| EntryKind::OtherCallEnded { attempt, result }),
        (attempt(), text()).prop_map(|(attempt, pressed)| EntryKind::Disputed { attempt, pressed }),
        outcome().prop_map(|outcome| EntryKind::Concluded { outcome }),
        code_kind(),
        (attempt(), result(), text(), any::<u16>()).prop_map(|(attempt, result, pressed, bits)| {
            let evidence = Evidence::from_bits(bits);
            EntryKind::KeyReported { attempt, result, pressed, evidence }
        }),
    ]
}

fn code_kind() -> impl Strategy<Value = EntryKind> {
    let attempt = any::<u8>;
    let channel = proptest::sample::select(Channel::ALL.to_vec());
    prop_oneof![
        Just(EntryKind::NextAsked),
        any::<bool>().prop_map(|correct| EntryKind::CodeChecked { correct }),
        (attempt(), channel)
            .prop_map(|(attempt, channel)| EntryKind::CodeRequested { attempt, channel }),
        attempt().prop_map(|attempt| EntryKind::CodeAccepted { attempt }),
        attempt().prop_map(|attempt| EntryKind::CodeUnknown { attempt }),
        (attempt(), reason())
            .prop_map(|(attempt, reason)| EntryKind::CodeRefused { attempt, reason }),
    ]
}

fn entry() -> impl Strategy<Value = Entry> {
    (any::<u32>(), time(), kind()).prop_map(|(number, at, kind)| Entry { number, at, kind })
}

proptest! {
    #[test]
    fn a_packed_verification_is_read_as_it_was(verification in verification()) {
        prop_assert_eq!(unpack(&pack(&verification)), Ok(verification));
    }

    #[test]
    fn packed_entries_are_read_as_they_were(entries in vec(entry(), 0..5)) {
        prop_assert_eq!(unpack_entries(&pack_entries(&entries)), Ok(entries));
    }

    #[test]
    fn any_bytes_are_answered(mut bytes in vec(any::<u8>(), 0..300), ours in any::<bool>()) {
        if let (true, Some(format)) = (ours, bytes.first_mut()) {
            *format = 1 + *format % 2;
        }
        let _ = (unpack(&bytes), unpack_entries(&bytes));
    }

    #[test]
    fn a_damaged_record_is_answered(
        verification in verification(), place in any::<usize>(), bit in 0_u32..8,
    ) {
        let mut bytes = pack(&verification);
        let place = place % bytes.len();
        bytes[place] ^= 1 << bit;
        if let Ok(read) = unpack(&bytes) {
            // Nor does what was read overflow when it is used.
            let timing = Timing::default();
            let _ = (read.due_at(&timing), read.live_until(&timing));
        }
    }
}
