//! The README's example for `curl`, word for word.

use std::process::Command;

use ringproof::domain::Mode;
use serde_json::{Value, json};

use crate::app::{TestApp, note_secrets_of};

/// The README's blocks of shell commands, in order.
fn blocks() -> Vec<&'static str> {
    let readme = include_str!("../../README.md");
    let parts = readme.split("```sh\n").skip(1);
    parts.map(|part| part.split("```").next().unwrap()).collect()
}

#[tokio::test]
async fn the_example_for_curl_starts_waits_and_redeems() {
    let app = TestApp::start().await;
    app.script("+380991234567", json!({})).await;
    let blocks = blocks();
    let at = blocks.iter().position(|block| block.starts_with("# Start.")).unwrap();
    assert_eq!(blocks[at - 1], "KEY=ID.SECRET; AT=http://127.0.0.1:8080\n");
    let mut bash = Command::new("bash");
    bash.args(["-euo", "pipefail", "-c", blocks[at]]).env("no_proxy", "*");
    bash.env("KEY", &app.key).env("AT", &app.base);

    let output = tokio::task::spawn_blocking(move || bash.output().unwrap()).await.unwrap();

    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{printed}{}", String::from_utf8_lossy(&output.stderr));
    let answers: Result<Vec<Value>, _> =
        serde_json::Deserializer::from_slice(&output.stdout).into_iter().collect();
    let answers = answers.unwrap();
    answers.iter().for_each(note_secrets_of);
    let [ended, redeemed] = answers.as_slice() else { panic!("two answers expected: {printed}") };
    assert_eq!(ended["status"], "verified", "{ended:#}");
    assert_eq!(redeemed["redeemed"], true, "{redeemed:#}");
    assert_eq!(redeemed["verification"]["id"], ended["id"]);
    app.stop().await;
}

#[test]
fn the_recommended_settings_of_the_guard_load() {
    let readme = include_str!("../../README.md");
    let folder = tempfile::tempdir().unwrap();
    for (who, number_limit, budget) in
        [("shop", 5, "40 EUR"), ("bank", 3, "500 EUR"), ("forum", 2, "3 EUR")]
    {
        let begin = format!("```toml\n# guard: {who}\n");
        let block = readme.split(&begin).nth(1).unwrap().split("```").next().unwrap();
        let file = folder.path().join(format!("{who}.toml"));
        std::fs::write(&file, block).unwrap();
        let config = ringproof::config::load(Some(&file), std::iter::empty(), &[]);
        let guard = config.unwrap_or_else(|problems| panic!("{who}: {problems:?}")).guard;
        assert_eq!(guard.per_number.limits[0].max, number_limit, "{who}");
        let (mode, conversion) = guard.conversion.unwrap().set().unwrap();
        let wanted = if who == "bank" { Mode::Shadow } else { Mode::Enforce };
        assert_eq!((mode, conversion.min_percent), (wanted, 10), "{who}");
        assert_eq!(guard.number_types.refuse.len(), 4, "{who}");
        let (_, amount) = guard.money.app_budget.set().unwrap();
        assert_eq!(amount.to_string(), budget, "{who}");
    }
}
