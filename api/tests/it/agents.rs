//! Creating, listing and viewing agents, and running code in them.

use std::sync::atomic::Ordering;

use axum::http::StatusCode;
use serde_json::{Value, json};
use theazo_domain::agent::{Agent, AgentState};
use theazo_domain::{AgentId, StreamId};

use crate::sandboxes::Worker;
use crate::support::{App, Key, PATIENCE};

/// No agent has this id.
pub const NOBODY: &str = "agt_01HX0000000000000000000000";

/// An agent of the first org's live half, in a session of its own, when it can take work.
pub async fn idle_agent(app: &App) -> String {
    let session = app.session("user").await;
    let created = app.post(&format!("/v1/sessions/{session}/agents"), json!({})).await;
    let id = created.is(StatusCode::CREATED).text("id");
    until(app, &app.live, &id, AgentState::Idle).await;
    id
}

/// Waits until the agent is in `state`.
pub async fn until(app: &App, key: &Key, id: &str, state: AgentState) {
    let id: AgentId = id.parse().unwrap();
    let stream = StreamId::agent(key.scope, id);
    let reached = |agent: &Agent| agent.state == state;
    let waited = app.commander.wait_until(&stream, PATIENCE, reached).await.unwrap();
    assert!(waited.is_some(), "{id} is not {} in time", state.as_str());
}

/// What every route that works on one agent is called like: method, rest of the path, body.
fn calls() -> Vec<(&'static str, &'static str, Value)> {
    vec![
        ("GET", "", Value::Null),
        ("GET", "/files?path=/workspace/a", Value::Null),
        ("PUT", "/files?path=/workspace/a", json!({})),
        ("DELETE", "/files?path=/workspace/a", Value::Null),
        ("GET", "/files/list", Value::Null),
        ("GET", "/ports", Value::Null),
        ("POST", "/ports", json!({ "port": 8080 })),
        ("DELETE", "/ports/8080", Value::Null),
        ("GET", "/logs", Value::Null),
        ("POST", "/exec", json!({ "lang": "bash", "code": "true" })),
        ("POST", "/pause", Value::Null),
        ("POST", "/resume", Value::Null),
        ("POST", "/terminate", Value::Null),
    ]
}

/// Calls each route of `agent` with `key`: it is not there.
async fn nothing_is_found(app: &App, key: &Key, agent: &str) {
    for (method, rest, body) in calls() {
        let call = app.anonymous(method, &format!("/v1/agents/{agent}{rest}")).key(key);
        let call = if body.is_null() { call } else { call.json(&body) };
        call.send().await.fails(404, "not_found");
    }
}

#[tokio::test]
async fn an_agent_is_created_viewed_and_ready() {
    let app = App::new().await;
    let session = app.session("user").await;
    let path = format!("/v1/sessions/{session}/agents");
    let created = app.post(&path, json!({})).await.is(StatusCode::CREATED);
    assert!(["provisioning", "idle"].contains(&created.text("state").as_str()));
    assert_eq!(created.json["status"], created.json["state"]);
    assert!(created.header("x-theazo-position").parse::<u64>().is_ok());
    let id = created.text("id");
    until(&app, &app.live, &id, AgentState::Idle).await;
    let agent = app.get(&format!("/v1/agents/{id}")).await.is(StatusCode::OK).json;
    let shown = json!({
        "id": id,
        "sessionId": session,
        "compute": { "provider": "local" },
        "browser": false,
        "tools": theazo_domain::tool::DEFAULT,
        "timeout": 300,
        "knowledge": [],
        "secrets": [],
        "metadata": {},
    });
    for (field, value) in shown.as_object().unwrap() {
        assert_eq!(&agent[field], value, "{field} of {agent}");
    }
    assert_eq!(agent["cost"]["currency"], "usd");
    assert!(agent["computeMinutes"].is_number() && agent["cost"]["amount"].is_i64(), "{agent}");
    for absent in ["model", "costCap", "snapshot", "error", "definition"] {
        assert!(agent.get(absent).is_none(), "{absent} of {agent}");
    }
}

