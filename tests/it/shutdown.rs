//! Ends and starts: nothing in flight is lost, and what was there is there again.

use std::time::{Duration, Instant};

use serde_json::json;
use theazo_tests::{Leftovers, Server, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_flight_finishes_and_new_requests_are_refused() {
    let mut server = Server::start().await;
    let client = server.live();
    let session = client.session().await;
    let agent = client.agent(&session).await;
    let code = "echo begun > /workspace/begun; sleep 3; echo done";
    let running = tokio::spawn({
        let (client, agent) = (client.clone(), agent.clone());
        async move { client.exec(&agent, "bash", code).await }
    });
    let begun = format!("/v1/agents/{agent}/files?path=/workspace/begun");
    eventually("the code runs", Duration::from_secs(20), || async {
        let file = client.get(&begun).foreign().await;
        if file.status == 200 { Ok(()) } else { Err(file.brief()) }
    })
    .await;

    let asked = Instant::now();
    server.terminate();
    eventually("new requests are refused", Duration::from_secs(5), || async {
        // Each on a connection of its own: the one in use is closed after its answer.
        match server.live().get("/v1/sessions").send().await {
            Ok(answer) if answer.status != 503 => Err(answer.brief()),
            _ => Ok(()),
        }
    })
    .await;
    let answer = running.await.unwrap();
    assert_eq!(answer["stdout"], "done\n", "{answer}");
    let status = server.ended().await;
    assert!(status.success(), "{status}");
    assert!(asked.elapsed() < Duration::from_secs(30), "{:?}", asked.elapsed());
    server.must_leave_nothing();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_there_is_there_after_a_restart() {
    let mut server = Server::start().await;
    let client = server.live();
    let session = client.session_with(json!({ "userId": "u", "metadata": { "a": 0.1 } })).await;
    let before = client.get(format!("/v1/sessions/{session}")).await.expect(200);
    let secret = json!({ "name": "A", "value": "before the restart" });
    client.post("/v1/secrets", secret).await.ok();
    let made = client.post("/v1/sessions", json!({ "userId": "v" })).once("a key").await;

    server.stop().await;
    server.start_again().await;
    let client = server.live();
    assert_eq!(client.get(format!("/v1/sessions/{session}")).await.expect(200), before);
    let again = client.post("/v1/sessions", json!({ "userId": "v" })).once("a key").await;
    assert_eq!(again.body, made.body, "the idempotency key is known after a restart");
    let agent = client.agent_with(&session, json!({ "secrets": ["A"] })).await;
    assert_eq!(client.bash(&agent, "echo $A").await, "before the restart\n");
}

/// Agents are adopted or say why they failed; those that were paused can go on.
#[tokio::test(flavor = "multi_thread")]
async fn agents_of_before_a_restart_are_not_lost() {
    for kill in [false, true] {
        let mut server = Server::start().await;
        let client = server.live();
        let session = client.session().await;
        let idle = client.agent(&session).await;
        let paused = client.agent(&session).await;
        client.bash(&paused, "echo kept > /workspace/kept").await;
        client.post(format!("/v1/agents/{paused}/pause"), json!({})).await.ok();
        let over = client.agent(&session).await;
        client.post(format!("/v1/agents/{over}/terminate"), json!({})).await.ok();
        if kill {
            server.kill9()
        } else {
            server.stop().await
        }
        server.start_again().await;

        let client = server.live();
        let settled = eventually("the idle agent settled", Duration::from_secs(30), || async {
            let agent = client.get(format!("/v1/agents/{idle}")).await.expect(200);
            let usable = agent["state"] == "idle" && {
                let body = json!({ "lang": "bash", "code": "true" });
                client.post(format!("/v1/agents/{idle}/exec"), body).await.status == 200
            };
            let failed = agent["state"] == "failed" && agent["error"]["message"].is_string();
            if usable || failed { Ok(agent) } else { Err(agent.to_string()) }
        })
        .await;
        eprintln!("after {}: {}", if kill { "kill -9" } else { "SIGTERM" }, settled["state"]);
        client.agent_becomes(&paused, "paused").await;
        client.post(format!("/v1/agents/{paused}/resume"), json!({})).await.ok();
        assert_eq!(client.bash(&paused, "cat /workspace/kept").await, "kept\n");
        client.agent_becomes(&over, "terminated").await;

        client.post(format!("/v1/sessions/{session}/end"), json!({})).await.ok();
        for agent in [&idle, &paused] {
            eventually("every agent has ended", Duration::from_secs(30), || async {
                let agent = client.get(format!("/v1/agents/{agent}")).await.expect(200);
                let ended = agent["state"] == "terminated" || agent["state"] == "failed";
                if ended { Ok(()) } else { Err(agent.to_string()) }
            })
            .await;
        }
        eventually("no folder is left", Duration::from_secs(10), || async {
            let left = Leftovers::sandbox_folders(&server.data());
            if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) }
        })
        .await;
        server.stop().await;
    }
}

/// Nobody watches over code whose server is dead: it ends too, before anyone starts another.
#[tokio::test(flavor = "multi_thread")]
async fn no_code_runs_on_after_the_server_was_killed() {
    let mut server = Server::start().await;
    let client = server.live();
    let session = client.session().await;
    let agent = client.agent(&session).await;
    client.bash(&agent, "setsid nohup sleep 1000 >/dev/null 2>&1 </dev/null &").await;
    let paused = client.agent(&session).await;
    client.bash(&paused, "setsid nohup sleep 1000 >/dev/null 2>&1 </dev/null &").await;
    client.post(format!("/v1/agents/{paused}/pause"), json!({})).await.ok();
    server.kill9();
    eventually("every process has ended", Duration::from_secs(10), || async {
        let left = Leftovers::processes();
        if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) }
    })
    .await;
    server.start_again().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_master_key_is_refused() {
    let mut server = Server::start().await;
    let client = server.live();
    client.post("/v1/secrets", json!({ "name": "A", "value": "v" })).await.ok();
    server.stop().await;
    let key = server.data().join("master.key");
    let right = std::fs::read(&key).unwrap();
    let mut other = right.clone();
    other[3] = if other[3] == b'A' { b'B' } else { b'A' };
    std::fs::write(&key, other).unwrap();
    let started = server.cli(["serve", "--listen", "127.0.0.1:0"]);
    let said = String::from_utf8_lossy(&started.stderr).to_lowercase();
    assert!(!started.status.success() && said.contains("master key"), "{said}");
    std::fs::write(&key, right).unwrap();
    server.start_again().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_server_owns_a_data_folder() {
    let server = Server::start().await;
    let second = server.cli(["serve", "--listen", "127.0.0.1:0"]);
    assert!(!second.status.success());
    let said = String::from_utf8_lossy(&second.stderr);
    assert!(said.contains("another process holds the data folder"), "{said}");
    server.test().get("/v1/sessions").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_in_use_is_said() {
    let server = Server::start().await;
    let other = tempfile::tempdir().unwrap();
    let taken = server.test().address().to_string();
    let second = std::process::Command::new(theazo_tests::theazo())
        .args(["serve", "--listen", &taken, "--data-dir"])
        .arg(other.path())
        .output()
        .unwrap();
    assert!(!second.status.success());
    let said = String::from_utf8_lossy(&second.stderr);
    assert!(said.contains(&taken) && said.contains("--listen"), "{said}");
}
