//! Tasks: submitted, listed, viewed, waited for and cancelled.

use axum::http::StatusCode;
use serde_json::{Value, json};
use theazo_commands::delivery;
use theazo_commands::{Origin, TaskPart};
use theazo_domain::delivery::{About, DeliveryCommand};
use theazo_domain::task::Task;
use theazo_domain::{StreamId, TaskId};

use crate::agents::idle_agent;
use crate::support::{App, PATIENCE};
use crate::worker::Worker;

/// No task has this id.
const NOTHING: &str = "task_01HX0000000000000000000000";

/// A session of the first org's live half, and its tasks' path.
async fn session(app: &App) -> (String, String) {
    let session = app.session("user").await;
    let path = format!("/v1/sessions/{session}/tasks");
    (session, path)
}

/// A task that is queued.
async fn queued(app: &App, path: &str) -> String {
    let body = json!({ "agent": "researcher", "input": "find out" });
    app.post(path, body).await.is(StatusCode::CREATED).text("id")
}

#[tokio::test]
async fn a_task_is_submitted_and_viewed() {
    let app = App::new().await;
    let (session, path) = session(&app).await;
    let body = json!({
        "agent": "researcher",
        "input": { "query": "analyze competitor pricing for Q2 2025" },
        "priority": "high",
        "webhook": "https://your-api.com/webhooks/task-complete",
        "maxSteps": 7,
    });
    let task = app.post(&path, body).await.is(StatusCode::CREATED);
    assert!(task.header("x-theazo-position").parse::<u64>().is_ok());
    let id = task.text("id");
    assert!(id.starts_with("task_"));
    let mut shown = task.json.clone();
    let agent = task.text("agentId");
    assert!(agent.starts_with("agt_"));
    let fields = shown.as_object_mut().unwrap();
    fields.remove("createdAt").unwrap();
    let zero = json!({ "inputTokens": 0, "cacheReadTokens": 0, "cacheWriteTokens": 0,
        "outputTokens": 0, "reasoningTokens": 0 });
    let expected = json!({
        "id": id, "taskId": id, "sessionId": session, "agentId": agent, "status": "queued",
        "priority": "high", "progress": 0.0, "message": "", "artifacts": [], "toolCalls": [],
        "cost": { "amount": 0, "currency": "usd" }, "duration": 0, "attempt": 0, "modelCalls": 0,
        "usage": zero, "webhook": true,
    });
    assert_eq!(shown, expected);
    let viewed = app.get(&format!("{path}/{id}")).await.is(StatusCode::OK);
    assert_eq!(viewed.json, task.json);

    let stream = StreamId::task(app.live.scope, id.parse().unwrap());
    let kept = app.commander.load::<Task>(&stream).await.unwrap().state.unwrap();
    assert_eq!(kept.max_steps, 7);
    let open = async |part, payload: &_| {
        let scope = app.live.scope;
        app.commander.open_task_text(scope, kept.id, part, payload).await.unwrap()
    };
    let input = open(TaskPart::Input, &kept.input).await;
    assert_eq!(input, r#"{"query":"analyze competitor pricing for Q2 2025"}"#);
    let webhook = open(TaskPart::Webhook, kept.webhook.as_ref().unwrap()).await;
    assert_eq!(webhook, "https://your-api.com/webhooks/task-complete");
}

#[tokio::test]
async fn a_task_runs_to_its_end() {
    let app = App::new().await;
    let (_, path) = session(&app).await;
    let id = queued(&app, &path).await;
    let target = format!("{path}/{id}");
    let mut worker = Worker::claim(&app, &id).await;
    let search = json!({ "query": "prices" });
    worker.model_call("I'll look.", &[("web_search", search.clone())], 3).await;
    worker.tool_call(0, "web_search", search.clone(), Some(r#"{"results": [1]}"#)).await;
    worker.tool_call(0, "run_code", json!("not an object"), Some("error: no")).await;
    worker.progress(450, "Processing 45 of 100 items…").await;

    let running = app.get(&target).await.is(StatusCode::OK).json;
    assert_eq!((&running["status"], &running["attempt"]), (&json!("running"), &json!(1)));
    assert_eq!(running["progress"], 0.45);
    assert_eq!(running["message"], "Processing 45 of 100 items…");
    assert!(running.get("output").is_none() && running.get("finishedAt").is_none(), "{running}");

    worker.model_call("Done.", &[], 4).await;
    worker.complete("The report.", &[("/workspace/report.md", None)]).await;
    let done = app.get(&target).await.is(StatusCode::OK).json;
    assert_eq!(done["status"], "completed");
    assert_eq!((&done["output"], &done["progress"]), (&json!("The report."), &json!(1.0)));
    assert_eq!(done["artifacts"], json!(["/workspace/report.md"]));
    assert_eq!((&done["cost"]["amount"], &done["modelCalls"]), (&json!(7), &json!(2)));
    assert_eq!(done["usage"]["inputTokens"], 200);
    assert_eq!(done["usage"]["cacheWriteTokens"], 10);
    assert!(done["startedAt"].is_string() && done["finishedAt"].is_string(), "{done}");
    let calls = json!([
        { "id": "call_1", "name": "web_search", "input": search, "output": { "results": [1] },
          "isError": false, "durationMs": 7 },
        { "id": "call_2", "name": "run_code", "input": "not an object", "output": "error: no",
          "isError": true, "durationMs": 7 },
    ]);
    assert_eq!(done["toolCalls"], calls);
    settled(&app).await;
    let listed = app.get(&path).await.is(StatusCode::OK).json;
    let mut brief = done.clone();
    brief.as_object_mut().unwrap().remove("toolCalls");
    assert_eq!(listed["data"], json!([brief]));
}

#[tokio::test]
async fn a_failed_task_says_why() {
    let app = App::new().await;
    let (_, path) = session(&app).await;
    let id = queued(&app, &path).await;
    let worker = Worker::claim(&app, &id).await;
    worker.fail("provider_error", "Anthropic is overloaded.", Some("So far:")).await;
    let task = app.get(&format!("{path}/{id}")).await.is(StatusCode::OK).json;
    assert_eq!(task["status"], "failed");
    let error = json!({ "code": "provider_error", "message": "Anthropic is overloaded." });
    assert_eq!((&task["error"], &task["output"]), (&error, &json!("So far:")));
}

#[tokio::test]
async fn what_cannot_begin_is_not_queued() {
    let app = App::new().await;
    let (session, path) = session(&app).await;
    let with = |more: Value| {
        let mut body = json!({ "agent": "researcher", "input": "a" });
        let more = more.as_object().unwrap().clone();
        body.as_object_mut().unwrap().extend(more);
        body
    };
    for (body, field) in [
        (json!({ "agent": "researcher" }), "input"),
        (json!({ "input": "a" }), "agent"),
        (with(json!({ "agentId": "agt_01HX0000000000000000000000" })), "agentId"),
        (with(json!({ "input": "" })), "input"),
        (with(json!({ "input": " \n" })), "input"),
        (with(json!({ "input": {} })), "input"),
        (with(json!({ "input": [1] })), "input"),
        (with(json!({ "input": 7 })), "input"),
        (with(json!({ "input": null })), "input"),
        (with(json!({ "priority": "urgent" })), "priority"),
        (with(json!({ "maxSteps": 0 })), "maxSteps"),
        (with(json!({ "maxSteps": 1001 })), "maxSteps"),
        (with(json!({ "timeout": 0 })), "timeout"),
        (with(json!({ "costCap": { "amount": -1, "currency": "usd" } })), "costCap.amount"),
        (with(json!({ "model": "llama-9" })), "model"),
        // The platform has no key for OpenAI.
        (with(json!({ "model": "gpt-4o" })), "model"),
        (with(json!({ "model": { "id": "claude-sonnet", "maxTokens": 0 } })), "model.maxTokens"),
        (
            with(json!({ "model": { "provider": "openai", "credentialRef": "my_key" } })),
            "model.credentialRef",
        ),
        (
            with(json!({ "model": { "id": "claude-sonnet", "fallbacks": [
                { "provider": "openai", "credentialRef": "my_key" } ] } })),
            "model.fallbacks[0].credentialRef",
        ),
        (with(json!({ "colour": "red" })), "colour"),
    ] {
        app.post(&path, body).await.wrong_field(field);
    }
    for url in [
        "",
        "your-api.com",
        "ftp://your-api.com/",
        "https://user:pw@your-api.com/",
        "http://localhost/a",
        "http://a.localhost:80/",
        "http://127.0.0.1:8080/a",
        "http://10.1.2.3/",
        "http://169.254.169.254/latest",
        "http://[::1]/",
        "http://[::ffff:10.0.0.1]/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        &format!("https://your-api.com/{}", "a".repeat(2_048)),
    ] {
        app.post(&path, with(json!({ "webhook": url }))).await.wrong_field("webhook");
    }
    let large = app.post(&path, with(json!({ "input": "a".repeat(1 << 20) }))).await;
    large.fails(413, "payload_too_large");
    assert_eq!(app.get(&path).await.json["data"], json!([]));

    let missing = with(json!({ "model": { "provider": "openai", "credentialRef": "my_key" } }));
    let answer = app.post(&path, missing.clone()).await.fails(422, "unprocessable_entity");
    let message = answer.json["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("POST /v1/secrets") && message.contains("`my_key`"), "{message}");
    let secret = json!({ "name": "my_key", "value": "sk-1", "sessionId": session });
    app.post("/v1/secrets", secret).await.is(StatusCode::CREATED);
    app.post(&path, missing).await.is(StatusCode::CREATED);
}

#[tokio::test]
async fn private_networks_can_be_allowed() {
    let app = App::with(|config| config.allow_private_networks = true).await;
    let (_, path) = session(&app).await;
    let webhook = "http://localhost:9000/hook";
    let body = json!({ "agent": "coder", "input": "a", "webhook": webhook });
    app.post(&path, body).await.is(StatusCode::CREATED);
}

#[tokio::test]
async fn an_unknown_agent_is_a_404_that_lists_the_known_ones() {
    let app = App::new().await;
    let (_, path) = session(&app).await;
    let own = json!({ "name": "Invoice reader" });
    app.post("/v1/agent-definitions", own).await.is(StatusCode::CREATED);
    for body in [
        json!({ "agent": "reasercher", "input": "a" }),
        json!({ "agent": "adef_01HX0000000000000000000000", "input": "a" }),
        json!({ "agent": "", "input": "a" }),
    ] {
        let answer = app.post(&path, body).await.fails(404, "not_found");
        let message = answer.json["error"]["message"].as_str().unwrap().to_owned();
        for name in ["Invoice reader", "researcher", "coder", "data_processor"] {
            assert!(message.contains(&format!("`{name}`")), "{message}");
        }
    }
    let nobody = json!({ "agentId": "agt_01HX0000000000000000000000", "input": "a" });
    app.post(&path, nobody).await.fails(404, "not_found");
}

#[tokio::test]
async fn an_agent_of_the_session_takes_tasks_of_its_own() {
    let app = App::new().await;
    let agent = idle_agent(&app).await;
    let shown = app.get(&format!("/v1/agents/{agent}")).await.json;
    let path = format!("/v1/sessions/{}/tasks", shown["sessionId"].as_str().unwrap());
    let body = json!({ "agentId": agent, "input": "a" });
    let task = app.post(&path, body.clone()).await.is(StatusCode::CREATED);
    assert_eq!(task.json["agentId"], json!(agent));
    let with_options = json!({ "agentId": agent, "input": "a", "timeout": 5 });
    app.post(&path, with_options).await.wrong_field("timeout");
    // Of another session it is not there.
    let (_, elsewhere) = session(&app).await;
    app.post(&elsewhere, body.clone()).await.fails(404, "not_found");
    app.post(&format!("/v1/agents/{agent}/pause"), json!({})).await.is(StatusCode::OK);
    app.post(&path, body.clone()).await.fails(409, "conflict");
    app.post(&format!("/v1/agents/{agent}/terminate"), json!({})).await.is(StatusCode::OK);
    app.post(&path, body).await.fails(409, "conflict");
}

#[tokio::test]
async fn a_session_that_has_ended_takes_no_tasks() {
    let app = App::new().await;
    let (session, path) = session(&app).await;
    app.post(&format!("/v1/sessions/{session}/end"), json!({})).await.is(StatusCode::OK);
    let body = json!({ "agent": "coder", "input": "a" });
    app.post(&path, body).await.fails(409, "conflict");
}

#[tokio::test]
async fn the_same_key_submits_one_task() {
    let app = App::new().await;
    let (_, path) = session(&app).await;
    let submit = async |key: &str, input: &str| {
        let body = json!({ "agent": "coder", "input": input });
        app.request("POST", &path).idempotent(key).json(&body).send().await
    };
    let first = submit("once", "a").await.is(StatusCode::CREATED);
    let again = submit("once", "a").await.is(StatusCode::CREATED);
    assert_eq!(first.bytes, again.bytes);
    submit("once", "b").await.fails(409, "conflict");
    let other = submit("twice", "a").await.is(StatusCode::CREATED);
    assert_ne!(other.text("id"), first.text("id"));
    assert_eq!(app.get(&path).await.column("id"), [other.text("id"), first.text("id")]);
}

#[tokio::test]
async fn what_a_key_has_submitted_stands_when_its_answer_is_lost() {
    let app = App::new().await;
    let (_, path) = session(&app).await;
    let definition = app.post("/v1/agent-definitions", json!({ "name": "mine" })).await.text("id");
    let submit = async || {
        let body = json!({ "agent": "mine", "input": "a" });
        app.request("POST", &path).idempotent("once").json(&body).send().await
    };
    let first = submit().await.is(StatusCode::CREATED);
    app.delete(&format!("/v1/agent-definitions/{definition}")).await.is(StatusCode::OK);
    app.forget_answers().await;
    let again = submit().await.is(StatusCode::CREATED);
    assert_eq!(again.header("idempotent-replayed"), "");
    assert_eq!(again.json, first.json);
}

#[tokio::test]
async fn tasks_are_listed_by_status_and_in_pages() {
    let app = App::new().await;
    let (_, path) = session(&app).await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.insert(0, queued(&app, &path).await);
    }
    Worker::claim(&app, &ids[4]).await.complete("a", &[]).await;
    Worker::claim(&app, &ids[3]).await;
    let (mut seen, mut next) = (Vec::new(), String::new());
    loop {
        let page = app.get(&format!("{path}?limit=2{next}")).await.is(StatusCode::OK);
        seen.extend(page.column("id"));
        match page.json["nextCursor"].as_str() {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, ids);
    let with = async |status: &str| {
        app.get(&format!("{path}?status={status}")).await.is(StatusCode::OK).column("id")
    };
    settled(&app).await;
    assert_eq!(with("completed").await, [ids[4].clone()]);
    assert_eq!(with("running").await, [ids[3].clone()]);
    assert_eq!(with("queued").await, ids[..3]);
    assert!(with("cancelled").await.is_empty() && with("failed").await.is_empty());
    for (query, field) in
        [("status=done", "status"), ("limit=0", "limit"), ("cursor=cur_x", "cursor")]
    {
        app.get(&format!("{path}?{query}")).await.wrong_field(field);
    }
}

/// Waits until the read models have what the test's worker has reported.
pub async fn settled(app: &App) {
    let head = app.commander.log().head().await.unwrap();
    let target = "/v1/settings";
    let read = app.request("GET", target).header("x-theazo-min-position", &head.0.to_string());
    read.send().await.is(StatusCode::OK);
}

#[tokio::test]
async fn waiting_ends_with_the_task() {
    let app = App::new().await;
    let (_, path) = session(&app).await;
    let id = queued(&app, &path).await;
    let wait = format!("{path}/{id}/wait");
    let late = app.get(&format!("{wait}?timeout=0")).await.is(StatusCode::OK);
    assert_eq!(late.text("status"), "queued");
    let late = app.get(&format!("{wait}?timeout=20ms")).await.is(StatusCode::OK);
    assert_eq!(late.text("status"), "queued");
    let long = format!("{wait}?timeout=10m");
    let waiting = app.get(&long);
    let working = async {
        let worker = Worker::claim(&app, &id).await;
        worker.complete("done", &[]).await;
    };
    let (waited, ()) = tokio::join!(waiting, working);
    let waited = waited.is(StatusCode::OK);
    assert_eq!((waited.text("status"), waited.text("output")), ("completed".into(), "done".into()));
    // What has ended is not waited for.
    let again = tokio::time::timeout(PATIENCE, app.get(&long)).await.unwrap();
    assert_eq!(again.is(StatusCode::OK).json, waited.json);
    for timeout in ["11m", "601s", "600001", "x", "-1", "1h", ""] {
        app.get(&format!("{wait}?timeout={timeout}")).await.wrong_field("timeout");
    }
    app.get(&format!("{wait}?patience=1")).await.wrong_field("patience");
}

#[tokio::test]
async fn a_shutdown_ends_what_waits() {
    let app = App::new().await;
    let (_, path) = session(&app).await;
    let id = queued(&app, &path).await;
    let wait = format!("{path}/{id}/wait?timeout=10m");
    let stopping = async { app.stop() };
    let both = async { tokio::join!(app.get(&wait), stopping).0 };
    let answer = tokio::time::timeout(PATIENCE, both).await.unwrap();
    assert_eq!(answer.is(StatusCode::OK).text("status"), "queued");
}

#[tokio::test]
async fn a_queued_task_is_cancelled_at_once() {
    let app = App::new().await;
    let (_, path) = session(&app).await;
    let id = queued(&app, &path).await;
    let cancel = format!("{path}/{id}/cancel");
    let cancelled = app.post(&cancel, json!({})).await.is(StatusCode::OK);
    assert_eq!(cancelled.text("status"), "cancelled");
    assert!(cancelled.header("x-theazo-position").parse::<u64>().is_ok());
    assert_eq!(app.get(&format!("{path}/{id}")).await.json, cancelled.json);
    app.post(&cancel, json!({})).await.fails(409, "conflict");
    app.post(&cancel, json!({ "now": true })).await.wrong_field("now");
}

#[tokio::test]
async fn a_running_task_is_cancelled_when_its_worker_has_stopped() {
    let app = App::new().await;
    let (_, path) = session(&app).await;
    let id = queued(&app, &path).await;
    let worker = Worker::claim(&app, &id).await;
    let cancel = format!("{path}/{id}/cancel");
    let stopping = async {
        let asked = |task: &Task| task.cancel.is_some();
        let stream = StreamId::task(app.live.scope, worker.task);
        app.commander.wait_until(&stream, PATIENCE, asked).await.unwrap().unwrap();
        worker.cancelled().await;
    };
    let (cancelled, ()) = tokio::join!(app.post(&cancel, json!({})), stopping);
    assert_eq!(cancelled.is(StatusCode::OK).text("status"), "cancelled");

    let id = queued(&app, &path).await;
    Worker::claim(&app, &id).await.complete("too late", &[]).await;
    let late = app.post(&format!("{path}/{id}/cancel"), json!({})).await.fails(409, "conflict");
    assert!(late.json["error"]["message"].as_str().unwrap().contains("completed"));
}

#[tokio::test]
async fn the_steps_are_the_history_of_the_run() {
    let app = App::new().await;
    let (_, path) = session(&app).await;
    let id = queued(&app, &path).await;
    let steps = format!("{path}/{id}/steps");
    assert_eq!(app.get(&steps).await.is(StatusCode::OK).json["data"], json!([]));
    let mut worker = Worker::claim(&app, &id).await;
    let input = json!({ "path": "a" });
    worker.model_call("Reading.", &[("read_file", input.clone())], 1).await;
    worker.tool_call(0, "read_file", input.clone(), Some("text")).await;
    worker.tool_call(0, "read_file", input.clone(), None).await;
    settled(&app).await;
    let page = app.get(&steps).await.is(StatusCode::OK).json;
    let shown = page["data"].as_array().unwrap();
    let subset = |step: &Value, fields: Value| {
        for (name, value) in fields.as_object().unwrap() {
            assert_eq!(&step[name], value, "{name} of {step}");
        }
    };
    subset(
        &shown[0],
        json!({
            "number": 0, "type": "model_call", "attempt": 1, "purpose": "turn",
            "vendor": "anthropic", "model": "claude-sonnet-5-5", "finish": "tools",
            "text": "Reading.", "thinking": "Let me see.", "durationMs": 40,
            "toolCalls": [{ "id": "call_1", "name": "read_file", "input": input }],
            "cost": { "amount": 1, "currency": "usd" },
            "priceId": "anthropic/claude-sonnet-5-5@2026-10-07",
            "usage": { "inputTokens": 100, "cacheReadTokens": 10, "cacheWriteTokens": 5,
                "outputTokens": 20, "reasoningTokens": 5 },
        }),
    );
    subset(
        &shown[1],
        json!({
            "number": 1, "type": "tool_call", "tool": "read_file", "callId": "call_1", "of": 0,
            "input": input, "output": "text", "isError": false, "durationMs": 7,
        }),
    );
    assert!(shown[1]["finishedAt"].is_string());
    assert!(shown[2].get("output").is_none() && shown[2].get("finishedAt").is_none());
    assert_eq!(shown.len(), 3);

    let first = app.get(&format!("{steps}?limit=2")).await.is(StatusCode::OK);
    assert_eq!(first.json["data"].as_array().unwrap().len(), 2);
    let next = format!("{steps}?limit=2&cursor={}", first.text("nextCursor"));
    let last = app.get(&next).await.is(StatusCode::OK).json;
    assert_eq!((&last["data"][0]["number"], &last["hasMore"]), (&json!(2), &json!(false)));
    app.get(&format!("{steps}?limit=0")).await.wrong_field("limit");
    app.get(&format!("{path}?cursor={}", first.text("nextCursor"))).await.wrong_field("cursor");
}

#[tokio::test]
async fn artifacts_are_read_where_they_were_kept() {
    let app = App::new().await;
    let (_, path) = session(&app).await;
    let id = queued(&app, &path).await;
    let worker = Worker::claim(&app, &id).await;
    worker.complete("a", &[("/workspace/big", None), ("/workspace/a.txt", Some("kept\0"))]).await;
    settled(&app).await;
    let read = async |path_of: &str| app.get(&format!("{path}/{id}/artifacts{path_of}")).await;
    let kept = read("?path=/workspace/a.txt").await.is(StatusCode::OK);
    assert_eq!(kept.bytes, b"kept\0");
    assert_eq!(kept.header("content-type"), "application/octet-stream");
    assert_eq!(kept.header("x-content-type-options"), "nosniff");
    read("?path=/workspace/big").await.fails(404, "not_found");
    read("?path=/workspace/nothing").await.fails(404, "not_found");
    read("?path=/etc/passwd").await.wrong_field("path");
    read("").await.wrong_field("path");
}

#[tokio::test]
async fn deliveries_show_who_was_told() {
    let app = App::new().await;
    let (_, path) = session(&app).await;
    let webhook = "https://your-api.com/hook";
    let body = json!({ "agent": "coder", "input": "a", "webhook": webhook });
    let id = app.post(&path, body).await.is(StatusCode::CREATED).text("id");
    let deliveries = format!("{path}/{id}/deliveries");
    assert_eq!(app.get(&deliveries).await.is(StatusCode::OK).json["data"], json!([]));
    let task: TaskId = id.parse().unwrap();
    let stream = StreamId::task(app.live.scope, task);
    let state = app.commander.load::<Task>(&stream).await.unwrap().state.unwrap();
    let delivery_id = delivery::id_of(task);
    let origin = Origin::system(app.live.scope, "webhooks");
    let url = state.webhook.clone().unwrap();
    let session_id = state.session_id;
    let request = DeliveryCommand::Request {
        delivery_id,
        session_id,
        about: About::Task { task_id: task },
        url,
    };
    app.commander.delivery(&origin, delivery_id, &request).await.unwrap();
    let tried =
        DeliveryCommand::Report { number: 1, status: Some(503), error: None, duration_ms: 12 };
    app.commander.delivery(&origin, delivery_id, &tried).await.unwrap();
    settled(&app).await;
    let page = app.get(&deliveries).await.is(StatusCode::OK).json;
    let shown = &page["data"][0];
    for (field, value) in [
        ("id", json!(delivery_id.to_string())),
        ("taskId", json!(id)),
        ("url", json!(webhook)),
        ("status", json!("pending")),
        ("attempts", json!(1)),
        ("lastStatus", json!(503)),
    ] {
        assert_eq!(shown[field], value, "{shown}");
    }
    assert!(shown["nextAttemptAt"].is_string());
}

#[tokio::test]
async fn what_is_not_the_callers_is_not_there() {
    let app = App::new().await;
    let (session, path) = session(&app).await;
    let id = queued(&app, &path).await;
    let other_session = app.session("another").await;
    let calls = [
        ("GET", ""),
        ("GET", "/wait?timeout=0"),
        ("POST", "/cancel"),
        ("GET", "/steps"),
        ("GET", "/artifacts?path=/workspace/a"),
        ("GET", "/deliveries"),
    ];
    let foreign = [
        (&app.other, session.as_str(), id.as_str()),
        (&app.test, &session, &id),
        (&app.live, &other_session, &id),
        (&app.live, &session, NOTHING),
        (&app.live, &session, "task_1"),
        (&app.live, &session, &session),
        (&app.live, "ses_1", &id),
    ];
    for (key, session, task) in foreign {
        for (method, rest) in calls {
            let target = format!("/v1/sessions/{session}/tasks/{task}{rest}");
            app.anonymous(method, &target).key(key).send().await.fails(404, "not_found");
        }
    }
    for key in [&app.other, &app.test] {
        app.anonymous("GET", &path).key(key).send().await.fails(404, "not_found");
        let submit = app.anonymous("POST", &path).key(key);
        let body = json!({ "agent": "coder", "input": "a" });
        submit.json(&body).send().await.fails(404, "not_found");
    }
    let task = app.get(&format!("{path}/{id}")).await.is(StatusCode::OK);
    assert_eq!(task.text("status"), "queued");
}

#[tokio::test]
async fn test_keys_think_with_the_mock() {
    let app = App::new().await;
    let call =
        |target: &str, body: Value| app.anonymous("POST", target).key(&app.test).json(&body).send();
    let session = call("/v1/sessions", json!({ "userId": "user" })).await.text("id");
    let model = json!({ "provider": "openai", "credentialRef": "not_set" });
    let body = json!({ "agent": "coder", "input": "a", "model": model });
    let path = format!("/v1/sessions/{session}/tasks");
    call(&path, body).await.is(StatusCode::CREATED);
}