#[tokio::test]
async fn every_option_is_kept() {
    let app = App::new().await;
    let session = app.session("user").await;
    let options = json!({
        "compute": { "provider": "e2b", "credentialRef": "e2b_key" },
        "model": { "baseUrl": "https://openrouter.ai/api/v1", "credentialRef": "k", "name": "m" },
        "browser": true,
        "instructions": "Be concise.",
        "tools": ["web_search", "write_file"],
        "timeout": 120,
        "costCap": { "amount": 200, "currency": "usd" },
        "approvals": { "tools": ["http_request"] },
        "knowledge": ["kb_product_docs"],
        "guardrails": { "blockPii": true, "allowedDomains": ["*.wikipedia.org"] },
        "metadata": { "plan": "pro", "depth": { "n": 1 } },
        "secrets": ["OPENAI_API_KEY"],
    });
    let path = format!("/v1/sessions/{session}/agents");
    let created = app.post(&path, options.clone()).await.is(StatusCode::CREATED);
    let agent = app.get(&format!("/v1/agents/{}", created.text("id"))).await.json;
    for (field, value) in options.as_object().unwrap() {
        assert_eq!(&agent[field], value, "{field}");
    }
    let models = [
        json!("anthropic/claude-sonnet"),
        json!({ "id": "gpt-4o", "maxTokens": 100, "temperature": 0.5 }),
        json!({ "provider": "anthropic", "credentialRef": "my_key" }),
    ];
    for model in models {
        let created = app.post(&path, json!({ "model": model })).await.is(StatusCode::CREATED);
        assert_eq!(created.json["model"], model);
    }
}

#[tokio::test]
async fn a_wrong_option_is_named() {
    let app = App::new().await;
    let session = app.session("user").await;
    let path = format!("/v1/sessions/{session}/agents");
    for (body, field) in [
        (json!({ "timeout": 0 }), "timeout"),
        (json!({ "timeout": "5m" }), "timeout"),
        (json!({ "tools": ["write_file", ""] }), "tools[1]"),
        (json!({ "tools": ["teleport"] }), "tools[0]"),
        (json!({ "tools": "web_search" }), "tools"),
        (json!({ "browser": "yes" }), "browser"),
        (json!({ "model": {} }), "model.id"),
        (json!({ "model": { "id": "m", "speed": 1 } }), "model.speed"),
        (json!({ "model": { "id": "m", "temperature": 3 } }), "model.temperature"),
        (json!({ "compute": { "provider": "moon" } }), "compute.provider"),
        (json!({ "compute": { "provider": "fly" } }), "compute.provider"),
        (json!({ "costCap": { "amount": -1, "currency": "usd" } }), "costCap.amount"),
        (json!({ "costCap": { "amount": 1, "currency": "eur" } }), "costCap.currency"),
        (json!({ "approvals": { "tool": [] } }), "approvals.tool"),
        (json!({ "guardrails": { "allowedDomains": ["a b"] } }), "guardrails.allowedDomains[0]"),
        (json!({ "secrets": ["not a name"] }), "secrets[0]"),
        (json!({ "metadata": [] }), "metadata"),
        (json!({ "snapshotId": "snp_1" }), "snapshotId"),
        (json!({ "snapshotId": "snp_01HX0000000000000000000000" }), "snapshotId"),
        (json!({ "definition": 7 }), "definition"),
        (json!({ "model": "llama-9" }), "model"),
        (json!({ "colour": "red" }), "colour"),
    ] {
        app.post(&path, body).await.wrong_field(field);
    }
    let listed = app.get(&path).await.is(StatusCode::OK);
    assert_eq!(listed.json["data"], json!([]));
}

#[tokio::test]
async fn limits_of_the_session_hold() {
    let app = App::new().await;
    let body = json!({ "userId": "user", "limits": { "maxAgents": 1 } });
    let session = app.post("/v1/sessions", body).await.is(StatusCode::CREATED).text("id");
    let path = format!("/v1/sessions/{session}/agents");
    let first = app.post(&path, json!({})).await.is(StatusCode::CREATED).text("id");
    app.post(&path, json!({})).await.fails(402, "session_limit_exceeded");
    app.post(&format!("/v1/agents/{first}/terminate"), json!({})).await.is(StatusCode::OK);
    app.post(&format!("/v1/sessions/{session}/end"), json!({})).await.is(StatusCode::OK);
    app.post(&path, json!({})).await.fails(409, "conflict");
}

