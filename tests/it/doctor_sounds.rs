//! What the doctor finds and does about the sounds that prompts name, in either store.

use reqwest::Method;
use ringproof::app::doctor::{Finding, Mark};
use ringproof::config::{Config, StoreUrl};
use ringproof::domain::{Name, Secret};
use ringproof::store::{self, NewSound, PromptLanguage, PromptRow, ServerKeys, Settings};
use serde_json::json;

use crate::app::TestApp;
use crate::audio::{place, tone};
use crate::doctor::{FIX, LOOK, examined, finding, reachable};
use crate::replicas::server;

/// What is said of sounds, a line each.
fn lines(found: &[Finding]) -> Vec<&Finding> {
    found.iter().filter(|finding| finding.about == "sounds").collect()
}

/// The greeting of the configuration's own prompt is this.
fn greets_with(config: &mut Config, sound: &str) {
    let prompt = config.prompts.get_mut("default").unwrap();
    prompt.languages.get_mut("en").unwrap().greeting = sound.to_owned();
}

async fn lose(app: &TestApp, id: &str) {
    app.app().service().accounts()[0].provider.delete_sound(id).await.unwrap();
}

#[tokio::test]
async fn fix_uploads_shipped_sounds_that_prompts_name_after_saying_so() {
    let app = TestApp::start().await;
    let mut config = reachable(&app);
    // The simulator has every shipped one: one goes.
    let id = config.prompts["default"].languages["en"].greeting.clone();
    let name = "ringproof-default-en-greeting";
    greets_with(&mut config, name);
    let (found, _) = examined(&app, &config, LOOK).await;
    assert_eq!(finding(&found, "sounds").mark, Mark::Ok, "{found:?}");
    lose(&app, &id).await;
    let (found, told) = examined(&app, &config, LOOK).await;
    let sounds = finding(&found, "sounds");
    assert_eq!((sounds.mark, &*told), (Mark::Wrong, ""), "{sounds:?}");
    assert!(sounds.advice.as_ref().unwrap().contains("--fix"));

    let (found, told) = examined(&app, &config, FIX).await;
    assert_eq!(told, format!("uploading {name}\n"));
    assert_eq!(finding(&found, "sounds").mark, Mark::Ok, "{found:?}");
    let (_, told) = examined(&app, &config, FIX).await;
    assert_eq!(told, "", "nothing is left to do");
    app.stop().await;
}

#[tokio::test]
async fn fix_uploads_the_sounds_that_the_example_of_a_configuration_names() {
    let app = TestApp::start().await;
    let mut config = reachable(&app);
    let example = include_str!("../../config.example.toml");
    let three = config.prompts.get_mut("default").unwrap().languages.get_mut("en").unwrap();
    for (part, sound) in [
        ("greeting", &mut three.greeting),
        ("confirmed", &mut three.confirmed),
        ("fallback", &mut three.fallback),
    ] {
        *sound = format!("default-en-{part}");
        assert!(example.contains(&format!("\n#{part} = {sound:?}\n")), "{part}");
    }
    let (found, _) = examined(&app, &config, LOOK).await;
    let sounds = finding(&found, "sounds");
    assert!(sounds.found.contains("lacks 3"), "{sounds:?}");
    let (found, told) = examined(&app, &config, FIX).await;
    for part in ["greeting", "confirmed", "fallback"] {
        assert!(told.contains(&format!("uploading default-en-{part}\n")), "{told}");
    }
    assert_eq!(finding(&found, "sounds").mark, Mark::Ok, "{found:?}");
    let (_, told) = examined(&app, &config, FIX).await;
    assert_eq!(told, "", "nothing is left to do");
    app.stop().await;
}

