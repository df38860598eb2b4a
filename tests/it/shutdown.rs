//! Ends and starts: nothing in flight is lost, and what was there is there again.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use theazo_tests::{Client, Leftovers, Server, eventually};

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

/// How long a server is away: far longer than the inexactness of a bill.
const AWAY: Duration = Duration::from_secs(3);

/// Agents outlive their server, whichever end it had: files, snapshots, ports and ids are there
/// again, processes are not, and nothing is billed for the time in between.
#[tokio::test(flavor = "multi_thread")]
async fn agents_outlive_their_server() {
    for kill in [false, true] {
        let mut server = Server::start().await;
        let client = server.live();
        let session = client.session().await;
        let born = Instant::now();
        let idle = client.agent(&session).await;
        client.bash(&idle, "mkdir d; echo kept > d/kept; chmod 700 d; ln -s d/kept link").await;
        client.bash(&idle, "setsid nohup sleep 4711 >/dev/null 2>&1 </dev/null &").await;
        let port = client.post(format!("/v1/agents/{idle}/ports"), json!({ "port": 8080 })).await;
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
        let mut ran = born.elapsed();
        theazo_tests::process_is(false, "4711").await;
        // Time that must not be on the bill.
        tokio::time::sleep(AWAY).await;
        let back = Instant::now();
        server.start_again().await;

        let client = server.live();
        client.agent_becomes(&idle, "idle").await;
        assert_eq!(client.bash(&idle, "cat link; stat -c %a d").await, "kept\n700\n");
        let none = client.bash(&idle, "grep -l 4711 /proc/[0-9]*/comm /proc/[0-9]*/cmdline; true");
        assert!(!none.await.contains("cmdline"), "its processes are gone");
        let recovered = format!("/v1/audit/events?agentId={idle}&type=agent.recovered");
        let recovered = client.get(recovered).await.expect(200);
        assert_eq!(recovered["data"].as_array().unwrap().len(), 1, "{recovered}");
        its_port_is_open(&client, &idle, &port.ok()).await;

        client.agent_becomes(&paused, "paused").await;
        client.post(format!("/v1/agents/{paused}/resume"), json!({})).await.ok();
        assert_eq!(client.bash(&paused, "cat /workspace/kept").await, "kept\n");
        client.agent_becomes(&over, "terminated").await;

        client.post(format!("/v1/agents/{idle}/terminate"), json!({})).await.ok();
        ran += back.elapsed();
        let ended = client.agent_becomes(&idle, "terminated").await;
        let billed = ended["computeMinutes"].as_f64().unwrap() * 60.0;
        assert!(billed <= ran.as_secs_f64() + 0.2, "{billed} s of {ran:?} are billed");
        all_comes_to_an_end(&mut server, &session, &paused).await;
    }
}

/// A port that was exposed still is, for what listens now.
async fn its_port_is_open(client: &Client, agent: &str, port: &Value) {
    let ports = client.get(format!("/v1/agents/{agent}/ports")).await.expect(200);
    assert_eq!(ports["data"][0]["port"], port["port"], "{ports}");
    client.bash(agent, "cd d; setsid nohup python3 -m http.server 8080 >/dev/null 2>&1 &").await;
    let by_path = format!("/v1/agents/{agent}/ports");
    let listed = client.get(by_path).await.expect(200);
    let host = listed["data"][0]["url"].as_str().unwrap();
    let host = host.trim_start_matches("http://").trim_end_matches('/');
    eventually("the port is reached", Duration::from_secs(20), || async {
        let answer = client.get("/kept").host(host).await;
        if answer.text() == "kept\n" { Ok(()) } else { Err(answer.brief()) }
    })
    .await;
}

async fn all_comes_to_an_end(server: &mut Server, session: &str, agent: &str) {
    let client = server.live();
    client.post(format!("/v1/sessions/{session}/end"), json!({})).await.ok();
    client.agent_becomes(agent, "terminated").await;
    eventually("no folder is left", Duration::from_secs(10), || async {
        let left = Leftovers::sandbox_folders(&server.data());
        if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) }
    })
    .await;
    server.stop().await;
}

/// A start takes up the sandboxes of live agents, and sweeps away what an ended one left.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_nobodys_is_swept_away() {
    let mut server = Server::start().await;
    let client = server.live();
    let session = client.session().await;
    let ends = client.agent(&session).await;
    server.stop().await;
    let folder = Leftovers::sandbox_folders(&server.data()).pop().unwrap();
    let aside = server.data().join("aside");
    let copied = std::process::Command::new("cp").arg("-a").args([&folder, &aside]).status();
    assert!(copied.unwrap().success());
    server.start_again().await;
    let client = server.live();
    let lives = client.agent(&session).await;
    client.bash(&lives, "echo kept > kept").await;
    client.post(format!("/v1/agents/{ends}/terminate"), json!({})).await.ok();
    only_one_is_left(&server).await;
    server.stop().await;
    // As if the server had died before it came to that.
    std::fs::rename(&aside, &folder).unwrap();
    server.start_again().await;
    only_one_is_left(&server).await;
    let client = server.live();
    client.agent_becomes(&lives, "idle").await;
    assert_eq!(client.bash(&lives, "cat kept").await, "kept\n");
}

async fn only_one_is_left(server: &Server) {
    eventually("one folder is left", Duration::from_secs(40), || async {
        let left = Leftovers::sandbox_folders(&server.data());
        if left.len() == 1 { Ok(()) } else { Err(format!("{left:?}")) }
    })
    .await;
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
    server.set_env("THEAZO_MASTER_KEY", Some("QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="));
    let started = server.cli(["serve", "--listen", "127.0.0.1:0"]);
    let said = String::from_utf8_lossy(&started.stderr).to_lowercase();
    assert!(!started.status.success() && said.contains("master key"), "{said}");
    server.set_env("THEAZO_MASTER_KEY", None);
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
