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
    pass(Language::TypeScript, &["--test", "tests/live/"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pythons_live_tests_and_examples_pass() {
    pass(Language::Python, &["-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/live.py"])
        .await;
}