#[tokio::test]
async fn fix_brings_back_what_the_store_keeps_and_the_running_service_calls_with_it() {
    let app = TestApp::start().await;
    let mut config = reachable(&app);
    let lost = app.uploaded("hello", &tone(440.0, 1.0)).await;
    for named in ["hello", "hello@1"] {
        greets_with(&mut config, named);
        let (found, _) = examined(&app, &config, LOOK).await;
        assert_eq!(finding(&found, "sounds").mark, Mark::Ok, "{found:?}");
    }
    lose(&app, &lost).await;
    let (found, _) = examined(&app, &config, LOOK).await;
    let sounds = finding(&found, "sounds");
    assert_eq!(sounds.mark, Mark::Wrong);
    assert!(sounds.found.contains("hello@1 (default, en)"), "{sounds:?}");

    let digest = app.get("/v1/sounds/hello").await.json()["versions"][0]["digest"].clone();
    let its_name = format!("hello-v1-{}", &digest.as_str().unwrap()[..12]);
    let (found, told) = examined(&app, &config, FIX).await;
    assert_eq!(told, format!("uploading {its_name}\n"));
    assert_eq!(finding(&found, "sounds").mark, Mark::Ok, "{found:?}");
    let (_, told) = examined(&app, &config, FIX).await;
    assert_eq!(told, "", "nothing is left to do");

    // As the service does at its hourly look, though the store knows of the lost place only.
    app.advance(1);
    app.learn().await;
    let sound = app.get("/v1/sounds/hello").await.json();
    assert_eq!((&sound["missing_at"], place(&sound)), (&json!([]), lost));
    let three = json!({ "language": "en", "greeting": "hello", "confirmed": "hello",
        "fallback": "hello", "press": "1" });
    let prompt = json!({ "languages": [three] });
    let made = app.call(Method::PUT, "/v1/prompts/pay", Some(prompt)).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let start = json!({ "to": "+380501112233", "channel": "call_button", "prompt": "pay" });
    let started = app.call(Method::POST, "/v1/verifications", Some(start)).await;
    assert_eq!(started.status, 201, "{}", started.text);
    app.stop().await;
}

