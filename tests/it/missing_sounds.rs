//! A sound that a prompt names and the provider lacks is found before anybody is called.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use reqwest::Method;
use ringproof::app::MAINTENANCE;
use ringproof::clock::Clock;
use serde_json::json;

use crate::app::{TestApp, made_up, simulate};

const NUMBER: &str = "+380991234567";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_starts_warns_of_each_sound_that_the_provider_lacks() {
    let (secret, token) = (made_up(), made_up());
    let simulator = simulate(&secret, None, Clock::real());
    let folder = tempfile::tempdir().unwrap();
    // The simulated account has what is shipped, by other names than the one in the middle.
    let config = format!(
        "store = \"sqlite://ringproof.db\"\n\
         [log]\nformat = \"json\"\n\
         [accounts.main]\nbase_url = \"http://{}\"\nkey = \"test_key\"\nsecret = \"{secret}\"\n\
         notification_token = \"{token}\"\nown_numbers = [\"+380441230000\"]\n\
         [prompts.pay.en]\ngreeting = \"ringproof-default-en-greeting\"\nconfirmed = \"nowhere\"\n\
         fallback = \"ringproof-default-en-fallback\"\npress = \"1\"\n",
        simulator.address()
    );
    std::fs::write(folder.path().join("c.toml"), config).unwrap();
    let mut serve = Command::new(env!("CARGO_BIN_EXE_ringproof"));
    serve.args(["serve", "--listen", "127.0.0.1:0", "--config", "c.toml"]);
    let serve = serve.current_dir(folder.path()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut serve = serve.spawn().unwrap();
    let said = BufReader::new(serve.stderr.take().unwrap()).lines();
    let reading = tokio::task::spawn_blocking(move || {
        said.map_while(Result::ok).find(|line| line.contains("the provider has no sound"))
    });
    let warning = reading.await.unwrap();
    serve.kill().unwrap();
    serve.wait().unwrap();
    simulator.stop().await;
    let warning = warning.expect("it ended without a warning");
    assert!(warning.contains("nowhere") && warning.contains("pay"), "{warning}");
}

#[tokio::test]
async fn a_sound_that_the_provider_loses_is_found_within_the_hour_and_no_call_is_begun() {
    let app = TestApp::start().await;
    let lost = app.config.prompts["default"].languages["en"].greeting.clone();
    app.app().service().accounts()[0].provider.delete_sound(&lost).await.unwrap();
    let missing = async || app.get("/v1/prompts/default").await.json()["missing"].clone();
    assert_eq!(missing().await, json!([]), "nobody has looked since");

    // Whenever the look of the start has ended, the next one is an hour later.
    while missing().await == json!([]) {
        app.hand.advance(MAINTENANCE);
    }
    let expected =
        json!([{ "account": "main", "language": "en", "part": "greeting", "sound": lost }]);
    assert_eq!(missing().await, expected);
    let start = json!({ "to": NUMBER, "channel": "call_button", "language": "en" });
    let refused = app.call(Method::POST, "/v1/verifications", Some(start)).await;
    assert_eq!(refused.problem(422), "sound_missing");
    app.stop().await;
}
