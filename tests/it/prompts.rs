//! Prompts made by API: what a call then plays, in which language, and what may not be changed.

use reqwest::Method;
use serde_json::{Value, json};

use crate::app::TestApp;
use crate::audio::tone;

const NUMBER: &str = "+380991234567";

fn three(language: &str, greeting: &str) -> Value {
    json!({
        "language": language, "greeting": greeting, "confirmed": "confirmed",
        "fallback": "fallback", "press": "1",
    })
}

/// A service that has the sounds `greeting`, `confirmed` and `fallback`; the first's id.
async fn with_sounds() -> (TestApp, String) {
    let app = TestApp::start().await;
    let greeting = app.uploaded("greeting", &tone(440.0, 1.0)).await;
    app.uploaded("confirmed", &tone(550.0, 1.0)).await;
    app.uploaded("fallback", &tone(660.0, 1.0)).await;
    (app, greeting)
}

impl TestApp {
    async fn put_prompt(&self, name: &str, languages: Value) -> crate::app::Answer {
        let body = json!({ "languages": languages });
        self.call(Method::PUT, &format!("/v1/prompts/{name}"), Some(body)).await
    }

    /// The greeting that the last call played.
    async fn played(&self) -> String {
        let requests = self.requests("/v1/verify/").await;
        let params = requests.last().unwrap()["params"].as_array().unwrap().clone();
        let greeting = params.iter().find(|param| param[0] == "greeting_sound_id").unwrap();
        greeting[1].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn a_call_plays_the_newest_version_of_a_stored_prompts_sounds() {
    let (app, first) = with_sounds().await;
    let made = app.put_prompt("pay", json!([three("en", "greeting")])).await;
    assert_eq!(made.status, 201, "{}", made.text);
    assert_eq!((&made.json()["source"], &made.json()["missing"]), (&json!("store"), &json!([])));
    app.script(NUMBER, json!({})).await;
    let started = app.begin_with(json!({ "to": NUMBER, "prompt": "pay" })).await;
    assert_eq!(app.outcome(&started["id"]).await["status"], "verified");
    assert_eq!(app.played().await, first);

    let second = app.uploaded("greeting", &tone(880.0, 1.0)).await;
    app.advance(700);
    app.learn().await;
    let started = app.begin_with(json!({ "to": NUMBER, "prompt": "pay" })).await;
    assert_eq!(app.outcome(&started["id"]).await["status"], "verified");
    assert_eq!(app.played().await, second);

    let pinned = app.put_prompt("pay", json!([three("en", "greeting@1")])).await;
    assert_eq!(pinned.status, 200, "{}", pinned.text);
    app.advance(700);
    app.learn().await;
    let started = app.begin_with(json!({ "to": NUMBER, "prompt": "pay" })).await;
    assert_eq!(app.outcome(&started["id"]).await["status"], "verified");
    assert_eq!(app.played().await, first);
    app.stop().await;
}

#[tokio::test]
async fn a_start_is_spoken_to_in_the_nearest_language_that_there_is() {
    let (app, _) = with_sounds().await;
    let body = json!({ "default_language": "de", "languages": [
        three("en", "greeting"), three("de", "greeting"), three("pt", "greeting"),
        three("es-mx", "greeting"),
    ] });
    let made = app.call(Method::PUT, "/v1/prompts/pay", Some(body)).await;
    assert_eq!(made.status, 201, "{}", made.text);
    for (number, (wanted, spoken)) in [
        (Some("pt-BR"), "pt"),
        (Some("es"), "es-mx"),
        (Some("EN"), "en"),
        (Some("ja"), "de"),
        (None, "de"),
    ]
    .into_iter()
    .enumerate()
    {
        let mut start = json!({ "to": format!("+38099123456{number}"), "prompt": "pay" });
        if let Some(wanted) = wanted {
            start["language"] = json!(wanted);
        }
        let started = app.begin_with(start).await;
        let shown = app.show(&started["id"]).await;
        assert_eq!(shown["language"], spoken, "{wanted:?}: {shown:#}");
    }
    app.stop().await;
}

#[tokio::test]
async fn the_key_for_never_again_of_a_stored_prompt_suppresses_the_number() {
    let (app, _) = with_sounds().await;
    let mut refusing = three("en", "greeting");
    refusing["never_again"] = json!("9");
    let made = app.put_prompt("pay", json!([refusing, three("de", "greeting")])).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let keys = |shown: &Value| {
        let languages = shown["languages"].as_array().unwrap();
        languages.iter().map(|three| three["never_again"].clone()).collect::<Vec<_>>()
    };
    let shown = app.get("/v1/prompts/pay").await.json();
    assert_eq!(keys(&shown), [Value::Null, json!("9")], "{shown:#}");
    app.script(NUMBER, json!({ "press": "9" })).await;
    let begin = |language| json!({ "to": NUMBER, "prompt": "pay", "language": language });
    // In the language whose greeting names no such key, it is a wrong key like any other.
    let other = app.begin_with(begin("de")).await;
    assert_eq!(app.outcome(&other["id"]).await["outcome"], "wrong_key");
    app.advance(700);
    app.learn().await;
    let begun = app.begin_with(begin("en")).await;
    assert_eq!(app.outcome(&begun["id"]).await["outcome"], "not_me");
    app.advance(700);
    let refused = app.call(Method::POST, "/v1/verifications", Some(begin("en"))).await;
    assert_eq!(refused.status, 403, "{}", refused.text);
    assert_eq!(refused.json()["rule"], "suppression", "{}", refused.text);
    app.stop().await;
}

#[tokio::test]
async fn a_random_key_is_never_the_one_for_never_again() {
    let (app, _) = with_sounds().await;
    let mut random = three("en", "greeting");
    // Nine prompts name every other key, so that no digit is free.
    for digit in ["0", "2", "3", "4", "5", "6", "7", "8", "9"] {
        random["press"] = json!(digit);
        app.put_prompt(&format!("names-{digit}"), json!([random])).await;
    }
    (random["press"], random["never_again"]) = (json!("random"), json!("9"));
    assert_eq!(app.put_prompt("pay", json!([random])).await.status, 201);
    for number in 0..40 {
        let to = format!("+3809911100{number:02}");
        let begun = app.begin_with(json!({ "to": to, "prompt": "pay", "press": "random" })).await;
        assert!(!["1", "9"].contains(&begun["press"].as_str().unwrap()), "{begun:#}");
        app.advance(60);
    }
    app.stop().await;
}

#[tokio::test]
async fn prompts_of_the_configuration_are_shown_and_not_changed_here() {
    let (app, _) = with_sounds().await;
    let prompts = app.get("/v1/prompts").await.json();
    let names: Vec<&Value> =
        prompts["prompts"].as_array().unwrap().iter().map(|prompt| &prompt["name"]).collect();
    assert_eq!(names, ["default", "match"]);
    assert_eq!(prompts["prompts"][0]["source"], "configuration");
    let refused = app.put_prompt("default", json!([three("en", "greeting")])).await;
    assert_eq!(refused.problem(409), "prompt_configured");
    let refused = app.call(Method::DELETE, "/v1/prompts/default", None).await;
    assert_eq!(refused.problem(409), "prompt_configured");
    app.stop().await;
}

#[tokio::test]
async fn a_prompt_that_could_not_be_played_is_not_stored() {
    let (app, _) = with_sounds().await;
    let long = "x".repeat(129);
    for (languages, code, said) in [
        (json!([]), "invalid_field", "1 to 100"),
        (json!([three("en", "none")]), "sound_missing", "none"),
        (json!([three("en", "greeting@2")]), "sound_missing", "greeting@2"),
        (json!([three("english", "greeting")]), "invalid_field", "english"),
        (json!([three("en", "greeting"), three("EN", "greeting")]), "invalid_field", "twice"),
        (json!([three("en", "")]), "invalid_field", "128"),
        (json!([three("en", &long)]), "invalid_field", "128"),
        (json!([{ "language": "en" }]), "missing_field", "greeting"),
        (json!("en"), "invalid_field", "languages"),
    ] {
        let refused = app.put_prompt("pay", languages.clone()).await;
        assert_eq!(refused.problem(422), code, "{languages}: {}", refused.text);
        assert!(refused.json()["detail"].as_str().unwrap().contains(said), "{}", refused.text);
    }
    let body = json!({ "default_language": "de", "languages": [three("en", "greeting")] });
    let refused = app.call(Method::PUT, "/v1/prompts/pay", Some(body)).await;
    assert_eq!(refused.problem(422), "invalid_field");
    let mut pressing = three("en", "greeting");
    pressing["press"] = json!("12");
    let refused = app.put_prompt("pay", json!([pressing])).await;
    assert_eq!(refused.json()["field"], "languages.0.press", "{}", refused.text);
    // The key for never again: one digit, and not the key that proves.
    for (key, field, said) in [
        (json!("12"), "languages.0.never_again", "one digit"),
        (json!("random"), "languages.0.never_again", "one digit"),
        (json!(""), "languages.0.never_again", "one digit"),
        (json!("#"), "languages.0.never_again", "one digit"),
        (json!(9), "languages.0.never_again", "string"),
        (json!("1"), "languages", "another one than the key to press, 1 in en"),
    ] {
        let mut refusing = three("en", "greeting");
        refusing["never_again"] = key.clone();
        let refused = app.put_prompt("pay", json!([refusing])).await;
        assert_eq!(refused.problem(422), "invalid_field", "{key}");
        assert_eq!(refused.json()["field"], field, "{key}: {}", refused.text);
        assert!(refused.json()["detail"].as_str().unwrap().contains(said), "{}", refused.text);
    }
    assert_eq!(app.get("/v1/prompts/pay").await.problem(404), "not_found");
    app.stop().await;
}

#[tokio::test]
async fn a_sound_in_use_is_not_deleted_and_the_answer_says_where_it_is_used() {
    let (app, _) = with_sounds().await;
    app.put_prompt("pay", json!([three("en", "greeting"), three("de", "greeting@1")])).await;
    let delete = |path: &'static str| app.call(Method::DELETE, path, None);
    let refused = delete("/v1/sounds/greeting").await;
    assert_eq!(refused.problem(409), "sound_in_use");
    let used = json!(["pay/de/greeting", "pay/en/greeting"]);
    assert_eq!(refused.json()["used_by"], used);
    let shown = app.get("/v1/sounds/greeting").await.json();
    assert_eq!(
        shown["used_by"][1],
        json!({ "prompt": "pay", "language": "en", "part": "greeting" })
    );

    assert_eq!(delete("/v1/prompts/pay").await.status, 204);
    assert_eq!(delete("/v1/prompts/pay").await.problem(404), "not_found");
    let deleted = delete("/v1/sounds/greeting").await;
    assert_eq!(deleted.json(), json!({ "name": "greeting", "left_at_provider": [] }));
    assert_eq!(delete("/v1/sounds/greeting").await.problem(404), "not_found");
    let provider = &app.app().service().accounts()[0].provider;
    let names: Vec<String> =
        provider.sounds().await.unwrap().into_iter().map(|sound| sound.name).collect();
    assert!(!names.iter().any(|name| name.starts_with("greeting-v1-")), "{names:?}");
    assert!(names.iter().any(|name| name.starts_with("confirmed-v1-")), "{names:?}");
    app.stop().await;
}

#[tokio::test]
async fn a_configured_prompt_may_name_our_sounds_and_lacks_them_until_they_are_there() {
    let app = TestApp::with(|config| {
        let mut sounds = config.prompts["default"].languages["en"].clone();
        sounds.greeting = "greeting".to_owned();
        let languages = [("en".to_owned(), sounds)].into();
        let prompt = ringproof::config::Prompt { default_language: None, languages };
        config.prompts = [("default".to_owned(), prompt)].into();
    })
    .await;
    let missing = app.get("/v1/prompts/default").await.json()["missing"].clone();
    let lacking = json!([
        { "account": "main", "language": "en", "part": "greeting", "sound": "greeting" }
    ]);
    assert_eq!(missing, lacking);
    assert_eq!(app.app().service().missing_sounds().len(), 1);
    let body = Some(json!({ "to": NUMBER }));
    let refused = app.call(Method::POST, "/v1/verifications", body).await;
    assert_eq!(refused.problem(422), "sound_missing");

    let id = app.uploaded("greeting", &tone(440.0, 1.0)).await;
    assert_eq!(app.get("/v1/prompts/default").await.json()["missing"], json!([]));
    app.begin(NUMBER).await;
    assert_eq!(app.played().await, id);
    let refused = app.call(Method::DELETE, "/v1/sounds/greeting", None).await;
    assert_eq!(refused.json()["used_by"], json!(["default/en/greeting"]));
    app.stop().await;
}

#[tokio::test]
async fn what_is_done_to_sounds_and_prompts_stands_in_the_audit_log() {
    let (app, _) = with_sounds().await;
    app.put_prompt("pay", json!([three("en", "greeting")])).await;
    app.call(Method::DELETE, "/v1/prompts/pay", None).await;
    app.call(Method::DELETE, "/v1/sounds/greeting", None).await;
    let log = app.get("/v1/audit").await.json();
    let done: Vec<(&str, &str)> = log["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (entry["action"].as_str().unwrap(), entry["subject"].as_str().unwrap()))
        .collect();
    let expected = [
        ("sound.deleted", "greeting"),
        ("prompt.deleted", "pay"),
        ("prompt.stored", "pay"),
        ("sound.uploaded", "fallback"),
        ("sound.uploaded", "confirmed"),
        ("sound.uploaded", "greeting"),
    ];
    assert_eq!(done[..6], expected);
    app.stop().await;
}