#[tokio::test]
async fn each_sound_that_there_is_no_file_of_has_a_line_of_its_own_with_what_to_do() {
    let app = TestApp::start().await;
    let mut config = reachable(&app);
    app.uploaded("hello", &tone(440.0, 1.0)).await;
    let three = config.prompts.get_mut("default").unwrap().languages.get_mut("en").unwrap();
    three.greeting = "hello@2".to_owned();
    three.confirmed = "thanks".to_owned();
    three.fallback = "Not a name of ours".to_owned();
    let (found, told) = examined(&app, &config, FIX).await;
    assert_eq!(told, "");
    let lines = lines(&found);
    assert_eq!(lines.len(), 3, "{lines:?}");
    for (sound, what) in [
        ("hello@2", "name hello or hello@1 in the prompt"),
        ("thanks", "`ringproof sounds upload FILE --name thanks`"),
        ("Not a name of ours", "cabinet"),
    ] {
        let line = lines.iter().find(|line| line.found.contains(sound)).unwrap();
        assert_eq!(line.mark, Mark::Wrong);
        assert!(line.found.contains("(default, en)"), "{line:?}");
        assert!(line.advice.as_ref().unwrap().contains(what), "{line:?}");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_prompt_of_the_store_is_looked_at_as_one_of_the_configuration() {
    let app = TestApp::start().await;
    let mut config = reachable(&app);
    config.prompts.clear();
    let (found, _) = examined(&app, &config, LOOK).await;
    assert!(finding(&found, "sounds").found.contains("no prompt"), "{found:?}");

    let id = app.uploaded("hello", &tone(440.0, 1.0)).await;
    let three = json!({ "language": "pl", "greeting": "hello", "confirmed": "hello",
        "fallback": "hello", "press": "1" });
    let prompt = json!({ "languages": [three] });
    let made = app.call(Method::PUT, "/v1/prompts/pay", Some(prompt)).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let (found, _) = examined(&app, &config, LOOK).await;
    assert!(finding(&found, "sounds").found.contains("all 1 sounds"), "{found:?}");
    lose(&app, &id).await;
    let (found, _) = examined(&app, &config, LOOK).await;
    assert!(finding(&found, "sounds").found.contains("hello (pay, pl"), "{found:?}");
    app.stop().await;
}

#[tokio::test]
async fn a_sound_that_the_provider_does_not_take_is_told_with_the_reason() {
    let app = TestApp::start().await;
    let mut config = reachable(&app);
    config.store.url = StoreUrl::Sqlite(app.data().join("other.db"));
    fill(&config.store.url, b"not what telephones play").await;
    let (found, told) = examined(&app, &config, FIX).await;
    assert_eq!(told, "uploading hello-v1-070707070707\n");
    let sounds = finding(&found, "sounds");
    assert_eq!(sounds.mark, Mark::Wrong);
    assert!(sounds.found.contains("Wrong file format"), "{sounds:?}");
    app.stop().await;
}

/// Keeps the sound `hello` in a store of its own, and a prompt that plays it.
async fn fill(url: &StoreUrl, wav: &[u8]) {
    let store = store::open(Settings::of(url.clone(), ServerKeys::one([7; 32]))).await.unwrap();
    let prepared = ringproof::sounds::prepare(&tone(440.0, 1.0)).unwrap();
    let name = |text: &str| Name::parse(text).unwrap();
    let sound = NewSound {
        name: name("hello"),
        digest: [7; 32],
        original: wav.to_vec().into(),
        wav: wav.to_vec().into(),
        inspection: serde_json::to_string(&prepared.inspection).unwrap().into(),
        created_at: crate::app::START.parse().unwrap(),
    };
    store.keep_sound(sound).await.unwrap();
    let three = PromptLanguage {
        language: name("pl"),
        greeting: "hello".into(),
        confirmed: "hello@1".into(),
        fallback: "hello".into(),
        press: None,
        never_again: None,
    };
    let prompt = PromptRow {
        name: name("pay"),
        default_language: None,
        changed_at: crate::app::START.parse().unwrap(),
        languages: vec![three],
    };
    store.put_prompt(prompt).await.unwrap();
    store.close().await;
}

#[tokio::test]
async fn a_store_on_postgresql_is_looked_into_and_left_as_it_is() {
    let app = TestApp::start().await;
    let mut config = reachable(&app);
    config.store.url = StoreUrl::Postgres(Secret::new(server::shared().new_database()));
    fill(&config.store.url, &tone(440.0, 1.0)).await;
    let (found, told) = examined(&app, &config, LOOK).await;
    assert_eq!(finding(&found, "store").mark, Mark::Ok);
    let sounds = finding(&found, "sounds");
    assert_eq!((sounds.mark, &*told), (Mark::Wrong, ""));
    assert!(sounds.found.contains("hello (pay, pl; pay, pl)"), "{sounds:?}");
    let (found, told) = examined(&app, &config, FIX).await;
    // Both names mean one file.
    assert_eq!(told, "uploading hello-v1-070707070707\n");
    assert_eq!(finding(&found, "sounds").mark, Mark::Ok, "{found:?}");

    // An empty database stays empty, and its prompts are none.
    let url = server::shared().new_database();
    config.store.url = StoreUrl::Postgres(Secret::new(url.clone()));
    let (found, _) = examined(&app, &config, FIX).await;
    assert_eq!(finding(&found, "sounds").mark, Mark::Ok, "{found:?}");
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(server::shared().execute(server::Server::database(&url), tables), "0");
    app.stop().await;
}

#[tokio::test]
async fn a_store_that_cannot_be_read_is_told_of_and_condemns_no_sound() {
    let app = TestApp::start().await;
    let mut config = reachable(&app);
    greets_with(&mut config, "hello");
    let secret = "postgres://me:hidden-password@127.0.0.1:1/x?sslmode=disable";
    config.store.url = StoreUrl::Postgres(Secret::new(secret));
    let (found, _) = examined(&app, &config, LOOK).await;
    assert_eq!(finding(&found, "store").mark, Mark::Wrong);
    let lines = lines(&found);
    assert!(lines[0].found.contains("could not be read"), "{lines:?}");
    assert!(lines[1].found.contains("hello (default, en)"), "{lines:?}");
    assert!(lines.iter().all(|line| line.mark == Mark::Warning), "{lines:?}");
    assert!(!format!("{found:?}").contains("hidden-password"));
    app.stop().await;
}
