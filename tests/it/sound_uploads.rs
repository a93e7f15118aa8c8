//! Sounds over HTTP: inspected, converted, brought to the provider, kept, deleted.

use std::io::Cursor;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::app::TestApp;
use crate::audio::{FLAC, MP3, OGG, OPUS, place, tone, tone_at};

const UPLOADS: &str = "/v1/pbx/ivr/sounds/upload";

#[tokio::test]
async fn a_sound_is_kept_converted_brought_to_the_provider_and_heard() {
    let app = TestApp::start().await;
    let file = tone(440.0, 1.2);
    let answer = app.upload("greeting", &file).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let sound = answer.json();
    let version = &sound["versions"][0];
    assert_eq!((&version["version"], &sound["missing_at"]), (&json!(1), &json!([])));
    assert_eq!(version["inspection"]["format"], "wav");
    assert_eq!(version["inspection"]["duration_ms"], 1200);

    // The provider told no id; it was found by the name that only this content has.
    let requests = app.requests(UPLOADS).await;
    assert_eq!(requests.len(), 1);
    let digest = version["digest"].as_str().unwrap();
    let names: Vec<&Value> =
        requests[0]["params"].as_array().unwrap().iter().filter(|p| p[0] == "name").collect();
    assert_eq!(names[0][1], format!("greeting-v1-{}", &digest[..12]));
    assert!(!place(&sound).is_empty());

    let heard = app.audio("greeting/audio").await;
    let reader = hound::WavReader::new(Cursor::new(&heard)).unwrap();
    assert_eq!((reader.spec().sample_rate, reader.spec().channels), (8000, 1));
    assert_eq!(app.audio("greeting/audio?file=original").await, file);
    assert_eq!(app.get("/v1/sounds/greeting").await.json(), sound);
    assert_eq!(app.get("/v1/sounds").await.json()["sounds"], json!([sound]));
    app.stop().await;
}

#[tokio::test]
async fn every_format_is_taken_and_the_same_file_again_changes_nothing() {
    let app = TestApp::start().await;
    for (name, file) in [("a", MP3), ("b", FLAC), ("c", OGG)] {
        app.uploaded(name, file).await;
        let again = app.upload(name, file).await;
        assert_eq!(again.status, 200, "{}", again.text);
        assert_eq!(again.json()["versions"].as_array().unwrap().len(), 1);
    }
    assert_eq!(app.requests(UPLOADS).await.len(), 3);
    app.stop().await;
}

#[tokio::test]
async fn versions_are_kept_and_outlive_a_restart() {
    let mut app = TestApp::start().await;
    let (first, second) = (tone(440.0, 1.0), tone(880.0, 1.0));
    let old = app.uploaded("greeting", &first).await;
    let new = app.uploaded("greeting", &second).await;
    assert_ne!(old, new);
    app.restart().await;
    let sound = app.get("/v1/sounds/greeting").await.json();
    let numbers: Vec<&Value> =
        sound["versions"].as_array().unwrap().iter().map(|v| &v["version"]).collect();
    assert_eq!(numbers, [2, 1]);
    assert_eq!(place(&sound), new);
    assert_eq!(app.audio("greeting/audio?version=1&file=original").await, first);
    assert_eq!(app.audio("greeting/audio?file=original").await, second);
    for (query, status, code) in [
        ("?version=3", 404, "not_found"),
        ("?version=x", 422, "invalid_parameter"),
        ("?file=both", 422, "invalid_parameter"),
        ("?loud=1", 422, "unknown_parameter"),
    ] {
        let path = format!("/v1/sounds/greeting/audio{query}");
        assert_eq!(app.get(&path).await.problem(status), code, "{query}");
    }
    app.stop().await;
}

#[tokio::test]
async fn each_bad_file_is_refused_clearly_before_anything_is_kept_or_sent() {
    let app = TestApp::start().await;
    let whole = tone(440.0, 1.0);
    let long = tone(440.0, 61.0);
    // Of a length that alone would be taken.
    let ten_minutes = tone_at(8_000, 440.0, 600.0);
    assert!(ten_minutes.len() < ringproof::sounds::MAX_BYTES);
    for (file, said) in [
        (&b""[..], "empty"),
        (&tone(440.0, 0.0), "0 seconds"),
        (&tone(440.0, 0.3), "300 ms"),
        (&long, "61 seconds"),
        (&ten_minutes, "it may last 60 seconds"),
        (b"Dear customer,\nplease press 1.\n", "looks like text"),
        (OPUS, "Opus"),
        (&whole[..whole.len() / 2], "cut off"),
        (&MP3[..MP3.len() / 2], "cut off"),
        (&FLAC[..FLAC.len() / 2], "cut off"),
        (&OGG[..OGG.len() / 2], "cut off"),
    ] {
        for path in ["/v1/sounds", "/v1/sounds/inspect"] {
            let fields: &[_] = if path.ends_with("inspect") { &[] } else { &[("name", "bad")] };
            let refused = app.upload_with(path, fields, Some(file)).await;
            assert_eq!(refused.problem(422), "unsupported_sound", "{said}");
            let detail = refused.json()["detail"].as_str().unwrap().to_owned();
            assert!(detail.contains(said), "{said}: {detail}");
        }
    }
    assert_eq!(app.get("/v1/sounds").await.json(), json!({ "sounds": [] }));
    assert_eq!(app.requests(UPLOADS).await.len(), 0);
    app.stop().await;
}

