//! Sounds and prompts in the console, by plain HTTP and in a browser.

use reqwest::multipart::{Form, Part};
use serde_json::json;

use crate::app::{Answer, TestApp, answer};
use crate::audio::tone;
use crate::console::Visitor;
use crate::console_browser::Desk;

const NUMBER: &str = "+380991234567";

/// Sends a file as the upload form does.
pub async fn upload(visitor: &Visitor, name: &str, file: &[u8]) -> Answer {
    let form = Form::new()
        .text("form_token", visitor.form_token.clone())
        .text("name", name.to_owned())
        .part("file", Part::bytes(file.to_vec()).file_name("sound.wav"));
    let request = visitor.request("/console/sounds").multipart(form);
    answer(request.header("sec-fetch-site", "same-origin")).await
}

#[tokio::test]
async fn a_sound_is_uploaded_looked_at_heard_and_deleted() {
    let app = TestApp::start().await;
    let visitor = Visitor::signed_in(&app, &app.key).await;
    assert!(visitor.get("/console/sounds").await.text.contains("No sound yet"));
    let uploaded = upload(&visitor, "greeting", &tone(440.0, 1.2)).await;
    assert_eq!(uploaded.status, 303, "{}", uploaded.text);
    assert_eq!(uploaded.headers["location"], "/console/sounds/greeting");
    let page = visitor.get("/console/sounds/greeting").await.text;
    for said in ["1.2 s", "LUFS", "at the provider", "class=\"waveform\"", "no prompt"] {
        assert!(page.contains(said), "{said}");
    }
    let audio = visitor.get("/console/sounds/greeting/audio?version=1").await;
    assert_eq!(audio.headers["content-type"], "audio/wav");
    for query in ["version=2", "version=x"] {
        let audio = visitor.get(&format!("/console/sounds/greeting/audio?{query}")).await;
        assert!(audio.status.is_client_error(), "{query}");
    }
    assert!(visitor.get("/console/sounds").await.text.contains("/console/sounds/greeting"));
    assert_eq!(visitor.post("/console/sounds/greeting/delete", &[]).await.status, 303);
    assert_eq!(visitor.get("/console/sounds/greeting").await.status, 404);
    assert_eq!(visitor.post("/console/sounds/greeting/delete", &[]).await.status, 404);
    app.stop().await;
}

