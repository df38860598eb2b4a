//! Pause, resume, snapshots, ends and limits of agents.

use std::time::Duration;

use futures::future::join_all;
use serde_json::{Value, json};
use theazo_tests::{Client, Leftovers, Server, eventually};

async fn act(client: &Client, agent: &str, what: &str) -> Value {
    client.post(format!("/v1/agents/{agent}/{what}"), json!({})).await.ok()
}

async fn read(client: &Client, agent: &str, path: &str) -> String {
    let file = client.get(format!("/v1/agents/{agent}/files?path={path}")).await;
    assert_eq!(file.status, 200, "{}", file.brief());
    file.text()
}

/// A process that counts in a file, twenty times a second.
const COUNT: &str = "setsid nohup bash -c 'n=0; while :; do n=$((n+1)); echo $n > n.tmp; \
                     mv n.tmp n; sleep 0.05; done' >/dev/null 2>&1 </dev/null &";

async fn count(client: &Client, agent: &str) -> u64 {
    eventually("it counts", Duration::from_secs(20), || async {
        let file = client.get(format!("/v1/agents/{agent}/files?path=/workspace/n")).await;
        file.text().trim().parse::<u64>().map_err(|_| file.brief())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_stop_at_a_pause_and_go_on_where_they_were() {
    let server = Server::start().await;
    let client = server.live();
    let session = client.session().await;
    let agent = client.agent(&session).await;
    client.bash(&agent, COUNT).await;
    let begun = count(&client, &agent).await;
    eventually("it goes on counting", Duration::from_secs(20), || async {
        let now = count(&client, &agent).await;
        if now > begun + 3 { Ok(()) } else { Err(now) }
    })
    .await;

    let paused = act(&client, &agent, "pause").await;
    assert_eq!(paused["state"], "paused", "{paused}");
    assert!(paused["snapshot"]["id"].as_str().unwrap().starts_with("snp_"), "{paused}");
    assert!(paused["snapshot"]["size"].is_u64(), "{paused}");
    let minutes = paused["computeMinutes"].clone();
    let body = json!({ "lang": "bash", "code": "true" });
    client.post(format!("/v1/agents/{agent}/exec"), body).await.refused("conflict");
    client.post(format!("/v1/agents/{agent}/pause"), json!({})).await.refused("conflict");
    client.get(format!("/v1/agents/{agent}/files?path=/workspace/n")).await.refused("conflict");

    // Long enough that it would have counted and been billed.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let still = client.get(format!("/v1/agents/{agent}")).await.expect(200);
    assert_eq!(still["computeMinutes"], minutes, "a pause is not billed");
    let resumed = act(&client, &agent, "resume").await;
    assert_eq!(resumed["state"], "idle", "{resumed}");
    let after = count(&client, &agent).await;
    assert!(after > begun, "the process was lost: {after}");
    assert!(after < begun + 200, "it did not stop at the pause: {begun}, then {after}");
    eventually("it counts on", Duration::from_secs(20), || async {
        let now = count(&client, &agent).await;
        if now > after { Ok(()) } else { Err(now) }
    })
    .await;
    client.post(format!("/v1/agents/{agent}/resume"), json!({})).await.refused("conflict");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_is_the_beginning_of_another_agent() {
    let server = Server::start().await;
    let client = server.live();
    let session = client.session().await;
    let first = client.agent(&session).await;
    client.bash(&first, "mkdir -p d; echo one > d/a; ln -s d/a link; chmod 700 d/a").await;
    let snapshot = act(&client, &first, "pause").await["snapshot"]["id"].clone();
    act(&client, &first, "resume").await;
    client.bash(&first, "echo two > d/a").await;

    let elsewhere = client.session_with(json!({ "userId": "someone else" })).await;
    let second = client.agent_with(&elsewhere, json!({ "snapshotId": snapshot })).await;
    assert_eq!(client.bash(&second, "cat link; stat -c %a d/a").await, "one\n700\n");
    client.bash(&second, "echo three > d/a; rm link; echo new > b").await;
    assert_eq!(read(&client, &first, "/workspace/d/a").await, "two\n", "each has its own");
    let third = client.agent_with(&session, json!({ "snapshotId": snapshot })).await;
    assert_eq!(client.bash(&third, "cat link; ls").await, "one\nd\nlink\n", "it is as it was");

    // An agent that is paused can also go on from another's.
    act(&client, &second, "pause").await;
    let path = format!("/v1/agents/{second}/resume");
    client.post(path, json!({ "snapshotId": snapshot })).await.ok();
    assert_eq!(client.bash(&second, "cat link; ls").await, "one\nd\nlink\n");

    let listed = client.get(format!("/v1/snapshots?sessionId={session}")).await.expect(200);
    assert_eq!(listed["data"].as_array().unwrap().len(), 1, "{listed}");
    assert_eq!(client.all("/v1/snapshots", 1).await.len(), 2);
    client.delete(format!("/v1/snapshots/{}", snapshot.as_str().unwrap())).await.ok();
    let agents = format!("/v1/sessions/{session}/agents");
    client.post(agents, json!({ "snapshotId": snapshot })).await.invalid("snapshotId");
    // Those that began from it live on.
    assert_eq!(client.bash(&third, "cat link").await, "one\n");
    client
        .delete(format!("/v1/snapshots/{}", snapshot.as_str().unwrap()))
        .await
        .refused("not_found");
}

/// What it had until then is kept; a repeat of the request does nothing more.
#[tokio::test(flavor = "multi_thread")]
async fn an_idle_agent_goes_back_to_a_snapshot() {
    let server = Server::start().await;
    let client = server.live();
    let session = client.session().await;
    let agent = client.agent(&session).await;
    client.bash(&agent, "echo one > a").await;
    let snapshot = act(&client, &agent, "pause").await["snapshot"]["id"].clone();
    act(&client, &agent, "resume").await;
    client.bash(&agent, "echo two > a").await;
    let back = json!({ "snapshotId": snapshot });
    let path = format!("/v1/agents/{agent}/resume");
    let first = client.post(&*path, back.clone()).once("back").await.expect(200);
    assert_eq!(first["state"], "idle", "{first:#}");
    assert_eq!(client.bash(&agent, "cat a").await, "one\n");
    client.bash(&agent, "echo three > a").await;
    client.post(&*path, back).once("back").await.ok();
    assert_eq!(client.bash(&agent, "cat a").await, "three\n");
    let kept = client.get(format!("/v1/snapshots?sessionId={session}")).await.expect(200);
    let kept = kept["data"].as_array().unwrap();
    let before = kept.iter().find(|kept| kept["id"] != snapshot).unwrap();
    let other = client.agent_with(&session, json!({ "snapshotId": before["id"] })).await;
    assert_eq!(client.bash(&other, "cat a").await, "two\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_an_agent_is_the_end_of_all_it_had() {
    let server = Server::start().await;
    let client = server.live();
    let session = client.session().await;
    let agent = client.agent(&session).await;
    client.bash(&agent, COUNT).await;
    let snapshot = act(&client, &agent, "pause").await["snapshot"]["id"].clone();
    act(&client, &agent, "resume").await;
    for _ in 0..2 {
        assert_eq!(act(&client, &agent, "terminate").await, json!({ "ok": true }));
    }
    let over = client.get(format!("/v1/agents/{agent}")).await.expect(200);
    assert_eq!(over["state"], "terminated");
    let body = json!({ "lang": "bash", "code": "true" });
    client.post(format!("/v1/agents/{agent}/exec"), body).await.refused("conflict");
    for what in ["pause", "resume"] {
        client.post(format!("/v1/agents/{agent}/{what}"), json!({})).await.refused("conflict");
    }
    client.get(format!("/v1/agents/{agent}/files?path=/workspace/n")).await.refused("conflict");
    eventually("its snapshot is gone", Duration::from_secs(10), || async {
        let listed = client.get("/v1/snapshots").await.expect(200);
        let gone = listed["data"].as_array().unwrap().iter().all(|row| row["id"] != snapshot);
        if gone { Ok(()) } else { Err(listed.to_string()) }
    })
    .await;
    eventually("its folder is gone", Duration::from_secs(10), || async {
        let left = Leftovers::sandbox_folders(&server.data());
        if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_termination_ends_what_is_under_way() {
    let server = Server::start().await;
    let client = server.live();
    let session = client.session().await;
    let agent = client.agent(&session).await;
    let running = tokio::spawn({
        let body = json!({ "lang": "bash", "code": "touch begun; sleep 100" });
        client.post(format!("/v1/agents/{agent}/exec"), body).send()
    });
    eventually("it runs", Duration::from_secs(20), || async {
        let path = format!("/v1/agents/{agent}/files?path=/workspace/begun");
        let file = client.get(path).await;
        if file.status == 200 { Ok(()) } else { Err(file.brief()) }
    })
    .await;
    act(&client, &agent, "terminate").await;
    let answer = running.await.unwrap().unwrap();
    let ended = answer.status == 409 || answer.status == 502 || answer.status == 200;
    assert!(ended, "{}", answer.brief());
    if answer.status == 200 {
        assert_ne!(answer.json()["exitCode"], 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_ends_takes_its_agents_along() {
    let server = Server::start().await;
    for client in [server.live(), server.test()] {
        let session = client.session().await;
        let agents = [client.agent(&session).await, client.agent(&session).await];
        act(&client, &agents[1], "pause").await;
        for _ in 0..2 {
            let ended = client.post(format!("/v1/sessions/{session}/end"), json!({})).await.ok();
            assert_eq!(ended["status"], "ended");
        }
        for agent in &agents {
            client.agent_becomes(agent, "terminated").await;
        }
        eventually("nothing is active", Duration::from_secs(10), || async {
            let session = client.get(format!("/v1/sessions/{session}")).await.expect(200);
            let active = &session["usage"]["activeAgents"];
            if *active == 0 { Ok(()) } else { Err(session.to_string()) }
        })
        .await;
        let path = format!("/v1/sessions/{session}");
        client.post(format!("{path}/agents"), json!({})).await.refused("conflict");
        client.patch(&path, json!({ "metadata": {} })).await.refused("conflict");
    }
}

/// However many ask at once, a session never has more agents than it may.
#[tokio::test(flavor = "multi_thread")]
async fn max_agents_holds_in_a_race() {
    let server = Server::start().await;
    let client = server.test();
    let limits = json!({ "userId": "u", "limits": { "maxAgents": 3 } });
    let session = client.session_with(limits).await;
    let path = format!("/v1/sessions/{session}/agents");
    let calls = (0..12).map(|_| client.post(&path, json!({})).send());
    let mut made = Vec::new();
    for answer in join_all(calls).await {
        let answer = answer.unwrap();
        if answer.status == 201 {
            made.push(answer.json()["id"].as_str().unwrap().to_owned());
        } else {
            answer.refused("session_limit_exceeded");
        }
    }
    assert_eq!(made.len(), 3);
    client.agent_becomes(&made[0], "idle").await;
    act(&client, &made[0], "terminate").await;
    eventually("there is room again", Duration::from_secs(10), || async {
        let answer = client.post(&path, json!({})).await;
        if answer.status == 201 { Ok(()) } else { Err(answer.brief()) }
    })
    .await;
    client.post(&path, json!({})).await.refused("session_limit_exceeded");
    let raised = json!({ "limits": { "maxAgents": 4 } });
    client.patch(format!("/v1/sessions/{session}"), raised).await.ok();
    client.post(&path, json!({})).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn running_compute_is_billed() {
    let server = Server::start().await;
    let client = server.live();
    let session = client.session().await;
    let agent = client.agent(&session).await;
    client.bash(&agent, "sleep 1.5").await;
    act(&client, &agent, "terminate").await;
    let over = client.get(format!("/v1/agents/{agent}")).await.expect(200);
    let minutes = over["computeMinutes"].as_f64().unwrap();
    assert!((0.02..0.5).contains(&minutes), "{over}");
    let of_session = client.get(format!("/v1/sessions/{session}")).await.expect(200);
    assert_eq!(of_session["usage"]["cost"], over["cost"], "{of_session}");
    let events = format!("/v1/audit/events?agentId={agent}&type=agent.usage_recorded");
    let usage = client.get(events).await.expect(200)["data"].clone();
    assert_eq!(usage.as_array().unwrap().len(), 1, "one span, one record: {usage}");
}
