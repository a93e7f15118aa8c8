//! What must hold at the end, whatever happened in between.

use serde_json::Value;

use super::load::{Known, Load};

/// Asserts at each of the load's addresses in turn that nothing acknowledged is lost,
/// nothing is resolved twice, and everything ends; at all of them, that they tell the same
/// end; and that no number was dialled twice or had two attempts in flight.
/// Returns how many verifications were looked at.
pub async fn verdict(load: &Load) -> usize {
    let known = load.known();
    for one in &known {
        let ended = load.site.ended(&load.base(), &one.id).await;
        nothing_lost(one, &ended);
        ended_once(load, one).await;
        ended_alike(load, one, &ended).await;
        one_attempt(load, one).await;
    }
    nothing_pending(load).await;
    let mut dialled = load.site.dialled().await;
    let calls = dialled.len();
    dialled.sort();
    dialled.dedup();
    assert_eq!(dialled.len(), calls, "a number was dialled twice");
    known.len()
}

fn nothing_lost(known: &Known, ended: &Value) {
    if known.pressed {
        assert_eq!(
            ended["outcome"], "confirmed",
            "an acknowledged press is lost: {known:?} {ended:#}"
        );
    }
    if known.correct {
        assert_eq!(
            ended["outcome"], "code_correct",
            "an acknowledged check is lost: {known:?} {ended:#}"
        );
    }
    if !known.pressed && !known.correct {
        // What was sent may have arrived though its answer did not.
        let outcomes = ["confirmed", "code_correct", "expired", "provider_lost"];
        let outcome = ended["outcome"].as_str().unwrap();
        assert!(outcomes.contains(&outcome), "{known:?} {ended:#}");
    }
    assert_eq!(ended["disputed"], false, "{known:?} {ended:#}");
}

async fn ended_once(load: &Load, known: &Known) {
    let path = format!("/v1/verifications/{}/events", known.id);
    let timeline = load.site.get(&load.base(), &path).await.json();
    let events = timeline["events"].as_array().unwrap();
    let count = |kind: &str| events.iter().filter(|event| event["type"] == kind).count();
    assert_eq!(count("concluded"), 1, "{known:?} {timeline:#}");
    let wrong = |event: &&Value| event["type"] == "code_checked" && event["correct"] == false;
    let wrong = events.iter().filter(wrong).count();
    assert!(wrong >= known.wrong_checks, "a check is not counted: {known:?} {timeline:#}");
}

/// Whoever is asked tells the same end.
async fn ended_alike(load: &Load, known: &Known, ended: &Value) {
    for base in load.bases() {
        let told = load.site.ended(&base, &known.id).await;
        for field in ["status", "outcome", "ended_at", "disputed"] {
            assert_eq!(told[field], ended[field], "{known:?} {told:#} {ended:#}");
        }
    }
}

/// Nobody's claims have ended by now, so a second attempt would have been beside the first.
async fn one_attempt(load: &Load, known: &Known) {
    let path = format!("/v1/verifications?to=%2B{}", &known.number[1..]);
    let found = load.site.get(&load.base(), &path).await.json();
    let found = found["verifications"].as_array().unwrap();
    let attempts = found.iter().map(|one| one["attempts"].as_array().unwrap().len());
    assert_eq!(attempts.sum::<usize>(), 1, "{known:?} {found:#?}");
}

/// Those whose start was not acknowledged end too.
async fn nothing_pending(load: &Load) {
    let pending = load.site.get(&load.base(), "/v1/verifications?status=pending").await;
    assert_eq!(pending.status, 200, "{}", pending.text);
    for one in pending.json()["verifications"].as_array().unwrap() {
        load.site.ended(&load.base(), one["id"].as_str().unwrap()).await;
    }
}
