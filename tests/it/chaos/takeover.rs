//! Of the processes that project and schedule one leads; another takes over.

use std::time::{Duration, Instant};

use theazo_tests::model_server::{ModelServer, Reply, Script};
use theazo_tests::{CORES, Client, Cluster, eventually, json};

use super::insist::{insist, look};

/// How long nobody may project: the limit that is promised.
const TAKEOVER: Duration = Duration::from_secs(5);
/// How long the work may take that was left lying.
const DONE: Duration = Duration::from_secs(60);

/// Writes, and waits until a list shows it; how long that took.
async fn write_and_read(client: &Client, name: &str, within: Duration) -> Duration {
    let begun = Instant::now();
    let body = json!({ "userId": name });
    insist(client.post("/v1/sessions", body).once(name)).await.expect(201);
    let path = format!("/v1/sessions?userId={name}");
    eventually("what was written can be read", within, || async {
        let page = look(client, &path).await;
        let found = page["data"].as_array().unwrap().len();
        if found == 1 { Ok(()) } else { Err(page.to_string()) }
    })
    .await;
    begun.elapsed()
}

/// Each of them leads at one time or another: whoever is taken away, the other one goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_projector_takes_over_within_five_seconds() {
    let models = ModelServer::start().await;
    let mut cluster = super::cluster(&models).await;
    let client = cluster.test();
    write_and_read(&client, "before", DONE).await;
    for core in CORES {
        cluster.kill9(core);
        let took = write_and_read(&client, &format!("killed-{core}"), TAKEOVER).await;
        eprintln!("{core} killed: readable after {took:?}");
        cluster.revive(core);
        cluster.all_up().await;
    }
    for core in CORES {
        cluster.freeze(core);
        let took = write_and_read(&client, &format!("frozen-{core}"), TAKEOVER).await;
        eprintln!("{core} frozen: readable after {took:?}");
        cluster.thaw(core);
        write_and_read(&client, &format!("thawed-{core}"), TAKEOVER).await;
    }
    cluster.must_be_unbroken();
}

async fn task_completes(client: &Client, session: &str, name: &str) {
    let body = json!({ "agent": "coder", "input": name });
    let call = client.post(format!("/v1/sessions/{session}/tasks"), body).once(name);
    let task = insist(call).await.ok();
    let path = format!("/v1/sessions/{session}/tasks/{}", task["taskId"].as_str().unwrap());
    eventually(&format!("{name} completes"), DONE, || async {
        let task = look(client, &path).await;
        if task["status"] == "completed" { Ok(()) } else { Err(task.to_string()) }
    })
    .await;
}

/// Work is given out again, whichever of them is gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_scheduler_takes_over() {
    let models = ModelServer::start().await;
    models.script(Script::always(Reply::text("Done.")));
    let mut cluster = super::cluster(&models).await;
    let client = cluster.live();
    let session = client.session().await;
    for core in CORES {
        cluster.kill9(core);
        task_completes(&client, &session, &format!("killed-{core}")).await;
        cluster.revive(core);
        cluster.all_up().await;
        cluster.freeze(core);
        task_completes(&client, &session, &format!("frozen-{core}")).await;
        cluster.thaw(core);
        task_completes(&client, &session, &format!("thawed-{core}")).await;
    }
    cluster.must_be_unbroken();
}

/// Commands are taken while nobody schedules; what follows from them comes when somebody does.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_forgotten_while_nobody_schedules() {
    let models = ModelServer::start().await;
    models.script(Script::always(Reply::text("Done.")));
    let mut cluster = super::cluster(&models).await;
    let client = cluster.live();
    let (ends, stays) = (client.session().await, client.session().await);
    let agent = client.agent(&ends).await;
    for core in CORES {
        cluster.kill9(core);
    }
    let end = client.post(format!("/v1/sessions/{ends}/end"), json!({})).once("end");
    insist(end).await.ok();
    let path = format!("/v1/sessions/{stays}/agents");
    let new = insist(client.post(path, json!({})).once("new agent")).await.expect(201);
    let body = json!({ "agent": "coder", "input": "while nobody schedules" });
    let path = format!("/v1/sessions/{stays}/tasks");
    let task = insist(client.post(&path, body).once("new task")).await.ok();
    cluster.all_up().await;
    client.agent_becomes(&agent, "terminated").await;
    client.agent_becomes(new["id"].as_str().unwrap(), "idle").await;
    let path = format!("{path}/{}", task["taskId"].as_str().unwrap());
    eventually("the task completes", DONE, || async {
        let task = look(&client, &path).await;
        if task["status"] == "completed" { Ok(()) } else { Err(task.to_string()) }
    })
    .await;
    let _: &Cluster = &cluster;
}