#[tokio::test]
async fn the_same_key_creates_one_agent() {
    let app = App::new().await;
    let session = app.session("user").await;
    let path = format!("/v1/sessions/{session}/agents");
    let create =
        async |body: Value| app.request("POST", &path).idempotent("once").json(&body).send().await;
    let first = create(json!({})).await.is(StatusCode::CREATED);
    let again = create(json!({})).await.is(StatusCode::CREATED);
    assert_eq!(first.bytes, again.bytes);
    create(json!({ "browser": true })).await.fails(409, "conflict");
    let listed = app.get(&path).await;
    assert_eq!(listed.column("id"), [first.text("id")]);
}

#[tokio::test]
async fn agents_are_listed_newest_first_by_state_and_in_pages() {
    let app = App::new().await;
    let session = app.session("user").await;
    let path = format!("/v1/sessions/{session}/agents");
    let mut ids = Vec::new();
    for _ in 0..5 {
        let created = app.post(&path, json!({})).await.is(StatusCode::CREATED);
        ids.insert(0, created.text("id"));
    }
    app.post(&format!("/v1/agents/{}/terminate", ids[4]), json!({})).await.is(StatusCode::OK);
    let mut seen = Vec::new();
    let mut target = format!("{path}?limit=2");
    loop {
        let page = app.get(&target).await.is(StatusCode::OK);
        seen.extend(page.column("id"));
        if page.json["hasMore"] == false {
            assert!(page.json.get("nextCursor").is_none());
            break;
        }
        target = format!("{path}?limit=2&cursor={}", page.text("nextCursor"));
    }
    assert_eq!(seen, ids);
    let terminated = app.get(&format!("{path}?state=terminated")).await;
    assert_eq!(terminated.column("id"), [ids[4].as_str()]);
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("cursor=cur_x", "cursor"),
        ("state=asleep", "state"),
        ("page=2", "page"),
    ] {
        app.get(&format!("{path}?{query}")).await.wrong_field(field);
    }
}

#[tokio::test]
async fn what_is_not_the_callers_is_not_there() {
    let app = App::new().await;
    let id = idle_agent(&app).await;
    nothing_is_found(&app, &app.other, &id).await;
    nothing_is_found(&app, &app.test, &id).await;
    nothing_is_found(&app, &app.live, NOBODY).await;
    for malformed in ["agt_1", "agent", "ses_01HX0000000000000000000000", "%FF", "agt_%00"] {
        nothing_is_found(&app, &app.live, malformed).await;
    }
    let session = app.session("user").await;
    let agents = format!("/v1/sessions/{session}/agents");
    for key in [&app.other, &app.test] {
        app.anonymous("GET", &agents).key(key).send().await.fails(404, "not_found");
        let create = app.anonymous("POST", &agents).key(key).json(&json!({}));
        create.send().await.fails(404, "not_found");
    }
    // None of it changed anything.
    let agent = app.get(&format!("/v1/agents/{id}")).await.is(StatusCode::OK);
    assert_eq!(agent.text("state"), "idle");
}

#[tokio::test]
async fn without_a_key_or_with_another_method_nothing_happens() {
    let app = App::new().await;
    let id = idle_agent(&app).await;
    for (method, rest, _) in calls() {
        let target = format!("/v1/agents/{id}{rest}");
        app.anonymous(method, &target).send().await.fails(401, "unauthorized");
        let wrong = app.request("PATCH", &target).send().await;
        wrong.fails(405, "method_not_allowed");
    }
}

#[tokio::test]
async fn test_keys_run_on_the_mock() {
    let app = App::new().await;
    let call =
        |target: &str, body: Value| app.anonymous("POST", target).key(&app.test).json(&body).send();
    let session = call("/v1/sessions", json!({ "userId": "user" })).await.text("id");
    let body = json!({ "compute": { "provider": "local" } });
    let created = call(&format!("/v1/sessions/{session}/agents"), body).await;
    assert_eq!(created.is(StatusCode::CREATED).json["compute"]["provider"], "mock");
}

