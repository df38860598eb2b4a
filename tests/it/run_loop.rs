//! The loop model → tool → model, turn by turn.

use serde_json::{Value, json};
use theazo_tests::model_server::{Allow, Gate, Reply, Script, StopReason, Usage};
use theazo_tests::{Runs, Setup, Task};

/// Code that succeeds only while other code does the same for `theirs`.
fn meet(own: &str, theirs: &str) -> Value {
    let code = format!(
        "touch {own}; for i in $(seq 1000); do [ -e {theirs} ] && exit 0; sleep 0.02; done; exit 1"
    );
    json!({ "lang": "bash", "code": code })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tools_of_one_turn_run_at_once() {
    let runs = Runs::start().await;
    let script = Script::by_turn([
        Reply::empty().tool_call("run_code", meet("a", "b")).tool_call("run_code", meet("b", "a")),
        Reply::text("They met."),
    ]);
    let task = runs.code("meet-1", script).await;
    let ended = task.completes().await;
    assert_eq!(ended["output"], "They met.");
    for call in ended["toolCalls"].as_array().unwrap() {
        assert!(call["output"].as_str().unwrap().contains("exit code: 0"), "{call}");
    }
    assert_eq!(task.steps().await.len(), 4);
}

/// What the model cannot have is told to it, and the run goes on.
#[tokio::test(flavor = "multi_thread")]
async fn wrong_calls_are_told_to_the_model() {
    let runs = Runs::with(Setup::default().arg("--allow-private-networks")).await;
    let secret = json!({ "name": "GATEWAY", "value": "sk-gateway-1" });
    runs.client.post("/v1/secrets", secret).await.ok();
    let gateway = json!({
        "baseUrl": runs.models.openai_url(), "credentialRef": "GATEWAY", "name": "m",
    });
    let of =
        [("wrong-1", json!("claude-sonnet")), ("wrong-2", json!("gpt-sol")), ("wrong-3", gateway)];
    for (input, model) in of {
        runs.models.script_for(
            input,
            Script::by_turn([
                Reply::text("I try.")
                    .tool_call_raw("write_file", r#"{"path": "a.txt", "content": "#)
                    .tool_call("fly", json!({ "to": "the moon" }))
                    .tool_call("run_code", json!({ "lang": "cobol" }))
                    .tool_call("web_search", json!({ "query": "not a coder's tool" })),
                Reply::text("I see."),
            ]),
        );
        let body = json!({ "agent": "coder", "input": input, "model": model });
        let task = runs.client.submit(&runs.session, body).await;
        let ended = task.completes().await;
        assert_eq!(ended["output"], "I see.", "{input}");
        let told = told(&task).await;
        assert_eq!(told.len(), 4, "{input}: {told:#?}");
        assert!(told[0].contains("JSON"), "{input}: {}", told[0]);
        assert!(told[1].contains("There is no tool `fly`"), "{input}: {}", told[1]);
        assert!(told[2].contains("lang") || told[2].contains("code"), "{input}: {}", told[2]);
        assert!(told[3].contains("There is no tool `web_search`"), "{input}: {}", told[3]);
    }
}

/// What the model was told of its calls, all of which are errors.
async fn told(task: &Task) -> Vec<String> {
    let tools = task.tools().await;
    assert!(tools.iter().all(|step| step["isError"] == true), "{tools:#?}");
    tools.iter().map(|step| step["output"].to_string()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_cut_off_is_gone_on_with() {
    let runs = Runs::start().await;
    runs.models.allow(Allow::ForeignTurns);
    let cut = |text: &str| Reply::text(text).stop(StopReason::MaxTokens);
    let script = Script::by_turn([
        cut("One, ").tool_call_raw("run_code", r#"{"lang": "ba"#),
        cut("two, "),
        Reply::text("three."),
    ]);
    let task = runs.code("cut-1", script).await;
    assert_eq!(task.completes().await["output"], "One, two, three.");
    assert!(task.tools().await.is_empty(), "half a call is no call");

    let forever = runs.code("cut-2", Script::always(cut("more "))).await;
    let why = forever.fails("max_tokens").await;
    assert!(why.contains("maxTokens"), "{why}");
    assert!(runs.models.calls_of("cut-2").len() < 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_and_pauses_of_the_model() {
    let runs = Runs::start().await;
    let refused = Script::always(Reply::text("No.").stop(StopReason::Refusal));
    let refused = runs.code("refusal-1", refused).await;
    refused.fails("refused").await;
    assert_eq!(runs.models.calls_of("refusal-1").len(), 1);

    let paused = Script::by_turn([
        Reply::text("Wait, ").stop(StopReason::PauseTurn),
        Reply::text("here it is."),
    ]);
    let paused = runs.code("pause-turn-1", paused).await;
    assert_eq!(paused.completes().await["output"], "Wait, here it is.");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_never_stops_calling_is_stopped() {
    let runs = Runs::start().await;
    runs.models.script(Script::always(Reply::call("list_files", json!({ "path": "." }))));
    let body = json!({ "agent": "coder", "input": "endless-1", "maxSteps": 3 });
    let task = runs.client.submit(&runs.session, body).await;
    let why = task.fails("max_steps_exceeded").await;
    assert!(why.contains("3 model calls"), "{why}");
    assert_eq!(runs.models.calls_of("endless-1").len(), 3);
    let ended = task.view().await;
    assert_eq!(
        (&ended["modelCalls"], ended["toolCalls"].as_array().unwrap().len()),
        (&json!(3), 3)
    );
}

/// A conversation that has outgrown the window is summarised, and the run goes on from that.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_context_is_compacted() {
    let runs = Runs::start().await;
    let script = |full: fn() -> Reply| {
        Script::brain(move |request| {
            let first = request.first_user_text();
            if first.starts_with("The transcript:") {
                return Reply::text("NOTES: the file is a.txt.");
            }
            match first.contains("NOTES: the file is a.txt.") {
                true => Reply::text("Done from my notes."),
                false => full(),
            }
        })
    };
    let by_usage = script(|| {
        Reply::call("list_files", json!({ "path": "." })).usage(Usage::new(990_000, 0, 0, 10))
    });
    let by_stop = script(|| Reply::text("Hm.").stop(StopReason::ContextWindowExceeded));
    for (input, script) in [("full-1", by_usage), ("full-2", by_stop)] {
        runs.models.script_for(input, script);
        runs.models.allow(Allow::ForeignTurns);
        let task = runs.client.code(&runs.session, input).await;
        let ended = task.completes().await;
        assert!(ended["output"].as_str().unwrap().ends_with("Done from my notes."), "{ended}");
        let steps = task.steps().await;
        let summaries: Vec<&Value> = steps.iter().filter(|s| s["purpose"] == "summary").collect();
        assert_eq!(summaries.len(), 1, "{steps:#?}");
        let last = runs.models.calls_of(input).pop().unwrap();
        assert!(last.first_user_text.contains(input), "the task itself is kept");
    }
}

/// All of a long output is kept, a part is shown, and the model can read the rest.
#[tokio::test(flavor = "multi_thread")]
async fn long_outputs_are_shortened_and_can_be_read() {
    let runs = Runs::start().await;
    let print = "import sys\nfor n in range(20000): sys.stdout.write(f'line {n}\\n')";
    let script = Script::by_turn([
        Reply::call("run_code", json!({ "lang": "python", "code": print })),
        Reply::call("read_output", json!({ "step": 1, "offset": 90_000, "limit": 200 })),
        Reply::text("Read."),
    ]);
    let task = runs.code("long-1", script).await;
    task.completes().await;
    let tools = task.tools().await;
    let shown = tools[0]["output"].as_str().unwrap();
    assert!(shown.len() <= 32 << 10, "{}", shown.len());
    assert!(shown.contains("line 0\n") && shown.contains("line 19999"), "both ends are shown");
    assert!(shown.contains("read_output") && !shown.contains("line 9000\n"));
    let rest = tools[1]["output"].as_str().unwrap();
    assert!(rest.contains("line 9") && tools[1]["isError"] == false, "{rest}");
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_is_seen_while_it_runs() {
    let runs = Runs::start().await;
    let gate = Gate::new();
    let script = Script::by_turn([
        Reply::call("report_progress", json!({ "progress": 0.25, "message": "a quarter" })),
        Reply::text("Done.").gated(&gate),
    ]);
    let task = runs.code("progress-1", script).await;
    gate.arrived().await;
    let seen = task.view().await;
    assert_eq!(seen["status"], "running");
    assert_eq!((&seen["progress"], &seen["message"]), (&json!(0.25), &json!("a quarter")));
    gate.open();
    assert_eq!(task.completes().await["progress"], 1.0);
}

/// An object is JSON for the model, a text is a text.
#[tokio::test(flavor = "multi_thread")]
async fn inputs_are_texts_or_objects() {
    let runs = Runs::start().await;
    runs.models.script(Script::always(Reply::text("Read.")));
    let input = json!({ "topic": "object-1", "sources": ["a", 2], "deep": { "quote": "\"" } });
    let body = json!({ "agent": "researcher", "input": input });
    runs.client.submit(&runs.session, body).await.completes().await;
    let asked = runs.models.calls_of("object-1").pop().unwrap();
    let read: Value = serde_json::from_str(&asked.first_user_text).unwrap();
    assert_eq!(read, input);
    let text = "text-1: \"quoted\"\nand a second line";
    let body = json!({ "agent": "researcher", "input": text });
    runs.client.submit(&runs.session, body).await.completes().await;
    assert_eq!(runs.models.calls_of("text-1").pop().unwrap().first_user_text, text);
}
