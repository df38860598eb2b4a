//! Runs of agents: in the background, again, and waited for.

use axum::http::StatusCode;
use serde_json::{Value, json};
use theazo_domain::agent::{Agent, AgentState};
use theazo_domain::task::{Task, TaskAgent};
use theazo_domain::{StreamId, TaskId};
use theazo_projections::TaskFilter;

use crate::agents::{NOBODY, idle_agent};
use crate::support::{Answer, App, PATIENCE};
use crate::worker::Worker;

async fn task_of(app: &App, id: &str) -> Task {
    let stream = StreamId::task(app.live.scope, id.parse::<TaskId>().unwrap());
    let state = app.commander.load::<Task>(&stream).await.unwrap().state.unwrap();
    (*state).clone()
}

async fn run(app: &App, agent: &str) -> Answer {
    let body = json!({ "task": "Summarize the papers." });
    app.post(&format!("/v1/agents/{agent}/run"), body).await
}

/// The newest task of the session, as soon as there is one.
async fn newest_task(app: &App, session: &str) -> String {
    let filter = TaskFilter { session_id: Some(session.parse().unwrap()), ..<_>::default() };
    let looking = async {
        loop {
            let page = theazo_projections::Page::first(1);
            let rows = app.state.reads.tasks(app.live.scope, filter, page).await.unwrap();
            if let Some(row) = rows.first() {
                return row.value.id.to_string();
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, looking).await.unwrap()
}

#[tokio::test]
async fn an_agent_takes_tasks_one_after_the_other() {
    let app = App::new().await;
    let agent = idle_agent(&app).await;
    let first = run(&app, &agent).await.is(StatusCode::ACCEPTED);
    assert_eq!(first.json, json!({ "taskId": first.text("taskId"), "agentId": agent }));
    assert!(first.header("x-theazo-position").parse::<u64>().is_ok());
    let worker = Worker::claim_with_agent(&app, &first.text("taskId")).await;
    crate::tasks::settled(&app).await;
    let shown = app.get(&format!("/v1/agents/{agent}")).await.json;
    assert_eq!(shown["state"], "running");
    assert_eq!(shown["currentTaskId"], json!(first.text("taskId")));
    let second = run(&app, &agent).await.is(StatusCode::ACCEPTED);
    assert_ne!(first.text("taskId"), second.text("taskId"));
    let tasks = format!("/v1/sessions/{}/tasks", shown["sessionId"].as_str().unwrap());
    assert_eq!(
        app.get(&format!("{tasks}?status=queued")).await.column("id"),
        [second.text("taskId")]
    );
    worker.complete("a", &[]).await;
    worker.release_agent().await;
}

#[tokio::test]
async fn the_cost_of_a_running_task_is_in_its_agents() {
    let app = App::new().await;
    let agent = idle_agent(&app).await;
    let task = run(&app, &agent).await.text("taskId");
    let mut worker = Worker::claim_with_agent(&app, &task).await;
    worker.model_call("Done.", &[], 25).await;
    let head = app.commander.log().head().await.unwrap().0.to_string();
    let read = app.request("GET", &format!("/v1/agents/{agent}"));
    let shown = read.header("x-theazo-min-position", &head).send().await.is(StatusCode::OK).json;
    assert_eq!(shown["cost"]["amount"], 25);
    let session = shown["sessionId"].as_str().unwrap();
    let listed = app.get(&format!("/v1/sessions/{session}/agents")).await.json;
    assert_eq!(listed["data"][0]["cost"]["amount"], 25);
}

#[tokio::test]
async fn what_cannot_run_says_why() {
    let app = App::new().await;
    let agent = idle_agent(&app).await;
    let target = format!("/v1/agents/{agent}/run");
    for (body, field) in [
        (json!({}), "task"),
        (json!({ "task": "" }), "task"),
        (json!({ "task": [] }), "task"),
        (json!({ "task": "a", "priority": 1 }), "priority"),
        (json!({ "task": "a", "maxSteps": 1_001 }), "maxSteps"),
        (json!({ "task": "a", "webhook": "http://192.168.0.1/" }), "webhook"),
        (json!({ "task": "a", "input": "b" }), "input"),
    ] {
        app.post(&target, body).await.wrong_field(field);
    }
    let body = || json!({ "task": "a" });
    app.post(&format!("/v1/agents/{NOBODY}/run"), body()).await.fails(404, "not_found");
    for key in [&app.other, &app.test] {
        for rest in ["run", "retry"] {
            let call = app.anonymous("POST", &format!("/v1/agents/{agent}/{rest}")).key(key);
            let call = if rest == "run" { call.json(&body()) } else { call };
            call.send().await.fails(404, "not_found");
        }
    }
    app.post(&format!("/v1/agents/{agent}/pause"), json!({})).await.is(StatusCode::OK);
    run(&app, &agent).await.fails(409, "conflict");
    app.post(&format!("/v1/agents/{agent}/terminate"), json!({})).await.is(StatusCode::OK);
    run(&app, &agent).await.fails(409, "conflict");
}

#[tokio::test]
async fn the_same_key_runs_one_task() {
    let app = App::new().await;
    let agent = idle_agent(&app).await;
    let call = async || {
        let call = app.request("POST", &format!("/v1/agents/{agent}/run")).idempotent("once");
        call.json(&json!({ "task": "a" })).send().await.is(StatusCode::ACCEPTED)
    };
    let first = call().await;
    app.forget_answers().await;
    assert_eq!(call().await.json, first.json);
}

#[tokio::test]
async fn a_retry_is_a_fresh_agent_with_the_same_task() {
    let app = App::new().await;
    let session = app.session("user").await;
    let options = json!({ "instructions": "Be brief.", "metadata": { "a": 1 }, "timeout": 60 });
    let created = app.post(&format!("/v1/sessions/{session}/agents"), options).await;
    let agent = created.is(StatusCode::CREATED).text("id");
    crate::agents::until(&app, &app.live, &agent, AgentState::Idle).await;
    let retry = format!("/v1/agents/{agent}/retry");
    app.post(&retry, json!({})).await.fails(409, "conflict");
    let body = json!({ "task": { "q": 1 }, "priority": "low", "maxSteps": 9 });
    let task = app.post(&format!("/v1/agents/{agent}/run"), body).await.text("taskId");
    let worker = Worker::claim_with_agent(&app, &task).await;
    app.post(&retry, json!({})).await.fails(409, "conflict");
    worker.fail("provider_error", "Overloaded.", None).await;
    worker.release_agent().await;
    app.post(&format!("/v1/agents/{agent}/terminate"), json!({})).await.is(StatusCode::OK);

    let call = async || app.request("POST", &retry).idempotent("again").send().await;
    let again = call().await.is(StatusCode::ACCEPTED);
    app.forget_answers().await;
    assert_eq!(call().await.is(StatusCode::ACCEPTED).json, again.json);
    let (new_task, new_agent) = (again.text("taskId"), again.text("agentId"));
    assert!(new_task != task && new_agent != agent);
    let (old, new) = (task_of(&app, &task).await, task_of(&app, &new_task).await);
    assert_eq!((new.retry_of, new.priority, new.max_steps), (Some(old.id), old.priority, 9));
    let stream = StreamId::agent(app.live.scope, new_agent.parse().unwrap());
    let fresh = app.commander.load::<Agent>(&stream).await.unwrap().state.unwrap();
    assert_eq!(fresh.spec.instructions.as_deref(), Some("Be brief."));
    let shown = app.get(&format!("/v1/sessions/{session}/tasks/{new_task}")).await.json;
    assert_eq!((&shown["retryOf"], &shown["status"]), (&json!(task), &json!("queued")));
    let part = theazo_commands::TaskPart::Input;
    let scope = app.live.scope;
    let input = app.commander.open_task_text(scope, new.id, part, &new.input).await.unwrap();
    assert_eq!(input, r#"{"q":1}"#);
}

#[tokio::test]
async fn a_retry_of_a_task_with_an_agent_of_its_own_has_one_too() {
    let app = App::new().await;
    let session = app.session("user").await;
    let body = json!({ "agent": "coder", "input": "a", "webhook": "https://your-api.com/hook" });
    let task = app.post(&format!("/v1/sessions/{session}/tasks"), body).await.text("id");
    let TaskAgent::Own { agent_id, spec } = task_of(&app, &task).await.agent else {
        panic!("it was submitted with a definition")
    };
    let origin = theazo_commands::Origin::system(app.live.scope, "worker");
    let session_id = session.parse().unwrap();
    app.commander.create_agent(&origin, session_id, agent_id, (*spec).clone()).await.unwrap();
    let agent = agent_id.to_string();
    crate::agents::until(&app, &app.live, &agent, AgentState::Idle).await;
    Worker::claim_with_agent(&app, &task).await.fail("timeout", "Too slow.", None).await;
    let again = app.post(&format!("/v1/agents/{agent}/retry"), json!({})).await;
    let new = task_of(&app, &again.is(StatusCode::ACCEPTED).text("taskId")).await;
    let TaskAgent::Own { agent_id: fresh, spec: same } = &new.agent else {
        panic!("it goes with its task")
    };
    assert!(*fresh != agent_id && *same == spec && new.webhook.is_some());
}

/// Runs one-shot, with a worker that does `work` to the task.
async fn one_shot(app: &App, body: Value, work: impl AsyncFnOnce(Worker<'_>)) -> (Answer, String) {
    let session = app.session("user").await;
    let target = format!("/v1/sessions/{session}/run");
    let working = async {
        let task = newest_task(app, &session).await;
        work(Worker::claim(app, &task).await).await;
        task
    };
    tokio::join!(app.post(&target, body), working)
}

#[tokio::test]
async fn one_call_runs_a_task_to_its_result() {
    let app = App::new().await;
    let body = json!({ "agent": "researcher", "task": "analyze", "costCap":
        { "amount": 100, "currency": "usd" } });
    let (answer, task) = one_shot(&app, body, async |mut worker| {
        let input = json!({ "query": "a" });
        worker.model_call("Looking.", &[("web_search", input.clone())], 40).await;
        worker.tool_call(0, "web_search", input, Some("found")).await;
        worker.model_call("Done.", &[], 7).await;
        worker.complete("All of it.", &[("/workspace/report.pdf", Some("%PDF"))]).await;
    })
    .await;
    let answer = answer.is(StatusCode::OK);
    let duration = answer.json["duration"].as_u64().unwrap();
    let expected = json!({
        "taskId": task, "output": "All of it.", "artifacts": ["/workspace/report.pdf"],
        "cost": { "amount": 47, "currency": "usd" }, "duration": duration,
        "toolCalls": [{ "id": "call_1", "name": "web_search", "input": { "query": "a" },
            "output": "found", "isError": false, "durationMs": 7 }],
    });
    assert_eq!(answer.json, expected);
    assert!(answer.header("x-theazo-position").parse::<u64>().is_ok());
    let TaskAgent::Own { spec, .. } = task_of(&app, &task).await.agent else {
        panic!("a one-shot has an agent of its own")
    };
    assert_eq!(spec.cost_cap.unwrap().amount, 100);
    assert_eq!(spec.tools[0], "web_search");
}

#[tokio::test]
async fn a_run_that_fails_says_how_and_which_it_was() {
    let app = App::new().await;
    for (code, status, shown) in [
        ("provider_error", 502, "provider_error"),
        ("timeout", 504, "timeout"),
        ("session_limit_exceeded", 402, "session_limit_exceeded"),
        ("conflict", 409, "conflict"),
        ("not_found", 500, "internal_error"),
        ("max_steps", 500, "internal_error"),
    ] {
        let body = json!({ "agent": "coder", "input": "a" });
        let (answer, task) = one_shot(&app, body, async |worker| {
            worker.fail(code, "It did not work out.", Some("So far.")).await;
        })
        .await;
        let error = answer.fails(status, shown).json["error"].clone();
        assert_eq!(error["message"], "It did not work out.");
        assert_eq!(error["details"], json!({ "taskId": task, "output": "So far." }));
    }
    let body = json!({ "agent": "coder", "task": "a" });
    let (answer, task) = one_shot(&app, body, async |worker| worker.cancelled().await).await;
    let answer = answer.fails(409, "conflict");
    assert_eq!(answer.json["error"]["details"], json!({ "taskId": task }));
}

#[tokio::test]
async fn a_one_shot_is_refused_before_it_begins() {
    let app = App::new().await;
    let session = app.session("user").await;
    let target = format!("/v1/sessions/{session}/run");
    for (body, field) in [
        (json!({ "task": "a" }), "agent"),
        (json!({ "agent": "coder" }), "task"),
        (json!({ "agent": "coder", "task": "a", "input": "b" }), "input"),
        (json!({ "agent": "coder", "task": {} }), "task"),
        (json!({ "agent": "coder", "task": "a", "timeout": 0 }), "timeout"),
        (json!({ "agent": "coder", "task": "a", "model": "gpt-4o" }), "model"),
    ] {
        app.post(&target, body).await.wrong_field(field);
    }
    let body = json!({ "agent": "nobody", "task": "a" });
    app.post(&target, body.clone()).await.fails(404, "not_found");
    let call = app.anonymous("POST", &target).key(&app.other).json(&body);
    call.send().await.fails(404, "not_found");
}

/// Its caller goes away; the run does not, and a repeat with the same key gets its result.
#[tokio::test]
async fn a_run_goes_on_without_its_caller() {
    let app = App::new().await;
    let session = app.session("user").await;
    let target = format!("/v1/sessions/{session}/run");
    let body = json!({ "agent": "coder", "task": "a" });
    let call = || app.request("POST", &target).idempotent("run-1").json(&body).send();
    let task = {
        let mut gone = std::pin::pin!(call());
        tokio::select! {
            _ = &mut gone => panic!("it cannot end before it may"),
            task = newest_task(&app, &session) => task,
        }
    };
    let working = async {
        Worker::claim(&app, &task).await.complete("done", &[]).await;
    };
    let (answer, ()) = tokio::join!(call(), working);
    assert_eq!(answer.is(StatusCode::OK).text("taskId"), task);
    let tasks = app.get(&format!("/v1/sessions/{session}/tasks")).await;
    assert_eq!(tasks.column("id"), [task]);
}

#[tokio::test]
async fn a_shutdown_says_that_the_run_goes_on() {
    let app = App::new().await;
    let session = app.session("user").await;
    let target = format!("/v1/sessions/{session}/run");
    let calling = app.post(&target, json!({ "agent": "coder", "task": "a" }));
    let stopping = async {
        let task = newest_task(&app, &session).await;
        app.stop();
        task
    };
    let (answer, task) = tokio::join!(calling, stopping);
    assert_eq!(answer.json["error"]["details"]["taskId"], json!(task), "{}", answer.json);
}
