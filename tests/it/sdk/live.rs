//! Each SDK's own tests against a server, with its examples for Python.

use theazo_tests::Runs;
use theazo_tests::model_server::{Reply, Script};

use super::language::{Language, base_url, ended};

/// Runs a program with a server whose models always say the same.
async fn pass(language: Language, program: &[&str]) {
    let runs = Runs::start().await;
    runs.models.script(Script::always(Reply::text("Here is what I found.").chunked(3)));
    let mut command = language.command(program);
    command
        .env("THEAZO_BASE_URL", base_url(&runs.client))
        .env("THEAZO_API_KEY", &runs.server.live_key)
        .env("THEAZO_TEST_KEY", &runs.server.test_key);
    eprintln!("{}", ended(command).await.expect("the tests"));
}

#[tokio::test(flavor = "multi_thread")]
async fn typescripts_live_tests_pass() {
    let files = std::fs::read_dir(Language::TypeScript.folder().join("tests/live")).unwrap();
    let paths = files.map(|file| file.unwrap().path().to_str().unwrap().to_owned());
    let tests: Vec<String> = paths.filter(|path| path.ends_with(".test.mjs")).collect();
    assert!(!tests.is_empty());
    let tests = tests.iter().map(String::as_str);
    pass(Language::TypeScript, &["--test"].into_iter().chain(tests).collect::<Vec<_>>()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pythons_live_tests_and_examples_pass() {
    pass(Language::Python, &["-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/live.py"])
        .await;
}
