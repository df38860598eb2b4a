//! `kill -9` at random moments, with many clients at work. What was acknowledged is there, once.
//!
//! The seed is printed; `THEAZO_TEST_SEED` repeats the choices (not the machine's timing).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::join_all;
use serde_json::{Value, json};
use theazo_tests::{Chance, Client, Leftovers, Server, eventually};

const KILLS: u64 = 8;
const CLIENTS: usize = 8;
/// A crash comes this many milliseconds after the server is ready, at most.
const LONGEST_LIFE: u64 = 900;

/// How long a client leaves a server alone that is not there.
const RETRY: Duration = Duration::from_millis(10);

/// What one client was told.
#[derive(Default)]
struct Told {
    /// Sessions by idempotency key: the id of an acknowledged creation.
    sessions: BTreeMap<String, String>,
    /// Keys whose creation was never acknowledged.
    unknown: BTreeSet<String>,
    /// Agents by idempotency key, with their session.
    agents: BTreeMap<String, (String, String)>,
    /// The last acknowledged and the last asked for value of each session's `metadata.n`.
    updates: BTreeMap<String, (u64, u64)>,
    ended: BTreeSet<String>,
    /// Agents that were paused at the last acknowledged word about them.
    paused: BTreeSet<String>,
}

impl Told {
    fn open(&self) -> Vec<String> {
        self.sessions.values().filter(|id| !self.ended.contains(*id)).cloned().collect()
    }
}

/// Sends commands until `stop`; those that get no answer are sent again with the same key.
async fn work(name: usize, client: Client, mut chance: Chance, stop: Arc<AtomicBool>) -> Told {
    let mut told = Told::default();
    let mut n = 0;
    while !stop.load(Ordering::Relaxed) {
        n += 1;
        if client.with_key(None).get("/healthz").send().await.is_err() {
            // Nobody is there: no need to ask all the time.
            tokio::time::sleep(RETRY).await;
            continue;
        }
        let key = format!("{name}/{n}");
        let open = told.open();
        match chance.below(10) {
            0..4 => create(&client, &mut told, key).await,
            4..7 if !open.is_empty() => {
                let session = chance.pick(&open).clone();
                update(&client, &mut told, &session, n).await;
            }
            7..9 if !open.is_empty() => {
                let session = chance.pick(&open).clone();
                add_agent(&client, &mut told, key, session, &mut chance).await;
            }
            9 if open.len() > 3 => {
                let session = chance.pick(&open).clone();
                let path = format!("/v1/sessions/{session}/end");
                // Asked for is enough: it may have been done without our hearing of it.
                told.ended.insert(session);
                client.post(path, json!({})).send().await.ok();
            }
            _ => {}
        }
    }
    told
}

async fn create(client: &Client, told: &mut Told, key: String) {
    let body = json!({ "userId": key });
    match client.post("/v1/sessions", body).once(&key).send().await {
        Ok(answer) if answer.status == 201 => {
            let id = answer.json()["id"].as_str().unwrap().to_owned();
            told.sessions.insert(key, id);
        }
        Ok(answer) => assert!(answer.status >= 500, "{}", answer.brief()),
        Err(_) => drop(told.unknown.insert(key)),
    }
}

async fn update(client: &Client, told: &mut Told, session: &str, n: u64) {
    let entry = told.updates.entry(session.to_owned()).or_default();
    entry.1 = n;
    let body = json!({ "metadata": { "n": n } });
    match client.patch(format!("/v1/sessions/{session}"), body).send().await {
        Ok(answer) if answer.status == 200 => entry.0 = n,
        Ok(answer) => assert!(answer.status >= 500, "{}", answer.brief()),
        Err(_) => {}
    }
}

/// Adds an agent, and pauses some of them.
async fn add_agent(
    client: &Client,
    told: &mut Told,
    key: String,
    session: String,
    chance: &mut Chance,
) {
    let path = format!("/v1/sessions/{session}/agents");
    let Ok(answer) = client.post(path, json!({})).once(&key).send().await else { return };
    if answer.status != 201 {
        assert!(answer.status >= 500, "{}", answer.brief());
        return;
    }
    let agent = answer.json()["id"].as_str().unwrap().to_owned();
    told.agents.insert(key, (agent.clone(), session));
    if chance.below(3) == 0 {
        let exec = json!({ "lang": "bash", "code": "echo kept > /workspace/kept; sleep 0.05" });
        client.post(format!("/v1/agents/{agent}/exec"), exec).send().await.ok();
        let paused = client.post(format!("/v1/agents/{agent}/pause"), json!({})).send().await;
        if paused.is_ok_and(|answer| answer.status == 200) {
            told.paused.insert(agent);
        }
    }
}

/// Runs the clients over `KILLS` lives of the server; answers what they were told.
async fn torment(server: &mut Server, client: Client, chance: &mut Chance) -> Vec<Told> {
    let stop = Arc::new(AtomicBool::new(false));
    let workers: Vec<_> = (0..CLIENTS)
        .map(|name| tokio::spawn(work(name, client.clone(), chance.fork(), stop.clone())))
        .collect();
    for _ in 0..KILLS {
        let life = Duration::from_millis(50 + chance.below(LONGEST_LIFE));
        tokio::time::sleep(life).await;
        server.kill9();
        server.start_again().await;
    }
    stop.store(true, Ordering::Relaxed);
    join_all(workers).await.into_iter().map(Result::unwrap).collect()
}

/// Without what grows from one read to the next: compute that runs.
fn without_what_runs(session: &Value) -> Value {
    let mut session = session.clone();
    for growing in ["computeMinutes", "cost"] {
        session["usage"].as_object_mut().unwrap().remove(growing);
    }
    session
}

