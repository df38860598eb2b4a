//! Pausing, resuming and terminating agents, and the snapshots that come of it.

use axum::http::StatusCode;
use serde_json::json;
use theazo_domain::agent::AgentState;

use crate::agents::{idle_agent, until};
use crate::sandboxes::{SNAPSHOT_SIZE, Worker};
use crate::support::{Answer, App};

async fn ask(app: &App, agent: &str, what: &str) -> Answer {
    app.request("POST", &format!("/v1/agents/{agent}/{what}")).send().await
}

async fn paused_agent(app: &App) -> (String, String) {
    let id = idle_agent(app).await;
    let paused = ask(app, &id, "pause").await.is(StatusCode::OK);
    let snapshot = paused.json["snapshot"]["id"].as_str().unwrap().to_owned();
    (id, snapshot)
}

#[tokio::test]
async fn a_pause_answers_with_its_snapshot_and_a_resume_goes_on() {
    let app = App::new().await;
    let id = idle_agent(&app).await;
    let paused = ask(&app, &id, "pause").await.is(StatusCode::OK);
    assert_eq!(paused.text("state"), "paused");
    assert_eq!(paused.json["snapshot"]["size"], SNAPSHOT_SIZE);
    let snapshot = paused.json["snapshot"]["id"].as_str().unwrap();
    let listed = app.get("/v1/snapshots").await.is(StatusCode::OK);
    assert_eq!(listed.column("id"), [snapshot]);
    assert_eq!(listed.column("agentId"), [id.as_str()]);
    assert_eq!(listed.column("provider"), ["local"]);

    let resumed = ask(&app, &id, "resume").await.is(StatusCode::OK);
    assert_eq!(resumed.text("state"), "idle");
    let viewed = app.get(&format!("/v1/agents/{id}")).await;
    assert_eq!(viewed.text("state"), "idle");
}

#[tokio::test]
async fn a_paused_agent_takes_no_work_and_costs_nothing_more() {
    let app = App::new().await;
    let (id, _) = paused_agent(&app).await;
    let work = [
        ("POST", "/exec", json!({ "lang": "bash", "code": "true" })),
        ("PUT", "/files?path=/workspace/a", json!({})),
        ("POST", "/ports", json!({ "port": 80 })),
        ("POST", "/pause", json!({})),
    ];
    for (method, rest, body) in work {
        let call = app.request(method, &format!("/v1/agents/{id}{rest}")).json(&body);
        call.send().await.fails(409, "conflict");
    }
    let minutes =
        async || app.get(&format!("/v1/agents/{id}")).await.json["computeMinutes"].clone();
    assert_eq!(minutes().await, minutes().await);
}

#[tokio::test]
async fn what_is_not_paused_is_not_resumed() {
    let app = App::new().await;
    let id = idle_agent(&app).await;
    ask(&app, &id, "resume").await.fails(409, "conflict");
    let resume = format!("/v1/agents/{id}/resume");
    for (body, field) in [
        (json!({ "snapshotId": "snap" }), "snapshotId"),
        (json!({ "snapshotId": "snp_01HX0000000000000000000000" }), "snapshotId"),
        (json!({ "snapshot": "x" }), "snapshot"),
    ] {
        app.post(&resume, body).await.wrong_field(field);
    }
    app.post(&format!("/v1/agents/{id}/pause"), json!({ "a": 1 })).await.wrong_field("a");
}

#[tokio::test]
async fn an_agent_starts_or_resumes_from_anothers_snapshot() {
    let app = App::new().await;
    let (_, snapshot) = paused_agent(&app).await;
    let session = app.session("another").await;
    let from = json!({ "snapshotId": snapshot });
    let path = format!("/v1/sessions/{session}/agents");
    app.post(&path, from.clone()).await.is(StatusCode::CREATED);
    let (second, _) = paused_agent(&app).await;
    let resumed = app.post(&format!("/v1/agents/{second}/resume"), from.clone()).await;
    assert_eq!(resumed.is(StatusCode::OK).text("state"), "idle");

    let elsewhere = json!({ "snapshotId": snapshot, "compute": { "provider": "e2b" } });
    app.post(&path, elsewhere).await.wrong_field("snapshotId");
    let foreign = app.anonymous("POST", "/v1/sessions").key(&app.other);
    let session = foreign.json(&json!({ "userId": "u" })).send().await.text("id");
    let create = app.anonymous("POST", &format!("/v1/sessions/{session}/agents")).key(&app.other);
    create.json(&from).send().await.wrong_field("snapshotId");
}

#[tokio::test]
async fn what_the_provider_cannot_do_is_said_and_the_agent_is_as_it_was() {
    let app = App::new().await;
    let id = idle_agent(&app).await;
    app.sandboxes.worker(Worker::Fails);
    let refused = ask(&app, &id, "pause").await.fails(502, "provider_error");
    assert!(refused.json["error"]["message"].as_str().unwrap().contains("The disk is full."));
    let agent = app.get(&format!("/v1/agents/{id}")).await.json;
    assert_eq!(
        (&agent["state"], &agent["error"]["code"]),
        (&json!("idle"), &json!("provider_error"))
    );

    app.sandboxes.worker(Worker::Works);
    ask(&app, &id, "pause").await.is(StatusCode::OK);
    app.sandboxes.worker(Worker::Fails);
    ask(&app, &id, "resume").await.fails(502, "provider_error");
    app.sandboxes.worker(Worker::Works);
    ask(&app, &id, "resume").await.is(StatusCode::OK);
}

