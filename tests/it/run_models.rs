//! Models that are missing, wrong, down, cut off or free, and what is billed for them.

use serde_json::{Value, json};
use std::time::Duration;
use theazo_tests::model_server::{Allow, Gate, Quirk, Reply, Script, Usage, Wire};
use theazo_tests::{ANTHROPIC_KEY, Runs, Server, Setup, Task};

async fn with_model(runs: &Runs, input: &str, model: Value) -> Task {
    let body = json!({ "agent": "coder", "input": input, "model": model });
    runs.client.submit(&runs.session, body).await
}

fn down() -> Reply {
    Reply::status(529)
        .error("overloaded_error", "Overloaded")
        .retry_after_ms(Duration::from_millis(1))
}

/// What cannot begin is refused at once, with what to do about it.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_think_is_refused() {
    let runs = Runs::start().await;
    let submit = async |model: Value| {
        let body = json!({ "agent": "coder", "input": "x", "model": model });
        runs.client.submission(&runs.session, body).await
    };
    let missing = submit(json!({ "provider": "anthropic", "credentialRef": "NOT_SET" })).await;
    missing.invalid("model.credentialRef");
    assert!(missing.text().contains("NOT_SET") && missing.text().contains("/v1/secrets"));
    submit(json!("no-such-model")).await.invalid("model");
    submit(json!({ "baseUrl": "http://127.0.0.1:9/v1", "name": "m" }))
        .await
        .invalid("model.baseUrl");

    let bare = Server::start().await;
    let client = bare.live();
    let session = client.session().await;
    let body = json!({ "agent": "coder", "input": "x" });
    let refused = client.submission(&session, body).await;
    refused.refused("unprocessable_entity");
    assert!(refused.text().contains("ANTHROPIC_API_KEY"), "{}", refused.brief());
}

/// A wrong key fails the run at once, in the vendor's words, without the key.
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_credential_is_told_without_it() {
    let runs = Runs::start().await;
    let words = format!("invalid x-api-key: {ANTHROPIC_KEY} is not known");
    let refusal = Reply::status(401).error("authentication_error", &words);
    let task = runs.code("wrong-key-1", Script::always(refusal)).await;
    let why = task.fails("provider_error").await;
    assert!(why.contains("invalid x-api-key") && why.contains("401"), "{why}");
    assert_eq!(runs.models.calls_of("wrong-key-1").len(), 1, "it is not asked again");
    let steps = task.steps().await;
    for text in [why, format!("{steps:?}"), runs.server.log()] {
        assert!(!text.contains(ANTHROPIC_KEY), "{text}");
    }
}

/// A vendor that is down is asked again for a while; then the failure says what was tried.
#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_that_is_down_is_asked_again() {
    let runs = Runs::start().await;
    let replies = [down(), down(), Reply::text("Up again.")];
    let task = runs.code("down-1", Script::replies(replies)).await;
    assert_eq!(task.completes().await["output"], "Up again.");
    assert_eq!(runs.models.calls_of("down-1").len(), 3);

    let overloaded = runs.code("down-2", Script::always(down())).await;
    let why = overloaded.fails("provider_error").await;
    assert!(why.contains("529") && why.contains("Overloaded"), "{why}");
    assert!(why.contains("times") || why.contains("calls"), "what was tried: {why}");
    assert!(runs.models.calls_of("down-2").len() > 2);
}

/// Where nobody listens: the same, and it says where.
#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_that_is_not_there_is_asked_again() {
    let runs = Runs::with(Setup::default().arg("--allow-private-networks")).await;
    let secret = json!({ "name": "GATEWAY", "value": "sk-gateway-1" });
    runs.client.post("/v1/secrets", secret).await.ok();
    let url = "http://127.0.0.1:9/v1";
    let nobody = json!({ "baseUrl": url, "credentialRef": "GATEWAY", "name": "m" });
    let unreachable = with_model(&runs, "down-3", nobody).await;
    let why = unreachable.fails("provider_error").await;
    assert!(why.contains("127.0.0.1"), "it says who: {why}");
}

/// What breaks off in the middle is asked again; what is known of its cost is billed.
#[tokio::test(flavor = "multi_thread")]
async fn what_breaks_off_is_asked_again_and_billed() {
    let runs = Runs::start().await;
    let used = Usage::new(200_000, 0, 0, 50);
    let half = || Reply::text("Half of it").chunked(4).usage(used);
    let breaks = [
        ("cut-off-1", half().cut_after(2)),
        ("cut-off-2", half().error_mid_stream(2, "overloaded_error", "Overloaded")),
        ("cut-off-3", half().cut_before_end()),
    ];
    for (input, broken) in breaks {
        let whole = Reply::text("All of it.").usage(used);
        let task = runs.code(input, Script::replies([broken, whole])).await;
        let ended = task.completes().await;
        assert_eq!(ended["output"], "All of it.", "{input}");
        let steps = task.steps().await;
        assert_eq!(steps.len(), 2, "{input}: {steps:#?}");
        assert_eq!(steps[0]["error"]["code"], "provider_error", "{input}");
        assert_eq!(steps[1]["usage"]["inputTokens"], 200_000, "{input}");
        let read = &steps[0]["usage"]["inputTokens"];
        assert_eq!(*read, 200_000, "{input}: the prompt was read: {steps:#?}");
        let all = ended["usage"]["inputTokens"].as_u64().unwrap();
        assert_eq!(all, 400_000, "{input}: {ended:#}");
        assert!(steps[0]["cost"]["amount"].as_u64().unwrap() > 0, "{input}: {steps:#?}");
    }
}

