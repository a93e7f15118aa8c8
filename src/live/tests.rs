use super::*;

fn id(n: u8) -> VerificationId {
    VerificationId::from_bytes([n; 16])
}

fn forms(texts: &[&str]) -> Vec<WrittenForm> {
    texts.iter().map(|text| WrittenForm::read(text).unwrap()).collect()
}

const MAIN: AccountIndex = AccountIndex(0);
const LATER: Timestamp = Timestamp::MAX;

#[test]
fn a_number_is_found_by_each_form_at_its_account_only() {
    let live = Live::new();
    live.hold(id(1), 1, LATER, MAIN, &forms(&["380991234567", "0991234567"]), b"one");
    for text in ["380991234567", "0991234567", "00380991234567"] {
        assert_eq!(live.find(MAIN, forms(&[text])[0]), Found::Exact(id(1)));
    }
    assert_eq!(live.find(AccountIndex(1), forms(&["0991234567"])[0]), Found::Nothing);
}

#[test]
fn a_shared_ending_is_a_near_miss_and_no_match() {
    let live = Live::new();
    live.hold(id(1), 1, LATER, MAIN, &forms(&["12125550123"]), b"one");
    assert_eq!(live.find(MAIN, forms(&["13125550123"])[0]), Found::NearMiss(id(1)));
    assert_eq!(live.find(MAIN, forms(&["442025550123"])[0]), Found::Nothing);
}

#[test]
fn a_number_called_again_finds_the_later_call_before_any_sweep() {
    let live = Live::new();
    live.hold(id(1), 1, LATER, MAIN, &forms(&["380991234567", "0991234567"]), b"one");
    live.hold(id(2), 1, LATER, MAIN, &forms(&["380991234567", "0991234567"]), b"two");
    assert_eq!(live.find(MAIN, forms(&["0991234567"])[0]), Found::Exact(id(2)));
}

#[test]
fn a_claim_taken_over_by_an_earlier_verification_finds_that_one() {
    let live = Live::new();
    let form = forms(&["380991234567"]);
    live.hold(id(1), 1, LATER, MAIN, &[], b"one");
    live.hold(id(2), 1, LATER, MAIN, &form, b"two");
    live.hold(id(1), 2, LATER, MAIN, &form, b"one");
    assert_eq!(live.find(MAIN, form[0]), Found::Exact(id(1)));
}

#[test]
fn a_call_that_says_a_code_hides_no_button_call() {
    let live = Live::new();
    let form = forms(&["380991234567"])[0];
    let by = |claimed| [Finding { account: MAIN, form, claimed }];
    live.hold_by(id(1), 1, LATER, &by(true), b"button");
    live.hold_by(id(2), 1, LATER, &by(false), b"code");
    assert_eq!(live.find(MAIN, form), Found::Exact(id(1)));
    live.release(id(1));
    assert_eq!(live.find(MAIN, form), Found::Exact(id(2)));
    live.hold_by(id(2), 2, LATER, &[], b"sms");
    assert_eq!(live.find(MAIN, form), Found::Exact(id(2)), "what it was found by stays");
    live.put(id(2), 5, LATER, b"newer");
    live.hold_by(id(2), 4, LATER, &by(true), b"older");
    assert_eq!(live.newest(id(2)).unwrap().packed.as_ref(), b"newer");
}

#[test]
fn an_older_version_does_not_replace_a_newer_one() {
    let live = Live::new();
    live.hold(id(1), 1, LATER, MAIN, &forms(&["380991234567"]), b"one");
    live.put(id(1), 3, LATER, b"three");
    live.put(id(1), 2, LATER, b"two");
    assert_eq!(live.newest(id(1)), Some(Newest { version: 3, packed: b"three".as_slice().into() }));
    assert_eq!(live.find(MAIN, forms(&["380991234567"])[0]), Found::Exact(id(1)));
}

#[test]
fn what_is_released_is_found_no_more_and_its_neighbours_are() {
    let live = Live::new();
    live.hold(id(1), 1, LATER, MAIN, &forms(&["12125550123"]), b"one");
    live.hold(id(2), 1, LATER, MAIN, &forms(&["13125550123"]), b"two");
    live.release(id(1));
    assert_eq!(live.find(MAIN, forms(&["12125550123"])[0]), Found::NearMiss(id(2)));
    assert_eq!(live.find(MAIN, forms(&["13125550123"])[0]), Found::Exact(id(2)));
    live.release(id(2));
    assert!(live.is_empty() && live.endings.is_empty());
}