/// What a session is, by itself and in its list; agents of one that has ended may still be ending.
async fn list_and_single_agree(client: &Client, user: &str, id: &str) -> Value {
    eventually("a list and a single read agree", Duration::from_secs(60), || async {
        let listed = client.get(format!("/v1/sessions?userId={user}")).await.expect(200);
        let single = client.get(format!("/v1/sessions/{id}")).await.expect(200);
        let same = without_what_runs(&single) == without_what_runs(&listed["data"][0]);
        if same { Ok(single) } else { Err(format!("{single} and {listed}")) }
    })
    .await
}

/// Every acknowledged session is there, once, as it was last told; a key that is repeated gives
/// the same one.
async fn sessions_are_there_once(client: &Client, told: &[Told]) {
    let listed = client.all("/v1/sessions", 100).await;
    let mut by_user: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for session in &listed {
        by_user.entry(session["userId"].as_str().unwrap()).or_default().push(session);
    }
    for told in told {
        for (key, id) in &told.sessions {
            let found = by_user.get(key.as_str()).map(Vec::as_slice).unwrap_or_default();
            assert_eq!(found.len(), 1, "{id} of {key} is there {} times", found.len());
            let single = list_and_single_agree(client, key, id).await;
            if let Some((acknowledged, asked)) = told.updates.get(id) {
                let n = single["metadata"]["n"].as_u64().unwrap_or(0);
                assert!((*acknowledged..=*asked).contains(&n), "{id}: {n} is not {acknowledged}");
            }
            let again = client.post("/v1/sessions", json!({ "userId": key })).once(key).await;
            assert_eq!(again.ok()["id"], *id, "the key {key} gives the same session");
        }
        // What was never acknowledged happened once or not at all, and the key settles it.
        for key in &told.unknown {
            let there = by_user.get(key.as_str()).map(|found| found[0]["id"].clone());
            let again = client.post("/v1/sessions", json!({ "userId": key })).once(key).await;
            let id = again.ok()["id"].clone();
            assert!(there.is_none_or(|there| there == id), "{key} gave two sessions");
        }
    }
}

/// Every acknowledged agent is there, in a state that makes sense, and its list agrees.
async fn agents_are_not_lost(client: &Client, told: &[Told]) {
    for told in told {
        for (agent, session) in told.agents.values() {
            let settled = eventually("the agent settled", Duration::from_secs(60), || async {
                let found = client.get(format!("/v1/agents/{agent}")).await.expect(200);
                match found["state"].as_str().unwrap() {
                    "idle" | "paused" | "terminated" => Ok(found),
                    _ => Err(found.to_string()),
                }
            })
            .await;
            let ended = told.ended.contains(session);
            assert!(ended || settled["state"] != "terminated", "nobody ended it: {settled}");
            if told.paused.contains(agent) && !ended {
                assert_eq!(settled["state"], "paused", "{settled}");
            }
        }
    }
    let open: Vec<String> = told.iter().flat_map(Told::open).collect();
    for session in open {
        let listed = client.all(&format!("/v1/sessions/{session}/agents"), 100).await;
        for row in &listed {
            let single = format!("/v1/agents/{}", row["id"].as_str().unwrap());
            let single = client.get(single).await.expect(200);
            assert_eq!(single["state"], row["state"], "{single}");
        }
        let acknowledged: Vec<&str> = told
            .iter()
            .flat_map(|told| told.agents.values())
            .filter(|(_, of)| *of == session)
            .map(|(agent, _)| agent.as_str())
            .collect();
        for agent in acknowledged {
            let times = listed.iter().filter(|row| row["id"] == agent).count();
            assert_eq!(times, 1, "{agent} is in its session's list {times} times");
        }
    }
}

/// A session's end reaches its agents, also when a crash came in between; then nothing is left.
async fn the_end_is_the_end(server: &mut Server, client: &Client, told: &[Told]) {
    for session in client.all("/v1/sessions", 100).await {
        let id = session["id"].as_str().unwrap();
        client.post(format!("/v1/sessions/{id}/end"), json!({})).await.ok();
    }
    for (agent, _) in told.iter().flat_map(|told| told.agents.values()) {
        eventually("the agent has ended", Duration::from_secs(60), || async {
            let found = client.get(format!("/v1/agents/{agent}")).await.expect(200);
            let over = found["state"] == "terminated" || found["state"] == "failed";
            if over { Ok(()) } else { Err(found.to_string()) }
        })
        .await;
    }
    eventually("no folder is left", Duration::from_secs(40), || async {
        let left = Leftovers::sandbox_folders(&server.data());
        if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) }
    })
    .await;
    let verified = server.cli_ok(["log", "verify"]);
    assert!(verified.contains("every hash is as it should be"), "{verified}");
    server.stop().await;
}

async fn survive(mode: &str) {
    let mut chance = Chance::new("crash");
    let mut server = Server::start().await;
    let client = if mode == "live" { server.live() } else { server.test() };
    let told = torment(&mut server, client.clone(), &mut chance).await;
    let sessions: usize = told.iter().map(|told| told.sessions.len()).sum();
    let agents: usize = told.iter().map(|told| told.agents.len()).sum();
    eprintln!("{KILLS} kills, {sessions} sessions and {agents} agents acknowledged");
    assert!(sessions > 20, "too few commands got through to say anything");
    sessions_are_there_once(&client, &told).await;
    agents_are_not_lost(&client, &told).await;
    the_end_is_the_end(&mut server, &client, &told).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_on_the_mock_survives() {
    survive("test").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_sandboxes_survives() {
    survive("live").await;
}