/// Another model answers when the first one cannot, at its own price.
#[tokio::test(flavor = "multi_thread")]
async fn fallbacks_answer_when_the_first_cannot() {
    let runs = Runs::start().await;
    // The first one is asked anew in each turn, with what the other one said.
    runs.models.allow(Allow::ForeignTurns);
    runs.models.script_for(
        "fallback-1",
        Script::brain(|request| match request.wire {
            Wire::Anthropic => down(),
            _ if request.answers() == 0 => Reply::call("list_files", json!({ "path": "." })),
            _ => Reply::text("The other one."),
        }),
    );
    let model = json!({ "id": "claude-sonnet", "fallbacks": ["gpt-sol"] });
    let task = with_model(&runs, "fallback-1", model).await;
    assert_eq!(task.completes().await["output"], "The other one.");
    let steps = task.steps().await;
    let answered: Vec<&Value> = steps.iter().filter(|step| step["usage"].is_object()).collect();
    for step in answered {
        assert!(step["model"].as_str().unwrap().starts_with("gpt-"), "{step:#}");
        assert!(step["priceId"].as_str().unwrap().starts_with("openai/"), "{step:#}");
    }
}

/// A model without a price says so, and has one as soon as the org gives it one.
#[tokio::test(flavor = "multi_thread")]
async fn a_model_without_a_price_says_so() {
    let runs = Runs::start().await;
    let used = Usage::new(1_000_000, 0, 0, 0);
    runs.models.script(Script::always(Reply::text("Priceless.").usage(used)));
    let model = json!("anthropic/claude-nova-9");
    let task = with_model(&runs, "unpriced-1", model.clone()).await;
    assert_eq!(task.completes().await["unpriced"], true);
    let price = json!({ "input": "2.00", "output": "8.00" });
    let put =
        runs.client.call(theazo_tests::Method::PUT, "/v1/models/anthropic%2Fclaude-nova-9/price");
    put.json(price).await.ok();
    let task = with_model(&runs, "unpriced-2", model).await;
    let ended = task.completes().await;
    assert!(ended["unpriced"].is_null(), "{ended:#}");
    let cents = ended["cost"]["amount"].as_u64().unwrap();
    assert!((200..=201).contains(&cents), "2 dollars for a million tokens: {ended:#}");
}

/// The caller's own model costs nothing here, and its tokens are counted.
#[tokio::test(flavor = "multi_thread")]
async fn own_models_are_counted_and_not_billed() {
    let runs = Runs::with(Setup::default().arg("--allow-private-networks")).await;
    runs.models.allow(Allow::UnknownFields);
    let secret = json!({ "name": "OWN", "value": "sk-own-1" });
    runs.client.post("/v1/secrets", secret).await.ok();
    let own =
        json!({ "baseUrl": runs.models.openai_url(), "credentialRef": "OWN", "name": "gpt-sol" });
    let used = Usage::new(60_000, 0, 0, 7);
    let script = Script::by_turn([
        Reply::call("list_files", json!({ "path": "." })).usage(used).quirk(Quirk::Cost),
        Reply::text("Mine.").usage(used).quirk(Quirk::Cost),
    ]);
    runs.models.script_for("own-1", script);
    let task = with_model(&runs, "own-1", own).await;
    let ended = task.completes().await;
    assert_eq!(ended["usage"]["inputTokens"], 120_000);
    assert_eq!(ended["usage"]["outputTokens"], 14);
    assert!(ended["unpriced"].is_null());
    assert!(ended["cost"]["amount"].as_u64().unwrap() <= 1, "compute alone: {ended:#}");
    let calls = runs.models.calls_of("own-1");
    assert!(calls.iter().all(|call| call.api_key() == "sk-own-1" && call.wire == Wire::Chat));
}

/// What a model thought and called comes back to it unchanged, also from another process: the
/// model server holds every turn against what it had said.
#[tokio::test(flavor = "multi_thread")]
async fn every_vendor_gets_its_own_words_back_after_a_crash() {
    let mut runs = Runs::with(Setup::default().arg("--allow-private-networks")).await;
    let secret = json!({ "name": "GATEWAY", "value": "sk-gateway-1" });
    runs.client.post("/v1/secrets", secret).await.ok();
    let gateway = json!({
        "baseUrl": runs.models.openai_url(), "credentialRef": "GATEWAY", "name": "m",
    });
    let mut tasks = Vec::new();
    for (n, model) in [json!("claude-sonnet"), json!("gpt-sol"), gateway].into_iter().enumerate() {
        let (input, gate) = (format!("words-{n}"), Gate::new());
        let script = Script::by_turn([
            Reply::text("I look — \"twice\".")
                .thinking("Hm: ä, 🦀.")
                .tool_call_raw("list_files", r#"{ "path" : "." }"#)
                .tool_call("write_file", json!({ "path": "a.txt", "content": "a" })),
            Reply::call("read_file", json!({ "path": "a.txt" })).redacted_thinking().gated(&gate),
            Reply::text("Done."),
        ]);
        runs.models.script_for(&input, script);
        let task = with_model(&runs, &input, model).await;
        gate.arrived().await;
        tasks.push((task, gate));
    }
    runs.server.kill9();
    runs.server.start_again().await;
    for (task, gate) in tasks {
        gate.open();
        assert_eq!(task.completes().await["output"], "Done.");
        assert_eq!(task.view().await["attempt"], 2);
    }
    runs.models.assert_no_finished_call_was_repeated();
}