#[tokio::test]
async fn an_agent_is_terminated_once_and_for_ever() {
    let app = App::new().await;
    let (id, _) = paused_agent(&app).await;
    for _ in 0..2 {
        let terminated = ask(&app, &id, "terminate").await.is(StatusCode::OK);
        assert_eq!(terminated.json, json!({ "ok": true }));
    }
    let agent = app.get(&format!("/v1/agents/{id}")).await.is(StatusCode::OK);
    assert_eq!(agent.text("state"), "terminated");
    for (method, rest, body) in [
        ("POST", "exec", json!({ "lang": "bash", "code": "true" })),
        ("POST", "ports", json!({ "port": 80 })),
        ("POST", "pause", json!({})),
        ("POST", "resume", json!({})),
        ("GET", "files?path=/workspace/a", json!({})),
    ] {
        let call = app.request(method, &format!("/v1/agents/{id}/{rest}")).json(&body);
        call.send().await.fails(409, "conflict");
    }
}

#[tokio::test]
async fn a_termination_overtakes_a_pause() {
    let app = App::new().await;
    let id = idle_agent(&app).await;
    app.sandboxes.worker(Worker::Rests);
    let pause = ask(&app, &id, "pause");
    let terminate = async {
        until_pending(&app, &id).await;
        app.sandboxes.worker(Worker::Works);
        ask(&app, &id, "terminate").await
    };
    let (paused, terminated) = tokio::join!(pause, terminate);
    paused.fails(409, "conflict");
    terminated.is(StatusCode::OK);
    until(&app, &app.live, &id, AgentState::Terminated).await;
}

async fn until_pending(app: &App, id: &str) {
    use crate::support::PATIENCE;
    use theazo_domain::agent::Agent;
    let stream = theazo_domain::StreamId::agent(app.live.scope, id.parse().unwrap());
    let pending = |agent: &Agent| agent.pending.is_some();
    app.commander.wait_until(&stream, PATIENCE, pending).await.unwrap().unwrap();
}

#[tokio::test]
async fn snapshots_are_listed_by_session_and_deleted_once() {
    let app = App::new().await;
    let (first, snapshot) = paused_agent(&app).await;
    let (second, other) = paused_agent(&app).await;
    let session = app.get(&format!("/v1/agents/{second}")).await.text("sessionId");
    let listed = app.get(&format!("/v1/snapshots?sessionId={session}")).await;
    assert_eq!(listed.column("id"), [other.as_str()]);
    let page = app.get("/v1/snapshots?limit=1").await;
    assert_eq!((page.column("id"), page.json["hasMore"].clone()), (vec![other], json!(true)));

    let path = format!("/v1/snapshots/{snapshot}");
    app.delete(&path).await.fails(409, "conflict");
    ask(&app, &first, "resume").await.is(StatusCode::OK);
    for key in [&app.other, &app.test] {
        app.anonymous("DELETE", &path).key(key).send().await.fails(404, "not_found");
    }
    assert_eq!(app.delete(&path).await.is(StatusCode::OK).json, json!({ "ok": true }));
    app.delete(&path).await.fails(404, "not_found");
    app.delete("/v1/snapshots/snp_1").await.fails(404, "not_found");
    app.get("/v1/snapshots?sessionId=x").await.wrong_field("sessionId");
    let from = json!({ "snapshotId": snapshot });
    let create = format!("/v1/sessions/{session}/agents");
    app.post(&create, from).await.wrong_field("snapshotId");
}

#[tokio::test]
async fn the_log_of_an_agent_says_what_happened_newest_first() {
    let app = App::new().await;
    let id = idle_agent(&app).await;
    app.sandboxes.worker(Worker::Fails);
    ask(&app, &id, "pause").await.fails(502, "provider_error");
    let logs = format!("/v1/agents/{id}/logs");
    let all = app.get(&logs).await.is(StatusCode::OK);
    let types = [
        "agent.request_failed",
        "agent.pause_requested",
        "agent.provisioned",
        "agent.created",
        "session.agent_admitted",
    ];
    assert_eq!(all.column("type"), types);
    assert_eq!(all.column("level"), ["warn", "info", "info", "info", "info"]);
    assert_eq!(all.column("message")[0], "The disk is full.");
    for level in ["warn", "error"] {
        let some = app.get(&format!("{logs}?level={level}")).await.is(StatusCode::OK);
        assert_eq!(some.column("type"), types[..usize::from(level == "warn")]);
    }
    let first = app.get(&format!("{logs}?limit=3")).await;
    let second = app.get(&format!("{logs}?limit=3&cursor={}", first.text("nextCursor"))).await;
    assert_eq!(second.column("type"), types[3..]);
    app.get(&format!("{logs}?level=loud")).await.wrong_field("level");
}