#[tokio::test]
async fn bad_files_names_and_foreign_forms_are_refused_in_words() {
    let app = TestApp::start().await;
    let visitor = Visitor::signed_in(&app, &app.key).await;
    for (name, file, says) in [
        ("empty", &b""[..], "empty"),
        ("text", b"this is no sound at all, only renamed", "no WAV"),
        ("Not a name", &tone(440.0, 1.0), "1 to 64 characters"),
        ("short", &tone(440.0, 0.2), "200 ms only"),
    ] {
        let refused = upload(&visitor, name, file).await;
        assert_eq!(refused.status, 422, "{name}: {}", refused.text);
        assert!(refused.text.contains(says), "{name}");
    }
    let file = || Part::bytes(tone(440.0, 1.0)).file_name("sound.wav");
    let form = || Form::new().text("name", "stolen").part("file", file());
    let cross = visitor.request("/console/sounds").multipart(form());
    assert_eq!(answer(cross.header("sec-fetch-site", "cross-site")).await.status, 403);
    let tokenless = visitor.request("/console/sounds").multipart(form());
    assert_eq!(answer(tokenless.header("sec-fetch-site", "same-origin")).await.status, 403);
    let no_form = visitor.request("/console/sounds").body("x");
    assert_eq!(answer(no_form.header("sec-fetch-site", "same-origin")).await.status, 415);
    assert!(visitor.get("/console/sounds").await.text.contains("No sound yet"));
    for name in ["Not%20one", "nothing", "%3Cb%3E"] {
        assert_eq!(visitor.get(&format!("/console/sounds/{name}")).await.status, 404, "{name}");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_prompt_is_stored_tried_by_a_call_and_deleted() {
    let app = TestApp::start().await;
    let visitor = Visitor::signed_in(&app, &app.key).await;
    for (place, name) in ["hello", "thanks", "sorry"].into_iter().enumerate() {
        let file = tone(400.0 + 100.0 * place as f32, 1.0);
        assert_eq!(upload(&visitor, name, &file).await.status, 303);
    }
    let fields = |language: &'static str, press: &'static str, greeting: &'static str| {
        [
            ("name", "login"),
            ("language", language),
            ("press", press),
            ("greeting", greeting),
            ("confirmed", "thanks"),
            ("fallback", "sorry"),
        ]
    };
    for (language, press, greeting) in [
        ("", "1", "hello"),
        ("english", "1", "hello"),
        ("en", "12", "hello"),
        ("en", "1", "nothing"),
    ] {
        let refused = visitor.post("/console/prompts", &fields(language, press, greeting)).await;
        assert_eq!(refused.status, 422, "{language} {press} {greeting}");
    }
    let both = |key| [&fields("en", "1", "hello")[..], &[("never_again", key)]].concat();
    for key in ["1", "12", "x"] {
        assert_eq!(visitor.post("/console/prompts", &both(key)).await.status, 422, "{key}");
    }
    assert_eq!(visitor.post("/console/prompts", &both("9")).await.status, 303);
    let kept = app.get("/v1/prompts/login").await.json();
    assert_eq!(kept["languages"][0]["never_again"], "9", "{kept:#}");
    assert!(visitor.get("/console/sounds").await.text.contains("never again <kbd>9"));
    for language in ["en", "uk"] {
        let stored = visitor.post("/console/prompts", &fields(language, "5", "hello")).await;
        assert_eq!(stored.status, 303, "{}", stored.text);
    }
    let prompt = app.get("/v1/prompts/login").await.json();
    assert_eq!(prompt["languages"].as_array().unwrap().len(), 2, "{prompt:#}");
    let used = visitor.post("/console/sounds/hello/delete", &[]).await;
    assert_eq!(used.status, 409, "{}", used.text);

    app.script(NUMBER, json!({ "does": "answer", "press": "5" })).await;
    let call = |to: &'static str, language: &'static str| {
        let fields = [("to", to), ("language", language)];
        let visitor = &visitor;
        async move { visitor.post("/console/prompts/login/call", &fields).await }
    };
    for (to, language) in [("123", "en"), (NUMBER, "<b>")] {
        assert_eq!(call(to, language).await.status, 422, "{to} {language}");
    }
    let called = call(NUMBER, "uk").await;
    assert_eq!(called.status, 303, "{}", called.text);
    let path = called.headers["location"].to_str().unwrap();
    let id = json!(path.strip_prefix("/console/verifications/").unwrap());
    assert_eq!(app.outcome(&id).await["outcome"], "confirmed");

    assert_eq!(visitor.post("/console/prompts/login/delete", &[]).await.status, 303);
    assert_eq!(visitor.post("/console/prompts/login/delete", &[]).await.status, 404);
    app.stop().await;
}

#[tokio::test]
async fn an_operator_uploads_a_sound_and_the_browser_can_play_it() {
    let desk = Desk::at("/console/sounds").await;
    let file = desk.profile().join("greeting.wav");
    std::fs::write(&file, tone(440.0, 1.2)).unwrap();
    desk.until("form.upload input[name=name]").await.send_keys("greeting").await.unwrap();
    let input = desk.until("form.upload input[type=file]").await;
    input.send_keys(file.to_str().unwrap()).await.unwrap();
    desk.click("form.upload button").await;
    desk.until("#inspection").await;
    desk.until(".waveform svg rect").await;
    // The browser has read the sound's head and knows how long it plays.
    let script = "const [done] = [arguments[arguments.length - 1]];
        const audio = document.querySelector('audio');
        const tell = () => done(audio.error ? audio.error.message : audio.duration);
        if (audio.readyState > 0) tell();
        else { audio.onloadedmetadata = tell; audio.onerror = tell; audio.load(); }";
    let length = desk.run_async(script).await.as_f64().unwrap();
    assert!((1.1..1.3).contains(&length), "{length}");
    desk.close().await;
}
