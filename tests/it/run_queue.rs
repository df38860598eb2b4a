//! Who runs when.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join_all;
use serde_json::{Value, json};
use theazo_tests::model_server::{Captured, Gate, ModelServer, Reply, Script};
use theazo_tests::{Runs, Setup, Task, eventually};

/// In which order the model was asked about these.
fn asked(models: &ModelServer) -> Vec<String> {
    models.calls().iter().map(|call: &Captured| call.first_user_text.clone()).collect()
}

/// A server with one worker, which is busy until the gate opens.
async fn busy() -> (Runs, Task, Gate) {
    let runs = Runs::with(Setup::default().arg("--workers").arg("1")).await;
    let gate = Gate::new();
    runs.models.script(Script::always(Reply::text("Done.")));
    let busy = runs.code("busy", Script::always(Reply::text("Done.").gated(&gate))).await;
    gate.arrived().await;
    (runs, busy, gate)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_takes_its_tasks_in_their_order() {
    let runs = Runs::start().await;
    let gate = Gate::new();
    let agent = runs.client.agent(&runs.session).await;
    runs.models.script(Script::always(Reply::text("Done.")));
    let first = runs.run(&agent, "first", Script::always(Reply::text("Done.").gated(&gate))).await;
    gate.arrived().await;
    let mut tasks = vec![first];
    for n in 0..6 {
        tasks.push(runs.client.run(&runs.session, &agent, &format!("later-{n}")).await);
        assert_eq!(tasks[n + 1].view().await["status"], "queued");
    }
    let urgent = json!({ "task": "urgent", "priority": "high" });
    let urgent = runs.client.post(format!("/v1/agents/{agent}/run"), urgent).await;
    tasks.push(runs.client.task_of(&runs.session, &urgent));
    // One that only waits is cancelled alone.
    tasks[3].cancel().await.ok();
    gate.open();
    for (n, task) in tasks.iter().enumerate() {
        task.ends(if n == 3 { "cancelled" } else { "completed" }).await;
    }
    runs.client.agent_becomes(&agent, "idle").await;
    let wanted = ["first", "urgent", "later-0", "later-1", "later-3", "later-4", "later-5"];
    assert_eq!(asked(&runs.models), wanted);
    tasks[1].cancel().await.refused("conflict");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_more_urgent_goes_first() {
    let (runs, busy, gate) = busy().await;
    let mut tasks = vec![busy];
    for (n, priority) in ["low", "normal", "high", "low", "normal", "high"].iter().enumerate() {
        let input = format!("{priority}-{n}");
        let body = json!({ "agent": "coder", "input": input, "priority": priority });
        tasks.push(runs.client.submit(&runs.session, body).await);
    }
    gate.open();
    for task in &tasks {
        task.completes().await;
    }
    let wanted = ["busy", "high-2", "high-5", "normal-1", "normal-4", "low-0", "low-3"];
    assert_eq!(asked(&runs.models), wanted);
}

/// A customer's many tasks do not delay another's one; nor a session's those of another.
#[tokio::test(flavor = "multi_thread")]
async fn sessions_and_orgs_take_turns() {
    let (runs, busy, gate) = busy().await;
    let mut tasks = vec![busy];
    for n in 0..8 {
        tasks.push(runs.client.code(&runs.session, &format!("many-{n}")).await);
    }
    let second = runs.client.session().await;
    tasks.push(runs.client.code(&second, "second session").await);
    let other = runs.server.other_org("other", "enterprise", "live");
    let session = other.session().await;
    tasks.push(other.code(&session, "other org").await);
    gate.open();
    for task in &tasks {
        task.completes().await;
    }
    let asked = asked(&runs.models);
    let place = |what: &str| asked.iter().position(|input| input == what).unwrap();
    assert!(place("second session") <= 4, "{asked:?}");
    assert!(place("other org") <= 3, "{asked:?}");
    let many: Vec<usize> = (0..8).map(|n| place(&format!("many-{n}"))).collect();
    assert!(many.is_sorted(), "{asked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_without_room_makes_tasks_wait() {
    let runs = Runs::start().await;
    let limits = json!({ "userId": "u", "limits": { "maxAgents": 2 } });
    let session = runs.client.session_with(limits).await;
    let gate = Gate::new();
    runs.models.script(Script::always(Reply::text("Done.").gated(&gate)));
    let mut tasks = Vec::new();
    for n in 0..6 {
        tasks.push(runs.client.code(&session, &format!("room-{n}")).await);
    }
    gate.arrived_times(2).await;
    let queued = async || {
        let list = runs.client.get(format!("/v1/sessions/{session}/tasks?status=queued")).await;
        list.expect(200)["data"].as_array().unwrap().len()
    };
    eventually("four wait", Duration::from_secs(20), async || match queued().await {
        4 => Ok(()),
        n => Err(n),
    })
    .await;
    // Another session is not held up.
    runs.client.code(&runs.session, "elsewhere").await;
    gate.arrived_times(3).await;
    gate.open();
    for task in &tasks {
        task.completes().await;
    }
    let asked: Vec<String> = asked(&runs.models);
    assert_eq!(asked.iter().filter(|input| input.starts_with("room-")).count(), 6, "{asked:?}");
}

/// 500 tasks of 50 sessions on the mock: each session's in their order, each once.
#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_tasks_come_to_their_end() {
    const SESSIONS: usize = 50;
    const TASKS: usize = 10;
    let server = Setup::default().arg("--workers").arg("16").start().await;
    let client = server.test();
    let all = join_all((0..SESSIONS).map(async |_| {
        let session = client.session().await;
        let agent = client.agent(&session).await;
        let mut tasks = Vec::new();
        for n in 0..TASKS {
            tasks.push(client.run(&session, &agent, &format!("task {n}")).await);
        }
        (session, agent, tasks)
    }))
    .await;
    for (session, agent, tasks) in &all {
        tasks.last().unwrap().completes().await;
        client.agent_becomes(agent, "idle").await;
        // Lists may be a moment behind what the log says of one task.
        let listed = eventually("the list shows all ends", Duration::from_secs(30), async || {
            let listed = client.all(&format!("/v1/sessions/{session}/tasks"), 100).await;
            let open = listed.iter().filter(|task| task["finishedAt"].is_null()).count();
            if open == 0 { Ok(listed) } else { Err(format!("{open} are open")) }
        })
        .await;
        let by_id: BTreeMap<&str, &Value> =
            listed.iter().map(|task| (task["id"].as_str().unwrap(), task)).collect();
        assert_eq!(by_id.len(), TASKS);
        let mut free = String::new();
        for (n, task) in tasks.iter().enumerate() {
            let row = by_id[task.id.as_str()];
            assert_eq!(row["status"], "completed", "{row}");
            assert_eq!(row["output"], format!("mock: task {n}"), "{row}");
            assert_eq!((&row["attempt"], &row["modelCalls"]), (&json!(1), &json!(1)), "{row}");
            assert_eq!(row["cost"]["amount"], 0);
            let started = row["startedAt"].as_str().unwrap();
            assert!(free.as_str() <= started, "{n} began before the one before it had ended");
            free = row["finishedAt"].as_str().unwrap().to_owned();
        }
    }
    let stats: Value = serde_json::from_str(&server.cli_ok(["log", "stats"])).unwrap();
    let total = json!(SESSIONS * TASKS);
    for event in ["task.submitted", "task.started", "task.completed", "agent.run_ended"] {
        assert_eq!(stats["events"][event], total, "{event}: {stats:#}");
    }
    assert!(stats["events"]["task.requeued"].is_null(), "{stats:#}");
}

/// While an agent is paused its tasks wait, without a worker; then they go on in their order.
#[tokio::test(flavor = "multi_thread")]
async fn the_tasks_of_a_paused_agent_wait() {
    let runs = Runs::with(Setup::default().arg("--workers").arg("1")).await;
    let gate = Gate::new();
    let agent = runs.client.agent(&runs.session).await;
    runs.models.script(Script::always(Reply::text("Done.")));
    let first = runs.run(&agent, "first", Script::always(Reply::text("Done.").gated(&gate))).await;
    gate.arrived().await;
    let second = runs.client.run(&runs.session, &agent, "second").await;
    runs.client.post(format!("/v1/agents/{agent}/pause"), json!({})).await.ok();
    runs.client.agent_becomes(&agent, "paused").await;
    gate.open();
    // The only worker is free for others.
    runs.client.code(&runs.session, "other").await.completes().await;
    assert_eq!(second.view().await["status"], "queued");
    runs.client.post(format!("/v1/agents/{agent}/resume"), json!({})).await.ok();
    first.completes().await;
    second.completes().await;
    assert_eq!(asked(&runs.models), ["first", "other", "second"]);
}