#[tokio::test]
async fn a_file_of_200_mib_is_refused_before_it_is_received() {
    let app = TestApp::start().await;
    let address = app.base.strip_prefix("http://").unwrap();
    let head = |length: &str| {
        format!(
            "POST /v1/sounds HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\n\
             Content-Type: multipart/form-data; boundary=x\r\n{length}\r\n\r\n",
            app.key
        )
    };
    let mut connection = tokio::net::TcpStream::connect(address).await.unwrap();
    connection.write_all(head("Content-Length: 209715200").as_bytes()).await.unwrap();
    let mut start = [0; 12];
    connection.read_exact(&mut start).await.unwrap();
    assert_eq!(&start, b"HTTP/1.1 413");

    // Of unknown length it is refused once it is too long.
    let mut connection = tokio::net::TcpStream::connect(address).await.unwrap();
    connection.write_all(head("Transfer-Encoding: chunked").as_bytes()).await.unwrap();
    let chunk = [b"100000\r\n".as_slice(), &vec![0; 0x0010_0000], b"\r\n"].concat();
    let (mut reading, mut writing) = connection.split();
    let send = async {
        for _ in 0..200 {
            // Refused halfway, and the connection closed: as it should be.
            if writing.write_all(&chunk).await.is_err() {
                break;
            }
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        read = reading.read_exact(&mut start) => { read.unwrap(); }
        () = send => {}
    }
    assert_eq!(&start, b"HTTP/1.1 413");
    app.stop().await;
}

#[tokio::test]
async fn what_is_no_upload_says_what_is_missing() {
    let app = TestApp::start().await;
    let file = tone(440.0, 1.0);
    let sounds = "/v1/sounds";
    for (path, fields, file, status, code) in [
        (sounds, &[][..], Some(&file[..]), 422, "missing_field"),
        (sounds, &[("name", "greeting")], None, 422, "missing_field"),
        (sounds, &[("name", "Greeting!")], Some(&file), 422, "invalid_field"),
        (sounds, &[("name", "a"), ("name", "b")], Some(&file), 422, "invalid_field"),
        (sounds, &[("name", "a"), ("acount", "main")], Some(&file), 422, "unknown_field"),
        (sounds, &[("name", "a"), ("account", "none")], Some(&file), 422, "unknown_account"),
        ("/v1/sounds/inspect", &[("name", "a")], Some(&file), 422, "unknown_field"),
    ] {
        let refused = app.upload_with(path, fields, file).await;
        assert_eq!(refused.problem(status), code, "{fields:?}");
    }
    let body = Some(json!({ "name": "greeting" }));
    let refused = app.call(Method::POST, sounds, body).await;
    assert_eq!(refused.problem(415), "unsupported_media_type");
    let request = app.http.post(format!("{}{sounds}", app.base)).bearer_auth(&app.key);
    let request = request.header("content-type", "multipart/form-data; boundary=x").body("--y");
    assert_eq!(crate::app::answer(request).await.problem(400), "invalid_multipart");
    assert_eq!(app.get("/v1/sounds/none").await.problem(404), "not_found");
    assert_eq!(app.get("/v1/sounds/No%20Name").await.problem(404), "not_found");
    app.stop().await;
}

#[tokio::test]
async fn only_keys_that_operate_touch_sounds_and_prompts() {
    let app = TestApp::start().await;
    let body = json!({ "app": "shop", "scopes": ["start", "read"] });
    let key = app.call(Method::POST, "/v1/keys", Some(body)).await.json();
    let key = key["key"].as_str().unwrap();
    for (method, path) in [
        (Method::GET, "/v1/sounds"),
        (Method::POST, "/v1/sounds"),
        (Method::POST, "/v1/sounds/inspect"),
        (Method::GET, "/v1/sounds/a"),
        (Method::GET, "/v1/sounds/a/audio"),
        (Method::DELETE, "/v1/sounds/a"),
        (Method::GET, "/v1/prompts"),
        (Method::GET, "/v1/prompts/a"),
        (Method::PUT, "/v1/prompts/a"),
        (Method::DELETE, "/v1/prompts/a"),
    ] {
        let refused = app.call_as(key, method.clone(), path, None).await;
        assert_eq!(refused.problem(403), "missing_scope", "{method} {path}");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_sound_that_the_provider_did_not_take_is_brought_by_the_same_file() {
    let app = TestApp::start().await;
    let file = tone(440.0, 1.0);
    let refuse = |with: Value| {
        app.simulator(Method::PUT, "/_simulator/settings", Some(json!({ "refuse_all": with })))
    };
    refuse(json!("The disk is full")).await;
    let refused = app.upload("greeting", &file).await;
    assert_eq!(refused.problem(503), "provider_failed");
    let detail = refused.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("version 1") && detail.contains("The disk is full"), "{detail}");
    assert_eq!(app.get("/v1/sounds/greeting").await.json()["missing_at"], json!(["main"]));

    refuse(Value::Null).await;
    let again = app.upload("greeting", &file).await;
    assert_eq!(again.status, 200, "{}", again.text);
    assert_eq!(again.json()["missing_at"], json!([]));
    app.stop().await;
}

#[tokio::test]
async fn a_sound_that_the_provider_lost_is_missing_until_it_is_brought_again() {
    let app = TestApp::start().await;
    let file = tone(440.0, 1.0);
    let lost = app.uploaded("greeting", &file).await;
    let service = app.app().service();
    service.accounts()[0].provider.delete_sound(&lost).await.unwrap();
    app.advance(1);
    app.learn().await;
    assert_eq!(app.get("/v1/sounds/greeting").await.json()["missing_at"], json!(["main"]));
    assert_eq!(service.bring_missing_sounds().await.unwrap(), 1);
    let sound = app.get("/v1/sounds/greeting").await.json();
    assert_eq!(sound["missing_at"], json!([]));
    assert_ne!(place(&sound), lost);
    app.stop().await;
}

#[tokio::test]
async fn without_room_at_the_provider_an_upload_says_when_to_come_back() {
    let app = TestApp::with(|config| {
        let account = config.accounts.get_mut("main").unwrap();
        account.requests_per_minute = 8;
        account.queue_deadline = std::time::Duration::ZERO;
    })
    .await;
    let file = tone(440.0, 1.0);
    let mut names = ["a", "b", "c", "d", "e"].into_iter();
    let (name, busy) = loop {
        let name = names.next().unwrap();
        let answer = app.upload(name, &file).await;
        if answer.status != 201 {
            break (name, answer);
        }
    };
    assert_eq!(busy.problem(503), "provider_busy");
    assert_eq!(busy.json()["retry_after"], 10);
    // Perhaps it was taken and could not be listed: it is not sent once more then.
    app.advance(61);
    let again = app.upload(name, &file).await;
    assert_eq!((again.status.as_u16(), &again.json()["missing_at"]), (200, &json!([])));
    let mut sent: Vec<String> = Vec::new();
    for request in app.requests(UPLOADS).await {
        sent.push(request["params"].to_string());
    }
    let count = sent.len();
    sent.dedup();
    assert_eq!(sent.len(), count, "{sent:?}");
    app.stop().await;
}

#[tokio::test]
async fn an_upload_whose_answer_was_lost_is_found_and_not_repeated() {
    let app = TestApp::start().await;
    let file = tone(440.0, 1.0);
    let digest = const_hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&file));
    // As after an answer that never came: the provider has it, and nobody here knows.
    let name = format!("greeting-v1-{}", &digest[..12]);
    let provider = &app.app().service().accounts()[0].provider;
    provider.upload_sound(&name, file.clone()).await.unwrap();
    app.learn().await;
    app.uploaded("greeting", &file).await;
    assert_eq!(app.requests(UPLOADS).await.len(), 1);
    app.stop().await;
}

#[tokio::test]
async fn a_deleted_sound_that_is_uploaded_again_is_sent_again() {
    let app = TestApp::start().await;
    let file = tone(440.0, 1.0);
    let first = app.uploaded("greeting", &file).await;
    // The list that is remembered has it.
    app.advance(1);
    app.learn().await;
    let gone = app.call(Method::DELETE, "/v1/sounds/greeting", None).await;
    assert_eq!(gone.status, 200, "{}", gone.text);
    let second = app.uploaded("greeting", &file).await;
    assert_ne!(first, second);
    let there = app.app().service().accounts()[0].provider.sounds().await.unwrap();
    assert!(there.iter().any(|sound| sound.id == second), "the provider has it");
    app.stop().await;
}
