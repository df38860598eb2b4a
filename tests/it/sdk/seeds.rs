//! Every code block of the SDK's contract (`docs/contract/`) runs as it is.

use theazo_tests::model_server::{Reply, Script};
use theazo_tests::{Runs, Setup, json};

use super::language::{Language, base_url, ended};

/// What the model says to the blocks' tasks.
fn scripts(runs: &Runs) {
    let models = &runs.models;
    models.script(Script::always(Reply::text("Here is what I found.")));
    let writes = |path: &str| {
        let file = json!({ "path": path, "content": "| a | b |\n" });
        Script::by_turn([Reply::call("write_file", file), Reply::text("It is saved.")])
    };
    models.script_for("analyze competitor pricing for SaaS tools", writes("report.md"));
    models.script_for("Scrape the pricing pages of Vercel", writes("/workspace/pricing.md"));
    let progress = json!({ "progress": 0.5, "message": "Searching the web..." });
    let looks = Reply::text("I look it up.")
        .tool_call("run_code", json!({ "lang": "bash", "code": "echo 7" }))
        .tool_call("report_progress", progress);
    let says = Reply::text("The market is large.").chunked(5);
    models.script_for("Write a market analysis report", Script::by_turn([looks, says]));
    let fails_once = [Reply::status(400), Reply::text("This time it worked.")];
    models.script_for("seeds-retry", Script::replies(fails_once));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_block_of_the_contract_runs() {
    let runs = Runs::with(Setup::default().arg("--allow-private-networks")).await;
    scripts(&runs);
    let mut command = Language::TypeScript.program("tests/seeds/run.mjs");
    command
        .env("THEAZO_BASE_URL", base_url(&runs.client))
        .env("THEAZO_API_KEY", &runs.server.live_key)
        .env("SEEDS_MODELS", runs.models.openai_url())
        .env("SEEDS_PYTHON", Language::Python.interpreter());
    let said = ended(command).await.expect("the blocks");
    eprintln!("{said}");
    // A page that nobody reads any more would fail nothing.
    assert!(said.contains("27 blocks, 0 failed"), "{said}");
}
