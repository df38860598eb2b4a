//! What a run leaves: artifacts, results, definitions that were asked for, retries.

use serde_json::json;
use theazo_tests::Runs;
use theazo_tests::model_server::{Reply, Script, Usage};

fn bash(code: &str) -> serde_json::Value {
    json!({ "lang": "bash", "code": code })
}

/// Of an agent that was there before: what is new, and what has changed, also at the same size.
#[tokio::test(flavor = "multi_thread")]
async fn artifacts_are_what_the_run_made() {
    let runs = Runs::start().await;
    let agent = runs.client.agent(&runs.session).await;
    for (name, content) in [("old.txt", "aaaa"), ("kept.txt", "kept"), ("sub/deep.txt", "x")] {
        let path = format!("/v1/agents/{agent}/files?path=/workspace/{name}");
        runs.client.put(path, content).await.ok();
    }
    let script = Script::by_turn([
        Reply::call("run_code", bash("printf bbbb > old.txt; printf new > sub/new.txt")),
        Reply::text("Made."),
    ]);
    let task = runs.run(&agent, "artifacts-1", script).await;
    let ended = task.completes().await;
    assert_eq!(ended["artifacts"], json!(["/workspace/old.txt", "/workspace/sub/new.txt"]));
    runs.client.agent_becomes(&agent, "idle").await;
    let file = format!("/v1/agents/{agent}/files?path=/workspace/old.txt");
    assert_eq!(runs.client.get(file).foreign().await.text(), "bbbb");

    let script = Script::by_turn([Reply::text("Nothing to do.")]);
    let task = runs.run(&agent, "artifacts-2", script).await;
    assert_eq!(task.completes().await["artifacts"], json!([]));
}

/// What a run's own agent made outlives it.
#[tokio::test(flavor = "multi_thread")]
async fn contents_are_kept_when_the_agent_goes() {
    let runs = Runs::start().await;
    let script = Script::by_turn([
        Reply::call("write_file", json!({ "path": "report.md", "content": "# Wörter\n" }))
            .tool_call("run_code", bash("head -c 100000 /dev/zero > zeros.bin")),
        Reply::text("Written."),
    ]);
    let task = runs.code("kept-1", script).await;
    task.completes().await;
    runs.client.agent_becomes(&task.agent, "completed").await;
    let files = task.files().await;
    assert_eq!(files["/workspace/report.md"], "# Wörter\n");
    assert_eq!(files["/workspace/zeros.bin"].len(), 100_000);
    let none = runs.client.get(format!("{}/artifacts?path=/workspace/none", task.path())).await;
    none.refused("not_found");
}

/// A definition's fields, and what goes before them.
#[tokio::test(flavor = "multi_thread")]
async fn definitions_shape_the_run() {
    let runs = Runs::start().await;
    runs.models.script(Script::always(Reply::text("Aye.")));
    let definition = json!({
        "name": "pirate", "instructions": "Speak as a pirate.", "tools": ["read_file"],
        "model": { "id": "claude-haiku", "maxTokens": 777 }, "timeout": 60,
    });
    runs.client.post("/v1/agent-definitions", definition).await.ok();
    let body = json!({ "agent": "pirate", "input": "pirate-1" });
    runs.client.submit(&runs.session, body).await.completes().await;
    let asked = runs.models.calls_of("pirate-1").pop().unwrap();
    assert!(asked.model.starts_with("claude-haiku"), "{}", asked.model);
    assert_eq!(asked.body["max_tokens"], 777);
    assert!(asked.body["system"].to_string().contains("Speak as a pirate."), "{}", asked.body);
    let tools: Vec<&str> = asked.body["tools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| tool["name"].as_str().unwrap())
        .collect();
    assert_eq!(tools, ["declare_artifact", "read_file", "read_output", "report_progress"]);

    let body = json!({ "agent": "pirate", "input": "pirate-2", "model": "gpt-sol" });
    runs.client.submit(&runs.session, body).await.completes().await;
    let asked = runs.models.calls_of("pirate-2").pop().unwrap();
    assert!(asked.model.starts_with("gpt-"), "what the task says goes first: {}", asked.model);
    let unknown = json!({ "agent": "captain", "input": "x" });
    let error = runs.client.submission(&runs.session, unknown).await.refused("not_found");
    let known = error["message"].as_str().unwrap();
    assert!(known.contains("researcher") && known.contains("pirate"), "{known}");
}

/// `session.run`: created, run, gone, answered.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_runs_in_one_shot() {
    let runs = Runs::start().await;
    runs.models.script_for(
        "shot-1",
        Script::by_turn([
            Reply::call("write_file", json!({ "path": "a.txt", "content": "a" })),
            Reply::text("Shot.").usage(Usage::new(400_000, 0, 0, 10_000)),
        ]),
    );
    let path = format!("/v1/sessions/{}/run", runs.session);
    let result = runs.client.post(&path, json!({ "agent": "coder", "task": "shot-1" })).await.ok();
    assert_eq!(result["output"], "Shot.");
    assert_eq!(result["artifacts"], json!(["/workspace/a.txt"]));
    assert!(result["cost"]["amount"].as_u64().unwrap() > 0, "{result}");
    let calls = result["toolCalls"].as_array().unwrap();
    assert_eq!(calls.len(), 1, "{result}");
    assert_eq!(
        (&calls[0]["name"], &calls[0]["input"]["path"]),
        (&json!("write_file"), &json!("a.txt"))
    );
    assert!(calls[0]["durationMs"].is_u64() && !calls[0]["output"].is_null());
    let session = runs.client.get(format!("/v1/sessions/{}", runs.session)).await.expect(200);
    assert!(session["usage"]["cost"]["amount"].as_u64() >= result["cost"]["amount"].as_u64());

    runs.models.script_for("shot-2", Script::always(Reply::status(400)));
    let failed = runs.client.post(&path, json!({ "agent": "coder", "input": "shot-2" })).await;
    failed.refused("provider_error");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_run_is_retried() {
    let runs = Runs::start().await;
    let agent = runs.client.agent(&runs.session).await;
    let replies = [Reply::status(400).error("invalid_request_error", "no"), Reply::text("Now.")];
    let task = runs.run(&agent, "retry-1", Script::replies(replies)).await;
    task.fails("provider_error").await;
    runs.client.agent_becomes(&agent, "idle").await;
    let again = runs.client.post(format!("/v1/agents/{agent}/retry"), json!({})).await;
    assert_eq!(again.status, 202, "{}", again.brief());
    let again = runs.client.task_of(&runs.session, &again);
    assert_ne!(again.id, task.id);
    let ended = again.completes().await;
    assert_eq!((&ended["output"], &ended["retryOf"]), (&json!("Now."), &json!(task.id)));
}