#[tokio::test]
async fn code_runs_and_its_end_is_the_answer() {
    let app = App::new().await;
    let id = idle_agent(&app).await;
    let exec = format!("/v1/agents/{id}/exec");
    let answer = app.post(&exec, json!({ "lang": "python", "code": "print(2 + 2)" })).await;
    let answer = answer.is(StatusCode::OK);
    assert!(answer.text("id").starts_with("exe_"));
    let mut body = answer.json;
    body.as_object_mut().unwrap().remove("id");
    let expected = json!({
        "stdout": "4\n", "stderr": "Python", "exitCode": 0, "durationMs": 12, "truncated": false,
    });
    assert_eq!(body, expected);
    let failed = app.post(&exec, json!({ "lang": "typescript", "code": "fail" })).await;
    assert_eq!(failed.is(StatusCode::OK).json["exitCode"], 3);
}

#[tokio::test]
async fn what_cannot_run_says_why() {
    let app = App::new().await;
    let id = idle_agent(&app).await;
    let exec = format!("/v1/agents/{id}/exec");
    for (body, field) in [
        (json!({}), "lang"),
        (json!({ "lang": "bash" }), "code"),
        (json!({ "lang": "ruby", "code": "1" }), "lang"),
        (json!({ "lang": "bash", "code": 1 }), "code"),
        (json!({ "lang": "bash", "code": "" }), "code"),
        (json!({ "lang": "bash", "code": "a\u{0}b" }), "code"),
        (json!({ "lang": "bash", "code": "a".repeat((1 << 20) + 1) }), "code"),
        (json!({ "lang": "bash", "code": "true", "timeout": 5 }), "timeout"),
    ] {
        app.post(&exec, body).await.wrong_field(field);
    }
    let code = |code: &str| json!({ "lang": "bash", "code": code });
    app.post(&exec, code(&"a".repeat(3 << 20))).await.fails(413, "payload_too_large");
    let not_json = app.request("POST", &exec).header("content-type", "application/json");
    not_json.body("{").send().await.fails(422, "unprocessable_entity");
    app.post(&exec, code("sleep")).await.fails(504, "timeout");
    app.post(&exec, code("break")).await.fails(502, "provider_error");
    assert_eq!(app.sandboxes.runs.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn the_same_key_runs_code_once_also_when_its_caller_goes_away() {
    let app = App::new().await;
    let id = idle_agent(&app).await;
    let exec = || {
        let call = app.request("POST", &format!("/v1/agents/{id}/exec"));
        call.idempotent("run-1").json(&json!({ "lang": "bash", "code": "wait" })).send()
    };
    {
        // Polled until it waits in the sandbox, then dropped.
        let mut gone = std::pin::pin!(exec());
        tokio::select! {
            _ = &mut gone => panic!("it cannot end before it may"),
            () = app.sandboxes.waiting() => {}
        }
    }
    app.sandboxes.gate.add_permits(1);
    let answer = exec().await.is(StatusCode::OK);
    assert_eq!(answer.text("stdout"), "waited\n");
    assert_eq!(app.sandboxes.runs.load(Ordering::SeqCst), 1);
    assert_eq!(exec().await.bytes, answer.bytes);
}

#[tokio::test]
async fn work_for_an_agent_that_is_provisioning_waits_for_it() {
    let app = App::new().await;
    app.sandboxes.worker(Worker::Rests);
    let session = app.session("user").await;
    let created = app.post(&format!("/v1/sessions/{session}/agents"), json!({})).await;
    let id = created.text("id");
    assert_eq!(created.text("state"), "provisioning");
    assert_eq!(created.json["startedAt"], Value::Null);
    let target = format!("/v1/agents/{id}/exec");
    let exec = app.post(&target, json!({ "lang": "bash", "code": "1" }));
    let provision = app.sandboxes.provision(app.live.scope, &id);
    let (answer, ()) = tokio::join!(exec, provision);
    answer.is(StatusCode::OK);
}
